"""Teacher forcing: what a model thinks of a given answer, in one forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.causal_model import CausalModel
from rag.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Prefill:
    """For the m tokens of an answer: the states (m, d) that chose them, their logits (m, vocab).

    Both are in the model's dtype, on its device.
    """

    states: Tensor
    logits: Tensor


def teacher_force(
    model: CausalModel, prompt_ids: Sequence[int], output_ids: Sequence[int]
) -> Prefill:
    """Run prompt and answer through the model in one pass and return what chose the answer.

    Raises ModelError on an empty prompt or answer, an id outside the vocabulary, or more tokens
    than the model was made for.
    """
    return teacher_force_batch(model, [prompt_ids], [output_ids])[0]


def teacher_force_batch(
    model: CausalModel, prompts: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]]
) -> list[Prefill]:
    """Do the same for several pairs in one batch, padded on the right.

    The output layer runs from the shortest prompt's end on, so pairs of like length cost least.
    """
    import torch

    rows = [_row(model, p, o) for p, o in zip(prompts, outputs, strict=True)]
    if not rows:
        return []
    length = max(map(len, rows))
    ids = torch.zeros((len(rows), length), dtype=torch.int64)
    mask = torch.zeros((len(rows), length), dtype=torch.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    start = min(len(prompt) for prompt in prompts) - 1
    states, logits = _forward(model, ids, mask, length - start)
    found = []
    for i, (prompt, output) in enumerate(zip(prompts, outputs, strict=True)):
        first = len(prompt) - 1 - start
        span = slice(first, first + len(output))
        found.append(Prefill(states[i, span], logits[i, span]))
    return found


def _forward(model: CausalModel, ids: Tensor, mask: Tensor, keep: int) -> tuple[Tensor, Tensor]:
    """Return the output layer's input (b, keep, d) and the model's logits (b, keep, vocab)."""
    import torch

    seen: list[Tensor] = []
    layer = model.network.get_output_embeddings()
    hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    try:
        with torch.inference_mode():
            logits = model.network(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                logits_to_keep=keep,
                use_cache=False,
            ).logits
    finally:
        hook.remove()
    return seen[0][:, -keep:], logits[:, -keep:]


def _row(model: CausalModel, prompt: Sequence[int], output: Sequence[int]) -> list[int]:
    """The last token of an answer chooses nothing and is not fed."""
    if not prompt or not output:
        raise ModelError(
            "There is no token in the prompt or in the answer.",
            "Give at least one token of each; most tokenizers begin a prompt with a mark.",
        )
    if len(prompt) + len(output) > model.context:
        raise ModelError(
            f"Prompt and answer have {len(prompt) + len(output):,} tokens, the model was made for "
            f"{model.context:,}.",
            "Shorten the prompt, or use a model with a longer context.",
        )
    if not all(0 <= token < model.vocabulary for token in (*prompt, *output)):
        raise ModelError(
            f"A token id is outside the model's vocabulary of {model.vocabulary:,}.",
            "Use the ids of this model's own tokenizer.",
        )
    return [*prompt, *output[:-1]]
