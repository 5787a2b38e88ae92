"""Recommendations: what the reader's trust brings, and how little anybody else can."""

import time
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.item_graph import build_item_graph
from chainrep.reputation.recommend import (
    LEAST_SPREAD,
    MOST_PER_TRUST,
    READER_PART,
    ROUNDS,
    TRUST,
    attention,
    recommend,
    worths,
)
from chainrep.reputation.units import UNIT

NOW, HALF_LIFE = 1_000, 100
PLENTY = 10**9  # a half-life so long that nothing fades


def graph_of(rows, accounts=None, items=None):
    """``rows``: (account, item name, weight, rated at)."""
    items = items or sorted({row[1] for row in rows})
    number = {name: i for i, name in enumerate(items)}
    accounts = accounts or 1 + max(row[0] for row in rows)
    columns = [[row[0] for row in rows], [number[row[1]] for row in rows]]
    return build_item_graph(accounts, items, *columns, [r[2] for r in rows], [r[3] for r in rows])


def trust_of(*scores):
    return np.array(scores, np.uint64)


def names(found):
    return [each.item for each in found]


def slow_attention(graph, trust, now, half_life, reader):
    """The same from the words of the module, rating by rating, in Python's integers."""
    rows = list(zip(graph.account.tolist(), graph.item.tolist(), strict=True))
    weight = [int(w) << 16 for w in graph.weight]
    faded = [
        w >> min((now - int(t)) // half_life, 63)
        for w, t in zip(weight, graph.rated_at, strict=True)
    ]
    whole, heaviest = defaultdict(int), defaultdict(int)
    for (a, _), full, left in zip(rows, weight, faded, strict=True):
        whole[a] += left
        heaviest[a] = max(heaviest[a], full)
    raters = sorted(whole)
    has_taste = reader in whole
    others = sum(int(trust[a]) for a in raters if a != reader)
    own = TRUST // READER_PART if has_taste else 0
    part = {a: (TRUST - own) * int(trust[a]) // others if others else 0 for a in raters}
    if has_taste:
        part[reader] = own
    worth = [
        part[a] * left // max(whole[a], LEAST_SPREAD * heaviest[a])
        for (a, _), left in zip(rows, faded, strict=True)
    ]
    of_account, of_item = defaultdict(int), defaultdict(int)
    for (a, i), each in zip(rows, worth, strict=True):
        of_account[a] += each
        of_item[i] += each
    total = sum(worth)
    if not total:
        return [0] * len(rows)
    first = min(UNIT // 2, UNIT * 8 * of_account[reader] // total) if reader is not None else 0
    held = {a: (UNIT - first) * of_account[a] // total for a in raters}
    if first:
        held[reader] += first
    brought = [0] * len(rows)
    for _ in range(ROUNDS):
        at_item, back = defaultdict(int), defaultdict(int)
        for n, (a, i) in enumerate(rows):
            given = held[a] * worth[n] // of_account[a] if of_account[a] else 0
            brought[n] += given
            at_item[i] += given
        for n, (a, i) in enumerate(rows):
            back[a] += at_item[i] * worth[n] // of_item[i] if of_item[i] else 0
        held = back
    return brought


@st.composite
def communities(draw):
    accounts = draw(st.integers(2, 9))
    pairs = st.tuples(st.integers(0, accounts - 1), st.integers(0, 7))
    rated = draw(st.lists(pairs, min_size=1, max_size=40, unique=True))
    size = len(rated)
    weights = draw(st.lists(st.integers(1, 65_535), min_size=size, max_size=size))
    times = draw(st.lists(st.integers(0, NOW), min_size=size, max_size=size))
    scores = st.one_of(st.just(0), st.integers(0, 100), st.integers(0, 2**62))
    trust = draw(st.lists(scores, min_size=accounts, max_size=accounts))
    reader = draw(st.one_of(st.none(), st.integers(0, accounts - 1)))
    rows = [(a, f"item {i}", w, t) for (a, i), w, t in zip(rated, weights, times, strict=True)]
    return rows, accounts, np.array(trust, np.uint64), reader


ITEMS = [f"item {i}" for i in range(8)]


@given(communities())
@settings(max_examples=50, deadline=None)
def test_attention_is_what_a_slow_reading_of_its_words_gives(community):
    rows, accounts, trust, reader = community
    graph = graph_of(rows, accounts, ITEMS)
    found = attention(graph, trust, NOW, HALF_LIFE, reader)
    assert found.tolist() == slow_attention(graph, trust, NOW, HALF_LIFE, reader)


@given(communities(), st.sets(st.integers(0, 8), min_size=1))
@settings(max_examples=50, deadline=None)
def test_no_set_of_accounts_brings_more_than_nine_times_its_trust_per_round(community, ring):
    rows, accounts, trust, reader = community
    graph = graph_of(rows, accounts, ITEMS)
    worth = worths(graph, trust, NOW, HALF_LIFE, reader)
    in_ring = np.isin(graph.account, list(ring))
    brought = int(attention(graph, trust, NOW, HALF_LIFE, reader)[in_ring].sum())
    trusted, whole = int(worth[in_ring].sum()), int(worth.sum())
    assert brought * whole <= ROUNDS * MOST_PER_TRUST * UNIT * trusted


@given(communities(), st.integers(1, 40), st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_accounts_without_trust_change_no_bit_whatever_they_rate(community, sybils, shift):
    rows, accounts, trust, reader = community
    ring = [
        (accounts + k, f"item {i}", 65_535 - k, NOW - k)
        for k in range(sybils)
        for i in {k % 8, (k + shift) % 8, 3}
    ]
    alone = graph_of(rows, accounts, ITEMS)
    joined = graph_of(rows + ring, accounts + sybils, ITEMS)
    padded = np.concatenate([trust, np.zeros(sybils, np.uint64)])
    expected = attention(alone, trust, NOW, HALF_LIFE, reader)
    found = attention(joined, padded, NOW, HALF_LIFE, reader)
    assert found[joined.account < accounts].tolist() == expected.tolist()
    assert not found[joined.account >= accounts].any()


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_a_ring_takes_from_honest_items_no_more_than_a_multiple_of_its_trust(
    sybils, per_mille, seed
):
    rng = np.random.default_rng(seed)
    honest = 30
    rows = [
        (a, f"item {i:02}", 1, NOW)
        for a in range(honest)
        for i in rng.choice(40, 10, replace=False).tolist()
    ]
    copied = [row[1] for row in rows if row[0] == 0]  # the reader's own taste, and junk
    ring = [
        (honest + k, name, 1, NOW)
        for k in range(sybils)
        for name in [*copied[:4], "junk 0", "junk 1"]
    ]
    items = [f"item {i:02}" for i in range(40)] + ["junk 0", "junk 1"]
    graph = graph_of(rows + ring, honest + sybils, items)
    whole = 10**9
    bought = whole * per_mille // (1000 - per_mille) // sybils
    trust = np.array([whole // honest] * honest + [bought] * sybils, np.int64)
    without = trust.copy()
    without[honest:] = 0
    scores = []
    for given_trust in (without, trust):
        score = np.zeros(len(items), np.int64)
        part = attention(graph, given_trust, NOW, PLENTY, 0)
        np.add.at(score, graph.item, part.astype(np.int64))
        scores.append(score[:40])
    lost = int(np.maximum(scores[0] - scores[1], 0).sum())
    worth = worths(graph, trust, NOW, PLENTY, 0)
    trusted = int(worth[graph.account >= honest].sum())
    # In round r the ring has taken at most its start and r - 1 diversions of nine times its trust.
    bound = ROUNDS + MOST_PER_TRUST * sum(range(ROUNDS))
    rounding = UNIT // 1_000_000
    assert lost <= bound * UNIT * trusted // int(worth.sum()) + rounding


def test_taste_prefers_what_accounts_of_the_same_taste_rate():
    jazz = [(a, f"jazz {i}", 1, NOW) for a in (1, 2) for i in range(8)]
    rock = [(a, f"rock {i}", 1, NOW) for a in (3, 4) for i in range(8)]
    own = [(0, f"jazz {i}", 1, NOW) for i in range(3)]
    graph = graph_of(jazz + rock + own)
    found = recommend(graph, trust_of(5, 5, 5, 5, 5), NOW, HALF_LIFE, reader=0, most=20)
    assert names(found)[:5] == [f"jazz {i}" for i in range(3, 8)]
    assert names(found)[5:] == [f"rock {i}" for i in range(8)]
    assert not any(f"jazz {i}" in names(found) for i in range(3)), "the reader has seen these"


def test_a_newcomer_gets_what_those_it_trusts_rate():
    rows = [(1, "good", 1, NOW), (2, "junk", 1, NOW), (3, "junk", 1, NOW)]
    found = recommend(graph_of(rows), trust_of(9, 5, 1, 1), NOW, HALF_LIFE, reader=0)
    assert names(found) == ["good", "junk"]


def test_reasons_name_the_trusted_accounts_and_add_up_to_the_score():
    rows = [(a, "paper", 1, NOW) for a in (1, 2, 3)] + [(3, "other", 1, NOW)]
    graph = graph_of(rows)
    best = recommend(graph, trust_of(0, 10, 30, 20), NOW, HALF_LIFE, reasons=5)[0]
    assert best.item == "paper"
    assert [reason.account for reason in best.reasons] == [2, 3, 1]
    assert sum(reason.part for reason in best.reasons) == best.score
    short = recommend(graph, trust_of(0, 10, 30, 20), NOW, HALF_LIFE, reasons=1)[0]
    assert short.reasons == best.reasons[:1]


def test_an_old_rating_counts_half_as_much_per_half_life():
    graph = graph_of([(0, "new", 1, NOW), (1, "old", 1, NOW - 2 * HALF_LIFE)])
    new, old = recommend(graph, trust_of(7, 7), NOW, HALF_LIFE)
    assert (new.item, old.item) == ("new", "old")
    worth = worths(graph, trust_of(7, 7), NOW, HALF_LIFE).tolist()
    assert abs(worth[0] - 4 * worth[1]) <= 4


def test_an_account_with_a_single_item_gives_it_an_eighth_of_its_trust():
    graph = graph_of([(0, "pet", 65_535, NOW)] + [(1, f"item {i}", 3, NOW) for i in range(8)])
    worth = worths(graph, trust_of(1, 1), NOW, HALF_LIFE)
    assert len({int(each) >> 4 for each in worth}) == 1


def test_ties_are_broken_by_name_and_seen_items_are_left_out():
    graph = graph_of([(0, name, 1, NOW) for name in ("b", "d", "a", "c")])
    everything = recommend(graph, trust_of(1), NOW, HALF_LIFE)
    assert names(everything) == ["a", "b", "c", "d"]
    assert len({each.score for each in everything}) == 1
    rest = recommend(graph, trust_of(1), NOW, HALF_LIFE, without=["b", "nobody's"], most=2)
    assert names(rest) == ["a", "c"]


def test_the_order_of_the_ratings_changes_nothing():
    rng = np.random.default_rng(3)
    rows = [
        (a, f"item {i}", int(rng.integers(1, 99)), int(rng.integers(0, NOW)))
        for a in range(9)
        for i in rng.choice(20, 5, replace=False).tolist()
    ]
    trust = rng.integers(0, 2**50, 9).astype(np.uint64)
    expected = recommend(graph_of(rows), trust, NOW, HALF_LIFE, reader=2)
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    assert expected
    assert recommend(graph_of(shuffled), trust, NOW, HALF_LIFE, reader=2) == expected


def test_without_any_trust_nothing_is_recommended():
    graph = graph_of([(0, "a", 1, NOW), (1, "b", 1, NOW)])
    assert recommend(graph, trust_of(0, 0), NOW, HALF_LIFE) == []


def test_trust_that_does_not_fit_is_refused():
    graph = graph_of([(0, "a", 1, NOW), (1, "b", 1, 3)])
    for wrong in (trust_of(1), np.array([1.0, 2.0]), np.array([-1, 2]), trust_of(1, 2**63)):
        with pytest.raises(InputError):
            recommend(graph, wrong, NOW, HALF_LIFE)
    good = trust_of(1, 1)
    with pytest.raises(InputError, match="future"):
        recommend(graph, good, NOW - 1, HALF_LIFE)
    with pytest.raises(InputError, match="half-life"):
        recommend(graph, good, NOW, 0)
    with pytest.raises(InputError, match="reader"):
        recommend(graph, good, NOW, HALF_LIFE, reader=2)


def test_malformed_ratings_of_items_are_refused():
    items = ["a", "b"]
    good = ([0, 1], [0, 1], [1, 1], [5, 5])
    assert len(build_item_graph(2, items, *good).item) == 2
    wrong = [
        (2, ["b", "a"], *good),
        (2, ["a", "a"], *good),
        (2, ["a", "b" * 257], *good),
        (1, items, *good),
        (2, ["a"], *good),
        (2, items, [0, 0], [1, 1], [1, 1], [5, 6]),
        (2, items, [0, 1], [0, 1], [0, 1], [5, 5]),
        (2, items, [0, 1], [0, 1], [1, 65_536], [5, 5]),
        (2, items, [0, 1], [0, 1], [1.0, 2.0], [5, 5]),
        (2, items, [0, 1], [0, 1], [1, 1], [5, -5]),
        (2, items, [0], [0, 1], [1, 1], [5, 5]),
    ]
    for case in wrong:
        with pytest.raises(InputError):
            build_item_graph(*case)


def test_a_hundred_thousand_ratings_take_well_under_a_second():
    rng = np.random.default_rng(1)
    keys = np.unique(rng.integers(0, 20_000 * 5_000, 100_000))
    items = [f"item {i:05}" for i in range(5_000)]
    ones = np.ones(len(keys), np.int64)
    graph = build_item_graph(20_000, items, keys // 5_000, keys % 5_000, ones, ones)
    trust = rng.integers(0, 2**40, 20_000).astype(np.uint64)
    begun = time.process_time()
    found = recommend(graph, trust, NOW, HALF_LIFE, reader=int(graph.account[0]))
    assert time.process_time() - begun < 2
    assert all(a.score >= b.score for a, b in pairwise(found))
