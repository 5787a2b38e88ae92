from collections import Counter

import numpy as np
import pytest

from rag.errors import RouterError, StateError
from rag.routing.learning_router import SAVE_EVERY, Choosing, LearningRouter, Logged
from rag.routing.linucb import LinUcbLearner
from rag.routing.neighbours import NeighbourLearner
from rag.routing.projection import random_projection
from rag.routing.thompson import BetaThompsonLearner, LinearThompsonLearner
from rag.state.file import read_state, write_state
from rag.types import Cost, Reliability

SURELY_BAD = Reliability(supported=2.0, contradicted=98.0)
LEARNERS = {
    "neighbours": lambda features: NeighbourLearner(features.dimensions),
    "linucb": lambda features: LinUcbLearner(random_projection(features.dimensions, 8)),
    "linear-thompson": lambda features: LinearThompsonLearner(
        random_projection(features.dimensions, 8)
    ),
    "beta-thompson": lambda _: BetaThompsonLearner(),
}
TWO = Choosing(limit=2, least=2, explore=0.0)


@pytest.fixture
def make(features):
    def made(choosing=TWO, learner=None, **options):
        learner = learner or NeighbourLearner(features.dimensions)
        return LearningRouter(learner, features, choosing=choosing, **options)

    return made


def worth(question, source):
    """Sources 1 and 2 know the sea, 3 and 4 the sky."""
    return float(("sea" in question) == (source in {1, 2}))


def live(router, turns, start=0):
    """Let it answer questions about both and learn; return what it was worth, per turn."""
    got = []
    for n in range(start, start + turns):
        question = f"what about the {'sea' if n % 2 else 'sky'} {n}"
        chosen = router.choose(str(n), question, [1, 2, 3, 4], {}, {})
        rewards = {s: worth(question, s) for s in chosen}
        router.learn(str(n), rewards)
        got.append(sum(rewards.values()) / len(rewards))
    return got


@pytest.mark.parametrize("kind", ["neighbours", "linucb"])
def test_it_learns_who_knows_what(make, features, kind):
    learner = None
    if kind == "linucb":
        learner = LinUcbLearner(random_projection(features.dimensions, 12))
    got = live(make(learner=learner), 150)
    assert sum(got[-50:]) / 50 > 0.95


def test_a_warm_start_knows_at_once(make):
    router = make()
    router.warm_start(
        Logged(f"{topic} {n}", {s: worth(topic, s) for s in (1, 2, 3, 4)})
        for n in range(20)
        for topic in ("sea", "sky")
    )
    assert router.choose("k", "the sea?", [1, 2, 3, 4], {}, {}) == (1, 2)
    assert router.choose("l", "the sky?", [1, 2, 3, 4], {}, {}) == (3, 4)


def test_the_same_seed_and_lessons_give_the_same_choices_and_another_seed_gives_others(make):
    wide = Choosing(limit=2, least=2, explore=0.3)
    runs = []
    for seed in (1, 1, 2):
        router = make(wide, seed=seed)
        runs.append([router.choose(str(n), f"q {n}", range(8), {}, {}) for n in range(30)])
    assert runs[0] == runs[1] != runs[2]


def test_a_new_source_gets_its_chance(make):
    router = make()
    live(router, 60)
    assert any(
        5 in router.choose(f"new {n}", "the sea?", [1, 2, 3, 4, 5], {}, {}) for n in range(5)
    )


@pytest.mark.parametrize("kind", ["neighbours", "linucb", "linear-thompson", "beta-thompson"])
def test_fresh_registrations_push_out_nobody_who_has_shown_something(make, features, kind):
    router = make(Choosing(limit=16, least=16, explore=0.0), LEARNERS[kind](features))
    rewards = dict.fromkeys(range(1, 11), 0.8)
    router.warm_start(Logged(f"sea {n}", rewards) for n in range(30))
    known = {11: Reliability(supported=200.0)}
    for n in range(10):
        chosen = router.choose(str(n), f"the sea {n}?", range(1, 200), known, {})
        assert set(chosen) >= set(range(1, 12))
        assert len(chosen) == 16


def test_a_twentieth_of_the_slots_is_drawn_by_lot_from_everybody(make):
    router = make(Choosing(limit=2, least=2, explore=0.05))
    known = dict.fromkeys((3, 4), SURELY_BAD)
    asked = Counter(
        s for n in range(400) for s in router.choose(str(n), "q", [1, 2, 3, 4], known, {})
    )
    assert sum(asked.values()) == 800
    assert 20 < asked[3] + asked[4] < 65


def test_who_is_surely_below_the_floor_is_asked_only_when_nobody_else_is_there(make):
    router = make(Choosing(explore=0.0))
    known = dict.fromkeys((1, 2), SURELY_BAD)
    assert router.choose("a", "q", [1, 2, 3], known, {}) == (3,)
    assert router.choose("b", "q", [1, 2], known, {}) == (1, 2)


def test_trust_price_and_waiting_each_decide_between_sources_that_are_otherwise_alike(make):
    router = make(Choosing(limit=1, least=1, explore=0.0))
    good = Reliability(supported=50.0)
    assert router.choose("a", "q", [1, 2], {2: good}, {}) == (2,)
    assert router.choose("b", "q", [1, 2], {}, {1: Cost(price=10**14)}) == (2,)
    assert router.choose("c", "q", [1, 2], {}, {1: Cost(seconds=2.0)}) == (2,)
    assert router.choose("d", "q", [1, 2], {}, {1: Cost(seconds=float("nan"))}) == (2,)


def test_it_stops_asking_when_little_doubt_is_left(make):
    router = make(Choosing(explore=0.0, least=1, gain=0.05))
    ids = list(range(1, 9))
    assert len(router.choose("before", "the sea?", ids, {}, {})) > 3
    router.warm_start(Logged(f"sea {n}", dict.fromkeys(ids, 1.0)) for n in range(40))
    assert len(router.choose("after", "the sea?", ids, {}, {})) == 2


def test_until_it_has_had_its_lessons_it_counts_on_nobody_but_heeds_the_cost(make, tmp_path):
    few = Choosing(explore=0.0, least=1, gain=0.05, trial=4)
    path = tmp_path / "router"
    ids = list(range(1, 9))
    costs = {8: Cost(price=2 * 10**15)}
    for n in range(4):
        router = make(few, path=path)
        assert router.choose(str(n), "the sea?", ids, {}, costs) == tuple(ids[:-1])
        router.learn(str(n), dict.fromkeys(ids, 1.0))
        router.save()
    assert len(make(few, path=path).choose("after", "the sea?", ids, {}, costs)) < 5


def test_a_logged_question_without_rewards_is_no_lesson(make):
    few = Choosing(explore=0.0, least=1, gain=0.05, trial=25)
    router, ids = make(few), list(range(1, 9))
    router.warm_start([Logged("sea", dict.fromkeys(ids, 1.0))] * 24 + [Logged("sky", {})] * 25)
    assert router.choose("trial", "the sea?", ids, {}, {}) == tuple(ids)
    router.warm_start([Logged("sea", dict.fromkeys(ids, 1.0))])
    assert len(router.choose("over", "the sea?", ids, {}, {})) < len(ids)


def test_before_its_first_lesson_too_newcomers_have_an_eighth_of_the_slots_and_no_more(make):
    router = make(Choosing(explore=0.0, limit=4))
    known = dict.fromkeys(range(1, 7), Reliability(supported=5.0, contradicted=15.0))
    costs = dict.fromkeys(known, Cost(price=10**14))
    chosen = router.choose("k", "the sea?", range(1, 13), known, costs)
    assert len(chosen) == 4
    assert sum(source > 6 for source in chosen) == 1


def test_a_file_that_does_not_say_how_many_lessons_there_were_is_refused(make, tmp_path):
    path = tmp_path / "router"
    make(path=path).save()
    name, arrays = read_state(path)
    for lessons in (None, [-1], [0, 0], [2**62]):
        kept = {n: a for n, a in arrays.items() if n != "trial.lessons"}
        if lessons is not None:
            kept["trial.lessons"] = np.array(lessons)
        write_state(path, name, kept)
        with pytest.raises(StateError, match=r"lessons.*/router\).*Delete that file"):
            make(path=path)


def test_a_copy_of_a_source_is_passed_over_for_another(make):
    router = make()
    rewards = {1: 0.9, 2: 0.9, 3: 0.6}
    router.warm_start(Logged(f"sea {n}", rewards) for n in range(40))
    assert router.choose("a", "the sea?", [1, 2, 3], {}, {}) == (1, 2)
    for n in range(60):
        router.saw({1: {n, -n - 1}, 2: {n, -n - 1}, 3: {f"other {n}"}})
    assert 3 in router.choose("b", "the sea?", [1, 2, 3], {}, {})


def test_a_reward_may_come_late_and_in_parts_and_counts_once(make):
    router, twin = make(), make()
    for each in (router, twin):
        each.choose("k", "the sea?", [1, 2], {}, {})
    router.learn("k", {1: 1.0})
    router.learn("k", {1: 0.0, 2: 0.0})
    router.learn("k", {1: 0.0, 2: 1.0})
    twin.learn("k", {1: 1.0})
    twin.learn("k", {2: 0.0})
    after = [each.choose("l", "sea!", [1, 2, 3, 4], {}, {}) for each in (router, twin)]
    assert after[0] == after[1]


@pytest.mark.parametrize("kind", ["neighbours", "linucb", "linear-thompson", "beta-thompson"])
def test_gold_takes_the_place_of_a_users_word_and_stays(make, features, kind, tmp_path):
    told, knew = (
        make(learner=LEARNERS[kind](features), path=tmp_path / name) for name in ("told", "knew")
    )
    for each in (told, knew):
        live(each, 6)
        each.choose("k", "the sea?", [1, 2], {}, {})
    told.learn("k", {1: 0.0, 2: 1.0})
    told.save()
    told = make(learner=LEARNERS[kind](features), path=tmp_path / "told")
    told.learn("k", {1: 1.0, 2: 1.0}, gold=True)
    told.learn("k", {1: 0.0, 2: 0.0})
    knew.learn("k", {1: 1.0, 2: 1.0}, gold=True)
    knew.learn("k", {1: 0.0, 2: 0.0}, gold=True)
    knew.save()
    knew = make(learner=LEARNERS[kind](features), path=tmp_path / "knew")
    expected = [
        each._learner.estimate(
            each._features.of("the sea?"), [1, 2, 3], np.random.default_rng(1)
        ).mean
        for each in (told, knew)
    ]
    assert expected[0] == pytest.approx(expected[1], rel=1e-6)


def test_rewards_for_unknown_keys_and_sources_that_were_not_asked_teach_nothing(make):
    router, twin = make(), make()
    for each in (router, twin):
        each.choose("k", "the sea?", [1, 2], {}, {})
    router.learn("unheard of", {1: 1.0})
    router.learn("k", {3: 1.0})
    router.warm_start([])
    for n in range(5):
        key, question = f"t {n}", f"sea {n}"
        assert router.choose(key, question, [1, 2, 3, 4], {}, {}) == twin.choose(
            key, question, [1, 2, 3, 4], {}, {}
        )


@pytest.mark.parametrize("reward", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_reward_out_of_range_is_refused(make, reward):
    router = make()
    router.choose("k", "q", [1, 2], {}, {})
    with pytest.raises(RouterError, match="between 0 and 1"):
        router.learn("k", {1: reward})


def test_choices_that_never_get_a_reward_do_not_pile_up(make):
    router = make(pending=20)
    for n in range(25):
        router.choose(str(n), "q", [1, 2], {}, {})
    assert len(router._pending) == 20


def test_nobody_to_ask_is_no_error(make):
    assert make().choose("k", "q", [], {}, {}) == ()


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"least": 0}, {"trial": -1}, {"explore": 1.5}, {"floor": float("nan")}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(RouterError):
        Choosing(**wrong)


def test_a_router_goes_on_where_it_was_saved_also_with_choices_that_wait(make, tmp_path):
    path = tmp_path / "router"
    before = make(path=path)
    live(before, 60)
    before.choose("late", "the sea?", [1, 2, 3, 4], {}, {})
    before.save()
    after = make(path=path)
    for each in (before, after):
        each.learn("late", {1: 0.0, 2: 0.0})
    assert live(before, 20, start=100) == live(after, 20, start=100)


def test_it_saves_by_itself_so_that_a_kill_costs_few_lessons(make, tmp_path):
    path = tmp_path / "router"
    live(make(path=path), SAVE_EVERY - 1)
    assert not path.exists()
    live(make(path=path), SAVE_EVERY)
    assert path.exists()


def test_a_damaged_file_is_refused_unless_told_to_start_fresh(make, tmp_path):
    path = tmp_path / "router"
    router = make(path=path)
    live(router, 5)
    router.save()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StateError, match=r"damaged.*Delete that file"):
        make(path=path)
    make(path=path, fresh=True).save()
    assert make(path=path).choose("k", "q", [1, 2], {}, {}) == (1, 2)


def test_the_state_of_another_learner_is_refused(make, features, tmp_path):
    path = tmp_path / "router"
    make(path=path).save()
    linear = LinUcbLearner(random_projection(features.dimensions, 4))
    with pytest.raises(StateError, match="not learned by linucb"):
        make(learner=linear, path=path)
