import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.bottleneck import Discounted, discount
from chainrep.reputation.graph import Graph, build_graph, make_links
from chainrep.reputation.pagerank import public_scores
from chainrep.reputation.units import UNIT
from tests.reputation.plain_bottleneck import Edges, plain_discount

CAPS = (6_553, 32_768, 32_768, 32_768, 32_768)


def graph_of(size: int, edges: Edges) -> Graph:
    pairs = np.array(list(edges), np.int64).reshape(-1, 2)
    links = make_links(pairs[:, 0], pairs[:, 1], np.array(list(edges.values()), np.int64))
    return build_graph([f"{i:05d}" for i in range(size)], links)


def discounted(size: int, edges: Edges, seeds: list[int], stop: int = 2**15) -> Discounted:
    graph = graph_of(size, edges)
    return discount(graph, seeds, public_scores(graph, seeds, stop), CAPS)


@st.composite
def weighted_graphs(draw, sizes=(3, 12), density=3):
    size = draw(st.integers(*sizes))
    pair = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    pairs = draw(
        st.lists(
            pair.filter(lambda e: e[0] != e[1]), unique=True, min_size=1, max_size=density * size
        )
    )
    weights = draw(st.lists(st.integers(1, 65_535), min_size=len(pairs), max_size=len(pairs)))
    return size, dict(zip(pairs, weights, strict=True))


caps_of = st.lists(st.integers(0, 2**16), min_size=1, max_size=5).map(sorted)


@given(weighted_graphs(), st.integers(0, 2**20), caps_of, st.sampled_from([1, 2**13, 2**15]))
@settings(max_examples=40, deadline=None)
def test_a_second_implementation_from_the_written_rule_gives_the_same_bits(case, salt, caps, stop):
    size, edges = case
    seeds = sorted({salt % size, salt // size % size})
    graph = graph_of(size, edges)
    scores = public_scores(graph, seeds, stop)
    found = discount(graph, seeds, scores, caps)
    after, width = plain_discount(size, edges, seeds, scores.tolist(), caps)
    assert found.width.tolist() == width
    assert found.scores.tolist() == after
    assert found.flagged.tolist() == [a < b for a, b in zip(after, scores.tolist(), strict=True)]


@given(weighted_graphs(sizes=(10, 25), density=4), st.integers(1, 5), st.randoms(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_whoever_controls_g_accounts_gains_at_most_the_cap_of_g_from_any_number_of_others(
    case, entries, random, sparse
):
    honest, edges = case
    attackers = random.sample(range(1, honest), entries)
    region = list(range(honest, honest + random.randint(1, 30)))
    for a in attackers:  # they stop vouching for anybody but their own
        for pair in [pair for pair in edges if pair[0] == a]:
            del edges[pair]
    for _ in range(len(region) * (2 if sparse else 6)):
        a, b = random.choice(attackers + region), random.choice(attackers + region)
        if a != b:
            edges[a, b] = random.randint(1, 65_535)
    for _ in range(5):  # and pretend to be close to honest people
        edges[random.choice(region), random.randrange(honest)] = random.randint(1, 65_535)
    graph = graph_of(honest + len(region), edges)
    scores = public_scores(graph, [0])
    after = discount(graph, [0], scores, CAPS).scores
    before = int(scores[attackers].sum())
    assert int(after[region].sum()) << 16 <= CAPS[entries - 1] * before
    assert (after <= scores).all()


@pytest.mark.parametrize("entries", [1, 2, 3, 4, 5])
def test_pairs_of_entries_and_rungs_between_them_gain_no_more_than_one_group(entries):
    random = np.random.default_rng(entries)
    honest = 60
    edges = {(int(a), int(b)): 1000 for a, b in random.integers(0, honest, (900, 2)) if a != b}
    attackers = list(range(20, 20 + entries))
    edges = {pair: w for pair, w in edges.items() if pair[0] not in attackers}
    at = honest
    for a in attackers:
        for b in attackers:
            for _ in range(20):
                edges[b, at], edges[at, at + 1], edges[a, at + 1] = 500, 1000, 500
                at += 2
    found = discounted(at, edges, [0])
    graph = graph_of(at, edges)
    scores = public_scores(graph, [0])
    before, cap = int(scores[attackers].sum()), CAPS[entries - 1]
    assert int(scores[honest:].sum()) > before * 6 // 10  # what they would gain without a cap
    assert int(found.scores[honest:].sum()) << 16 <= cap * before
    assert int(found.scores[honest:].sum()) << 16 >= cap * before // 2  # a cap, not a ban
    assert (found.scores[:honest] == scores[:honest]).all()
    assert set(found.cut_of(at - 1)) <= {*attackers, at - 2}


def test_a_dense_honest_graph_is_left_as_it_is():
    random = np.random.default_rng(5)
    edges = {(int(a), int(b)): 1000 for a, b in random.integers(0, 400, (8000, 2)) if a != b}
    found = discounted(400, edges, [0, 1, 2])
    assert found.flagged.sum() == 0
    assert found.width.min() == 6


def test_one_newcomer_among_many_accounts_vouched_for_keeps_all_of_its_score():
    edges = {(a, b): 1000 for a in range(30) for b in range(30) if a != b}
    edges[7, 30] = 1000
    found = discounted(31, edges, [0])
    assert found.cut_of(30) == (7,)
    assert not found.flagged.any()


def test_an_account_that_vouches_for_one_newcomer_alone_passes_on_a_tenth_of_its_score():
    edges = {(a, b): 1000 for a in range(30) for b in range(30) if a not in {b, 7}}
    edges[7, 30] = 1000
    found = discounted(31, edges, [0])
    assert found.flagged.nonzero()[0].tolist() == [30]
    assert int(found.scores[30]) * 10 == pytest.approx(int(found.scores[7]), rel=1e-3)
    assert found.cut_of(30) == (7,)
    assert found.cut_of(29) is None


def test_a_score_that_no_trusted_account_can_have_given_is_not_kept():
    graph = graph_of(4, {(0, 1): 1, (2, 3): 1})
    scores = np.array([UNIT // 2, UNIT // 4, 0, 9], np.uint64)
    found = discount(graph, [0], scores, CAPS)
    assert found.scores.tolist() == [UNIT // 2, UNIT // 4, 0, 0]
    assert found.cut_of(3) == ()


def test_the_order_in_which_edges_came_and_the_names_of_accounts_change_nothing():
    random = np.random.default_rng(8)
    edges = {
        (int(a), int(b)): int(a + b + 1) for a, b in random.integers(0, 300, (900, 2)) if a != b
    }
    renamed = random.permutation(300)
    turned = {(int(renamed[a]), int(renamed[b])): w for (a, b), w in reversed(edges.items())}
    found = discounted(300, edges, [0, 1])
    again = discounted(300, turned, [int(renamed[0]), int(renamed[1])])
    assert found.flagged.sum() > 10
    assert (again.scores[renamed] == found.scores).all()
    assert (again.width[renamed] == found.width).all()


@pytest.mark.parametrize("caps", [[], [-1], [2**16 + 1], [5, 4], [1] * 17])
def test_caps_that_fall_or_lie_outside_the_range_are_refused(caps):
    graph = graph_of(2, {(0, 1): 1})
    with pytest.raises(InputError):
        discount(graph, [0], public_scores(graph, [0]), caps)


def test_scores_beyond_all_the_trust_there_is_are_refused():
    graph = graph_of(2, {(0, 1): 1})
    for scores in ([UNIT, 1], [2**63, 2**63]):
        with pytest.raises(InputError):
            discount(graph, [0], np.array(scores, np.uint64), CAPS)
