from itertools import product

import numpy as np
import pytest

from rag.errors import ScoringError, StateError
from rag.scoring.ballots import Ballot, elect
from rag.scoring.evidence import Limit
from rag.scoring.ledger_settings import LedgerSettings
from rag.scoring.ledgers import MAX_VOTERS, OWN, LedgerEstimator
from rag.state.file import read_state, write_state
from rag.types import Reliability

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
    estimator = LedgerEstimator()
    for _ in range(20):
        estimator.learn(Ballot({**TOLD, OWN: "truth"}))
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


def test_peers_can_be_switched_off():
    estimator = LedgerEstimator(range(5), LedgerSettings(peer=Limit(0.0)))
    estimator.learn(Ballot(TOLD), RIGHT)
    known = estimator.reliabilities()
    estimator.learn(Ballot(TOLD))
    assert estimator.reliabilities() == pytest.approx(known, abs=0.01)


def test_users_are_heard_beside_gold():
    estimator = LedgerEstimator(range(2))
    before = estimator.reliabilities()[0]
    for _ in range(3):
        estimator.hear(0, 0.0, 1.0)
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


def test_users_cannot_make_good_what_gold_says_is_bad():
    estimator = LedgerEstimator()
    for number in range(20):
        answers = {1: f"lie {number}", 2: "truth"}
        estimator.learn(Ballot(answers), {1: False, 2: True})
    for _ in range(60):
        estimator.hear(1, 1.0, 0.0)
    assert estimator.reliabilities()[1] < 0.3


def test_what_was_not_read_says_nothing_of_a_source():
    estimator = LedgerEstimator(range(3))
    before = estimator.reliabilities()[2]
    ballot = Ballot({0: "truth", 1: "lie"}, unheard=frozenset({2}))
    assert 2 in estimator.weights(ballot)
    for _ in range(8):
        estimator.learn(ballot, {0: True, 1: False})
    assert estimator.reliabilities()[2] == before


def test_no_vote_leaves_the_bounds_whatever_is_said():
    estimator = LedgerEstimator()
    for number in range(20):
        lies = dict.fromkeys((1, 2, 3), f"lie {number % 7}" if number % 3 else "truth")
        answers = {**lies, 4: "truth", 5: "truth" if number % 4 else "slip", OWN: "truth"}
        estimator.learn(Ballot(answers), {v: a == "truth" for v, a in answers.items()})
    asked = (1, 2, 3, 4, 5, OWN)
    least, most = estimator.bounds(Ballot(dict.fromkeys(asked, "?")))
    assert any(least[v] < most[v] for v in asked)
    for said in product("ab", repeat=len(asked)):
        weights = estimator.weights(Ballot(dict(zip(asked, said, strict=True))))
        assert all(least[v] - 1e-12 <= weights[v] <= most[v] + 1e-12 for v in asked)


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -0.5, 1.5])
def test_feedback_out_of_range_is_refused_and_leaves_nothing(amount):
    estimator = LedgerEstimator(range(2))
    before = dict(estimator.reliabilities())
    with pytest.raises(ScoringError, match=r"between 0 and 1.*part of one answer"):
        estimator.hear(0, amount, 0.0)
    with pytest.raises(ScoringError):
        estimator.hear(0, 0.0, amount)
    assert estimator.reliabilities() == before


def test_users_without_number_count_no_more_than_their_limit():
    estimator = LedgerEstimator(range(2))
    for _ in range(2_000):
        estimator.hear(0, 0.0, 1.0)
    assert estimator.evidence(0) <= 2.0 + estimator.settings.user.floor + 1e-9


def test_voters_beyond_the_bound_push_out_the_first_ones():
    estimator = LedgerEstimator()
    for voter in range(MAX_VOTERS + 5):
        estimator.learn(Ballot({voter: "a", voter + 1: "b"}), {voter: True, voter + 1: False})
    known = estimator.reliabilities()
    assert len(known) == MAX_VOTERS
    assert 0 not in known
    assert known[MAX_VOTERS + 5] < 0.5


def test_a_newcomer_pushes_out_nobody_who_is_asked_beside_it(tmp_path):
    path = tmp_path / "ledgers"
    full = LedgerEstimator(range(1, MAX_VOTERS + 1), path=path)
    full.save()
    for newcomer in (5_000, 5_001):
        estimator = LedgerEstimator(path=path)
        ballot = Ballot({1: "a", 2: "a", newcomer: "b"}, silent=frozenset({3}))
        assert set(ballot.voters) <= estimator.weights(ballot).keys()
        estimator.learn(ballot)
        estimator.save()


def test_a_crowd_of_newcomers_takes_no_gold_from_those_who_have_some():
    estimator = LedgerEstimator()
    for _ in range(5):
        estimator.learn(Ballot({1: "truth", 2: "lie"}), {1: True, 2: False})
    before = estimator.reliabilities()[1]
    for first in range(10, 3 * MAX_VOTERS, 64):
        estimator.learn(Ballot(dict.fromkeys(range(first, first + 64), "lie"), "history"))
    assert len(estimator.reliabilities()) == MAX_VOTERS
    assert estimator.reliabilities()[1] == pytest.approx(before, abs=0.02)


def test_more_voters_than_there_is_room_for_still_vote_and_the_best_known_stay():
    estimator = LedgerEstimator()
    for _ in range(5):
        estimator.learn(Ballot({1: "truth", 2: "lie"}), {1: True, 2: False})
    many = Ballot({**dict.fromkeys(range(10, MAX_VOTERS + 500), "lie"), 1: "truth", OWN: "truth"})
    assert elect(many.answers, estimator.weights(many)) == "truth"
    right = {v: a == "truth" for v, a in many.answers.items()}
    estimator.learn(many)
    estimator.judge(many, right)
    known = estimator.reliabilities()
    assert len(known) == MAX_VOTERS
    assert known[1] > 0.8
    assert OWN in known


def test_silence_where_another_source_was_right_counts_a_little_against_a_source():
    estimator = LedgerEstimator(range(3))
    ballot = Ballot({0: "truth", 1: "lie"}, silent=frozenset({2}))
    estimator.learn(ballot, {0: True, 1: False})
    known = estimator.reliabilities()
    assert known[0] > 0.5 > known[2] > known[1]
    # Where nobody was right nobody is blamed, the silent neither.
    estimator.learn(Ballot({0: "x"}, silent=frozenset({2})), {0: False})
    assert estimator.reliabilities()[2] == pytest.approx(known[2], abs=1e-3)


def test_the_chain_says_where_a_source_starts_and_gold_seen_here_outweighs_it():
    estimator = LedgerEstimator(range(2))
    estimator.assume({0: Reliability(900.0, 100.0), 1: Reliability(1.0, 9.0)})
    known = estimator.reliabilities()
    assert known[0] == pytest.approx((1.0 + 0.9 * 8.0) / 10.0)
    assert known[1] < 0.3
    for _ in range(12):
        estimator.learn(Ballot({0: "lie", 1: "truth"}), {0: False, 1: True})
    after = estimator.reliabilities()
    assert after[1] > after[0]


def test_who_could_overrule_the_least_bad_by_speaking_weighs_infinitely():
    estimator = LedgerEstimator(range(3))
    for _ in range(6):
        estimator.learn(Ballot({0: "a", 1: "b", 2: "c"}), {0: True, 1: False, 2: False})
    weights = estimator.weights(Ballot({1: "x", 2: "y"}, silent=frozenset({0})))
    assert weights[0] == float("inf")
    assert 0.0 < weights[1] < 1.0


def test_an_estimator_goes_on_where_it_was_saved(tmp_path):
    path = tmp_path / "ledgers"
    before = LedgerEstimator(path=path)
    for n in range(30):
        before.learn(Ballot(TOLD | {OWN: "truth"}, "history" if n % 2 else ""), RIGHT | {OWN: True})
    before.hear(1, 1.0, 0.0, "history")
    before.save()
    after = LedgerEstimator(path=path)
    for each in (before, after):
        each.learn(Ballot({0: "lie", 1: "truth", 2: "truth"}), {0: False, 1: True, 2: True})
    assert after.time == before.time
    for topic in ("", "history"):
        assert after.reliabilities(topic) == pytest.approx(before.reliabilities(topic))
    ballot = Ballot(TOLD, "history")
    assert after.weights(ballot) == pytest.approx(before.weights(ballot))


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "ledgers"
    LedgerEstimator(path=path).save()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StateError, match="damaged"):
        LedgerEstimator(path=path)
    write_state(path, "neighbours", {})
    with pytest.raises(StateError, match="no evidence"):
        LedgerEstimator(path=path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("book.amounts", np.full((1, 3), np.nan)),
        ("book.whose", np.array([[2**33, 0, 0]])),
        ("book.whose", np.array([[1, 0, 9]])),
        ("book.whose", np.array([[1, -1, 0]])),
        ("copies.odds", np.full(2, 1e300)),
        ("fallen.sums", np.full(1, -1.0)),
        ("since", np.array([-5, 0])),
        ("voters", np.array([1.0])),
    ],
)
def test_a_forged_state_is_refused(tmp_path, name, value):
    path = tmp_path / "ledgers"
    estimator = LedgerEstimator(range(2), path=path)
    estimator.hear(0, 1.0, 0.0)
    estimator.save()
    learner, arrays = read_state(path)
    write_state(path, learner, {**arrays, name: value})
    with pytest.raises(StateError):
        LedgerEstimator(path=path)
