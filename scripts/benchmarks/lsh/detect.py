"""Honest runs over dtypes, kernels and batch shapes, every fraud, and what the two checks say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.causal_model import CausalModel
from rag.errors import SketchError
from rag.lsh import tampering
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.exact_bounds import needed_trials
from rag.lsh.generation import Generation, generate
from rag.lsh.sketch import Sketcher
from rag.lsh.windows import WINDOW
from scripts.benchmarks.lsh import detection, frauds
from scripts.benchmarks.lsh.detection import caught, even, honest_rates, odd, width_for
from scripts.benchmarks.lsh.frauds import Fraud
from scripts.benchmarks.lsh.sequence import LeafColumns, measure_sequence
from scripts.benchmarks.lsh.subject import Prompts, Subject, View, seen_as
from scripts.benchmarks.lsh.trials import Leaves, join, judge

BITS, TOKENS = 256, 128
CHOSEN_ON = "int8"
"""The fraud whose even receipts the width is chosen on."""

SEQUENCE_CLIP = 8.0

Say = Callable[[str], None]
Make = Callable[[Prompts, list[bytes]], Fraud]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many receipts of 128 tokens: honest ones of the main pair (fewer if that many seconds
    have passed), of each other ``views``' pair, and of each fraud; how many decode together."""

    honest: int
    other: int
    fraud: int
    batch: int
    views: tuple[View, ...]
    shapes: tuple[int, ...] = (1, 8)
    batches_of_shape: int = 8
    judged: int = 32
    seconds: float = 1e9


@dataclass(frozen=True, slots=True)
class Runs:
    """Honest leaves per pair, and each fraud's with the one leaf of each receipt that counts."""

    honest: dict[str, Leaves]
    fraud: dict[str, tuple[Leaves, list[int] | None]]
    dithers: NDArray[np.float64]


class Bench:
    """One subject, one sampler, one set of planes; ``other`` makes a model of the same shape."""

    def __init__(
        self, subject: Subject, other: Callable[[], Subject], plan: Plan, seed: int, say: Say
    ) -> None:
        self.subject, self.other, self.plan, self.seed, self.say = subject, other, plan, seed, say
        self.spec = DecodeSpec(max_tokens=TOKENS)
        self.sketcher = Sketcher(WINDOW * subject.model.dimensions, 1.0, BITS)
        self.started = time.monotonic()
        self.home = View(subject.model.dtype, subject.model.attention)

    def run(self) -> Runs:
        """Frauds first, then other pairs, then as many honest runs of the main pair as fit."""
        fraud = {name: self._fraud(name, i, make) for i, (name, make) in enumerate(self._frauds())}
        honest: dict[str, list[Leaves]] = {}
        for shape in self.plan.shapes:
            for i in range(self.plan.batches_of_shape):
                self._honest(honest, shape, 2 * 10**6 + 1000 * shape + i, (self.home,))
        for start in range(0, self.plan.honest, self.plan.batch):
            if time.monotonic() - self.started > self.plan.seconds and start:
                self.say(f"stopped at {start} receipts: the time is over")
                break
            views = self.plan.views if start < self.plan.other else ()
            self._honest(honest, self.plan.batch, 10**6 + start, (self.home, *views))
        joined = {pair: join(parts) for pair, parts in honest.items()}
        return Runs(joined, fraud, self.sketcher.planes.dithers)

    def _honest(
        self, found: dict[str, list[Leaves]], shape: int, draw: int, views: tuple[View, ...]
    ) -> None:
        self.say(f"honest, {shape} together")
        model, seeds = self.subject.model, _seeds(shape, self.seed, draw)
        made = generate(model, self.subject.prompts(shape, draw), self.spec, seeds)
        for view in views:
            pair = f"{self.home}, decode {shape} -> {view}, prefill"
            try:
                with seen_as(model, view) as seen:
                    leaves = self._judge(seen, made, seeds)
            except (RuntimeError, SketchError) as error:
                self.say(f"{pair} is not to be had: {str(error).splitlines()[0]}")
                continue
            found.setdefault(pair, []).append(leaves)

    def _fraud(self, name: str, number: int, make: Make) -> tuple[Leaves, list[int] | None]:
        self.say(f"fraud: {name}")
        parts, leaf = [], []
        for start in range(0, self.plan.fraud, self.plan.batch):
            count = min(self.plan.batch, self.plan.fraud - start)
            draw = 1000 * (number + 1) + start
            seeds = _seeds(count, self.seed, draw)
            found = make(self.subject.prompts(count, draw), seeds)
            parts.append(self._judge(self.subject.model, found.shown, seeds))
            leaf += found.leaf or []
        return join(parts), leaf or None

    def _judge(self, view: CausalModel, shown: Sequence[Generation], seeds: list[bytes]) -> Leaves:
        return judge(view, shown, self.spec, seeds, self.sketcher, self.plan.judged)

    def _frauds(self) -> Iterator[tuple[str, Make]]:
        model, spec = self.subject.model, self.spec
        chance = np.random.default_rng([self.seed, 99])

        def cheaper(attack: str) -> Make:
            return lambda p, s: frauds.cheaper_weights(model, attack, p, spec, s)

        for name in tampering.WEIGHT_ATTACKS:
            yield name, cheaper(name)
        yield "prompt_token", lambda p, s: frauds.other_prompt(model, p, spec, s, chance)

        def changed(last: bool) -> Make:
            return lambda p, s: frauds.other_words(
                generate(model, p, spec, s), model.vocabulary, chance, last
            )

        yield "output_token", changed(False)
        yield "output_token_last", changed(True)
        yield "prefill_attack", lambda p, s: frauds.prefill_attack(model, "int4", p, spec, s)
        yield "prefill_attack_random", lambda p, _: frauds.random_words(model, p, spec, chance)
        other = self.other()
        yield "other_model", lambda p, s: Fraud(generate(other.model, p, spec, s))


def report(runs: Runs) -> dict[str, Any]:
    """Rates of the main pair's rules on everything; the main pair is the one with most leaves."""
    main = max(runs.honest, key=lambda pair: len(runs.honest[pair]))
    width = width_for(runs.honest[main], runs.fraud[CHOSEN_ON][0], BITS)
    least = needed_trials(detection.BOUND, detection.CONFIDENCE)
    enough = {p: found for p, found in runs.honest.items() if len(even(found)) >= least}
    rules, rates = honest_rates(enough, width, runs.dithers)
    table = {
        name: caught(leaves, rules[main], runs.dithers, leaf, name == CHOSEN_ON)
        for name, (leaves, leaf) in runs.fraud.items()
    }
    by_pair = {
        pair: {
            name: caught(leaves, rule, runs.dithers, leaf, name == CHOSEN_ON)["either"]
            for name, (leaves, leaf) in runs.fraud.items()
        }
        for pair, rule in rules.items()
    }
    few = {
        pair: caught(found, rules[main], runs.dithers)
        for pair, found in runs.honest.items()
        if pair not in enough and len(odd(found))
    }
    return {
        "main_pair": main, "width": round(width, 5), "honest": rates,
        "honest_by_main_rules": few, "fraud": table, "recall_by_pair": by_pair,
        "sequence": _sequence(runs, width, main, list(enough)),
    }  # fmt: skip


def _sequence(runs: Runs, width: float, main: str, pairs: list[str]) -> dict[str, Any]:
    def columns(leaves: Leaves) -> LeafColumns:
        flips = leaves.flips(width, runs.dithers).astype(float)
        return leaves.receipt, flips, leaves.scores(SEQUENCE_CLIP)

    honest = {pair: columns(runs.honest[pair]) for pair in pairs}
    cheats = {name: columns(leaves) for name, (leaves, _) in runs.fraud.items()}
    return measure_sequence(honest, cheats, main, BITS, SEQUENCE_CLIP)


def _seeds(count: int, seed: int, draw: int) -> list[bytes]:
    chance = np.random.default_rng([seed, 7, draw])
    return [chance.bytes(32) for _ in range(count)]
