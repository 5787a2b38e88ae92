"""What a causal model's belief in an answer owes to each source: an audit of the vote's credit.

v(S) = log p(answer | the passages of the sources in S, question), exact over all coalitions. Each
coalition is a prompt of its own, read in batches, so it is for a small part of the traffic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.causal_model import CausalModel
from rag.credit.coalitions import Floats, all_coalitions
from rag.credit.shapley import exact
from rag.errors import ModelError

MAX_SOURCES = 8
BATCH = 64


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt in parts: ``head``, one text per source in their order, ``tail``, the answer.

    The parts are tokenized on their own, so that what a coalition reads is a sequence of the same
    tokens as in any other; only the head gets the marks that the tokenizer puts around a text.
    """

    head: str
    passages: tuple[str, ...]
    tail: str
    answer: str


def log_prob_credit(model: CausalModel, prompt: Prompt) -> Floats:
    """Return each source's Shapley value in nats, (sources,); raises as ``log_prob_values``."""
    return exact(log_prob_values(model, prompt))


def log_prob_values(model: CausalModel, prompt: Prompt, *, batch: int = BATCH) -> Floats:
    """Return log p(answer | coalition) in nats for all coalitions, float64 (2^sources,).

    A coalition's passages stand in the sources' order; ``batch`` prompts are read at once. Raises
    ModelError for more than 8 sources, an empty part, or a prompt beyond the model's context.
    """
    parts = [_plain(model, text) for text in prompt.passages]
    head, tail = model.tokens(prompt.head), _plain(model, prompt.tail)
    answer = _plain(model, prompt.answer)
    _check(model, parts, (head, tail, answer))
    rows = [
        [*head, *(t for s in np.flatnonzero(inside) for t in parts[s]), *tail, *answer[:-1]]
        for inside in all_coalitions(len(parts))
    ]
    found = [_score(model, rows[i : i + batch], answer) for i in range(0, len(rows), batch)]
    return np.concatenate(found)


def _score(model: CausalModel, rows: Sequence[Sequence[int]], answer: Sequence[int]) -> Floats:
    """Return the log-probability of the answer at the end of each row, (rows,)."""
    import torch

    length = max(map(len, rows))
    # Padded on the left, so that every row ends with the answer.
    padded = np.array([[*[-1] * (length - len(row)), *row] for row in rows])
    ids = torch.from_numpy(np.maximum(padded, 0)).to(model.device)
    mask = torch.from_numpy(np.where(padded < 0, 0, 1)).to(model.device)
    with torch.inference_mode():
        logits = model.network(
            input_ids=ids,
            attention_mask=mask,
            position_ids=(mask.cumsum(dim=1) - 1).clamp(min=0),
            use_cache=False,
            logits_to_keep=len(answer),
        ).logits
        belief = torch.log_softmax(logits.double(), dim=-1)
        chosen = torch.tensor(answer, device=model.device).expand(len(rows), -1)[..., None]
        return np.asarray(belief.gather(2, chosen)[..., 0].sum(dim=1).cpu().numpy())


def _plain(model: CausalModel, text: str) -> list[int]:
    return [int(token) for token in model.tokenizer(text, add_special_tokens=False)["input_ids"]]


def _check(
    model: CausalModel, parts: Sequence[Sequence[int]], around: Sequence[Sequence[int]]
) -> None:
    if len(parts) > MAX_SOURCES:
        raise ModelError(
            f"{len(parts)} sources have too many coalitions to ask a model about each.",
            f"Audit at most {MAX_SOURCES} sources.",
        )
    if not all([*parts, *around]):
        raise ModelError(
            "A part of the prompt to audit is empty.",
            "Give a head, a tail and an answer, and leave out sources that gave no passage.",
        )
    total = sum(map(len, [*parts, *around]))
    if total > model.context:
        raise ModelError(
            f"The prompt has {total} tokens, the model was made for {model.context}.",
            "Shorten the passages.",
        )
