"""Answers with the states that chose them, from transformers' own ``generate``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError
from rag.lsh.causal_model import CausalModel
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
    import torch

    if not prompts:
        return []
    length = max(len(prompt) for prompt in prompts)
    if not min(len(prompt) for prompt in prompts) or length + spec.max_tokens > model.context:
        raise ModelError(
            f"A prompt is empty, or its {length:,} tokens and {spec.max_tokens:,} of an answer "
            f"exceed the model's {model.context:,}.",
            "Give at least one token, and lower max_tokens or shorten the prompt.",
        )
    if len(seeds) != len(prompts):
        raise ModelError(
            f"There are {len(seeds)} seeds for {len(prompts)} prompts.", "Give one seed for each."
        )
    pad = spec.end_tokens[0] if spec.end_tokens else 0
    ids = torch.full((len(prompts), length), pad, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for i, prompt in enumerate(prompts):
        ids[i, length - len(prompt) :] = torch.tensor(prompt)
        mask[i, length - len(prompt) :] = 1
    with (
        StateRecorder(model.network) as recorder,
        _no_defaults(model.network),
        torch.inference_mode(),
    ):
        found = model.network.generate(
            ids.to(model.device),
            attention_mask=mask.to(model.device),
            generation_config=_config(spec, pad),
            logits_processor=[GumbelChoice(spec, seeds, length)],
        )[:, length:]
    states = recorder.states(found.shape[1])
    counts = [_end(row, spec.end_tokens) for row in found.tolist()]
    return [
        Generation(tuple(prompts[i]), tuple(found[i, :m].tolist()), states[i, :m])
        for i, m in enumerate(counts)
    ]


@contextmanager
def _no_defaults(network: Any) -> Iterator[None]:
    """Hide the repository's own temperature, penalties and end tokens: the spec says them all.

    What ``generate`` is not told it would take from there.
    """
    import transformers

    kind: Any = transformers.GenerationConfig
    before, network.generation_config = network.generation_config, kind()
    try:
        yield
    finally:
        network.generation_config = before


def _config(spec: DecodeSpec, pad: int) -> Any:
    import transformers

    kind: Any = transformers.GenerationConfig
    return kind(
        max_new_tokens=spec.max_tokens,
        do_sample=False,
        num_beams=1,
        use_cache=True,
        eos_token_id=list(spec.end_tokens) or None,
        pad_token_id=pad,
    )


def _end(row: list[int], end_tokens: tuple[int, ...]) -> int:
    """Count a row's tokens up to the first end token, which is one of them."""
    return next((i + 1 for i, token in enumerate(row) if token in end_tokens), len(row))
