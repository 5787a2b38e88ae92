from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.collusion import find_near_copies
from chainrep.reputation.graph import build_graph, make_links
from chainrep.reputation.pagerank import public_scores
from chainrep.reputation.ratings import Ratings
from chainrep.reputation.units import WHOLE
from tests.reputation.plain_copies import earlier_copies

SIZE = 14
OTHERS = 160
ROWS = st.lists(
    st.tuples(
        st.integers(0, SIZE - 1),
        st.integers(0, 6),
        st.sampled_from([-100, 100, 100, 100, 300]),
        st.integers(0, 3),
    ).filter(lambda row: row[0] != row[1]),
    max_size=110,
)


def ratings_of(size, rows):
    table = np.array(rows, np.int64).reshape(-1, 4).T
    names = [f"a{i:05d}" for i in range(size)]
    rater, ratee = table[0].astype(np.int32), table[1].astype(np.int32)
    return Ratings(names, rater, ratee, table[2], table[3])


def copies(raters, ratees, time=0, amount=500):
    """One after the other says the same of the same."""
    return [(i, j, amount, time + n) for n, i in enumerate(raters) for j in ratees]


def bystanders(first, count):
    """Accounts that said one thing each before all others, so that something can be unusual."""
    return [(first + n, first + (n + 1) % count, 100, -1) for n in range(count)]


def crowd(rng, raters, ratees, most=12):
    """Independent raters: some accounts are far better known than others, and few disliked."""
    chance = 1 / np.arange(1, len(ratees) + 1)
    rows = []
    for i in raters:
        known = rng.choice(ratees, rng.integers(3, most), replace=False, p=chance / chance.sum())
        rows += [
            (i, int(j), int(rng.choice([100, 200, 500, -300], p=[0.5, 0.2, 0.2, 0.1])), t)
            for j, t in zip(known, rng.integers(0, 10_000, known.size), strict=True)
        ]
    return rows


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(0, 2**64 - 1))
def test_a_second_implementation_finds_the_same_copies(rows, salt):
    rows = rows + bystanders(SIZE, OTHERS)
    found = find_near_copies(ratings_of(SIZE + OTHERS, rows), salt)
    assert found.earlier.tolist() == earlier_copies(SIZE + OTHERS, rows, salt)
    assert found.passing.tolist() == [WHOLE >> e for e in found.earlier.tolist()]


@settings(max_examples=40, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_ratings_changes_nothing(rows, random):
    rows = rows + bystanders(SIZE, OTHERS)
    shuffled = rows.copy()
    random.shuffle(shuffled)
    one, other = (find_near_copies(ratings_of(SIZE + OTHERS, order)) for order in (rows, shuffled))
    assert one.earlier.tolist() == other.earlier.tolist()
    assert one.groups == other.groups


def test_witnesses_of_a_crowd_are_drawn_as_the_second_implementation_draws_them():
    rng = np.random.default_rng(5)
    rows = [
        (i, j, 100, int(rng.integers(0, 1_000)))
        for i in range(10, 310)
        for j in range(5)
        if rng.random() < 0.95
    ]
    rows += bystanders(310, 3_000)
    found = find_near_copies(ratings_of(3_310, rows), 77)
    some = range(10, 310, 30)
    assert found.earlier[some].tolist() == earlier_copies(3_310, rows, 77, some)
    assert found.earlier.max() > 100


@settings(max_examples=60, deadline=None)
@given(ROWS, st.lists(st.tuples(st.integers(0, 11), st.sets(st.integers(0, 6))), max_size=12))
def test_nobody_loses_by_accounts_that_copy_it_later(rows, clones):
    """Twelve accounts that repeat all or some of what others said, each after everybody."""
    others = bystanders(SIZE + 12, OTHERS)
    size = SIZE + 12 + OTHERS
    before = find_near_copies(ratings_of(size, rows + others)).passing[:SIZE]
    later = [
        (SIZE + n, ratee, amount, 100 + n)
        for n, (victim, left_out) in enumerate(clones)
        for rater, ratee, amount, _ in rows
        if rater == victim and ratee not in left_out
    ]
    after = find_near_copies(ratings_of(size, rows + others + later)).passing[:SIZE]
    assert after.tolist() == before.tolist()


def test_an_honest_rater_copied_fifty_times_stays_whole_and_the_copies_do_not():
    rng = np.random.default_rng(1)
    honest = crowd(rng, range(100, 1_000), np.arange(100))
    victim = [(1_000, j, 300, 5_000 + j) for j in (50, 60, 70, 80, 90, 99)]
    honest += victim + bystanders(1_051, 3_000)
    alone = find_near_copies(ratings_of(4_051, honest)).passing
    clones = [(1_001 + n, j, a, 20_000 + n) for n in range(50) for _, j, a, _ in victim]
    found = find_near_copies(ratings_of(4_051, honest + clones))
    assert found.passing[1_000] == WHOLE
    assert found.passing[:1_001].tolist() == alone[:1_001].tolist()
    assert found.passing[1_001:1_051].sum() <= 50 // 10 * WHOLE


@pytest.mark.parametrize("count", [2, 5, 50, 250])
@pytest.mark.parametrize("shuffled", [False, True])
def test_however_many_copies_there_are_they_count_for_less_than_two(count, shuffled):
    rows = copies(range(10, 10 + count), range(6))
    if shuffled:
        times = np.random.default_rng(count).permutation(len(rows))
        rows = [(i, j, amount, int(t)) for (i, j, amount, _), t in zip(rows, times, strict=True)]
    rows += bystanders(10 + count, 8_000)
    found = find_near_copies(ratings_of(8_010 + count, rows))
    counted = found.passing[10 : 10 + count]
    assert counted.sum() < 2 * WHOLE + count
    assert counted.min() >= 1
    assert found.groups == [list(range(10, 10 + count))]


def test_a_crowd_of_copies_beyond_the_witnesses_counts_for_one_in_fifty_at_most():
    rows = copies(range(10, 2_010), range(6)) + bystanders(2_010, 30_000)
    found = find_near_copies(ratings_of(32_010, rows))
    assert found.passing[10:2_010].sum() <= 2_000 // 50 * WHOLE


@pytest.mark.parametrize("truthful", [False, True])
def test_twenty_ratings_of_camouflage_do_not_hide_fifty_colluders(truthful):
    rng = np.random.default_rng(3)
    honest = crowd(rng, range(200, 1_000), np.arange(100))
    rows = copies(range(1_000, 1_050), range(150, 156), 20_000)
    for i in range(1_000, 1_050):
        for j in rng.choice(100, 20, replace=False):
            opinion = 100 if truthful else int(rng.choice([-500, 500]))
            rows.append((i, int(j), opinion, int(rng.integers(0, 30_000))))
    found = find_near_copies(ratings_of(1_050, honest + rows))
    assert found.passing[1_000:].sum() <= 50 * WHOLE // 20
    fallen = np.count_nonzero(found.passing[200:1_000] < WHOLE // 2)
    assert fallen <= 800 // 50


def test_people_who_agree_on_what_everybody_says_are_no_group():
    rng = np.random.default_rng(4)
    rows = crowd(rng, range(100, 600), np.arange(100))
    found = find_near_copies(ratings_of(600, rows))
    assert np.count_nonzero(found.passing[100:] < WHOLE // 2) <= 500 // 50


def test_two_shared_opinions_make_no_copies():
    rows = copies(range(10, 40), range(2)) + bystanders(40, 1_000)
    found = find_near_copies(ratings_of(1_040, rows))
    assert (found.passing == WHOLE).all()
    assert found.groups == []


def test_for_and_against_the_same_account_are_two_opinions():
    rows = copies([10, 11], range(4), 0) + copies([20, 21], range(4), 5, -500)
    rows += bystanders(30, OTHERS)
    assert find_near_copies(ratings_of(30 + OTHERS, rows)).groups == [[10, 11], [20, 21]]


def test_what_copies_pass_on_together_is_what_two_accounts_do():
    """Fifty accounts, trusted alike, hand their trust to one target."""
    rows = copies(range(10, 60), range(5))
    found = find_near_copies(ratings_of(1_061, rows + bystanders(61, 1_000)))
    trust = [(60, i) for i in range(10, 60)] + [(i, j) for i, j, _, _ in rows]
    links = make_links([a for a, _ in trust], [b for _, b in trust], [100] * len(trust))
    graph = build_graph([f"a{i:05d}" for i in range(1_061)], links)
    whole = int(public_scores(graph, [60])[0])
    cut = int(public_scores(graph, [60], passing=found.passing)[0])
    assert 0 < cut * 100 <= whole * 5


def test_where_thousands_rate_the_same_few_sources_nobody_is_a_copy():
    rng = np.random.default_rng(4)
    rows = crowd(rng, range(20, 2_020), np.arange(20))
    found = find_near_copies(ratings_of(2_020, rows))
    assert np.count_nonzero(found.passing < WHOLE // 2) <= 2_000 // 50


def test_no_ratings_make_no_copies():
    found = find_near_copies(ratings_of(3, []))
    assert found.passing.tolist() == [WHOLE] * 3
    assert found.groups == []


@pytest.mark.parametrize(
    ("rows", "salt", "message"),
    [
        ([(1, 1, 100, 0)], 0, "rates itself"),
        ([(1, 9, 100, 0)], 0, "does not exist"),
        ([(-1, 2, 100, 0)], 0, "does not exist"),
        ([], 2**64, "64 bits"),
        ([], -1, "64 bits"),
    ],
)
def test_ratings_that_cannot_be_are_refused_in_one_sentence(rows, salt, message):
    with pytest.raises(InputError, match=message):
        find_near_copies(ratings_of(3, rows), salt)
