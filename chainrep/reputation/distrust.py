"""Warnings, applied after trust has flowed: they take from the warned and pass nothing on.

Who warns spends its own score on it, shared with whatever else it said: all that a set of accounts
can take away from others is at most what the set itself has, warnings against it left aside. A
slander by accounts without reputation therefore costs nobody anything.
"""

from __future__ import annotations

import numpy as np

from chainrep.reputation.graph import Graph, Ints, Nodes, Weights, transpose
from chainrep.reputation.jit import compiled
from chainrep.reputation.pagerank import Scores


def take_warnings(graph: Graph, scores: Scores) -> Scores:
    """The scores, uint64 of shape (accounts,), less what those who warn take: never below zero."""
    lost = warnings_against(graph, scores)
    return scores - np.minimum(scores, lost)


def warnings_against(graph: Graph, scores: Scores) -> Scores:
    """What the warnings against each account weigh, in the unit of the scores."""
    warned = graph.warned
    if not warned.node.size:
        return np.zeros(graph.size, np.uint64)
    by = transpose(warned)
    said = graph.out.total + warned.total
    return _lost(by.start, by.node, by.weight, said, scores)


@compiled
def _lost(
    start: Ints, node: Nodes, weight: Weights, said: Ints, scores: Scores
) -> Scores:  # pragma: no cover (compiled)
    lost = np.zeros(len(scores), np.uint64)
    bits = np.uint64(14)
    for v in range(len(scores)):
        for i in range(start[v], start[v + 1]):
            u = node[i]
            share = (scores[u] << bits) // np.uint64(said[u])
            lost[v] += (share * np.uint64(weight[i])) >> bits
    return lost
