"""Whether the vote's credit ranks the sources as a model's own belief does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from rag.answering import vote, voting_weights
from rag.causal_model import CausalModel
from rag.credit.coalitions import all_coalitions
from rag.credit.log_prob import log_prob_credit
from rag.credit.shapley import exact
from rag.credit.vote_game import Worth, credit, leave_one_out, vote_game
from rag.types import Evidence, Passage, Reliability, SourceAnswer, Span
from scripts.benchmarks.credit.world import RELIABILITY, SHARED_LIES, VALUES, Scenes, draw_scenes

Floats = NDArray[np.float64]
PROBES = 400
LEAVE_ONE_OUT = "leave_one_out"
METHODS = (*(worth.value for worth in Worth), LEAVE_ONE_OUT)
_LEAST = 1e-9


def measure_fidelity(
    model: CausalModel, questions: int, seed: int, progress: Callable[[], None]
) -> dict[str, Any]:
    """Compare every method's ranks with the model's and with the ideal reader's, by question.

    The answers are what the passages state, the weights log-odds from gold probes of their own
    seed. The audited answer is the vote's winner. Scenes in which no source speaks to the question
    have no answer and are drawn again.
    """
    chance = np.random.default_rng([seed, 2])
    weights = learned_weights(chance)
    scenes = draw_scenes(2 * questions, chance)
    spoken = np.flatnonzero((scenes.entities == scenes.asked[:, None]).any(axis=1))[:questions]
    rows: dict[str, dict[str, list[float]]] = {"model": {}, "ideal_reader": {}}
    zeros: dict[str, list[bool]] = {}
    right: dict[str, list[bool]] = {"model": [], "vote": [], "ideal_reader": []}
    everyone = tuple(range(len(RELIABILITY)))
    for scene in spoken:
        parts, winner = vote_credits(scenes, int(scene), weights)
        ideal = exact(ideal_log_prob(scenes, int(scene), winner))
        read = log_prob_credit(model, scenes.prompt(int(scene), everyone, f"v{winner}"))
        for name, part in parts.items():
            rows["model"].setdefault(name, []).append(tau(part, read))
            rows["ideal_reader"].setdefault(name, []).append(tau(part, ideal))
            zeros.setdefault(name, []).append(bool(np.abs(part).max() < _LEAST))
        rows["model"].setdefault("ideal_reader", []).append(tau(ideal, read))
        truth = int(scenes.truth[scene])
        right["vote"].append(winner == truth)
        right["model"].append(_reads(model, scenes, int(scene)) == truth)
        right["ideal_reader"].append(int(np.argmax(_ideal(scenes, int(scene))[-1])) == truth)
        progress()
    return {
        "questions": len(spoken),
        "tau_b": {
            against: {name: interval(values, seed) for name, values in found.items()}
            for against, found in rows.items()
        },
        "all_zero_share": {name: float(np.mean(values)) for name, values in zeros.items()},
        "accuracy": {name: float(np.mean(values)) for name, values in right.items()},
        "weights": [weights[s] for s in everyone],
    }


def learned_weights(chance: np.random.Generator) -> dict[int, float]:
    """Return each source's log-odds by the Beta mean of its gold probes, at least 0."""
    scenes = draw_scenes(PROBES, chance)
    found = {}
    for source in range(len(RELIABILITY)):
        heard = scenes.entities[:, source] == scenes.asked
        good = int((scenes.values[heard, source] == scenes.truth[heard]).sum())
        mean = Reliability(float(good), float(heard.sum() - good)).mean
        found[source] = max(0.0, float(np.log(mean / (1.0 - mean))))
    return found


def vote_credits(
    scenes: Scenes, scene: int, weights: dict[int, float]
) -> tuple[dict[str, Floats], int]:
    """Return every method's credit of all sources (silent ones have none), and the winner."""
    answers = [
        SourceAnswer(s, Span(f"v{scenes.values[scene, s]}", _evidence(scenes, scene, s), 1.0))
        for s in range(len(RELIABILITY))
        if scenes.entities[scene, s] == scenes.asked[scene]
    ]
    voting = voting_weights([a.source for a in answers], weights)
    verdict = vote(answers, weights)
    found = {}
    for worth in Worth:
        game = vote_game(answers, voting, verdict, worth=worth)
        found[worth.value] = _row(credit(game).parts)
        if worth is Worth.WINNER:
            found[LEAVE_ONE_OUT] = _row(leave_one_out(game).parts)
    return found, int(verdict.text[1:])


def ideal_log_prob(scenes: Scenes, scene: int, answer: int) -> Floats:
    """Return log p(answer | coalition) in nats by Bayes, for all coalitions of all sources."""
    return np.log(_ideal(scenes, scene)[:, answer])


def _ideal(scenes: Scenes, scene: int) -> Floats:
    """Return p(true value | coalition), (2^sources, values), from the world's own rules."""
    r = np.array(RELIABILITY)
    said, on_topic = scenes.values[scene], scenes.entities[scene] == scenes.asked[scene]
    truth, lie = np.meshgrid(np.arange(VALUES), np.arange(VALUES), indexing="ij")
    other = 1.0 / (VALUES - 1)
    chance = np.where(
        said == truth[..., None],
        r,
        (1 - r) * (SHARED_LIES * (said == lie[..., None]) + (1 - SHARED_LIES) * other),
    )
    logs = np.where(on_topic, np.log(chance), 0.0)
    joint = np.exp(np.einsum("cs,tls->ctl", all_coalitions(len(r)).astype(float), logs))
    joint = (joint * (truth != lie)).sum(axis=2)
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def tau(a: Floats, b: Floats) -> float:
    """Return Kendall's τ-b of two credits; 0 where one of them ranks nobody."""
    if np.ptp(a) < _LEAST or np.ptp(b) < _LEAST:
        return 0.0
    return float(kendalltau(np.round(a, 9), np.round(b, 9)).statistic)


def interval(values: Sequence[float], seed: int) -> dict[str, float]:
    """Return the mean over questions and its 95 % bootstrap interval."""
    chance = np.random.default_rng([seed, 3])
    drawn = np.asarray(values)[chance.integers(len(values), size=(2000, len(values)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"mean": float(np.mean(values)), "low": float(low), "high": float(high)}


def _reads(model: CausalModel, scenes: Scenes, scene: int) -> int:
    """Return the model's own answer from all passages."""
    import torch

    prompt = scenes.prompt(scene, tuple(range(len(RELIABILITY))), "v0")
    ids = torch.tensor([model.tokens(prompt.head + "".join(prompt.passages) + prompt.tail)])
    with torch.inference_mode():
        logits = model.network(input_ids=ids).logits[0, -1]
    words = model.tokenizer.convert_tokens_to_ids([f"v{v}" for v in range(VALUES)])
    return int(torch.argmax(logits[words]))


def _evidence(scenes: Scenes, scene: int, source: int) -> Evidence:
    text = scenes.passage(scene, source)
    return Evidence(text, Passage(text), 1.0)


def _row(parts: dict[int, float]) -> Floats:
    return np.array([parts.get(s, 0.0) for s in range(len(RELIABILITY))])
