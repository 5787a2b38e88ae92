"""One epoch's reputations as this node computes them: from ratings to the tree and its root."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrep.protocol.epoch import Epoch
from chainrep.protocol.reputation_tree import TreeDomain
from chainrep.reputation.formula import Formula
from chainrep.reputation.graph import snapshot_hash
from chainrep.reputation.public_score import score_accounts
from chainrep.reputation.ratings import Ratings, graph_of
from chainrep.reputation.score_tree import ScoreTree, account_rows, build_score_tree


@dataclass(frozen=True, slots=True)
class ComputedEpoch:
    """What was said, its snapshot hash (32 bytes), and the tree of the scores above zero."""

    epoch: Epoch
    ratings: Ratings
    snapshot_hash: bytes
    tree: ScoreTree

    @property
    def root(self) -> bytes:
        """The 20 bytes that go on the chain."""
        return self.tree.root


def compute_epoch(
    epoch: Epoch, ratings: Ratings, formula: Formula, domain: TreeDomain, threads: int = 1
) -> ComputedEpoch:
    """Compute the reputations at the end of an epoch, for the place that ``domain`` names.

    Every account of the ratings is an address in lower case, and the seeds are among them. Raises
    InputError otherwise.
    """
    graph = graph_of(ratings, epoch.end, formula.half_life)
    reputation = score_accounts(graph, formula, threads)
    held = np.flatnonzero(reputation.scores)
    rows = account_rows([graph.accounts[int(i)] for i in held])
    tree = build_score_tree(rows, reputation.scores[held], domain, threads)
    return ComputedEpoch(epoch, ratings, snapshot_hash(graph), tree)
