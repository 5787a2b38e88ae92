import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import StateError
from rag.routing.diversity import coverage, select
from rag.routing.overlap import Overlap

CASES = st.integers(2, 6).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(0, 1), min_size=n, max_size=n),
        st.lists(st.floats(0, 1), min_size=n * n, max_size=n * n),
        st.integers(1, n),
    )
)


def cover_of(chances, overlap):
    n = len(chances)
    return coverage(np.array(chances), np.array(overlap).reshape(n, n))


@settings(max_examples=60)
@given(CASES)
def test_greedy_reaches_at_least_1_less_1_over_e_of_the_best_set(case):
    chances, overlap, limit = case
    cover = cover_of(chances, overlap)
    best = max(cover.value(s) for s in itertools.combinations(range(len(chances)), limit))
    found = [place for place, _ in select(cover, limit)]
    assert len(set(found)) == limit
    assert cover.value(found) >= (1 - 1 / np.e) * best - 1e-9


@settings(max_examples=60)
@given(CASES)
def test_lazy_greedy_takes_what_plain_greedy_takes_and_reports_its_gains(case):
    chances, overlap, limit = case
    cover = cover_of(chances, overlap)
    taken = []
    for place, gain in select(cover, limit):
        gains = [
            cover.value([*taken, i]) - cover.value(taken) if i not in taken else -1.0
            for i in range(len(chances))
        ]
        assert gain == pytest.approx(gains[place], abs=1e-9)
        assert gain >= max(gains) - 1e-9
        taken.append(place)


@settings(max_examples=60)
@given(CASES, st.data())
def test_coverage_is_monotone_and_submodular(case, data):
    chances, overlap, _ = case
    cover = cover_of(chances, overlap)
    places = list(range(len(chances)))
    added = data.draw(st.sampled_from(places))
    rest = [p for p in places if p != added]
    large = data.draw(st.lists(st.sampled_from(rest), unique=True))
    small = large[: len(large) // 2]
    gains = [cover.value([*s, added]) - cover.value(s) for s in (small, large)]
    assert gains[0] >= gains[1] - 1e-9
    assert gains[1] >= -1e-9


def test_without_overlap_the_best_are_taken_in_order():
    assert [p for p, _ in select(coverage(np.array([0.2, 0.9, 0.5])), 2)] == [1, 2]


def test_a_copy_adds_nothing_so_that_another_source_is_taken():
    overlap = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    cover = coverage(np.array([0.9, 0.9, 0.3]), overlap)
    assert [p for p, _ in select(cover, 2)] == [0, 2]
    assert cover.value([0]) == cover.value([0, 1]) == pytest.approx(0.9)


def test_what_a_source_costs_is_weighed_against_what_it_adds():
    cover = coverage(np.array([0.6, 0.5]))
    assert [p for p, _ in select(cover, 1, np.array([0.2, 0.0]))] == [1]


def test_overlap_is_the_share_of_passages_given_by_the_other_too():
    overlap = Overlap(prior=0.0, fade=1.0)
    overlap.learn({1: {"a", "b", "c", "d"}, 2: {"a", "b"}, 3: {"x"}})
    assert overlap.among([1, 2, 3, 4]).tolist() == [
        [1.0, 1.0, 0.0, 0.0],
        [0.5, 1.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ]


def test_sources_that_were_not_asked_together_count_as_different():
    overlap = Overlap()
    overlap.learn({1: {"a"}})
    overlap.learn({2: {"a"}})
    overlap.learn({})
    assert overlap.among([1, 2]).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_restored_overlap_is_the_same_and_a_wrong_one_is_refused():
    before, after = Overlap(), Overlap()
    before.learn({1: {"a", "b"}, 2: {"b"}})
    after.restore(before.state())
    assert np.array_equal(before.among([2, 1]), after.among([2, 1]))
    with pytest.raises(StateError):
        after.restore({**before.state(), "given": np.full((2, 2), np.nan)})
