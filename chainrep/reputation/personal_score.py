"""The reputation as seen from one's own seeds: how many keyed walks meet an account.

A walk counts an account once. What an account does after a walk has met it cannot change that, so
nobody raises its own score by whom it trusts.
"""

from __future__ import annotations

import numpy as np

from chainrep.reputation.pagerank import Scores
from chainrep.reputation.units import UNIT
from chainrep.reputation.walks import LIMIT, Walks, hits


def personal_flow(walks: Walks, size: int, threads: int = 1) -> Scores:
    """What the walks brought to each account, uint64 of shape (size,), at most 2^50 in sum.

    A hit is worth floor(2^50 / (walks * 65)), a walk having at most 65 accounts: the unit does not
    depend on where they went. `discount` and `take_warnings` make a reputation of it.
    """
    each = UNIT // (len(walks) * (LIMIT + 1))
    return hits(walks, size, threads).astype(np.uint64) * np.uint64(each)
