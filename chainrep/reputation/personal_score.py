"""The reputation as seen from one's own seeds: how many keyed walks meet an account.

A walk counts an account once. What an account does after a walk has met it cannot change that, so
nobody raises its own count by whom it trusts. What stands behind few accounts is bounded as in the
public score, by the parts that the exact flow from the same seeds keeps: counts are too rough for
it, where few walks come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrep.reputation.bottleneck import discount
from chainrep.reputation.graph import Graph
from chainrep.reputation.pagerank import Scores, public_scores
from chainrep.reputation.units import UNIT
from chainrep.reputation.walks import LIMIT, Walks, hits

_BITS = np.uint64(14)
_LOW = np.uint64((1 << 14) - 1)


def personal_flow(walks: Walks, size: int, threads: int = 1) -> Scores:
    """What the walks brought to each account, uint64 of shape (size,), at most 2^50 in sum.

    A hit is worth floor(2^50 / (walks * 65)), a walk having at most 65 accounts: the unit does not
    depend on where they went.
    """
    each = UNIT // (len(walks) * (LIMIT + 1))
    return hits(walks, size, threads).astype(np.uint64) * np.uint64(each)


def personal_scores(
    graph: Graph, walks: Walks, stop: int, caps: Sequence[int], threads: int = 1
) -> Scores:
    """The personal scores before warnings, uint64 of shape (accounts,).

    ``stop`` is that of the walks, ``caps`` those of the formula. Of the flow f that public_scores
    gives from the walks' seeds, bottlenecks leave b; a score is floor(met * floor(b * 2^14 / f) /
    2^14), and 0 where f is. Raises InputError as of `discount`.
    """
    seeds = sorted({int(seed) for seed in walks.seeds})
    flowed = public_scores(graph, seeds, stop, threads=threads)
    bounded = discount(graph, seeds, flowed, caps).scores
    kept = (bounded << _BITS) // np.maximum(flowed, np.uint64(1))
    met = personal_flow(walks, graph.size, threads)
    return np.asarray((met >> _BITS) * kept + (((met & _LOW) * kept) >> _BITS))
