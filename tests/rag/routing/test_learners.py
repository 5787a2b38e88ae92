import numpy as np
import pytest

from rag.errors import StateError
from rag.routing.columns import MAX_SOURCES, Columns
from rag.routing.linucb import LinearSetting, LinUcbLearner
from rag.routing.neighbours import NeighbourLearner, NeighbourSetting
from rag.routing.thompson import BetaThompsonLearner, LinearThompsonLearner

SEA, SKY = np.eye(6)[0], np.eye(6)[1]


def learners():
    flat = np.eye(6)
    return [
        NeighbourLearner(6),
        LinUcbLearner(flat),
        LinearThompsonLearner(flat),
    ]


def draw():
    return np.random.default_rng(0)


def taught(learner, rounds=30):
    for n in range(rounds):
        learner.learn(SEA, {1: 1.0, 2: 0.0} if n % 2 else {1: 0.9, 2: 0.1})
        learner.learn(SKY, {1: 0.1, 2: 0.9})
    return learner


@pytest.mark.parametrize("learner", learners(), ids=lambda each: each.name)
def test_who_knows_a_topic_is_expected_to_know_it_again(learner):
    taught(learner)
    sea, sky = (learner.estimate(x, [1, 2], draw()).mean for x in (SEA, SKY))
    assert sea[0] > sea[1] + 0.5
    assert sky[1] > sky[0] + 0.5


@pytest.mark.parametrize("learner", learners(), ids=lambda each: each.name)
def test_a_stranger_may_be_better_than_expected_by_more_than_a_known_source(learner):
    taught(learner)
    gaps = np.zeros(2)
    for seed in range(100):
        found = learner.estimate(SEA, [1, 9], np.random.default_rng(seed))
        gaps += np.abs(found.hopeful - found.mean)
    assert gaps[1] > 2 * gaps[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: NeighbourLearner(6, NeighbourSetting(window=50)),
        lambda: LinUcbLearner(np.eye(6)),
        lambda: LinearThompsonLearner(np.eye(6)),
        BetaThompsonLearner,
    ],
)
def test_a_restored_learner_expects_the_same(make):
    before, after = taught(make()), make()
    after.restore(before.state())
    for x in (SEA, SKY):
        a, b = (each.estimate(x, [2, 1, 7], draw()) for each in (before, after))
        assert np.allclose(a.mean, b.mean)
        assert np.allclose(a.hopeful, b.hopeful)


def test_linucb_is_ridge_regression_with_its_confidence_bound():
    generator = np.random.default_rng(4)
    rows, rewards = generator.standard_normal((40, 6)), generator.random(40)
    learner = LinUcbLearner(np.eye(6), LinearSetting(hope=2.0, ridge=0.5, discount=1.0))
    for row, reward in zip(rows, rewards, strict=True):
        learner.learn(row, {3: float(reward)})
    x = np.append(rows, np.ones((40, 1)), axis=1)
    a = x.T @ x + 0.5 * np.eye(7)
    asked = np.append(SEA, 1.0)
    found = learner.estimate(SEA, [3], draw())
    assert found.mean[0] == pytest.approx(asked @ np.linalg.solve(a, x.T @ rewards))
    bound = 2.0 * np.sqrt(asked @ np.linalg.solve(a, asked))
    assert found.hopeful[0] - found.mean[0] == pytest.approx(bound, abs=1e-6)


def test_what_drifts_is_forgotten():
    window = NeighbourLearner(6, NeighbourSetting(window=20))
    fading = LinUcbLearner(np.eye(6), LinearSetting(discount=0.9))
    beta = BetaThompsonLearner(discount=0.9)
    for learner in (window, fading, beta):
        for reward in (1.0, 0.0):
            for _ in range(40):
                learner.learn(SEA, {1: reward})
        assert learner.estimate(SEA, [1], draw()).mean[0] < 0.15


def test_of_one_source_only_the_nearest_rewards_count():
    learner = NeighbourLearner(6, NeighbourSetting(most=3, sharpness=0.0, nearest=1))
    for _ in range(3):
        learner.learn(SEA, {1: 1.0})
    for _ in range(30):
        learner.learn(SKY, {1: 0.0})
    near, far = (learner.estimate(x, [1], draw()).mean[0] for x in (SEA, SKY))
    assert near > 0.9
    assert far < 0.1


def test_a_beta_posterior_ignores_the_question():
    learner = taught(BetaThompsonLearner(discount=1.0))
    assert np.array_equal(
        learner.estimate(SEA, [1, 2, 3], draw()).mean, learner.estimate(SKY, [1, 2, 3], draw()).mean
    )
    assert learner.estimate(SEA, [3], draw()).mean[0] == 0.5


@pytest.mark.parametrize(
    "make", [lambda: NeighbourLearner(6), lambda: LinUcbLearner(np.eye(6)), BetaThompsonLearner]
)
def test_beyond_its_bound_a_learner_forgets_the_longest_untouched_source_and_goes_on(make):
    learner = make()
    for _ in range(5):
        learner.learn(SEA, {0: 1.0, 1: 1.0})
    for source in range(2, MAX_SOURCES):
        learner.learn(SEA, {source: 0.0})
    learner.learn(SEA, {1: 1.0})
    for _ in range(5):
        learner.learn(SEA, {MAX_SOURCES: 0.0})
    found = learner.estimate(SEA, [0, 1, MAX_SOURCES], draw()).mean
    stranger = learner.estimate(SEA, [99_999], draw()).mean[0]
    assert found[0] == stranger, "the longest untouched one is a stranger again"
    assert found[1] > found[2], "a newcomer inherits nothing"
    assert len(learner.state()["sources"]) == MAX_SOURCES
    again = make()
    again.restore(learner.state())
    assert np.allclose(again.estimate(SEA, [0, 1, MAX_SOURCES], draw()).mean, found)


def test_columns_change_hands_and_say_so():
    columns = Columns(range(MAX_SOURCES))
    assert columns.of([0, 5]) == ([0, 5], [])
    assert columns.of([MAX_SOURCES]) == ([1], [1])
    assert columns.known([1, MAX_SOURCES]) == ([1], [1])
    assert columns.ids()[1] == MAX_SOURCES


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (lambda: NeighbourLearner(6), "questions", np.zeros((60, 7), dtype=np.float32)),
        (lambda: NeighbourLearner(6), "rewards", np.full(120, 2.0)),
        (lambda: NeighbourLearner(6), "rewards", np.full(120, np.nan)),
        (lambda: NeighbourLearner(6), "turns", np.arange(120)),
        (lambda: NeighbourLearner(6), "turns", np.arange(120)[::-1] // 2),
        (lambda: NeighbourLearner(6), "owners", np.full(120, 2)),
        (lambda: NeighbourLearner(6), "sources", np.array([1, 1])),
        (lambda: NeighbourLearner(6), "sources", np.array([1.0, 2.0])),
        (lambda: LinUcbLearner(np.eye(6)), "a", np.full((2, 7, 7), np.inf)),
        (lambda: LinUcbLearner(np.eye(6)), "b", np.full((2, 7), 1e300)),
        (lambda: LinUcbLearner(np.eye(6)), "projection", np.eye(5)),
        (BetaThompsonLearner, "sums", np.full((2, 2), -3.0)),
    ],
)
def test_a_state_that_does_not_fit_is_refused(make, name, value):
    state = taught(make()).state()
    with pytest.raises(StateError):
        make().restore({**state, name: value})
    with pytest.raises(StateError, match="lacks"):
        make().restore({n: a for n, a in state.items() if n != name})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("a", np.zeros((2, 7, 7)), "no lessons"),
        ("a", np.stack([np.eye(7) + np.eye(7, k=1)] * 2), "symmetric"),
        ("projection", 2.0 * np.eye(6), "other columns"),
        ("projection", np.eye(6)[::-1].copy(), "other columns"),
        ("projection", np.full((6, 6), np.nan), "out of range"),
        ("sources", np.array([3, 3]), "twice"),
    ],
)
def test_a_linear_state_that_no_lessons_add_up_to_is_refused(name, value, message):
    state = taught(LinUcbLearner(np.eye(6))).state()
    with pytest.raises(StateError, match=message):
        LinUcbLearner(np.eye(6)).restore({**state, name: value})
