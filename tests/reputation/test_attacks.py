from __future__ import annotations

import numpy as np
import pytest

from chainrep.errors import InputError
from chainrep.reputation.attacks import ATTACKS, Plan, without_trust_of
from chainrep.reputation.graph import build_graph, make_links, snapshot_hash
from chainrep.reputation.pagerank import public_scores

SIZE = 40
NAMES = [f"a{i:02d}" for i in range(SIZE)]


@pytest.fixture(scope="module")
def graph():
    rng = np.random.default_rng(1)
    pairs = {(int(a), int(b)) for a, b in rng.integers(0, SIZE, (300, 2)) if a != b}
    table = np.array(sorted(pairs))
    warned = make_links([3, 8], [5, 5], [100, 100])
    return build_graph(NAMES, make_links(*table.T, rng.integers(1, 1_000, len(table))), warned)


def plan(**fields):
    given = {"attackers": [5, 6, 7, 8], "sybils": 6, "rng": np.random.default_rng(0)}
    return Plan(**(given | fields))


def row(graph, account):
    return graph.out.node[graph.out.start[account] : graph.out.start[account + 1]].tolist()


@pytest.mark.parametrize("name", ATTACKS)
def test_the_same_seed_makes_the_same_attack(graph, name):
    made = [ATTACKS[name](graph, plan(entries=2, victims=[1])).graph for _ in range(2)]
    assert snapshot_hash(made[0]) == snapshot_hash(made[1]) != snapshot_hash(graph)


@pytest.mark.parametrize("name", ATTACKS)
def test_every_honest_account_keeps_its_number_and_whom_it_trusts(graph, name):
    attacked = ATTACKS[name](graph, plan(entries=2, victims=[1]))
    assert attacked.graph.accounts[:SIZE] == graph.accounts
    for account in set(range(SIZE)) - set(attacked.attackers):
        assert set(row(graph, account)) <= set(row(attacked.graph, account))


@pytest.mark.parametrize("name", sorted(set(ATTACKS) - {"bought-edges"}))
def test_no_honest_account_trusts_a_sybil(graph, name):
    attacked = ATTACKS[name](graph, plan(entries=2, victims=[1]))
    assert len(attacked.sybils) == attacked.graph.size - SIZE > 0
    for account in set(range(SIZE)) - set(attacked.attackers):
        assert not set(row(attacked.graph, account)) & set(attacked.sybils)


@pytest.mark.parametrize(
    "name", ["parallel", "serial", "cycle", "mesh", "ladder", "funnel", "widen"]
)
@pytest.mark.parametrize("entries", [1, 2, 4])
def test_trust_reaches_every_sybil_through_the_attackers_alone(graph, name, entries):
    attacked = ATTACKS[name](graph, plan(entries=entries))
    # Sybils of a chain as deep as this are still within the steps that trust takes.
    scores = public_scores(attacked.graph, [0, 1], stop=2**10)
    assert (scores[attacked.sybils] > 0).all()
    cut = without_trust_of(attacked.graph, attacked.attackers)
    assert not public_scores(cut, [0, 1], stop=2**10)[attacked.sybils].any()


def test_a_ladder_has_no_account_through_which_all_of_it_is_reached(graph):
    attacked = ATTACKS["ladder"](graph, plan(entries=2))
    for one in (*attacked.attackers, *attacked.sybils):
        rest = public_scores(without_trust_of(attacked.graph, [one]), [0, 1], stop=2**10)
        assert (rest[attacked.sybils] > 0).all()


def test_camouflaged_attackers_keep_whom_they_trusted(graph):
    attacked = ATTACKS["camouflage"](graph, plan())
    for attacker in attacked.attackers:
        assert set(row(graph, attacker)) < set(row(attacked.graph, attacker))
        to_sybils = attacked.graph.out.total[attacker] - graph.out.total[attacker]
        assert 0.9 <= to_sybils / graph.out.total[attacker] <= 1


def test_a_slander_warns_of_the_victims(graph):
    attacked = ATTACKS["slander"](graph, plan(victims=[1, 2]))
    assert len(attacked.graph.warned.node) == 1 + 2 * (4 + 24)  # the warning by one of them went


def test_a_whitewash_leaves_the_warnings_behind(graph):
    attacked = ATTACKS["whitewash"](graph, plan())
    assert len(attacked.sybils) == 4
    assert attacked.graph.warned.node.tolist() == graph.warned.node.tolist()


def test_bought_edges_come_from_as_many_sellers_as_were_paid(graph):
    attacked = ATTACKS["bought-edges"](graph, plan(attackers=[39], entries=5))
    before, after = (np.diff(g.into.start)[39] for g in (graph, attacked.graph))
    assert before < after <= before + 5


@pytest.mark.parametrize("fields", [{"attackers": []}, {"attackers": [SIZE]}, {"sybils": 0}])
def test_impossible_attacks_are_refused(graph, fields):
    with pytest.raises(InputError):
        ATTACKS["parallel"](graph, plan(**fields))
