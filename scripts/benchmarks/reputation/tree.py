"""What the tree of an epoch costs: to build, to prove from, to keep in memory and in a file."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from chainrep.errors import ChainrepError
from chainrep.protocol.keccak import keccak
from chainrep.protocol.reputation_tree import NODE_BYTES, TreeDomain, proven_score
from chainrep.reputation.keccak_lanes import hash_pairs
from chainrep.reputation.score_file import read_scores, write_scores
from chainrep.reputation.score_tree import ScoreTree, account_rows, build_score_tree

DOMAIN = TreeDomain(1, "0x" + "11" * 20, 0, b"tree benchmark".ljust(32, b"\0"))
PROOFS = 1_000
HASHES = 100_000


def measure_tree(leaves: int) -> dict[str, Any]:
    """Seconds, bytes and hashes per second of a tree with so many leaves, the zero account's too.

    Raises ChainrepError where a proof does not hold or threads disagree.
    """
    rng = random.Random(leaves)  # noqa: S311 (repeatable, not secret)
    names = sorted({f"0x{rng.getrandbits(160):040x}" for _ in range(leaves - 1)})
    scores = np.array([rng.randrange(1, 2**64) for _ in names], np.uint64)
    rows, rows_s = _timed(lambda: account_rows(names))
    build_score_tree(rows[:64], scores[:64], DOMAIN)  # compiled before it is timed
    threads = os.cpu_count() or 1
    tree, one_thread_s = _timed(lambda: build_score_tree(rows, scores, DOMAIN))
    twin, build_s = _timed(lambda: build_score_tree(rows, scores, DOMAIN, threads))
    if twin.root != tree.root:
        raise ChainrepError("Another number of threads gives another root.")
    held = tree.accounts.nbytes + tree.scores.nbytes + tree.nodes.nbytes
    return {
        "leaves": tree.leaves,
        "threads": threads,
        "build_s": build_s,
        "build_1_thread_s": one_thread_s,
        "rows_of_names_s": rows_s,
        "proof_us": _proof_us(tree, rng),
        "memory_bytes_per_leaf": held / tree.leaves,
        **_file(tree, threads),
        **_hashes_per_s(),
    }


def _proof_us(tree: ScoreTree, rng: random.Random) -> float:
    places = [rng.randrange(1, tree.leaves) for _ in range(PROOFS)]
    asked = [f"0x{tree.accounts[i].tobytes().hex()}" for i in places]
    proofs, seconds = _timed(lambda: [tree.prove(account) for account in asked])
    for i, account, proof in zip(places, asked, proofs, strict=True):
        if proven_score(DOMAIN, proof, tree.root, account) != int(tree.scores[i]):
            raise ChainrepError("A proof does not hold.")
    return seconds / PROOFS * 1e6


def _file(tree: ScoreTree, threads: int) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "scores")
        _, write_s = _timed(lambda: write_scores(tree, path))
        _, read_s = _timed(lambda: read_scores(path, tree.root, threads))
        return {"file_bytes": path.stat().st_size, "write_s": write_s, "read_s": read_s}


def _hashes_per_s() -> dict[str, float]:
    """Of two nodes, 40 bytes: many at once by one thread, and one at a time by safe-pysha3."""
    nodes = np.random.default_rng(0).integers(0, 256, (2 * HASHES + 1, NODE_BYTES), dtype=np.uint8)
    words = nodes.view("<u4")
    _, ours_s = _timed(lambda: hash_pairs(words, 0, HASHES))
    pairs = [nodes[i : i + 2].tobytes() for i in range(HASHES)]
    _, peer_s = _timed(lambda: [keccak(pair) for pair in pairs])
    return {"hashes_per_s": HASHES / ours_s, "safe_pysha3_hashes_per_s": HASHES / peer_s}


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    found = work()
    return found, time.perf_counter() - started
