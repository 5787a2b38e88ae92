"""Votes: rules that stop early, priors from a past, a budget over a batch."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import CalibrationError
from rag.lsh.allocation import allocate, price_index
from rag.lsh.cheat_prior import CheatPrior, fit_prior
from rag.lsh.vote_model import VoteModel, estimate_model
from rag.lsh.vote_rule import ACCEPT, ASK, REJECT, fixed, lead, outlook, price_for, priced
from rag.lsh.votes import decide, leads

MODEL = VoteModel(cheat_rate=0.03, vote_error=0.005, hard_share=0.1, hard_error=0.2)


def drawn(model: VoteModel, jobs: int, cap: int, seed: int):
    rng = np.random.default_rng(seed)
    cheated = rng.random(jobs) < model.cheat_rate
    kind = 2 * cheated + (rng.random(jobs) < model.hard_share)
    return rng.random((jobs, cap)) < model.match_chances()[kind][:, None], cheated


def best_by_enumeration(model: VoteModel, price: float, cap: int) -> float:
    """Least risk + price · votes over all rules, by plain recursion on single votes."""
    match = model.match_chances()

    def value(weights, left: int, first: bool) -> float:
        stop = min(weights[:2].sum(), weights[2:].sum())
        if left == 0:
            return stop
        ask = price * weights.sum() + value(weights * match, left - 1, False)
        ask += value(weights * (1 - match), left - 1, False)
        return ask if first else min(stop, ask)

    return value(model.weights(), cap, True)


def test_the_prediction_of_a_rule_is_what_drawn_votes_give():
    votes, cheated = drawn(MODEL, 200_000, 11, 1)
    for rule in (fixed(3), lead(2, 5, 11, MODEL), priced(MODEL, 4e-4)):
        found, view = decide(rule, votes), outlook(rule, MODEL)
        wrong = (found.cheated != cheated).mean()
        assert abs(wrong - view.error) < 5 * math.sqrt(view.error / len(votes))
        assert found.used.mean() == pytest.approx(view.mean_votes, abs=0.02)
        undecided = math.sqrt((view.undecided + 1e-6) / len(votes))
        assert abs(found.undecided.mean() - view.undecided) < 5 * undecided


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.001, 0.6),
    st.floats(0.001, 0.2),
    st.floats(0.0, 1.0),
    st.floats(0.2, 0.45),
    st.floats(0.0, 0.4),
    st.floats(1e-5, 0.2),
    st.integers(1, 6),
)
def test_no_rule_is_better_than_the_priced_one(cheat, easy, share, hard, colluding, price, cap):
    model = VoteModel(cheat, easy, share, hard, colluding)
    view = outlook(priced(model, price, cap), model)
    cost = view.error + price * view.mean_votes
    assert cost == pytest.approx(best_by_enumeration(model, price, cap), rel=1e-9)


def test_the_goal_of_fewer_than_two_point_three_verifiers_is_within_reach():
    rule = priced(MODEL, price_for([MODEL], [1.0], 4.5e-4))
    view = outlook(rule, MODEL)
    assert view.mean_votes <= 2.3
    assert view.error <= 4.5e-4
    assert outlook(fixed(3), MODEL).error > 20 * view.error


def test_the_majority_of_three_is_captured_by_colluders_as_the_formula_says():
    f = 0.2
    sure = VoteModel(0.5, 1e-12, 0.0, 1e-12, collusion=f)
    view = outlook(fixed(3), sure)
    assert view.cheats_accepted / 0.5 == pytest.approx(3 * f**2 - 2 * f**3, abs=1e-9)
    assert view.honest_rejected == pytest.approx(0.0, abs=1e-9)


def test_votes_after_the_stop_change_nothing():
    votes, _ = drawn(MODEL, 5_000, 11, 2)
    rule = priced(MODEL, 4e-4)
    found = decide(rule, votes)
    later = votes ^ (np.arange(11) >= found.used[:, None])
    again = decide(rule, later)
    assert (again.used == found.used).all()
    assert (again.cheated == found.cheated).all()
    assert (found.used >= 1).all()


def test_one_verifier_alone_never_condemns_under_a_lead_rule():
    for rate in (0.001, 0.3, 0.9):
        best = leads(replace(MODEL, cheat_rate=rate), 1e-2, 7)
        rule = lead(best.accept, best.reject, best.max_votes, MODEL)
        assert rule.decisions[0, 1] == ASK
        assert best.reject >= 2


def test_the_best_lead_rule_is_nearly_as_good_as_the_best_rule_of_all():
    best = leads(MODEL, 4.5e-4)
    optimal = outlook(priced(MODEL, price_for([MODEL], [1.0], 4.5e-4)), MODEL)
    assert best.outlook.error <= 4.5e-4
    assert best.outlook.mean_votes <= optimal.mean_votes + 0.05
    assert (best.accept, best.reject) == (2, 6)


def test_leads_that_cannot_meet_the_bound_err_least_within_the_votes_allowed():
    worse = replace(MODEL, cheat_rate=0.3)
    best = leads(worse, 1e-6, 5, votes=4.0)
    assert best.outlook.error > 1e-6
    assert best.outlook.mean_votes <= 4.0
    for accept in range(1, 6):
        for reject in range(2, 6):
            view = outlook(lead(accept, reject, 5, worse), worse)
            assert view.mean_votes > 4.0 or view.error >= best.outlook.error


def test_a_lead_rule_leaves_a_job_undecided_only_at_its_last_vote():
    rule = lead(2, 3, 5, MODEL)
    m, n = np.nonzero(rule.undecided)
    assert ((m + n) >= 5).all()
    assert rule.undecided[3, 2]
    assert rule.decisions[3, 1] == ACCEPT
    assert rule.decisions[1, 4] == REJECT


def test_an_error_out_of_reach_is_said_with_the_least_one():
    with pytest.raises(CalibrationError, match=r"the least is 0\.00034"):
        price_for([MODEL], [1.0], 1e-5)


def test_a_budget_of_votes_holds_where_the_error_cannot_be_met():
    price = price_for([MODEL], [1.0], 1e-5, votes=2.29)
    view = outlook(priced(MODEL, price), MODEL)
    assert 2.0 < view.mean_votes <= 2.29
    with pytest.raises(CalibrationError, match="fewer than any rule"):
        price_for([MODEL], [1.0], 1e-5, votes=0.5)


def test_one_price_over_unlike_providers_needs_fewer_votes_than_the_base_rate():
    good, bad = replace(MODEL, cheat_rate=0.002), replace(MODEL, cheat_rate=0.282)
    shares = [0.9, 0.1]
    price = price_for([good, bad], shares, 4.5e-4)
    views = [outlook(priced(model, price), model) for model in (good, bad)]
    mean = sum(share * view.mean_votes for share, view in zip(shares, views, strict=True))
    assert sum(s * v.error for s, v in zip(shares, views, strict=True)) <= 4.5e-4
    assert mean < 2.0
    assert views[0].mean_votes < views[1].mean_votes


def test_the_model_is_found_again_from_jobs_whose_truth_is_known():
    votes, cheated = drawn(MODEL, 40_000, 11, 3)
    found = estimate_model(votes, cheated)
    assert found.vote_error == pytest.approx(MODEL.vote_error, rel=0.15)
    assert found.hard_share == pytest.approx(MODEL.hard_share, rel=0.15)
    assert found.hard_error == pytest.approx(MODEL.hard_error, rel=0.1)
    assert found.cheat_rate == cheated.mean()


def test_votes_without_a_single_error_still_give_a_model_that_doubts():
    cheated = np.arange(50) < 5
    found = estimate_model(np.repeat(~cheated[:, None], 5, axis=1), cheated)
    assert 0 < found.vote_error <= found.hard_error < 0.5
    assert 0 < found.cheated(5)[5, 0] < 1e-3


@pytest.mark.parametrize(
    ("votes", "cheated"),
    [
        (np.ones((4, 2), bool), np.array([1, 0, 0, 0], bool)),
        (np.ones((4, 3), bool), np.zeros(4, bool)),
        (np.ones((4, 3), bool), np.zeros(3, bool)),
    ],
)
def test_honeypots_that_say_nothing_are_refused(votes, cheated):
    with pytest.raises(CalibrationError):
        estimate_model(votes, cheated)


def test_a_prior_is_found_again_from_many_pasts():
    rng = np.random.default_rng(4)
    rates = rng.beta(0.6, 11.4, 3_000)
    checked = rng.integers(0, 200, 3_000)
    prior = fit_prior(rng.binomial(checked, rates), checked)
    assert prior.cheats / (prior.cheats + prior.honest) == pytest.approx(0.05, rel=0.1)
    assert prior.cheats + prior.honest == pytest.approx(12, rel=0.2)


def test_a_past_moves_the_prior_but_never_below_the_floor():
    prior = CheatPrior(0.1, 3.0, floor=0.01)
    assert prior.after(0, 0) == pytest.approx(0.1 / 3.1)
    assert prior.after(0, 10**9) == 0.01
    assert prior.after(3, 10) > prior.after(1, 10) > prior.after(0, 10)
    with pytest.raises(CalibrationError):
        prior.after(3, 2)


def test_pasts_that_show_no_spread_are_pooled_and_pasts_of_one_kind_are_refused():
    checked = np.full(100, 100)
    alike = fit_prior(np.full(100, 3), checked)
    assert alike.cheats + alike.honest == pytest.approx(1e4)
    with pytest.raises(CalibrationError):
        fit_prior(np.zeros(100, dtype=np.int64), checked)


@pytest.mark.parametrize("promise", [None, price_index])
def test_an_allocated_budget_is_kept_and_errs_as_expected(promise):
    votes, cheated = drawn(MODEL, 50_000, 11, 5)
    chosen = {} if promise is None else {"promise": promise}
    batch = allocate(votes, MODEL, 115_000, **chosen)
    assert batch.verdicts.used.sum() <= 115_000
    assert batch.verdicts.used.max() <= 11
    wrong = (batch.verdicts.cheated != cheated).mean()
    assert abs(wrong - batch.expected_error) < 5 * math.sqrt(batch.expected_error / 50_000)
    assert wrong < outlook(fixed(3), MODEL).error / 10


def test_allocation_stops_once_the_expected_error_is_low_enough():
    votes, _ = drawn(MODEL, 20_000, 11, 6)
    batch = allocate(votes, MODEL, 10**9, error=1e-3)
    assert batch.expected_error <= 1e-3
    assert batch.verdicts.used.mean() < 1.5


def test_allocation_never_looks_at_a_vote_it_has_not_bought():
    votes, _ = drawn(MODEL, 3_000, 11, 7)
    batch = allocate(votes, MODEL, 6_500)
    hidden = votes ^ (np.arange(11) >= batch.verdicts.used[:, None])
    again = allocate(hidden, MODEL, 6_500)
    assert (again.verdicts.used == batch.verdicts.used).all()
    assert (again.verdicts.cheated == batch.verdicts.cheated).all()


@pytest.mark.parametrize(
    "change",
    [
        {"cheat_rate": 0.0},
        {"cheat_rate": 1.0},
        {"cheat_rate": math.nan},
        {"vote_error": 0.5, "hard_error": 0.5},
        {"vote_error": 0.0},
        {"vote_error": 0.3},
        {"hard_share": 1.1},
        {"collusion": 0.5},
    ],
)
def test_a_model_in_which_votes_tell_nothing_is_refused(change):
    with pytest.raises(CalibrationError):
        replace(MODEL, **change)


def test_the_largest_table_of_nearly_sure_votes_has_no_hole():
    sure = VoteModel(0.03, 1e-12, 0.0, 1e-12)
    posterior = sure.posterior(64)
    assert np.isfinite(posterior).all()
    assert posterior.sum(axis=0) == pytest.approx(np.ones((65, 65)))


def test_rules_out_of_range_are_refused():
    for wrong in (
        lambda: fixed(4),
        lambda: fixed(65),
        lambda: lead(0, 2, 11, MODEL),
        lambda: lead(1, 1, 11, MODEL),
        lambda: priced(MODEL, 1e-3, 0),
        lambda: priced(MODEL, 1e-3, 1_000),
        lambda: leads(MODEL, 0.0),
        lambda: decide(fixed(5), np.ones((3, 4), bool)),
        lambda: allocate(np.ones((0, 11), bool), MODEL, 5),
    ):
        with pytest.raises(CalibrationError):
            wrong()
