"""The token check on a text alone: would this model, at temperature 0, have said just that?

A text does not tell which tokens it was made of. Wherever the local model prefers a token that
spells the same text, that token is taken, so that an honest text becomes the honest tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.causal_model import CausalModel
from rag.errors import ModelError
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.prefill import Prefill, teacher_force
from rag.lsh.token_check import TokenCheck, token_margins
from rag.openai_endpoint import EndpointAnswer

SCOPE = (
    "Only the words were checked. Hidden states were not seen: a model that says the same words, "
    "such as a lightly quantized one on an easy question, passes."
)
MAX_ROUNDS = 64
# An answer may be cut inside a character; its bytes are then shown as this mark.
_BROKEN = "\ufffd"
_BROKEN_TOKENS = 3
_SEED = bytes(32)


@dataclass(frozen=True, slots=True)
class TextFinding:
    """``score`` is the mean clipped margin in logits over ``tokens`` tokens.

    ``cut_short`` says that the answer ended before ``max_tokens`` without the model's end.
    ``scope`` says what was not checked and belongs beside every verdict.
    """

    tokens: int
    score: float
    cut_short: bool
    accepted: bool
    scope: str = SCOPE


def check_text(
    model: CausalModel, prompt: Sequence[int], answer: EndpointAnswer, check: TokenCheck
) -> TextFinding:
    """Judge an answer to ``prompt``, the ids that the endpoint's model saw.

    An answer that stopped must stop where the model does. Raises ModelError when prompt and answer
    do not fit the model.
    """
    text = answer.text.rstrip(_BROKEN) if not answer.stopped else answer.text
    tokens, margins = _aligned(model, prompt, text, answer.stopped)
    score = check.score(margins)
    short = not answer.stopped and len(tokens) < answer.max_tokens - _BROKEN_TOKENS
    long = len(tokens) > answer.max_tokens
    accepted = check.accepts(margins) and not short and not long
    return TextFinding(len(tokens), score, short, accepted)


def _aligned(
    model: CausalModel, prompt: Sequence[int], text: str, stopped: bool
) -> tuple[list[int], NDArray[np.float64]]:
    """Return the tokens of the text nearest to the model's own choices, and their margins."""
    tokens = _encode(model, text)
    settled = 0
    for _ in range(MAX_ROUNDS):
        seen, margins = _judged(model, prompt, tokens, stopped)
        chosen = seen.logits[: len(tokens)].argmax(dim=1).tolist()
        for i in (np.flatnonzero(margins[settled : len(tokens)]) + settled).tolist():
            settled = i + 1
            other = _respelled(model, text, [*tokens[:i], chosen[i]])
            if other is not None:
                tokens = other
                break
        else:
            break
    return tokens, margins


def _respelled(model: CausalModel, text: str, start: list[int]) -> list[int] | None:
    """Return tokens of the same text that begin with ``start``, if there are any."""
    spelled = model.text(start)
    if not text.startswith(spelled) or spelled == model.text(start[:-1]):
        return None
    tokens = [*start, *_encode(model, text[len(spelled) :])]
    return tokens if model.text(tokens) == text else None


def _judged(
    model: CausalModel, prompt: Sequence[int], tokens: list[int], stopped: bool
) -> tuple[Prefill, NDArray[np.float64]]:
    greedy = DecodeSpec(temperature_milli=0)
    if not stopped:
        seen = teacher_force(model, prompt, tokens)
        return seen, token_margins(seen.logits, tokens, _SEED, greedy)
    if not model.end_tokens:
        raise ModelError(
            "The model has no end token, but the answer ended.",
            "Use the folder of the model that the endpoint claims, with its generation config.",
        )
    # Any of the end tokens may have been the one; the output layer's rows tell which is nearest.
    seen = teacher_force(model, prompt, [*tokens, model.end_tokens[0]])
    end = max(model.end_tokens, key=lambda token: float(seen.logits[-1, token]))
    return seen, token_margins(seen.logits, [*tokens, end], _SEED, greedy)


def _encode(model: CausalModel, text: str) -> list[int]:
    return [int(i) for i in model.tokenizer(text, add_special_tokens=False)["input_ids"]]
