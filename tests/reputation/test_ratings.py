from __future__ import annotations

from dataclasses import replace
from math import isqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.graph import snapshot_hash
from chainrep.reputation.ratings import MAX_RATING, Ratings, graph_of, with_accounts

NAMES = ("ann", "bob", "cid", "dan")
DAY = 86_400
ROW = st.tuples(
    st.integers(0, 3), st.integers(0, 3), st.integers(-MAX_RATING, MAX_RATING), st.integers(0, 999)
).filter(lambda row: row[0] != row[1])


def ratings_of(rows, names=NAMES):
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    kinds = (np.int32, np.int32, np.int64, np.int64)
    return Ratings(names, *(np.array(c, kind) for c, kind in zip(columns, kinds, strict=True)))


def links_in(rows):
    return {
        (u, int(rows.node[i])): int(rows.weight[i])
        for u in range(len(rows.total))
        for i in range(rows.start[u], rows.start[u + 1])
    }


def plain(rows, end, half_life):
    net = {}
    for rater, ratee, amount, time in rows:
        if time < end:
            faded = (abs(amount) << 16) >> min(63, (end - 1 - time) // half_life)
            net[rater, ratee] = net.get((rater, ratee), 0) + (faded if amount > 0 else -faded)
    weight = {pair: isqrt(min(abs(found), 10_000 << 16) * 100 >> 16) for pair, found in net.items()}
    return [
        {pair: w for pair, w in weight.items() if w and (net[pair] > 0) == trusted}
        for trusted in (True, False)
    ]


@given(st.lists(ROW, max_size=40), st.integers(0, 1_200), st.integers(1, 500))
def test_a_second_implementation_gives_the_same_weights(rows, end, half_life):
    graph = graph_of(ratings_of(rows), end, half_life)
    assert [links_in(graph.out), links_in(graph.warned)] == plain(rows, end, half_life)


@given(st.lists(ROW, max_size=20), st.randoms())
def test_the_order_of_ratings_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    hashes = {snapshot_hash(graph_of(ratings_of(r), 1_000, 100)) for r in (rows, shuffled)}
    assert len(hashes) == 1


def weight_of(*rows, end=1, half_life=DAY):
    return links_in(graph_of(ratings_of(rows), end, half_life).out).get((0, 1), 0)


def test_one_unit_weighs_a_hundred_and_four_units_twice_as_much():
    assert weight_of((0, 1, 100, 0)) == 100
    assert weight_of(*[(0, 1, 100, 0)] * 4) == 200


def test_no_pair_weighs_more_than_a_thousand():
    assert weight_of(*[(0, 1, MAX_RATING, 0)] * 50) == 1_000


def test_what_was_said_a_half_life_ago_counts_half():
    old = weight_of((0, 1, 400, 0), end=DAY + 1)
    assert old == isqrt(200 * 100)
    assert weight_of((0, 1, 400, 0), end=DAY) == 200


def test_what_is_said_later_than_the_end_does_not_count_yet():
    assert weight_of((0, 1, 100, 5), end=5) == 0


def test_what_is_below_zero_in_sum_is_a_warning():
    graph = graph_of(ratings_of([(0, 1, 100, 0), (0, 1, -300, 0)]), 1, DAY)
    assert (links_in(graph.out), links_in(graph.warned)) == ({}, {(0, 1): isqrt(200 * 100)})


def test_nobody_rates_itself():
    with pytest.raises(InputError, match="rates itself"):
        graph_of(ratings_of([(1, 1, 100, 0)]), 1, DAY)


def test_a_rating_beyond_the_limit_is_refused():
    with pytest.raises(InputError, match="327"):
        graph_of(ratings_of([(0, 1, MAX_RATING + 1, 0)]), 1, DAY)


@pytest.mark.parametrize(
    "row",
    [(0, 1, -(2**63), 0), (0, 1, 2**63 - 1, 0), (0, 1, 1, -1), (0, 1, 1, -(2**63)), (-1, 1, 1, 0)],
)
def test_numbers_that_would_wrap_are_refused(row):
    with pytest.raises(InputError):
        graph_of(ratings_of([row]), 1, DAY)


def test_columns_of_other_widths_are_refused():
    ratings = ratings_of([(0, 1, 100, 0)])
    with pytest.raises(InputError, match="int64"):
        graph_of(replace(ratings, amount=ratings.amount.astype(np.int16)), 1, DAY)


def test_accounts_that_said_nothing_can_be_added():
    ratings = with_accounts(ratings_of([(0, 3, 100, 0)]), ["abe", "zoe", "bob"])
    assert ratings.accounts == ["abe", "ann", "bob", "cid", "dan", "zoe"]
    assert links_in(graph_of(ratings, 1, DAY).out) == {(1, 4): 100}
    nobody = with_accounts(ratings_of([], ()), ["b", "a"])
    assert graph_of(nobody, 1, DAY).accounts == ["a", "b"]
