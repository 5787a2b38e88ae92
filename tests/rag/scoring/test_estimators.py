import random

import pytest

from rag.scoring.ballots import Ballot, elect
from rag.scoring.estimators import (
    IterativeWeightedMajority,
    KnownWeights,
    Majority,
    OneCoinDawidSkene,
    SeedRule,
)
from rag.scoring.gold_probes import ProbeSchedule
from rag.scoring.ledgers import LedgerEstimator
from rag.scoring.metrics import spearman

SYMMETRIC = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def ballots(rates, count, seed):
    """Sources that lie with one voice at these rates, and whether each was right."""
    rng = random.Random(f"ballots {seed}")  # noqa: S311 - repeatable, not secret
    for number in range(count):
        lies = {s: rng.random() < rate for s, rate in enumerate(rates)}
        answers = {s: f"{'lie' if lie else 'truth'} {number}" for s, lie in lies.items()}
        yield Ballot(answers), {s: not lie for s, lie in lies.items()}


def play(estimator, rates, count=250, seed=0, gold=0.0):
    schedule = ProbeSchedule(gold, seed.to_bytes(32, "big")) if gold else None
    right = 0
    for ballot, truth in ballots(rates, count, seed):
        right += elect(ballot.answers, estimator.weights(ballot)).startswith("truth")
        estimator.learn(ballot, truth if schedule and schedule.next_is_probe() else None)
    return right / count


def order(estimator, rates):
    known = estimator.reliabilities()
    return spearman([known[s] for s in range(len(rates))], [1 - r for r in rates])


def test_the_vote_goes_to_weight_then_to_numbers_then_to_the_alphabet():
    assert elect({1: "a", 2: "b", 3: "b"}, {1: 3.0, 2: 1.0, 3: 1.0}) == "a"
    assert elect({1: "a", 2: "b", 3: "b"}, {1: 2.0, 2: 1.0, 3: 1.0}) == "b"
    assert elect({1: "b", 2: "a"}, {1: 1.0, 2: 1.0}) == "a"
    assert elect({}, {1: 1.0}) == ""


def test_weights_below_nothing_count_as_nothing_and_without_any_all_are_equal():
    assert elect({1: "a", 2: "b", 3: "b"}, {1: 1.0, 2: -5.0, 3: -5.0}) == "a"
    assert elect({1: "a", 2: "b", 3: "b"}, {1: 0.0, 2: -5.0, 3: 0.0}) == "b"
    assert elect({1: "a", 2: "b", 3: "b"}, {1: 0.0}) == "a"


def test_label_free_methods_rank_sources_when_most_are_honest():
    rates = (0.0, 0.1, 0.2, 0.3, 0.6, 0.8)
    for method in (IterativeWeightedMajority, OneCoinDawidSkene):
        estimator = method(range(6))
        assert play(estimator, rates) > 0.95
        assert order(estimator, rates) > 0.9


def test_label_free_methods_can_turn_the_order_upside_down_and_gold_prevents_it():
    flipped = 0
    for seed in range(4):
        free = OneCoinDawidSkene(range(6))
        play(free, SYMMETRIC, 120, seed)
        flipped += order(free, SYMMETRIC) < 0
        ours = LedgerEstimator(range(6))
        play(ours, SYMMETRIC, 120, seed, gold=0.05)
        assert order(ours, SYMMETRIC) > 0
    assert flipped > 0


def test_equal_votes_learn_nothing():
    estimator = Majority(range(6))
    play(estimator, SYMMETRIC, 20)
    assert set(estimator.reliabilities().values()) == {1.0}


def test_known_weights_follow_topic_and_number():
    estimator = KnownWeights(lambda topic, number: {1: number + (topic == "sport")})
    assert estimator.weights(Ballot({1: "a"}, "sport")) == {1: 1}
    estimator.learn(Ballot({1: "a"}), None)
    assert estimator.weights(Ballot({1: "a"})) == {1: 1}


def test_the_seed_rule_asks_three_with_replacement_and_learns_from_every_label():
    estimator = SeedRule(range(6), seed=1)
    asked = [len(estimator.weights(Ballot({}))) for _ in range(2_000)]
    assert sum(asked) / len(asked) == pytest.approx(6 * (1 - (5 / 6) ** 3), abs=0.05)
    assert play(estimator, SYMMETRIC, 250, gold=1.0) > 0.6
    assert order(estimator, SYMMETRIC) > 0.8


def test_the_seed_rule_without_labels_stays_where_it_began():
    estimator = SeedRule(range(6), seed=1)
    play(estimator, SYMMETRIC, 50)
    assert set(estimator.reliabilities().values()) == {10_000.0}
