from __future__ import annotations

import numpy as np
import pytest

from chainrep.reputation.alias import build_alias
from chainrep.reputation.attacks import ATTACKS, Plan, without_trust_of
from chainrep.reputation.bottleneck import discount
from chainrep.reputation.formula import Formula
from chainrep.reputation.graph import build_graph, make_links
from chainrep.reputation.pagerank import public_scores
from chainrep.reputation.personal_score import personal_flow, personal_scores
from chainrep.reputation.units import UNIT
from chainrep.reputation.walks import hits, walk_from

SIZE, SEEDS, ATTACKERS = 200, [0, 1, 2], [50, 60, 70]
RULES = Formula(("nobody",))


def walks_on(graph):
    return walk_from(graph, build_alias(graph), SEEDS, 20_000, bytes(32), RULES.stop)


def scores_on(graph):
    return personal_scores(graph, walks_on(graph), RULES.stop, RULES.caps)


@pytest.fixture(scope="module")
def graph():
    rng = np.random.default_rng(3)
    table = np.array(
        sorted({(int(a), int(b)) for a, b in rng.integers(0, SIZE, (2_000, 2)) if a != b})
    )
    links = make_links(table[:, 0], table[:, 1], rng.integers(1, 1_000, len(table)))
    return build_graph([f"a{i:03d}" for i in range(SIZE)], links)


def test_a_score_is_the_count_of_hits_where_no_cap_is_felt(graph):
    walks = walks_on(graph)
    flow = personal_flow(walks, SIZE)
    assert flow.sum() <= UNIT
    assert (flow // flow[flow > 0].min() * flow[flow > 0].min() == flow).all()
    assert np.flatnonzero(flow).tolist() == np.flatnonzero(hits(walks, SIZE)).tolist()
    flowed = public_scores(graph, SEEDS, RULES.stop)
    whole = discount(graph, SEEDS, flowed, RULES.caps).scores == flowed
    assert whole.mean() > 0.9
    assert (scores_on(graph)[whole] == flow[whole]).all()


def test_sybils_behind_one_account_add_at_most_a_tenth_to_it_and_nothing_to_its_own(graph):
    quiet = scores_on(without_trust_of(graph, ATTACKERS))
    plan = Plan(ATTACKERS, 30, np.random.default_rng(0))
    for name in ("parallel", "serial", "cycle", "mesh"):
        attacked = ATTACKS[name](graph, plan)
        found = scores_on(attacked.graph)
        assert (found[ATTACKERS] == quiet[ATTACKERS]).all()
        # A tenth is the bound of the flow; the walks draw from it.
        assert found[attacked.sybils].sum() <= 0.12 * quiet[ATTACKERS].sum()
