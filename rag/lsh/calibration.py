"""How far apart honest runs on two kinds of machines are, and how far everything else is."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from rag.errors import CalibrationError
from rag.lsh.token_check import TokenCheck
from rag.lsh.verifier import Limits

LEVELS = (0.0, 0.0001, 0.001, 0.01, 0.1, 0.5)
"""Quantiles of the distances of unrelated windows that are always reported; 0 is the smallest."""
MAX_KEY = 200
VERSION = 1


@dataclass(frozen=True, slots=True)
class Limit:
    """Honest values exceed ``threshold`` at a rate of at most ``rate``, with ``confidence``.

    ``sample`` values stand behind it, worth ``independent`` independent ones.
    """

    threshold: float
    rate: float
    confidence: float
    sample: int
    independent: int

    def __post_init__(self) -> None:
        _keep_ten_digits(self)
        claims = 0.0 < self.rate < 1.0 and 0.0 < self.confidence < 1.0
        finite = 0.0 <= self.threshold < math.inf
        if not (claims and finite and 0 < self.independent <= self.sample):
            raise CalibrationError(
                "A limit without a threshold, a rate, a confidence or a sample claims nothing.",
                "Calibrate again.",
            )


@dataclass(frozen=True, slots=True)
class Recall:
    """The share of an attack's values beyond the limit of ``check``: leaf, sum_4, tokens."""

    attack: str
    check: str
    share: float
    sample: int

    def __post_init__(self) -> None:
        _keep_ten_digits(self)
        if not 0.0 <= self.share <= 1.0 or self.sample < 1:
            raise CalibrationError(
                f"{self.attack}: a recall of {self.share} in {self.sample} is none.",
                "Count the attack's runs that were caught.",
            )


@dataclass(frozen=True, slots=True)
class PairCalibration:
    """One pair of machines, keyed like ``cpu/float32/sdpa|cpu/bfloat16/eager``: provider, verifier.

    ``width`` of the cells, in units of relative L2 distance; ``bits`` of a code. ``sums`` by the
    number of leaves in a row. ``tokens`` limits a leaf's mean margin clipped at ``token_clip``, in
    logits / T. ``impostors``: the quantiles LEVELS of unrelated windows' distances, of
    ``impostor_sample``.
    """

    key: str
    width: float
    bits: int
    leaf: Limit
    sums: tuple[tuple[int, Limit], ...]
    tokens: Limit
    token_clip: float
    impostors: tuple[float, ...]
    impostor_sample: int
    recalls: tuple[Recall, ...]

    def __post_init__(self) -> None:
        _keep_ten_digits(self)
        if not 0 < len(self.key) <= MAX_KEY or not self.key.isprintable():
            raise CalibrationError(
                "A pair's key is empty, too long or not printable.",
                "Write it like cpu/float32/sdpa|cpu/bfloat16/eager.",
            )
        if not (0.0 < self.width < float("inf") and 0 < self.bits <= 4096):
            raise CalibrationError(
                f"{self.key}: a width of {self.width} or {self.bits} bits makes no code.",
                "Give a positive width and 1 to 4096 bits.",
            )
        if len(self.impostors) != len(LEVELS) or self.impostor_sample < 1:
            raise CalibrationError(
                f"{self.key}: the impostor curve is missing.", "Measure unrelated windows too."
            )
        if not 0.0 <= self.leaf.threshold < self.impostors[0]:
            raise CalibrationError(
                f"{self.key}: unrelated windows come within the threshold of honest ones.",
                "Take a smaller width, or leave this pair out: it would accept anything.",
            )
        typical = self.impostors[-1]
        if any(leaves < 2 or limit.threshold >= leaves * typical for leaves, limit in self.sums):
            raise CalibrationError(
                f"{self.key}: unrelated windows come within the threshold of a sum.",
                "Take a smaller width, or leave the sums out.",
            )
        if not 0.0 <= self.tokens.threshold < self.token_clip < float("inf"):
            raise CalibrationError(
                f"{self.key}: a token threshold of {self.tokens.threshold} at a clip of "
                f"{self.token_clip} can never be exceeded.",
                "Clip above the threshold.",
            )

    def limits(self) -> Limits:
        """What a verifier on this pair compares with."""
        sums = {leaves: int(limit.threshold) for leaves, limit in self.sums}
        tokens = TokenCheck(self.tokens.threshold, self.token_clip)
        return Limits(int(self.leaf.threshold), sums, tokens)


@dataclass(frozen=True, slots=True)
class Calibration:
    """All pairs measured for one model, in ascending order of their keys, each once."""

    pairs: tuple[PairCalibration, ...]

    def __post_init__(self) -> None:
        keys = [pair.key for pair in self.pairs]
        if not keys or keys != sorted(set(keys)):
            raise CalibrationError(
                "A calibration without pairs, or with pairs out of order or twice.",
                "List each pair once, in ascending order of the keys.",
            )

    def pair(self, key: str) -> PairCalibration | None:
        """The calibration of a pair; None where it was never measured: inconclusive, not fraud."""
        return next((pair for pair in self.pairs if pair.key == key), None)

    def canonical(self) -> bytes:
        """The one form in bytes, which names this calibration and is its file's content.

        UTF-8 JSON, sorted keys, no spaces; reals as strings of ten digits like "1.250000000e-01"
        (C's %.9e), because languages print floats differently.
        """
        form = {"version": VERSION, "levels": _stated(LEVELS), "pairs": _stated(self.pairs)}
        return json.dumps(form, sort_keys=True, separators=(",", ":")).encode()


def rounded(value: float) -> float:
    """Ten significant digits: what the canonical form keeps of a number."""
    return float(f"{value:.9e}")


def _stated(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.9e}"
    if isinstance(value, tuple):
        return [_stated(each) for each in value]
    if is_dataclass(value):
        return {field.name: _stated(getattr(value, field.name)) for field in fields(value)}
    return value


def _keep_ten_digits(noun: Any) -> None:
    for field in fields(noun):
        value = getattr(noun, field.name)
        if field.type == "float":
            object.__setattr__(noun, field.name, rounded(value))
        elif field.type == "tuple[float, ...]":
            object.__setattr__(noun, field.name, tuple(rounded(each) for each in value))
