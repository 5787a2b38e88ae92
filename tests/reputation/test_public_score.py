"""The golden vectors, by the engine and by a second implementation without any of its code."""

from __future__ import annotations

import json

import numpy as np
import pytest

from chainrep.errors import InputError
from chainrep.reputation.formula import Formula, formula_hash, read_formula
from chainrep.reputation.graph import snapshot_hash
from chainrep.reputation.public_score import score_accounts
from chainrep.reputation.ratings import Ratings, graph_of
from tests.reputation import plain_reputation
from tests.reputation.test_ratings import links_in
from tests.tools import ROOT

VECTORS = json.loads((ROOT / "tests/vectors/reputation.json").read_text())


def ratings_of(given):
    rater, ratee, amount, time = np.array(given["ratings"], np.int64).T
    return Ratings(given["accounts"], rater.astype(np.int32), ratee.astype(np.int32), amount, time)


@pytest.mark.parametrize("vector", VECTORS)
def test_the_engine_gives_the_golden_vectors(vector):
    given, wanted = vector["given"], vector["outcome"]
    formula = read_formula(given["formula"].encode())
    graph = graph_of(ratings_of(given), given["end"], formula.half_life)
    found = score_accounts(graph, formula, threads=2)
    assert [[*pair, w] for pair, w in links_in(graph.out).items()] == wanted["trusted"]
    assert [[*pair, w] for pair, w in links_in(graph.warned).items()] == wanted["warned"]
    assert formula_hash(formula).hex() == wanted["formula_hash"]
    assert snapshot_hash(graph).hex() == wanted["snapshot_hash"]
    assert found.flowed.tolist() == wanted["flowed"]
    assert found.bounded.width.tolist() == wanted["width"]
    assert found.bounded.scores.tolist() == wanted["bounded"]
    assert found.scores.tolist() == wanted["scores"]
    assert found.digest == wanted["digest"]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_second_implementation_gives_the_golden_vectors(vector):
    assert plain_reputation.outcome(vector["given"]) == vector["outcome"]


def test_the_vectors_show_bottlenecks_and_warnings_at_work():
    outcomes = [vector["outcome"] for vector in VECTORS]
    assert any(o["flowed"] != o["bounded"] for o in outcomes)
    assert any(o["bounded"] != o["scores"] for o in outcomes)
    assert {w for o in outcomes for w in o["width"]} >= {0, 1, 2, 3}


def test_a_seed_outside_the_graph_is_named():
    given = VECTORS[0]["given"]
    graph = graph_of(ratings_of(given), given["end"], 1)
    with pytest.raises(InputError, match="'nobody' and 1 others"):
        score_accounts(graph, Formula(("nobody", "zero")))
