"""Gold probes asked among a user's questions, by a pipeline that remembers from run to run."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.errors import RouterError, ScoringError
from rag.pipeline import Pipeline
from rag.scoring.gold_probes import (
    BATCH,
    SECRET_BYTES,
    Probe,
    ProbeSchedule,
    Reveal,
    commitment,
    drawn_order,
)
from rag.state.arrays import REMEDY, taken
from rag.state.file import read_state, write_state
from rag.types import Answer

NAME = "probes"
RATE = 0.05
EACH = 32
"""So many probes of the bank are for one batch of questions, and shown with it."""
AT_ONCE = 3


class Probing:
    """Asks a user's questions, and now and then a probe, which is judged and never seen.

    Of the ``bank`` every probe is asked once; when it is used up, no more are. ``path`` keeps the
    secret and how far it got; ``rate`` is the share of probes. Raises ScoringError for an empty
    bank, RouterError for a file that is not its own.
    """

    def __init__(
        self, pipeline: Pipeline, bank: Sequence[Probe], path: Path, rate: float = RATE
    ) -> None:
        if not bank:
            raise ScoringError("There is no probe to ask.", "Give questions with gold answers.")
        self._pipeline = pipeline
        self._path = path
        if path.exists():
            self._secret, number, asked, self._used = _kept(path)
        else:
            self._secret, number, asked, self._used = secrets.token_bytes(SECRET_BYTES), 0, 0, 0
        self._order = drawn_order(bank, self._secret)
        self._schedule = ProbeSchedule(rate, self._secret, number=number, asked=asked)
        self.rate = rate

    @property
    def batch(self) -> int:
        """The number of the batch that the next question is in."""
        return self._schedule.number // BATCH

    def ask(self, question: str) -> Answer:
        """Answer a question; the probes that are due are asked before or after it, by lot."""
        due = 0
        while due < AT_ONCE and self._schedule.next_is_probe(self._pipeline.doubtful):
            due += 1
        first = secrets.randbelow(2) == 0
        if first:
            self._probe(due)
        answer = self._pipeline.ask(question)
        if not first:
            self._probe(due)
        return answer

    def save(self) -> None:
        """Keep the secret and how far it got, readable by this user alone."""
        counts = [self._schedule.number, self._schedule.asked, self._used]
        write_state(
            self._path,
            NAME,
            {
                "secret": np.frombuffer(self._secret, dtype=np.uint8),
                "counts": np.array(counts, dtype=np.int64),
            },
        )

    def commitment(self) -> bytes:
        """Return what to publish before the batch at hand."""
        return commitment(self._reveal(self.batch))

    def reveal(self, batch: int) -> Reveal:
        """Return what opens the commitment of a batch; raises ScoringError before it is over."""
        if not 0 <= batch < self.batch:
            raise ScoringError(
                f"Batch {batch} is not over.", "Show what it holds when its questions were asked."
            )
        return self._reveal(batch)

    def _reveal(self, batch: int) -> Reveal:
        salt = hmac.digest(self._secret, b"salt" + batch.to_bytes(8, "big"), "sha256")
        probes = tuple(self._order[batch * EACH : (batch + 1) * EACH])
        return Reveal(batch, probes, self._schedule.seed(batch), self.rate, salt)

    def _probe(self, due: int) -> None:
        for _ in range(due):
            self._used = max(self._used, self.batch * EACH)
            if self._used >= min((self.batch + 1) * EACH, len(self._order)):
                return
            probe = self._order[self._used]
            self._used += 1
            self._pipeline.judge(self._pipeline.ask(probe.question), probe.answers)


def _kept(path: Path) -> tuple[bytes, int, int, int]:
    name, arrays = read_state(path)
    if name != NAME:
        raise RouterError(f"{path} holds no secret of probes.", REMEDY)
    secret = taken(arrays, "secret", np.uint8, (SECRET_BYTES,))
    number, asked, used = taken(arrays, "counts", np.int64, (3,), most=1e12).tolist()
    return secret.tobytes(), number, asked, used
