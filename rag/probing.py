"""Gold probes asked among a user's questions, by a pipeline that remembers from run to run."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rag.errors import RagError, ScoringError, StateError
from rag.pipeline import Pipeline, checked_question
from rag.probe_record import ProbeRecord, new_record, read_record, write_record
from rag.scoring.gold_probes import BATCH, Probe, ProbeSchedule, Reveal
from rag.types import Answer

RATE = 0.05
AT_ONCE = 3


class Probing:
    """Asks a user's questions, and now and then a probe, which is judged and never seen.

    Of the ``bank`` every probe is asked once; when it is used up, an answer's notes say so. The
    bank may change: new probes are promised from the next batch on. ``path`` keeps the secret and
    how far it got, and belongs to one ``Probing`` at a time; ``rate`` is the share of probes.
    Raises ScoringError for an empty bank, StateError for a file that is not its own or cannot be
    written.
    """

    def __init__(
        self, pipeline: Pipeline, bank: Sequence[Probe], path: Path, rate: float = RATE
    ) -> None:
        if not bank:
            raise ScoringError("There is no probe to ask.", "Give questions with gold answers.")
        self._pipeline = pipeline
        self._bank = bank
        self._path = path
        kept = read_record(path) if path.exists() else new_record(rate)
        if kept.rate != rate:
            raise StateError(
                f"{path} promised a share of {kept.rate} probes.", "Go on with that share."
            )
        self._record = kept.promised(bank)
        if self._record is not kept:
            write_record(path, self._record)
        self._behind: tuple[ProbeRecord, list[Probe]] | None = None

    @property
    def batch(self) -> int:
        """The number of the batch that the next question is in."""
        return self._record.batch

    def ask(self, question: str) -> Answer:
        """Answer a question; the probes that are due are asked before it or left behind it, by lot.

        Raises what ``Pipeline.ask`` does, a bad question's error before any probe is asked; one
        that fails leaves no probe behind it. What goes wrong with a probe is a note beside the
        answer. Call ``finish`` when it is shown.
        """
        question = checked_question(question)
        notes = self.finish()
        counted, due = self._due()
        if secrets.randbelow(2) == 0 or not due:
            notes += self._probe(counted, due)
            answer = self._pipeline.ask(question)
        else:
            answer = self._pipeline.ask(question)
            self._behind = counted, due
        if not self._record.left(self._bank):
            notes.append(
                f"All {len(self._bank):,} probes were asked: add questions to go on comparing"
                " sources with gold."
            )
        return replace(answer, notes=(*answer.notes, *notes))

    def finish(self) -> list[str]:
        """Ask the probes left behind the last question; return what went wrong, as notes.

        Until then nobody waits for them, and whoever stops them has the answer. The next ``ask``
        does this first where it was not done.
        """
        behind, self._behind = self._behind, None
        return self._probe(*behind) if behind is not None else []

    def commitment(self) -> bytes:
        """Return what to publish before the batch at hand."""
        return self._record.commitment(self.batch)

    def reveal(self, batch: int) -> Reveal:
        """Return what opens the commitment of a batch; raises ScoringError before it is over."""
        return self._record.reveal(batch)

    def _due(self) -> tuple[ProbeRecord, list[Probe]]:
        """Return the probes to ask beside a question, and the record that counts all of them."""
        record = self._record
        due: list[Probe] = []
        for _ in range(AT_ONCE):
            record, chosen, probes = self._next(record)
            due += probes
            if not chosen:
                break
        return record, due

    def _next(self, record: ProbeRecord) -> tuple[ProbeRecord, bool, list[Probe]]:
        """Count one question; return whether it is a probe, and which, unless none is left."""
        schedule = ProbeSchedule(
            record.rate, record.secret, number=record.number, asked=record.asked
        )
        place = record.number // BATCH
        chosen = schedule.next_is_probe(self._pipeline.doubtful)
        batches, probes = list(record.batches), []
        if chosen:
            batch = batches[place]
            probes = list(batch.probes[batch.asked : batch.asked + 1])
            batches[place] = replace(batch, asked=batch.asked + len(probes))
        counted = replace(
            record, number=schedule.number, asked=schedule.asked, batches=tuple(batches)
        )
        return counted.promised(self._bank), chosen, probes

    def _probe(self, counted: ProbeRecord, due: Sequence[Probe]) -> list[str]:
        """Ask the probes, once the disk counts them as asked; return what went wrong, as notes.

        Whoever stops us cannot make us ask one again, by which sources would know it.
        """
        try:
            write_record(self._path, counted)
        except StateError as error:
            return [f"No probe was asked: {error}"]
        self._record = counted
        try:
            for probe in due:
                self._pipeline.judge(self._pipeline.ask(probe.question), probe.answers)
                self._pipeline.save()  # a stop in the next one must not take this one's lesson
        except RagError as error:
            return [f"A probe failed: {error}"]
        return []
