"""What was promised and asked of a bank of probes, kept from run to run with its secret."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import DatasetError, ScoringError, StateError
from rag.json_text import parse_json
from rag.scoring.gold_probes import (
    BATCH,
    SECRET_BYTES,
    Opened,
    Probe,
    ProbeSchedule,
    Reveal,
    commitment,
    drawn_order,
    leaf,
)
from rag.state.arrays import taken
from rag.state.file import naming, read_state, write_state

NAME = "probes"
NOUN = "record of probes"
EACH = 32
"""At most so many probes of the bank are promised for one batch of questions."""
REMEDY = (
    "Put back a copy of it; without one move it away: a new secret is drawn, and what was promised"
    " can be shown no more."
)


@dataclass(frozen=True, slots=True)
class Batch:
    """The probes promised for BATCH questions, in their order, and how many were asked of them."""

    probes: tuple[Probe, ...]
    asked: int = 0


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """The secret of all draws, how many questions and probes went before, and each batch.

    Promises hold whatever becomes of the bank's file: what was promised is kept here.
    """

    secret: bytes
    rate: float
    number: int = 0
    asked: int = 0
    batches: tuple[Batch, ...] = ()

    @property
    def batch(self) -> int:
        """The number of the batch that the next question is in."""
        return self.number // BATCH

    def left(self, bank: Sequence[Probe]) -> list[Probe]:
        """Return the probes of a bank that were never asked, in its order."""
        spent = {p.question for batch in self.batches for p in batch.probes[: batch.asked]}
        return [p for p in bank if p.question not in spent]

    def promised(self, bank: Sequence[Probe]) -> ProbeRecord:
        """Return the record with a promise for the batch at hand, where that has none yet."""
        if len(self.batches) > self.batch:
            return self
        drawn = drawn_order(self.left(bank), self.secret)[:EACH]
        return replace(self, batches=(*self.batches, Batch(tuple(drawn))))

    def reveal(self, batch: int) -> Reveal:
        """Return what opens the commitment of a batch; raises ScoringError before it is over."""
        if not 0 <= batch < self.batch:
            raise ScoringError(
                f"Batch {batch} is not over.", "Show what it holds when its questions were asked."
            )
        return self._reveal(batch)

    def commitment(self, batch: int) -> bytes:
        """Return what to publish before a batch that was promised; 32 bytes."""
        return commitment(self._reveal(batch))

    def _reveal(self, number: int) -> Reveal:
        batch = self.batches[number]
        opened = [Opened(p, self._salt(number, n)) for n, p in enumerate(batch.probes)]
        return Reveal(
            number,
            tuple(opened[: batch.asked]),
            tuple(leaf(each) for each in opened[batch.asked :]),
            ProbeSchedule(self.rate, self.secret).seed(number),
            self.rate,
            self._salt(number),
        )

    def _salt(self, batch: int, probe: int | None = None) -> bytes:
        place = b"" if probe is None else probe.to_bytes(8, "big")
        return hmac.digest(self.secret, b"salt" + batch.to_bytes(8, "big") + place, "sha256")


def new_record(rate: float) -> ProbeRecord:
    """Return a record with a secret of its own and nothing asked."""
    return ProbeRecord(secrets.token_bytes(SECRET_BYTES), rate)


def write_record(path: Path, record: ProbeRecord) -> None:
    """Keep the record, readable by this user alone; raises StateError."""
    batches = [
        {"asked": b.asked, "probes": [[p.question, *p.answers] for p in b.probes]}
        for b in record.batches
    ]
    write_state(
        path,
        NAME,
        {
            "secret": np.frombuffer(record.secret, dtype=np.uint8),
            "rate": np.array([record.rate]),
            "counts": np.array([record.number, record.asked], dtype=np.int64),
            "batches": np.frombuffer(json.dumps(batches).encode(), dtype=np.uint8),
        },
    )


def read_record(path: Path) -> ProbeRecord:
    """Return what was kept; raises StateError for anything else."""
    try:
        name, arrays = read_state(path, NOUN, former=True)
        if name != NAME:
            raise StateError(f"{path} is no {NOUN}.")
        with naming(path):
            secret = taken(arrays, "secret", np.uint8, (SECRET_BYTES,)).tobytes()
            (rate,) = taken(arrays, "rate", np.float64, (1,), most=1.0).tolist()
            number, asked = taken(arrays, "counts", np.int64, (2,), most=1e12).tolist()
            text = taken(arrays, "batches", np.uint8, (None,)).tobytes().decode("utf-8")
        batches = tuple(_batch(each, path) for each in _listed(parse_json(text, str(path)), path))
    except (UnicodeDecodeError, DatasetError) as error:
        raise _malformed(path) from error
    except StateError as error:
        raise StateError(error.summary, REMEDY) from error
    record = ProbeRecord(secret, rate, number, asked, batches)
    if len(batches) != record.batch + 1 or not rate:
        raise _malformed(path)
    return record


def _batch(stated: Any, path: Path) -> Batch:
    if not isinstance(stated, dict) or set(stated) != {"asked", "probes"}:
        raise _malformed(path)
    probes = [_listed(each, path) for each in _listed(stated["probes"], path)]
    asked = stated["asked"]
    if not all(each and all(isinstance(text, str) for text in each) for each in probes):
        raise _malformed(path)
    if type(asked) is not int or not 0 <= asked <= len(probes) <= EACH:
        raise _malformed(path)
    return Batch(tuple(Probe(each[0], tuple(each[1:])) for each in probes), asked)


def _listed(value: Any, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise _malformed(path)
    return value


def _malformed(path: Path) -> StateError:
    return StateError(f"{path} does not have the form of a {NOUN}.", REMEDY)
