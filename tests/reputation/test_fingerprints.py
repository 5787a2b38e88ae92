"""Fingerprints against walks counted by hand, and views against exact scores in plain Python."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.alias import build_alias
from chainrep.reputation.fingerprints import build_fingerprints, join_tallies, tallies_of
from chainrep.reputation.graph import build_graph, make_links
from chainrep.reputation.pagerank import public_scores
from chainrep.reputation.personal_view import PUSH_FLOOR, View, best, best_of_each, personalized
from chainrep.reputation.units import UNIT
from chainrep.reputation.walks import walk_from

KEY = bytes(range(32))
HALF = 2**15


def graph_of(size, edges):
    """Edges are (rater, ratee): weight; the last account trusts nobody unless they say so."""
    rater, ratee = zip(*edges, strict=True) if edges else ((), ())
    links = make_links(
        np.array(rater, int), np.array(ratee, int), np.array(list(edges.values()), int)
    )
    return build_graph([f"{i:04d}" for i in range(size)], links)


def random_graph(size, many, seed=3):
    rng = np.random.default_rng(seed)
    pairs = {(int(a), int(b)) for a, b in rng.integers(0, size, (many, 2)) if a != b}
    return graph_of(size, {pair: int(rng.integers(1, 1000)) for pair in sorted(pairs)})


@st.composite
def graphs(draw):
    size = draw(st.integers(2, 12))
    ends = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    pairs = draw(st.sets(ends.filter(lambda pair: pair[0] != pair[1]), max_size=40))
    return graph_of(size, {pair: draw(st.integers(1, 65_535)) for pair in sorted(pairs)})


def rows(fingerprints):
    return [
        dict(zip(fingerprints.node[a:b].tolist(), fingerprints.count[a:b].tolist(), strict=True))
        for a, b in zip(fingerprints.start[:-1], fingerprints.start[1:], strict=True)
    ]


def slow_view(fingerprints, graph, account, push_steps):
    """The same by the words of the docstring, in dicts."""
    trusts = [
        list(zip(graph.out.node[a:b].tolist(), graph.out.weight[a:b].tolist(), strict=True))
        for a, b in zip(graph.out.start[:-1], graph.out.start[1:], strict=True)
    ]
    waits, score, queue = Counter({account: UNIT}), Counter(), [account]
    for _ in range(push_steps):
        if not queue:
            break
        u = queue.pop(0)
        trust = waits.pop(u)
        stays = trust * fingerprints.stop >> 16
        score[u] += stays
        total = sum(weight for _, weight in trusts[u])
        for v, weight in trusts[u]:
            had = waits[v]
            waits[v] += (((trust - stays) << 14) // total * weight) >> 14
            if had < PUSH_FLOOR * len(trusts[v]) <= waits[v]:
                queue.append(v)
    prints = rows(fingerprints)
    for u, trust in waits.items():
        each = (trust * fingerprints.stop >> 16) // fingerprints.walks
        for v, count in prints[u].items():
            score[v] += each * count
    return {v: value for v, value in sorted(score.items()) if value}


def as_dict(view):
    return dict(zip(view.node.tolist(), view.value.tolist(), strict=True))


def test_a_fingerprint_counts_the_visits_of_an_accounts_own_walks():
    graph = random_graph(50, 200)
    fingerprints = build_fingerprints(graph, 30, KEY, HALF)
    for account, row in enumerate(rows(fingerprints)):
        walks = walk_from(graph, build_alias(graph), [account], 30, KEY, HALF)
        assert row == Counter(walks.node.tolist())


def test_threads_and_pieces_do_not_show_in_the_fingerprints():
    graph = random_graph(9000, 20_000)
    alone = build_fingerprints(graph, 3, KEY, HALF)
    alias = build_alias(graph)
    cut = join_tallies(
        tallies_of(graph, alias, 0, 1, 3, KEY, HALF)
        + tallies_of(graph, alias, 1, 5000, 3, KEY, HALF, threads=2)
        + tallies_of(graph, alias, 5000, 9000, 3, KEY, HALF),
        3,
        HALF,
    )
    for other in (build_fingerprints(graph, 3, KEY, HALF, threads=2), cut):
        for name in ("start", "node", "count"):
            assert getattr(other, name).tobytes() == getattr(alone, name).tobytes()


@settings(max_examples=150, deadline=None)
@given(graphs(), st.data())
def test_a_view_is_what_the_formula_says_to_the_last_bit(graph, data):
    stop = data.draw(st.integers(3000, 2**16))
    fingerprints = build_fingerprints(graph, data.draw(st.integers(1, 40)), KEY, stop)
    account = data.draw(st.integers(0, graph.size - 1))
    push_steps = data.draw(st.integers(0, 300))
    view = personalized(fingerprints, graph, account, push_steps)
    assert as_dict(view) == slow_view(fingerprints, graph, account, push_steps)
    assert list(view.node) == sorted(set(view.node))


def test_what_a_dangling_account_would_pass_on_is_lost():
    graph = graph_of(3, {(0, 1): 1})
    for push_steps in (0, 1, 10):
        view = personalized(build_fingerprints(graph, 1000, KEY, HALF), graph, 0, push_steps)
        exact = public_scores(graph, [0], HALF)
        assert view.node.tolist() == [0, 1]
        assert int(view.value[0]) == pytest.approx(int(exact[0]), rel=1e-9)
        assert int(view.value[1]) == pytest.approx(int(exact[1]), rel=0.15)
    alone = personalized(build_fingerprints(graph, 10, KEY, HALF), graph, 2, 0)
    assert as_dict(alone) == {2: UNIT // 2 // 10 * 10}


def error(view, exact):
    found = np.zeros(len(exact))
    found[view.node] = view.value
    return float(np.abs(found - exact.astype(float)).sum() / UNIT)


def test_steps_bring_a_view_nearer_to_the_exact_score_and_beat_walks_of_the_same_number():
    graph = random_graph(2000, 10_000)
    fingerprints = build_fingerprints(graph, 50, KEY, 9830)
    alias = build_alias(graph)
    errors = {push_steps: [] for push_steps in (0, 30, 1000)}
    plain = []
    for account in range(0, 2000, 100):
        exact = public_scores(graph, [account], 9830)
        for push_steps, found in errors.items():
            found.append(error(personalized(fingerprints, graph, account, push_steps), exact))
        walks = walk_from(graph, alias, [account], 2000, KEY, 9830)
        visits = np.bincount(walks.node, minlength=2000) * (0.15 / 2000)
        plain.append(float(np.abs(visits - exact / UNIT).sum()))
    mean = {push_steps: np.mean(found) for push_steps, found in errors.items()}
    assert mean[0] > 2 * mean[30] > 4 * mean[1000]
    assert mean[30] < np.mean(plain)


@given(st.lists(st.integers(1, 5), max_size=30), st.integers(1, 12), st.integers(0, 30))
def test_the_best_of_a_view_are_its_highest_and_of_equals_the_first(values, top, without):

    view = View(np.arange(len(values), dtype=np.int32), np.array(values, np.uint64))
    found = best(view, top, without)
    ranked = sorted((-value, i) for i, value in enumerate(values) if i != without)[:top]
    assert as_dict(found) == {i: -value for value, i in ranked}
    assert list(found.node) == sorted(found.node)


TINY = graph_of(2, {(0, 1): 1})


def test_the_best_of_each_account_is_the_same_for_any_number_of_threads():
    graph = random_graph(300, 1500)
    fingerprints = build_fingerprints(graph, 20, KEY, HALF)
    alone = [
        as_dict(best(personalized(fingerprints, graph, i, 5), 10, i)) for i in range(graph.size)
    ]
    for threads in (1, 2, 3):
        found = best_of_each(fingerprints, graph, range(300), 5, 10, threads)
        assert [as_dict(view) for view in found] == alone


def test_what_does_not_fit_is_refused():
    fingerprints = build_fingerprints(TINY, 1, KEY, HALF)
    for walks in (0, 1001):
        with pytest.raises(InputError, match="1 to 1,000 walks"):
            build_fingerprints(TINY, walks, KEY, HALF)
    for account in (-1, 2):
        with pytest.raises(InputError, match="not in the graph"):
            personalized(fingerprints, TINY, account, 0)
    with pytest.raises(InputError, match="another graph"):
        personalized(fingerprints, random_graph(5, 9), 0, 0)
    with pytest.raises(InputError, match="negative"):
        personalized(fingerprints, TINY, 0, -1)
    with pytest.raises(InputError, match="at least one"):
        best_of_each(fingerprints, TINY, [0], 0, 0)
