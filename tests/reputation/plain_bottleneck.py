"""The discount of `chainrep.reputation.bottleneck` again, from its docstring: slow and plain."""

from collections.abc import Sequence

import networkx as nx

Edges = dict[tuple[int, int], int]

TURNS = 40
ONE = 2**12


def plain_widths(
    size: int, edges: Edges, seeds: Sequence[int], scores: list[int], k: int
) -> list[int]:
    alive = [v for v in range(size) if scores[v] > 0 or v in seeds]
    graph = nx.DiGraph()
    graph.add_node("seeds")
    for a, b in edges:
        if a in alive and b in alive and b not in seeds:
            graph.add_edge("seeds" if a in seeds else a, b)
    reached = nx.descendants(graph, "seeds")
    width = []
    for v in range(size):
        if v in seeds or graph.has_edge("seeds", v):
            width.append(k + 1)
        elif v not in reached:
            width.append(0)
        else:
            width.append(min(k + 1, nx.node_connectivity(graph, "seeds", v)))
    return width


def plain_discount(
    size: int, edges: Edges, seeds: Sequence[int], scores: list[int], caps: Sequence[int]
) -> tuple[list[int], list[int]]:
    k = len(caps)
    width = plain_widths(size, edges, seeds, scores, k)
    narrow = [v for v in range(size) if 1 <= width[v] <= k]
    total = [sum(w for (a, _), w in edges.items() if a == b) for b in range(size)]
    pull = {}
    for (b, v), w in edges.items():
        if v in narrow and width[b] > 0:
            flow = (scores[b] * 2**14 // total[b]) * w >> 14
            pull[b, v] = 1 + (flow >> 4 if b in narrow else flow)
    pulls = {v: sum(p for (_, u), p in pull.items() if u == v) for v in narrow}
    cap = [[c * scores[b] >> 16 for c in caps] for b in range(size)]
    carry = [row[-1] for row in cap]
    for _ in range(TURNS):
        whole = {v: scores[v] + carry[v] for v in narrow}
        rate = {v: -(-(whole[v] * ONE) // pulls[v]) for v in narrow}
        ask = {(b, v): -(-(rate[v] * p) // ONE) for (b, v), p in pull.items()}
        part = [[ONE] * (k + 1) for _ in range(size)]
        for b in range(size):
            g = 0
            for j in range(k):
                g += sum(amount for (a, v), amount in ask.items() if a == b and width[v] == j + 1)
                if g > cap[b][j]:
                    part[b][j] = cap[b][j] * ONE // g
                    g = cap[b][j]
            for j in range(k - 1, -1, -1):
                part[b][j] = part[b][j] * part[b][j + 1] // ONE
            carry[b] = g
    hands = [0 if v in narrow else ONE for v in range(size)]
    backed = {}
    for _ in range(TURNS):
        backed = dict.fromkeys(narrow, 0)
        for (b, v), amount in ask.items():
            backed[v] += amount * (part[b][width[v] - 1] * hands[b] // ONE) // ONE
        for v in narrow:
            carried = whole[v] - scores[v]
            hands[v] = min(ONE, backed[v] * ONE // carried) if carried else ONE
    after = [scores[v] if width[v] else 0 for v in range(size)]
    for v in narrow:
        after[v] = max(0, min(scores[v], backed[v] - whole[v] + scores[v]))
    return after, width
