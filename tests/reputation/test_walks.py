"""Keyed walks from one's seeds: the same everywhere, and deaf to what an account says of itself."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.alias import build_alias
from chainrep.reputation.walks import digest, hits, join_walks, walk_from
from tests.reputation.plain_walk import KEY, graph_of, names, plain_path, small_graphs


def walk(graph, seeds, per_seed, key=KEY, **options):
    return walk_from(graph, build_alias(graph), seeds, per_seed, key, **options)


def paths(walks):
    return [
        walks.node[a:b].tolist()
        for a, b in zip(walks.start[:-1].tolist(), walks.start[1:].tolist(), strict=True)
    ]


def ring(size):
    return graph_of(size, {(i, (i + step) % size): step for i in range(size) for step in (1, 2, 5)})


@given(small_graphs(), st.integers(1, 2**16), st.binary(min_size=32, max_size=32))
@settings(deadline=None, max_examples=60)
def test_every_path_is_the_one_of_plain_python(drawn, stop, key):
    size, edges = drawn
    found = walk(graph_of(size, edges), range(size), 3, key, stop=stop)
    assert paths(found) == [
        plain_path(size, edges, source, index, stop, key)
        for source in range(size)
        for index in range(3)
    ]


@given(small_graphs(), st.data())
@settings(deadline=None, max_examples=60)
def test_own_edges_do_not_change_own_hits(drawn, data):
    size, edges = drawn
    account = data.draw(st.integers(0, size - 1))
    others = st.integers(0, size - 1).filter(lambda other: other != account)
    own = data.draw(st.dictionaries(others, st.integers(1, 65_535)))
    changed = {pair: w for pair, w in edges.items() if pair[0] != account}
    changed |= {(account, other): w for other, w in own.items()}
    before, after = (
        hits(walk(graph_of(size, those), range(size), 20, stop=6_000), size)
        for those in (edges, changed)
    )
    assert before[account] == after[account]


def test_hits_count_an_account_once_per_walk_and_the_seed_too():
    graph = ring(12)
    found = walk(graph, [0, 7], 400)
    counts = Counter(account for path in paths(found) for account in set(path))
    assert hits(found, graph.size).tolist() == [counts[i] for i in range(12)]
    assert max(Counter(max(paths(found), key=len)).values()) > 1  # some walk came back
    assert found.source.tolist() == [0] * 400 + [7] * 400


def test_walks_and_hits_are_the_same_for_any_number_of_threads():
    graph = ring(300)
    alone = walk(graph, range(0, 300, 3), 700)
    assert len(alone) > 2 * 2**15  # several pieces, the last one not full
    for threads in (2, 3):
        assert digest(walk(graph, range(0, 300, 3), 700, threads=threads)) == digest(alone)
        assert (hits(alone, 300, threads) == hits(alone, 300)).all()


def test_shards_of_seeds_join_to_the_whole():
    graph = ring(30)
    whole = walk(graph, [1, 4, 9, 16], 50)
    shards = [walk(graph, seeds, 50) for seeds in ([1], [4, 9], [16])]
    assert digest(join_walks(shards)) == digest(whole)
    assert (sum(hits(shard, 30) for shard in shards) == hits(whole, 30)).all()


def test_shards_that_overlap_do_not_join():
    graph = ring(30)
    with pytest.raises(InputError, match="ascend"):
        join_walks([walk(graph, [1, 4], 5), walk(graph, [4, 9], 5)])


def test_the_paths_of_a_key_never_change():
    found = walk(ring(50), [0, 10], 1_000)
    assert digest(found).hex() == (
        "2f180b371026bf7cf428e691d6e1ab523b51121f656d3c7a957488c7b433a69f"
    )


def test_the_digest_covers_where_each_walk_begins():
    found = walk(ring(50), [0], 10)
    moved = found.start.copy()
    moved[1] += 1
    assert digest(replace(found, start=moved)) != digest(found)


def test_an_account_that_joins_changes_no_walk_of_the_others():
    edges = {(i, (i + step) % 9): step for i in range(9) for step in (1, 2)}
    before = walk(graph_of(9, edges), range(9), 30)
    moved = {(u + (u > 4), v + (v > 4)): w for (u, v), w in edges.items()}
    accounts = names(9)
    accounts.insert(5, accounts[4] + "-joined")
    graph = replace(graph_of(10, moved), accounts=accounts)
    after = walk(graph, [i for i in range(10) if i != 5], 30)
    assert (np.where(after.node > 5, after.node - 1, after.node) == before.node).all()


def test_walks_end_after_sixty_four_steps():
    graph = graph_of(2, {(0, 1): 1, (1, 0): 1})
    longest = max(map(len, paths(walk(graph, [0], 2_000, stop=1))))
    assert longest == 65


def test_a_walk_ends_where_nobody_is_trusted():
    graph = graph_of(3, {(0, 1): 4})
    assert {tuple(path) for path in paths(walk(graph, [0, 2], 200))} == {(0,), (0, 1), (2,)}


def test_a_step_is_taken_with_the_chance_that_is_left():
    graph = graph_of(2, {(0, 1): 1, (1, 0): 1})
    lengths = np.diff(walk(graph, [0], 40_000, stop=2**15).start)
    assert abs((lengths == 1).mean() - 0.5) < 5 * 0.5 / 200
    assert abs(lengths.mean() - 2) < 5 * 2**0.5 / 200


def test_a_stop_of_one_keeps_every_walk_at_its_seed():
    assert paths(walk(ring(10), [3], 5, stop=2**16)) == [[3]] * 5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seeds": []}, "seed set is empty"),
        ({"seeds": [50]}, "not in the graph"),
        ({"per_seed": 0}, "walks"),
        ({"per_seed": 2**31}, "walks"),
        ({"stop": 0}, "chance to stop"),
        ({"stop": 2**16 + 1}, "chance to stop"),
        ({"key": b"short"}, "32 bytes"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(options, words):
    with pytest.raises(InputError, match=words):
        walk(ring(50), **({"seeds": [0], "per_seed": 1} | options))


def test_tables_of_another_graph_are_refused():
    with pytest.raises(InputError, match="another graph"):
        walk_from(ring(50), build_alias(ring(49)), [0], 1, KEY)
