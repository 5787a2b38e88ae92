"""How tokens are chosen, as integers that a receipt can bind."""

from __future__ import annotations

import json
from dataclasses import dataclass

from rag.errors import ModelError

SAMPLER = "gumbel-max-1"
MAX_TEMPERATURE_MILLI = 10_000
MAX_TOKENS = 1_000_000
MAX_END_TOKENS = 64
_UINT31 = 2**31


@dataclass(frozen=True, slots=True)
class DecodeSpec:
    """The sampler's parameters; whoever holds them and the seed can repeat every choice.

    ``temperature_milli`` and ``top_p_milli`` are thousandths; temperature 0 is greedy. ``top_k`` 0
    and ``top_p_milli`` 1000 switch a filter off. ``end_tokens`` are the token ids that end an
    answer, ascending. Penalties, beams and speculative decoding have no place here: they make the
    choice depend on more than logits, seed and position. Raises ModelError on a value out of range.
    """

    temperature_milli: int = 1000
    top_k: int = 0
    top_p_milli: int = 1000
    max_tokens: int = 256
    end_tokens: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _within("temperature_milli", self.temperature_milli, 0, MAX_TEMPERATURE_MILLI)
        _within("top_k", self.top_k, 0, _UINT31 - 1)
        _within("top_p_milli", self.top_p_milli, 1, 1000)
        _within("max_tokens", self.max_tokens, 1, MAX_TOKENS)
        _within("the number of end tokens", len(self.end_tokens), 0, MAX_END_TOKENS)
        for token in self.end_tokens:
            _within("an end token", token, 0, _UINT31 - 1)
        if list(self.end_tokens) != sorted(set(self.end_tokens)):
            raise ModelError(
                "The end tokens are not in ascending order, each once.",
                "Sort them and leave out repetitions.",
            )

    @property
    def greedy(self) -> bool:
        """Whether the largest logit wins, without any noise."""
        return self.temperature_milli == 0

    def canonical(self) -> bytes:
        """Return the bytes that are hashed: JSON, keys sorted, no spaces, ASCII."""
        content = {
            "sampler": SAMPLER,
            "temperature_milli": self.temperature_milli,
            "top_k": self.top_k,
            "top_p_milli": self.top_p_milli,
            "max_tokens": self.max_tokens,
            "end_tokens": list(self.end_tokens),
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")


def _within(name: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise ModelError(
            f"A decode spec's {name} is {value!r}, not a whole number from {low:,} to {high:,}.",
            "Give the sampler's parameters in thousandths, within these limits.",
        )
