import pytest

from rag.scoring.ballots import Ballot, elect
from rag.scoring.evidence import Limit
from rag.scoring.ledgers import LedgerEstimator, LedgerSettings

TOLD = {0: "truth", 1: "truth", 2: "lie", 3: "lie", 4: "lie"}
RIGHT = {v: a == "truth" for v, a in TOLD.items()}


def test_without_gold_and_without_an_own_model_all_votes_stay_equal():
    estimator = LedgerEstimator(range(5))
    for _ in range(300):
        estimator.learn(Ballot(TOLD))
    assert len(set(estimator.reliabilities().values())) == 1
    assert elect(TOLD, estimator.weights(Ballot(TOLD))) == "lie"


def test_one_probe_is_enough_for_an_honest_minority():
    estimator = LedgerEstimator(range(5))
    estimator.learn(Ballot(TOLD), RIGHT)
    assert elect(TOLD, estimator.weights(Ballot(TOLD))) == "truth"


def test_a_probe_that_nobody_got_right_blames_nobody():
    estimator = LedgerEstimator(range(5))
    estimator.learn(Ballot(TOLD), dict.fromkeys(TOLD, False))
    assert len(set(estimator.reliabilities().values())) == 1


def test_colluders_gain_nothing_by_agreeing_ever_more():
    after = []
    for agreements in (50, 1_000):
        estimator = LedgerEstimator(range(5), LedgerSettings(half_life=float("inf")))
        for _ in range(4):
            estimator.learn(Ballot(TOLD), RIGHT)
        for number in range(agreements):
            estimator.learn(Ballot({v: f"{a} {number}" for v, a in TOLD.items()}))
        after.append(estimator.reliabilities())
    assert all(after[1][v] > 0.7 for v in (0, 1))
    assert all(after[1][v] < 0.3 for v in (2, 3, 4))
    assert after[1] == pytest.approx(after[0], abs=0.05)


def test_agreement_with_the_own_model_tells_the_honest_from_the_liars_without_gold():
    estimator = LedgerEstimator([*range(5), 9], own=9)
    for _ in range(20):
        estimator.learn(Ballot({**TOLD, 9: "truth"}))
    known = estimator.reliabilities()
    assert min(known[0], known[1]) > max(known[2], known[3], known[4])


def test_evidence_is_kept_apart_by_topic():
    estimator = LedgerEstimator(range(2), LedgerSettings(topic_prior=1.0))
    for _ in range(10):
        estimator.learn(Ballot({0: "a", 1: "b"}, "history"), {0: True, 1: False})
        estimator.learn(Ballot({0: "a", 1: "b"}, "sport"), {0: False, 1: True})
    assert elect({0: "a", 1: "b"}, estimator.weights(Ballot({0: "a", 1: "b"}, "history"))) == "a"
    assert elect({0: "a", 1: "b"}, estimator.weights(Ballot({0: "a", 1: "b"}, "sport"))) == "b"


def test_a_source_that_turns_raises_an_alarm_and_loses_its_weight():
    estimator = LedgerEstimator(range(3))
    for _ in range(20):
        estimator.learn(Ballot({0: "truth", 1: "truth", 2: "lie"}), {0: True, 1: True, 2: False})
    before = estimator.evidence(0)
    for _ in range(6):
        estimator.learn(Ballot({0: "lie", 1: "truth", 2: "lie"}), {0: False, 1: True, 2: False})
    assert {voter for _, voter in estimator.alarms} == {0}
    assert 20 < estimator.alarms[0][0] <= 26
    assert estimator.evidence(0) < before
    known = estimator.reliabilities()
    assert known[1] > 0.8
    assert known[0] < 0.5


def test_sources_of_one_owner_share_a_vote():
    owners = {2: "eve", 3: "eve", 4: "eve"}
    estimator = LedgerEstimator(range(5), owners=owners)
    assert elect(TOLD, estimator.weights(Ballot(TOLD))) == "truth"


def test_peers_can_be_switched_off():
    estimator = LedgerEstimator(range(5), LedgerSettings(peer=Limit(0.0)))
    estimator.learn(Ballot(TOLD), RIGHT)
    known = estimator.reliabilities()
    estimator.learn(Ballot(TOLD))
    assert estimator.reliabilities() == pytest.approx(known, abs=0.01)


def test_users_are_heard_beside_gold():
    estimator = LedgerEstimator(range(2))
    before = estimator.reliabilities()[0]
    estimator.hear(0, 0.0, 3.0)
    assert estimator.reliabilities()[0] < before
    assert estimator.reliabilities()[1] == before


def test_sleepers_who_turn_together_do_not_take_gold_from_the_honest():
    honest, sleepers = range(3), range(3, 7)
    estimator = LedgerEstimator([*honest, *sleepers])
    for number in range(600):
        lie = number >= 300
        answers = dict.fromkeys(honest, "truth") | dict.fromkeys(
            sleepers, "lie" if lie else "truth"
        )
        # Some doubt, so that agreement says something: one honest source errs now and then.
        answers[number % 3] = f"slip {number}" if number % 5 == 0 else "truth"
        right = {v: a == "truth" for v, a in answers.items()}
        estimator.learn(Ballot(answers), right if number % 20 == 0 else None)
    known = estimator.reliabilities()
    assert min(known[v] for v in honest) > max(known[v] for v in sleepers)
    ballot = Ballot(dict.fromkeys(honest, "truth") | dict.fromkeys(sleepers, "lie"))
    assert elect(ballot.answers, estimator.weights(ballot)) == "truth"
