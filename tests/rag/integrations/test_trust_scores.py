import math

import pytest

from rag.errors import PipelineError
from rag.integrations.trust_scores import TrustRule, logistic, positive, rank_by_trust, reported
from rag.types import Reliability

GOOD, BAD = Reliability(supported=38.0), Reliability(contradicted=38.0)
KNOWN = {1: GOOD, 2: BAD}


def order(found, rule=TrustRule(), known=KNOWN):  # noqa: B008 - frozen
    return [item.position for item in rank_by_trust(found, known, rule).kept]


def test_a_reliable_source_rises_above_a_more_relevant_liar():
    assert order([(2, 0.9), (1, 0.6)]) == [1, 0]


def test_a_score_is_the_sum_of_two_log_odds():
    item = rank_by_trust([(1, 0.75)], KNOWN, TrustRule(weight=0.5)).kept[0]
    assert item.score == pytest.approx(math.log(3) + 0.5 * math.log(39))
    assert item.metadata == {
        "trust_score": item.score,
        "reliability": 39 / 40,
        "reliability_evidence": 38.0,
    }


@pytest.mark.parametrize("named", [None, 7, "seven", "", True, -1, 2**32, 1.0, "1" * 5_000])
def test_an_unknown_source_weighs_as_its_relevance(named):
    item = rank_by_trust([(named, 0.75)], KNOWN, TrustRule()).kept[0]
    assert item.score == pytest.approx(math.log(3))


def test_an_id_may_be_written_in_digits():
    assert rank_by_trust([("2", 0.5)], KNOWN, TrustRule()).kept[0].reliability == BAD


def test_two_documents_never_change_places_because_of_a_third():
    found = [(1, 0.5), (None, 0.9), (2, 0.95)]
    before = order(found)
    after = order([*found, (1, 0.01), (None, 1.0)])
    assert [position for position in after if position < 3] == before


def test_without_scores_the_retrievers_order_counts_and_fades_with_rank():
    assert order([(None, None)] * 3) == [0, 1, 2]
    assert order([(2, None), (None, None), (1, None)]) == [2, 1, 0]
    later = rank_by_trust([(None, None)] * 11, {}, TrustRule()).kept[10]
    assert later.score == pytest.approx(-math.log(2))


def test_equal_scores_keep_their_order():
    assert order([(1, 0.5), (1, 0.5), (1, 0.5)]) == [0, 1, 2]


def test_below_the_floor_documents_go_and_are_counted():
    ranking = rank_by_trust([(2, 0.9), (1, 0.5), (2, 0.8)], KNOWN, TrustRule(floor=0.2))
    assert [item.position for item in ranking.kept] == [1]
    assert ranking.below_floor == {2: 2}


@pytest.mark.parametrize(
    "named", [None, 7, "seven", "", True, 2.0, -1, 2**32, 10**40, "1" * 5_000, "2.0", [2], math.nan]
)
def test_who_names_no_known_source_passes_no_floor_that_a_new_source_would_not(named):
    found = [(named, 0.9), (1, 0.5), (named, 0.8)]
    strict = rank_by_trust(found, KNOWN, TrustRule(floor=0.6))
    assert [item.position for item in strict.kept] == [1]
    assert (strict.below_floor, strict.nameless) == (({7: 2}, 0) if named == 7 else ({}, 2))
    went = {"below_floor": {7: 2}} if named == 7 else {"nameless_below_floor": 2}
    assert reported(strict, "") == went
    lenient = rank_by_trust(found, KNOWN, TrustRule(floor=0.5))
    assert len(lenient.kept) == 3
    assert (lenient.below_floor, lenient.nameless) == ({}, 0)


def test_no_more_than_agreed_stay_of_one_source():
    found = [(1, 0.9), (1, 0.8), (None, 0.7), (None, 0.6), (2, 0.5)]
    assert order(found, TrustRule(per_source=1)) == [0, 2, 3, 4]


def test_scores_of_other_scales_say_how_they_are_meant():
    with pytest.raises(PipelineError, match=r"12\.4 is not within -1\.\.1\. Say how"):
        order([(1, 12.4)])
    assert order([(None, 3.0), (None, 12.4)], TrustRule(squash=positive)) == [1, 0]
    assert order([(None, -3.0), (None, 2.0)], TrustRule(squash=logistic)) == [1, 0]
    assert logistic(-1e9) == 0.0
    assert positive(-1.0) == 0.0


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_a_score_that_is_not_finite_is_refused(score):
    with pytest.raises(PipelineError, match="not finite"):
        order([(1, score)])


@pytest.mark.parametrize("rule", [{"floor": 2.0}, {"weight": math.nan}, {"per_source": 0}])
def test_a_rule_that_makes_no_sense_is_refused(rule):
    with pytest.raises(PipelineError):
        TrustRule(**rule)
