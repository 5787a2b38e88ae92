"""What a dishonest provider shows: each fraud as generations for honest verifiers to judge."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from rag.causal_model import CausalModel
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import Generation, generate
from rag.lsh.prefill import teacher_force_batch
from rag.lsh.tampering import tamper
from rag.lsh.windows import WINDOW
from scripts.benchmarks.lsh.subject import Prompts


@dataclass(frozen=True, slots=True)
class Fraud:
    """``shown`` by the provider; ``leaf`` names the one leaf per receipt that counts, or none."""

    shown: list[Generation]
    leaf: list[int] | None = None


def cheaper_weights(
    model: CausalModel, attack: str, prompts: Prompts, spec: DecodeSpec, seeds: list[bytes]
) -> Fraud:
    """Another model's answer, states and all."""
    return Fraud(generate(tamper(model, attack), prompts, spec, seeds))


def prefill_attack(
    model: CausalModel, attack: str, prompts: Prompts, spec: DecodeSpec, seeds: list[bytes]
) -> Fraud:
    """The cheaper model's words, with states from one pass of the true model over them."""
    return _true_states(model, cheaper_weights(model, attack, prompts, spec, seeds).shown)


def random_words(
    model: CausalModel, prompts: Prompts, spec: DecodeSpec, chance: np.random.Generator
) -> Fraud:
    """No model's words, with states from one pass of the true model over them."""
    words = chance.integers(3, model.vocabulary, (len(prompts), spec.max_tokens)).tolist()
    unseen = torch.empty(0)
    made = [Generation(tuple(p), tuple(w), unseen) for p, w in zip(prompts, words, strict=True)]
    return _true_states(model, made)


def other_prompt(
    model: CausalModel, prompts: Prompts, spec: DecodeSpec, seeds: list[bytes],
    chance: np.random.Generator,
) -> Fraud:  # fmt: skip
    """One token of the prompt was another when the model ran."""
    changed = []
    for prompt in prompts:
        place = int(chance.integers(1, len(prompt)))
        other = int(chance.integers(3, model.vocabulary))
        changed.append([*prompt[:place], other, *prompt[place + 1 :]])
    made = generate(model, changed, spec, seeds)
    return Fraud([replace(g, prompt=tuple(p)) for g, p in zip(made, prompts, strict=True)])


def other_words(
    honest: list[Generation], vocabulary: int, chance: np.random.Generator, last: bool = False
) -> Fraud:
    """One token of the answer was changed afterwards; ``last``: a leaf's last one, which no state
    of that leaf has seen."""
    shown, leaves = [], []
    for made in honest:
        leaf = int(chance.integers(0, len(made.tokens) // WINDOW))
        place = leaf * WINDOW + (WINDOW - 1 if last else int(chance.integers(0, WINDOW)))
        other = int(chance.integers(3, vocabulary))
        tokens = (*made.tokens[:place], other, *made.tokens[place + 1 :])
        shown.append(replace(made, tokens=tokens))
        leaves.append(leaf)
    return Fraud(shown, leaves)


def _true_states(model: CausalModel, made: list[Generation]) -> Fraud:
    shown = []
    for start in range(0, len(made), 32):
        rows = made[start : start + 32]
        passes = teacher_force_batch(model, [r.prompt for r in rows], [r.tokens for r in rows])
        shown += [replace(r, states=p.states) for r, p in zip(rows, passes, strict=True)]
    return Fraud(shown)
