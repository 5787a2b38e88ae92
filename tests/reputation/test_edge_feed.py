"""Walks that follow a log of edges are the walks of its last graph, to the last bit."""

from itertools import pairwise

import numpy as np
import pytest

from chainrep.errors import InputError
from chainrep.reputation.alias import build_alias
from chainrep.reputation.edge_change import EdgeChange, graph_after
from chainrep.reputation.edge_feed import EdgeFeed
from chainrep.reputation.edge_log import EdgeLog, changes_to, read_entries
from chainrep.reputation.live_walks import LiveWalks
from chainrep.reputation.walks import digest

KEY = bytes(range(32))
NAMES = [f"n{i:02}" for i in range(30)]


def walked(graph):
    return LiveWalks(graph, build_alias(graph), [0, 7], 200, KEY)


def test_walks_that_follow_the_log_are_those_of_its_last_graph(tmp_path):
    rng = np.random.default_rng(5)
    history = [EdgeChange(NAMES[i], NAMES[(i + 1) % 30], 10, 0) for i in range(30)]
    for time in range(600):
        u, v = rng.choice(30, 2, replace=False)
        weight = int(rng.choice([0, -5, 1, 70, 900]))
        history.append(EdgeChange(NAMES[u], NAMES[v], weight, time))
    path = tmp_path / "edges"
    with EdgeLog(path) as log:
        middle = log.append(history[:300])
        last = log.append(history[300:])
    graph = graph_after(changes_to(path, middle))
    live = walked(graph)
    later = [entry.change for entry in read_entries(path) if entry.count > 300]
    EdgeFeed(graph, live, changes_to(path, middle)).apply(later)
    rebuilt = walked(graph_after(changes_to(path, last)))
    assert digest(live.walks()) == digest(rebuilt.walks())
    assert (live.hits == rebuilt.hits).all()


def test_an_account_that_the_walks_do_not_know_is_told():
    graph = graph_after([EdgeChange(a, b, 5, 0) for a, b in pairwise(NAMES)])
    feed = EdgeFeed(graph, walked(graph), [])
    with pytest.raises(InputError, match="'zed' is not in the graph that was walked"):
        feed.apply([EdgeChange("n00", "zed", 5, 1)])
