"""What proposing a root costs, and proving one score under it, for trees up to a million leaves."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from web3.contract import Contract

from chainrep.chain.artifact import load_artifact
from chainrep.chain.binding import call_to
from chainrep.chain.client import Client
from chainrep.errors import ChainrepError
from chainrep.protocol.reputation_tree import MAX_SCORE, TreeDomain
from chainrep.reputation.score_tree import ScoreTree, account_rows, build_score_tree
from scripts.benchmarks.gas.chain import OWNER, PROPOSER, member_keys
from scripts.benchmarks.gas.ledger import NOBODY, deploy

FORMULA = b"gas benchmark".ljust(32, b"\0")
SNAPSHOT = b"snapshot".ljust(32, b"\1")
URI = "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
BOND = 10**17
WINDOW = 30
"""Seconds to challenge, and to settle: a few blocks."""

PROOFS = 5


def deploy_roots(client: Client) -> Contract:
    """Epochs of a second, the first of which are over, and short windows."""
    rules = (FORMULA, 1, WINDOW, WINDOW, BOND)
    keys, artifact = list(member_keys(3)), load_artifact("ReputationRoots")
    roots = deploy(client, artifact, rules, OWNER.address, keys, 2, NOBODY)
    let_pass(client, WINDOW)
    return roots


def propose(client: Client, roots: Contract, epoch: int, root: bytes) -> int:
    """Gas of the proposal."""
    function = roots.functions.propose(epoch, root, SNAPSHOT, URI)
    call = {**call_to(function), "value": BOND}
    return client.send(call, PROPOSER.private_key).gas_used


def make_final(client: Client, roots: Contract, epoch: int) -> int:
    """Gas of finalizing, once the window is over."""
    let_pass(client, WINDOW)
    return client.send(call_to(roots.functions.finalize(epoch)), OWNER.private_key).gas_used


def let_pass(client: Client, seconds: int) -> None:
    """Make blocks until so much time has gone by."""
    end = client.now() + seconds
    while client.now() < end:
        client.send({"to": OWNER.address}, OWNER.private_key)


def prove_gas(
    client: Client, roots: Contract, leaves: int, epoch: int, tick: Callable[[], object]
) -> int:
    """The most gas that a whole transaction proving one score took, of several accounts'."""
    tree = random_tree(client, roots, leaves, epoch)
    tick()
    propose(client, roots, epoch, tree.root)
    make_final(client, roots, epoch)
    rng = random.Random(leaves)  # noqa: S311 (repeatable, not secret)
    most = 0
    for i in rng.sample(range(1, tree.leaves), PROOFS):
        function = score_proof(roots, tree, f"0x{tree.accounts[i].tobytes().hex()}")
        if not function.call():
            raise ChainrepError("The contract does not accept a proof that it should.")
        most = max(most, client.send(call_to(function), OWNER.private_key).gas_used)
        tick()
    return most


def score_proof(roots: Contract, tree: ScoreTree, account: str) -> Any:
    """The call that proves one account's score."""
    proof = tree.prove(account)
    return roots.functions.scoreProven(
        tree.domain.epoch, proof.account, proof.score, proof.next, proof.siblings
    )


def random_tree(client: Client, roots: Contract, leaves: int, epoch: int) -> ScoreTree:
    """A tree of so many leaves, the one of account zero included."""
    rng = random.Random(epoch)  # noqa: S311 (repeatable, not secret)
    scores = {
        f"0x{rng.getrandbits(160):040x}": rng.randrange(1, MAX_SCORE + 1) for _ in range(leaves - 1)
    }
    names = sorted(scores)
    values = np.array([scores[name] for name in names], np.uint64)
    domain = TreeDomain(client.chain_id, roots.address, epoch, FORMULA)
    return build_score_tree(account_rows(names), values, domain)
