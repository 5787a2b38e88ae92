"""The score file: one epoch's scores in the one form that they have, to prove from after a restart.

``chainrep scores 1\\n``, the 128 bytes with which each leaf begins (chain id, contract, epoch,
formula hash, 32 bytes each), the number of scores in 8 bytes, then all accounts, 20 bytes each and
ascending, then all scores, 8 bytes each; numbers are big-endian. Nothing that follows from these
stands in the file: the tree is built from them anew, and its root must be the expected one.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

import numpy as np
from eth_utils.address import to_checksum_address

from chainrep.errors import InputError, StoreError
from chainrep.protocol.reputation_tree import NODE_BYTES, TreeDomain, leaf_prefix
from chainrep.reputation.score_tree import MAX_SCORES, ScoreTree, build_score_tree

MAGIC = b"chainrep scores 1\n"
PREFIX_BYTES = 128
HEAD_BYTES = len(MAGIC) + PREFIX_BYTES + 8
SCORE_BYTES = NODE_BYTES + 8
MAX_FILE_BYTES = HEAD_BYTES + MAX_SCORES * SCORE_BYTES


def write_scores(tree: ScoreTree, path: Path) -> None:
    """Write the tree's score file, whole or not at all; raise StoreError where that fails."""
    draft = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as stream:
            stream.write(dump_scores(tree))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, path)  # noqa: PTH105 (atomic on POSIX and Windows alike)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink()
        if isinstance(error, OSError):
            raise StoreError(
                f"{path} cannot be written ({error.strerror}).",
                "Check that the folder is writable and the disk not full.",
            ) from error
        raise


def read_scores(path: Path, root: bytes, threads: int = 1) -> ScoreTree:
    """Read a score file and build its tree, which must have this root.

    Raises StoreError for a file that cannot be read, InputError as `parse_scores`.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES or not path.is_file():
            raise InputError(f"{path} is no score file: it is too large, or no file at all.")
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read ({error.strerror}).", "Compute the epoch again."
        ) from error
    return parse_scores(content, root, threads)


def dump_scores(tree: ScoreTree) -> bytes:
    """The score file of a tree: the same bytes for the same domain and scores."""
    count = (tree.leaves - 1).to_bytes(8)
    accounts, scores = tree.accounts[1:].tobytes(), tree.scores[1:].astype(">u8").tobytes()
    return b"".join((MAGIC, leaf_prefix(tree.domain), count, accounts, scores))


def parse_scores(content: bytes, root: bytes, threads: int = 1) -> ScoreTree:
    """Build the tree of a score file, which must have this root, on so many threads.

    Raises InputError for anything that `dump_scores` does not write, and for another root.
    """
    if not content.startswith(MAGIC) or len(content) < HEAD_BYTES:
        raise InputError("This is no score file of version 1.", "Compute the epoch again.")
    prefix = content[len(MAGIC) : HEAD_BYTES - 8]
    count = int.from_bytes(content[HEAD_BYTES - 8 : HEAD_BYTES])
    if count > MAX_SCORES or len(content) != HEAD_BYTES + count * SCORE_BYTES:
        raise InputError("The score file is cut off, or too long.", "Compute the epoch again.")
    middle = HEAD_BYTES + count * NODE_BYTES
    accounts = np.frombuffer(content, np.uint8, count * NODE_BYTES, HEAD_BYTES)
    scores = np.frombuffer(content, ">u8", count, middle).astype(np.uint64)
    rows = accounts.reshape(count, NODE_BYTES)
    tree = build_score_tree(rows, scores, _domain(prefix), threads)
    if tree.root != root:
        raise InputError(
            f"The score file has the root 0x{tree.root.hex()}, not 0x{root.hex()}.",
            "It is of another epoch, or damaged: compute the epoch again.",
        )
    return tree


def _domain(prefix: bytes) -> TreeDomain:
    chain_id, contract, epoch, formula = (prefix[i : i + 32] for i in range(0, PREFIX_BYTES, 32))
    if any(contract[:-NODE_BYTES]):
        raise InputError("The score file names no contract.", "Compute the epoch again.")
    address = to_checksum_address(contract[-NODE_BYTES:])
    return TreeDomain(int.from_bytes(chain_id), address, int.from_bytes(epoch), formula)
