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


def test_at_least_one_source_is_asked():
    assert chosen(BestKnownRouter(limit=0), [5, 4], {}) == (4,)
