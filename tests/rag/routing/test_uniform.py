from collections import Counter

from rag.routing.uniform import UniformRouter


def test_the_same_key_and_seed_draw_the_same_sources_and_others_draw_others():
    router = UniformRouter(limit=2, seed=3)
    draws = [router.choose(str(n), "q", range(10), {}, {}) for n in range(50)]
    again = [
        UniformRouter(limit=2, seed=3).choose(str(n), "q", range(10), {}, {}) for n in range(50)
    ]
    assert draws == again
    assert len(set(draws)) > 20


def test_every_source_is_drawn_about_as_often_as_any_other():
    router = UniformRouter(limit=2)
    counts = Counter(s for n in range(1_000) for s in router.choose(str(n), "q", range(5), {}, {}))
    assert all(330 < counts[s] < 470 for s in range(5))


def test_nobody_to_ask_is_no_error():
    assert UniformRouter(limit=2).choose("k", "q", [], {}, {}) == ()
