"""Answers with the states that chose them, from transformers' own ``generate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.causal_model import CausalModel, continued
from rag.errors import ModelError
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.gumbel import GumbelChoice
from rag.lsh.recorder import StateRecorder

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer: its tokens, with the end token if there is one, and the states (m, d).

    ``states`` are in the model's dtype, on its device.
    """

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    states: Tensor


def generate(
    model: CausalModel,
    prompts: Sequence[Sequence[int]],
    spec: DecodeSpec,
    seeds: Sequence[bytes],
) -> list[Generation]:
    """Answer each prompt under its own 32-byte seed, all in one batch padded on the left.

    Raises ModelError on an empty prompt, or when prompt and answer exceed the model's context.
    """
    if not prompts:
        return []
    if len(seeds) != len(prompts):
        raise ModelError(
            f"There are {len(seeds)} seeds for {len(prompts)} prompts.", "Give one seed for each."
        )
    length = max(len(prompt) for prompt in prompts)
    with StateRecorder(model.network) as recorder:
        found = continued(
            model, prompts, spec.max_tokens, spec.end_tokens, [GumbelChoice(spec, seeds, length)]
        )
    states = recorder.states(found.shape[1])
    counts = [_end(row, spec.end_tokens) for row in found.tolist()]
    return [
        Generation(tuple(prompts[i]), tuple(found[i, :m].tolist()), states[i, :m])
        for i, m in enumerate(counts)
    ]


def _end(row: list[int], end_tokens: tuple[int, ...]) -> int:
    """Count a row's tokens up to the first end token, which is one of them."""
    return next((i + 1 for i, token in enumerate(row) if token in end_tokens), len(row))
