from rag.routing.best_known import BestKnownRouter
from rag.types import Reliability

GOOD = Reliability(supported=98.0)
POOR = Reliability(supported=10.0, contradicted=40.0)


def chosen(router, sources, known):
    return router.choose("k", "q", sources, known, {})


def test_all_sources_are_asked_unless_a_limit_is_set():
    assert chosen(BestKnownRouter(), [3, 1, 2], {}) == (1, 2, 3)
    assert chosen(BestKnownRouter(limit=9), [3, 1, 2], {}) == (1, 2, 3)


def test_under_a_limit_the_best_are_asked_and_the_unknown_get_their_chance():
    known = {1: GOOD, 2: POOR, 3: Reliability(supported=30.0, contradicted=20.0)}
    assert chosen(BestKnownRouter(limit=2), [1, 2, 3, 4], known) == (1, 4)


def test_fresh_registrations_push_out_no_proven_source():
    known = dict.fromkeys(range(1, 11), Reliability(supported=500.0))
    asked = [chosen(BestKnownRouter(limit=limit), range(1, 75), known) for limit in (64, 16, 11)]
    assert [len(each) for each in asked] == [64, 16, 11]
    assert all(set(each) >= set(range(1, 11)) for each in asked)


def test_an_eighth_of_the_slots_is_drawn_among_newcomers_and_one_slot_now_and_then():
    known = dict.fromkeys(range(1, 31), GOOD)
    router = BestKnownRouter(limit=16)
    asked = [router.choose(str(n), "q", range(1, 101), known, {}) for n in range(40)]
    assert all(sum(i > 30 for i in each) == 2 for each in asked)
    assert len({i for each in asked for i in each if i > 30}) > 30
    alone = [
        BestKnownRouter(limit=1).choose(str(n), "q", range(1, 101), known, {})[0]
        for n in range(400)
    ]
    assert 25 < sum(i > 30 for i in alone) < 80


def test_at_least_one_source_is_asked():
    assert chosen(BestKnownRouter(limit=0), [5, 4], {}) in {(4,), (5,)}
