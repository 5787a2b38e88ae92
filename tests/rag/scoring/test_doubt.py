"""Sources that may have turned: who is doubted, for how long, and what it costs them."""

import pytest

from rag.scoring.ballots import Ballot, elect
from rag.scoring.ledger_settings import LedgerSettings
from rag.scoring.ledgers import OWN, LedgerEstimator
from rag.types import Reliability


def judged(estimator, answers, right=("truth",), silent=()):
    ballot = Ballot(answers, silent=frozenset(silent))
    estimator.learn(ballot, {v: a in right for v, a in answers.items()})


def test_good_sources_that_err_in_the_same_words_lose_their_votes_at_once_and_keep_their_gold():
    honest, sleepers = (0, 1, 2), (3, 4, 5, 6)
    estimator = LedgerEstimator([*honest, *sleepers])
    alike = dict.fromkeys([*honest, *sleepers], "truth")
    for _ in range(20):
        judged(estimator, alike)
    turned = dict.fromkeys(honest, "truth") | dict.fromkeys(sleepers, "lie")
    assert elect(turned, estimator.weights(Ballot(turned))) == "lie"
    known, gold = estimator.reliabilities(), estimator.evidence(3)
    judged(estimator, turned)
    assert elect(turned, estimator.weights(Ballot(turned))) == "truth"
    assert all(estimator.today()[v] < 0.5 for v in sleepers)
    assert all(estimator.weights(Ballot(turned))[v] == 0.0 for v in sleepers)
    assert sorted(v for _, v in estimator.alarms) == [*sleepers]
    assert estimator.doubtful
    assert estimator.reliabilities()[3] > 0.9 * known[3], "one mistake is no record"
    assert estimator.evidence(3) >= gold
    for _ in range(3):
        judged(estimator, alike)
    weights = estimator.weights(Ballot(alike))
    assert weights[3] > 0.5 * weights[0], "who is right again is heard again"


def trusted(*others):
    estimator = LedgerEstimator([0, 1])
    for _ in range(20):
        judged(estimator, {0: "truth", 1: "truth", 2: "lie"} | dict.fromkeys(others, "truth"))
    return estimator


def test_whose_word_weighs_little_lends_no_weight_to_anothers_mistake():
    slip = {0: "slip", 1: "truth"}
    alone, echoed = trusted(), trusted()
    echoed.hear(7, 0.1, 0.0)
    judged(alone, slip)
    judged(echoed, slip | {7: "slip"})
    assert echoed.weights(Ballot(slip))[0] > 0.9 * alone.weights(Ballot(slip))[0]


def test_a_right_answer_under_the_same_name_lends_no_weight_to_a_mistake():
    alone, beside = trusted(3, 4, 5), trusted(3, 4, 5)
    alone.learn(Ballot({0: "1990", 1: "truth"}), {0: False, 1: True})
    same = dict.fromkeys((0, 3, 4, 5), "12 March 1990")
    beside.learn(Ballot(same), {0: False, 3: True, 4: True, 5: True})
    assert beside.today()[0] == pytest.approx(alone.today()[0], abs=0.02)


def test_the_own_model_is_neither_framed_by_repeated_mistakes_nor_frames_by_its_own():
    alone, echoed = trusted(OWN, 3), trusted(OWN, 3)
    judged(alone, {OWN: "slip", 0: "truth"})
    judged(echoed, {OWN: "slip", 3: "slip", 0: "truth"})
    assert echoed.today()[OWN] > alone.today()[OWN] - 0.01
    alone = trusted(OWN, 3)
    judged(alone, {3: "slip", 0: "truth"})
    assert echoed.today()[3] > alone.today()[3] - 0.05


def test_known_copies_that_err_alike_are_no_sign_of_a_turn():
    strangers, copies = trusted(3), trusted(3)
    for n in range(12):
        copies._copies.learn({0: f"lie {n}", 3: f"lie {n}"}, {0: False, 3: False})
    for estimator in (strangers, copies):
        judged(estimator, {0: "slip", 3: "slip", 1: "truth"})
    assert strangers.today()[0] < copies.today()[0] - 0.1


def test_what_others_say_of_a_source_lends_no_weight_to_the_mistake_it_repeats():
    slip = {0: "slip", 1: "truth"}
    alone, echoed = trusted(), trusted()
    echoed.assume({7: Reliability(80.0, 0.0)})
    for _ in range(8):
        echoed.hear(8, 1.0, 0.0)
    judged(alone, slip)
    judged(echoed, slip | {7: "slip", 8: "slip", OWN: "slip"})
    assert echoed.today()[0] > alone.today()[0] - 0.01


def test_a_better_source_tells_no_more_of_a_mistake_than_an_equal_one():
    doubts = []
    for rounds in (6, 60):
        estimator = LedgerEstimator([0, 1, 2])
        for n in range(rounds):
            judged(estimator, {1: "truth", 2: "truth"} | ({0: "truth"} if n < 6 else {}))
        judged(estimator, {0: "slip", 2: "slip", 1: "truth"})
        doubts.append(estimator.reliabilities()[0] - estimator.today()[0])
    assert doubts[1] == pytest.approx(doubts[0], abs=0.05)


def test_one_mistake_and_a_silence_take_no_gold():
    estimator = trusted(3, 4, 5)
    before = estimator.evidence(0)
    judged(estimator, dict.fromkeys((0, 3, 4, 5), "slip") | {1: "truth"})
    judged(estimator, {1: "truth"}, silent=(0,))
    assert estimator.evidence(0) > before
    judged(estimator, {0: "slip", 1: "truth"})
    assert estimator.evidence(0) < before / 2


def test_a_mistake_of_long_ago_is_not_one_of_two_close_together():
    evidence = []
    for slipped in (False, True):
        estimator = trusted(3, 4, 5)
        judged(estimator, {0: "slip" if slipped else "truth", 1: "truth"})
        for _ in range(1_500):
            estimator.learn(Ballot({0: "truth", 1: "truth"}))
        before = estimator.evidence(0)
        judged(estimator, dict.fromkeys((0, 3, 4, 5), "slip") | {1: "truth"})
        evidence.append(estimator.evidence(0) - before)
    assert evidence[0] > 0.0
    assert evidence[1] > 0.0


def test_a_doubt_that_no_gold_settles_fades_as_evidence_does():
    estimator = trusted(3, 4, 5)
    for _ in range(3_000):
        estimator.learn(Ballot({0: "truth", 1: "truth"}))
    for _ in range(20):
        judged(estimator, dict.fromkeys((0, 1, 3, 4, 5), "truth"))
    judged(estimator, dict.fromkeys((0, 3, 4, 5), "slip") | {1: "truth"})
    doubted = estimator.today()[0]
    for _ in range(3_000):
        estimator.learn(Ballot({0: "truth", 1: "truth"}))
    assert doubted < 0.55
    assert estimator.today()[0] > 0.95 * estimator.reliabilities()[0]


def test_a_judgement_counts_in_the_very_next_vote():
    estimator = trusted()
    ballot = Ballot({0: "slip", 1: "truth"})
    before = dict(estimator.weights(ballot))
    estimator.judge(ballot, {0: False, 1: True})
    assert estimator.weights(ballot)[0] < before[0] - 0.5


def test_doubt_makes_nobody_better():
    estimator = LedgerEstimator(range(2), LedgerSettings(topic_prior=1.0))
    for _ in range(20):
        estimator.learn(Ballot({0: "truth", 1: "truth"}, "a"), {0: True, 1: True})
        estimator.learn(Ballot({0: "lie", 1: "truth"}, "b"), {0: False, 1: True})
        estimator.learn(Ballot({0: "truth", 1: "truth"}, "c"), {0: True, 1: True})
    before = estimator.today("b")[0]
    estimator.learn(Ballot({0: "lie", 1: "truth"}, "a"), {0: False, 1: True})
    assert estimator.today("b")[0] <= before


def test_liars_who_repeat_an_honest_mistake_do_not_make_it_worse():
    estimators = []
    for echo in (False, True):
        estimator = LedgerEstimator(range(6))
        said = {0: "truth", 1: "truth", 2: "truth", **dict.fromkeys((3, 4, 5), "lie")}
        for _ in range(8):
            estimator.learn(Ballot(said), {v: a == "truth" for v, a in said.items()})
        slip = said | {0: "slip"} | (dict.fromkeys((3, 4, 5), "slip") if echo else {})
        estimator.learn(Ballot(slip), {v: a == "truth" for v, a in slip.items()})
        estimators.append(estimator)
    alone, echoed = (estimator.weights(Ballot({0: "a", 1: "b"})) for estimator in estimators)
    assert echoed[0] == pytest.approx(alone[0])
    assert alone[0] > 0.3 * alone[1]


def test_a_suspicion_of_peers_takes_two_mistakes_on_gold_to_confirm_and_right_answers_clear_it():
    def doubted():
        estimator = LedgerEstimator(range(4), LedgerSettings(alarm=3.0))
        estimator.assume({0: Reliability(80.0, 20.0)})
        agreed = dict.fromkeys(range(4), "truth") | {3: "slip"}
        for _ in range(6):
            estimator.learn(Ballot(agreed), {v: a == "truth" for v, a in agreed.items()})
        for n in range(12):
            estimator.learn(Ballot({0: f"lie {n}", 1: "truth", 2: "truth", 3: f"slip {n}"}))
        return estimator

    def seen(estimator, *outcomes):
        for right in outcomes:
            told = {0: "truth" if right else "lie", 1: "truth", 2: "truth"}
            estimator.judge(Ballot(told), {v: a == "truth" for v, a in told.items()})
        return estimator.evidence(0)

    before = doubted().evidence(0)
    assert doubted().doubtful
    assert seen(doubted(), False) >= before, "one mistake is within what is usual"
    confirmed = doubted()
    assert seen(confirmed, False, False) < before - 2.0
    assert confirmed.evidence(0) > 8.0, "peers had a part in it: the chain's record stays"
    assert seen(doubted(), True, True, True, False, False) >= before


def test_sleepers_who_contradict_an_honest_source_do_not_wipe_its_gold():
    honest, other, sleepers = 1, 2, (11, 12, 13)
    estimator = LedgerEstimator()
    for number in range(60):
        answers = dict.fromkeys((honest, other, *sleepers), "truth")
        slips = (number % 8) + 1
        answers = {v: f"slip {v}" if v % 8 == slips else a for v, a in answers.items()}
        estimator.learn(Ballot(answers), {v: a == "truth" for v, a in answers.items()})
    before = estimator.evidence(honest)
    for number in range(30):
        estimator.learn(Ballot({honest: f"truth {number}", **dict.fromkeys(sleepers, "lie")}))
    assert honest in {voter for _, voter in estimator.alarms}
    answers = {honest: "slip", other: "truth", **dict.fromkeys(sleepers, "truth")}
    estimator.learn(Ballot(answers), {v: a == "truth" for v, a in answers.items()})
    assert estimator.evidence(honest) > 0.5 * before
