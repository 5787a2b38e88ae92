"""The sequential test: honest providers stay, cheats go, and no setting switches it off."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import CalibrationError
from rag.lsh.sequential import (
    Evidence,
    HonestCurve,
    SequentialTest,
    add_receipt,
    e_values,
    honest_curve,
    receipt_evidence,
)

BITS = 256
HONEST = 0.08
ALPHA = 0.2


def distances(rng, rate, shape):
    return rng.binomial(BITS, rate, shape).astype(float)


def history(test, receipts) -> Evidence:
    evidence = Evidence()
    for receipt in receipts:
        evidence = add_receipt(test, evidence, receipt)
    return evidence


@pytest.fixture(scope="module")
def test_of_bits():
    curve = honest_curve(distances(np.random.default_rng(1), HONEST, 30_000), 1e-3)
    return SequentialTest(curve, alpha=1e-4, largest=BITS)


def rejections(curve_of, draw, seed: int, runs: int = 250) -> int:
    """How many honest providers of ``runs`` are rejected at ALPHA within 60 receipts."""
    rng = np.random.default_rng(seed)
    return sum(
        history(SequentialTest(curve_of(rng), ALPHA, 1.0), draw(rng, 60, 4)).rejected
        for _ in range(runs)
    )


def alone(rng, receipts, leaves):
    return rng.random((receipts, leaves))


def twins(rng, receipts, leaves):
    return np.repeat(rng.random((receipts, 1)), leaves, axis=1)


def mixed(rng, receipts, leaves):
    shared = rng.random((receipts, 1)) < 0.5
    return np.where(shared, rng.random((receipts, 1)), rng.random((receipts, leaves)))


@pytest.mark.parametrize("draw", [alone, twins, mixed])
def test_honest_providers_are_rejected_at_most_at_alpha(draw):
    edges = np.linspace(0.0, 1.0, 10_001)[:-1]
    true = HonestCurve(edges, 1.0 - edges)
    found = rejections(lambda rng: true, draw, 2)
    # More than none: the bound is not kept by never rejecting.
    assert 0 < found / 250 <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 250)


def test_with_calibrations_of_their_own_honest_providers_are_rejected_at_most_at_alpha_plus_delta():
    found = rejections(lambda rng: honest_curve(rng.random(500), 0.02), mixed, 3)
    allowed = ALPHA + 0.02
    assert found / 250 <= allowed + 3 * math.sqrt(allowed * (1 - allowed) / 250)


def test_an_unlucky_calibration_does_not_turn_honest_bets_into_winning_ones():
    """Plain conformal p-values of a sample whose tail is thinner than the truth bet too high."""
    sample = np.sort(np.random.default_rng(3).random(400))[:-4]
    curve = honest_curve(sample, 0.02)
    honest = (np.arange(100_000) + 0.5) / 100_000
    plain = (1 + len(sample) - np.searchsorted(sample, honest)) / (len(sample) + 1)
    assert e_values(plain).mean() > 1.03
    assert e_values(curve.p_values(honest)).mean() <= 1.0


def test_the_mean_of_an_honest_bet_is_one():
    # The midpoint rule in u with p = u**4, since the bet grows near 0.
    u = (np.arange(200_000) + 0.5) / 200_000
    mean = (e_values(u**4) * 4 * u**3).mean()
    assert mean == pytest.approx(1.0, abs=2e-2)
    assert mean <= 1.0 + 1e-3


def test_a_bet_falls_with_p_and_has_no_jump_near_one():
    p = np.concatenate([np.geomspace(1e-9, 0.9, 300), 1 - np.geomspace(0.1, 1e-9, 300), [1.0]])
    bets = e_values(np.sort(p))
    assert (np.diff(bets) <= 1e-7).all()
    assert bets[-1] == 0.5


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=300), st.floats(0.001, 0.5))
def test_the_curve_is_never_below_the_share_that_was_seen(sample, delta):
    seen = np.array(sample, dtype=float)
    asked = np.arange(-1.0, 32.0)
    bound = honest_curve(seen, delta).p_values(asked)
    share = (seen[None, :] >= asked[:, None]).mean(axis=1)
    assert (bound >= share).all()
    assert ((bound > 0) & (bound <= 1)).all()
    assert (np.diff(bound) <= 0).all()


def test_the_curve_lies_above_the_true_one_in_all_but_delta_of_calibrations():
    rng = np.random.default_rng(4)
    below = 0
    grid = np.linspace(0.001, 0.999, 500)
    for _ in range(500):
        below += (honest_curve(rng.random(300), 0.05).p_values(grid) < 1 - grid).any()
    assert below / 500 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 500)


@pytest.mark.parametrize(("rate", "most"), [(0.2, 4), (0.14, 12)])
def test_a_cheat_is_rejected_after_few_receipts(test_of_bits, rate, most):
    rng = np.random.default_rng(5)
    for _ in range(20):
        assert history(test_of_bits, distances(rng, rate, (most, 4))).rejected


def test_a_provider_that_turns_after_long_good_behaviour_is_still_caught_soon(test_of_bits):
    rng = np.random.default_rng(6)
    saved = history(test_of_bits, distances(rng, HONEST, (2_000, 2)))
    assert not saved.rejected
    assert saved.value > 1e-4
    turned = saved
    for receipt in distances(rng, 0.2, (12, 2)):
        turned = add_receipt(test_of_bits, turned, receipt)
    assert turned.rejected


def test_a_rejection_stays(test_of_bits):
    rng = np.random.default_rng(7)
    evidence = history(test_of_bits, distances(rng, 0.5, (5, 2)))
    assert evidence.rejected
    for receipt in distances(rng, 0.0, (300, 2)):
        evidence = add_receipt(test_of_bits, evidence, receipt)
    assert evidence.value < 1.0
    assert evidence.rejected


def test_evidence_stays_a_number_however_long_a_provider_cheats(test_of_bits):
    evidence = history(test_of_bits, np.full((400, 1), float(BITS)))
    assert math.isfinite(evidence.value)
    assert evidence.rejected


def test_one_receipt_alone_never_rejects_at_a_small_alpha(test_of_bits):
    once = add_receipt(test_of_bits, Evidence(), np.full(50, float(BITS)))
    assert once.value < 1e4
    assert not once.rejected


def test_leaves_that_say_the_same_count_once(test_of_bits):
    one = receipt_evidence(test_of_bits, np.array([60.0]))
    assert receipt_evidence(test_of_bits, np.full(9, 60.0)) == pytest.approx(one)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 2.0, -0.1, math.nan])
def test_an_alpha_that_switches_the_test_off_is_refused(alpha, test_of_bits):
    with pytest.raises(CalibrationError):
        SequentialTest(test_of_bits.curve, alpha, BITS)


def test_a_test_that_could_never_reject_is_refused():
    """gonka #1726: equal rates for both hypotheses, and the test never said anything."""
    everything = honest_curve(np.full(1_000, float(BITS)), 0.01)
    with pytest.raises(CalibrationError, match="disabled"):
        SequentialTest(everything, 1e-3, BITS)
    with pytest.raises(CalibrationError, match="disabled"):
        SequentialTest(honest_curve(np.zeros(2), 0.01), 1e-3, BITS)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda test: honest_curve(np.zeros(0), 0.01),
        lambda test: honest_curve(np.array([math.nan]), 0.01),
        lambda test: honest_curve(np.ones(5), 0.0),
        lambda test: honest_curve(np.ones(5), 1.0),
        lambda test: receipt_evidence(test, np.zeros(0)),
        lambda test: receipt_evidence(test, np.array([-1.0])),
        lambda test: receipt_evidence(test, np.array([math.nan])),
        lambda test: receipt_evidence(test, np.array([257.0])),
        lambda test: e_values(np.array([0.0])),
        lambda test: e_values(np.array([1.1])),
        lambda test: e_values(np.array([math.nan])),
    ],
)
def test_what_is_no_evidence_is_refused(test_of_bits, wrong):
    with pytest.raises(CalibrationError):
        wrong(test_of_bits)
