"""One real transaction of every kind: the figures that contracts/gas.json holds still."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from eth_account import Account
from web3.contract import Contract

from chainrep.chain.artifact import load_artifact
from chainrep.chain.binding import call_to
from chainrep.chain.client import Client
from chainrep.protocol.rotation import Rotation, sign_rotation
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.types import ScoreUpdate
from chainrep.protocol.verdict import Verdict
from scripts.benchmarks.gas.chain import CHALLENGER, OWNER, PROPOSER, SOURCE_OWNER, member_keys
from scripts.benchmarks.gas.jobs import JOB_RULES, JobsUnderTest
from scripts.benchmarks.gas.ledger import (
    HOUR,
    NOBODY,
    LedgerUnderTest,
    deploy,
    register_sources,
    whole_judgements,
)
from scripts.benchmarks.gas.proof import (
    BOND,
    SNAPSHOT,
    WINDOW,
    deploy_roots,
    let_pass,
    make_final,
    propose,
    random_tree,
    score_proof,
)
from scripts.benchmarks.gas.verdicts import VerdictsUnderTest

SOURCES = 100
ROOT = b"\1" * 20
LEAVES = 1_024


def entry_point_gas(client: Client) -> Mapping[str, int]:
    """Gas of every entry point, on a fresh chain; every slot was written before unless it says."""
    registry = deploy(client, load_artifact("SourceRegistry"), NOBODY, NOBODY)
    register_sources(client, registry, SOURCES, lambda: None)
    return {
        **_deployments(client),
        **_registry(client, registry),
        **_ledger(client, registry),
        **_open_lane(client, registry),
        **_roots(client),
        **_verdicts(client),
        **_jobs(client),
    }


def _deployments(client: Client) -> dict[str, int]:
    """Code and constructor of each contract."""
    members = list(member_keys(3))
    rules = (b"\1" * 32, HOUR, HOUR, HOUR, BOND)
    contracts: dict[str, tuple[Any, ...]] = {
        "SourceRegistry": (NOBODY, NOBODY),
        "ScoreLedger": (NOBODY, OWNER.address, members, 2, False, NOBODY),
        "FeedbackLog": (NOBODY, NOBODY, NOBODY),
        "ReputationRoots": (rules, OWNER.address, members, 2, NOBODY),
        "VerdictLedger": (OWNER.address, members, 2, NOBODY),
        "VerificationJobs": (JOB_RULES,),
        "PrevrandaoBeacon": (2,),
        "OpenGate": (),
        "BondedGate": (BOND, HOUR),
        "AllowListGate": (OWNER.address,),
    }
    found = {}
    for name, arguments in contracts.items():
        artifact = load_artifact(name)
        factory = client.w3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        code = factory.constructor(*arguments).data_in_transaction
        found[f"deploy {name}"] = client.send({"data": code}, OWNER.private_key).gas_used
    return found


def _registry(client: Client, registry: Contract) -> dict[str, int]:
    owner = SOURCE_OWNER.private_key
    place = (client.chain_id, registry.address)
    source, deadline = 1, client.now() + HOUR
    rotation = Rotation(source, SOURCE_OWNER.address, PROPOSER.address, 0, deadline)
    rotate = registry.functions.rotate(
        source,
        rotation.new_owner,
        deadline,
        sign_rotation(rotation, *place, owner),
        sign_rotation(rotation, *place, PROPOSER.private_key),
    )
    send = _sender(client)
    return {
        "register": send(registry.functions.register("https://handbook.example"), owner),
        "rotate": send(rotate, owner),
        "retire": send(registry.functions.retire(2), owner),
    }


def _ledger(client: Client, registry: Contract) -> dict[str, int]:
    ledger = LedgerUnderTest(client, registry)
    archive = LedgerUnderTest(client, registry, archive=True)
    functions = ledger.contract.functions
    first = ledger.apply(range(1, 11))
    ledger.touch(SOURCES)
    archive.apply([1])

    nonce, deadline = functions.committee().call()[1], client.now() + HOUR
    digest = functions.cancellationDigest(nonce, deadline).call()
    send = _sender(client)
    return {
        "cancelNonce": send(functions.cancelNonce(nonce, deadline, *_signed(digest, 1))),
        "apply 10 new sources": first,
        "apply 1": ledger.apply([1]),
        "apply 10": ledger.apply(range(1, 11)),
        "apply 100": ledger.apply(range(1, 101)),
        "apply 10, 2 signatures": ledger.apply(range(1, 11), signatures=2),
        "apply 100, archive": archive.apply(range(1, 101), deltas=whole_judgements),
        "configure 3 members": send(functions.configure(list(ledger.keys), 2)),
        "setUpdateLimit": send(functions.setUpdateLimit(1_000)),
    }


def _open_lane(client: Client, registry: Contract) -> dict[str, int]:
    gate = deploy(client, load_artifact("BondedGate"), BOND, 0)
    log = deploy(client, load_artifact("FeedbackLog"), registry.address, gate.address, NOBODY)
    send = _sender(client)
    ten = pack_updates(ScoreUpdate(i, 100, 0, 100, 100) for i in range(1, 11))
    accounts = [i.to_bytes(20, "little") for i in range(1, 11)]
    vouches = b"".join(account + (100).to_bytes(2) for account in sorted(accounts))
    joined = send(gate.functions.join(), value=BOND)
    send(log.functions.rate(ten))  # the first entry into the history
    return {
        "join": joined,
        "rate 10": send(log.functions.rate(ten)),
        "vouch 10": send(log.functions.vouch(vouches)),
        "leave": send(gate.functions.leave()),
        "withdraw a bond from the gate": send(gate.functions.withdraw(OWNER.address)),
    }


def _roots(client: Client) -> dict[str, int]:
    roots = deploy_roots(client)
    functions = roots.functions
    send = _sender(client)
    first = functions.firstEpoch().call()

    tree = random_tree(client, roots, LEAVES, first)
    found = {"propose": propose(client, roots, first, tree.root)}
    found["finalize"] = make_final(client, roots, first)
    account = f"0x{tree.accounts[LEAVES // 2].tobytes().hex()}"
    found["prove 1 of 1,024"] = send(score_proof(roots, tree, account))

    value = {"value": BOND}
    for epoch in (first + 1, first + 2):
        propose(client, roots, epoch, ROOT)
        challenge = functions.challenge(epoch, ROOT, SNAPSHOT)
        found["challenge"] = send(challenge, CHALLENGER.private_key, **value)
    found["settle, 2 signatures"] = send(_settlement(client, roots, first + 1))
    let_pass(client, 2 * WINDOW)
    found["reopen"] = send(functions.reopen(first + 2))
    found["withdraw from the roots"] = send(
        functions.withdraw(PROPOSER.address), PROPOSER.private_key
    )
    return found


def _verdicts(client: Client) -> dict[str, int]:
    """2 of 3 sign; every receipt is new, but for those that were inconclusive before."""
    ledger = VerdictsUnderTest(client)
    open_ones = ledger.fresh(10, 1, Verdict.INCONCLUSIVE)
    ledger.apply(open_ones)  # the first entry into the history
    decided = [replace(entry, verdict=Verdict.MATCH) for entry in open_ones]
    send = _sender(client)
    return {
        "decide 1": ledger.apply(ledger.fresh(1, 1)),
        "decide 10 of 1 provider": ledger.apply(ledger.fresh(10, 1)),
        "decide 10 of 10 providers": ledger.apply(ledger.fresh(10, 10)),
        "decide 10 that were inconclusive": ledger.apply(decided),
        "setVerdictLimit": send(ledger.contract.functions.setVerdictLimit(400)),
    }


def _jobs(client: Client) -> dict[str, int]:
    """A job of one round; of several the least, since a draw may look at a seat in vain."""
    jobs = JobsUnderTest(client)
    runs = [jobs.run() for _ in range(4)]
    least = {name: min(run[name] for run in runs[1:]) for name in runs[0]}
    return {"takeSeat": jobs.seat_gas[-1], **{f"{name} a job": gas for name, gas in least.items()}}


def _settlement(client: Client, roots: Contract, epoch: int) -> Any:
    """The committee finds the proposed root right."""
    nonce, deadline = roots.functions.committee().call()[1], client.now() + HOUR
    fields = (epoch, ROOT, SNAPSHOT, nonce, deadline)
    digest = roots.functions.settlementDigest(*fields).call()
    return roots.functions.settle(*fields, *_signed(digest, 2))


def _signed(digest: bytes, count: int) -> tuple[int, bytes]:
    """Mask and signatures of the first members."""
    keys = list(member_keys(3).values())[:count]
    signatures = [bytes(Account.unsafe_sign_hash(digest, key).signature) for key in keys]
    return (1 << count) - 1, b"".join(signatures)


def _sender(client: Client) -> Callable[..., int]:
    """Send a call, by the owner if by nobody else, and say what gas it took."""

    def send(function: Any, private_key: bytes = OWNER.private_key, value: int = 0) -> int:
        return client.send({**call_to(function), "value": value}, private_key).gas_used

    return send
