"""Ordered deployment: first the registry, then everything that asks it for ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_account import Account

from chainrep.chain.address_book import MAX_FORMULA_BYTES, Deployment
from chainrep.chain.artifact import load_artifact
from chainrep.chain.client import Client
from chainrep.errors import ChainError, InputError
from chainrep.protocol.keccak import keccak

MAX_MEMBERS = 32
NOBODY = "0x" + "00" * 20

EPOCH_SECONDS = 7 * 24 * 3_600
WINDOW_SECONDS = 24 * 3_600
SETTLE_SECONDS = 48 * 3_600
BOND = 10**17
"""What a proposer or challenger of a root puts up, in wei."""


@dataclass(frozen=True, slots=True)
class RootTerms:
    """How long epochs last and roots wait, in seconds, and the bond in wei.

    ``formula`` is the text whose Keccak-256 the contract is bound to; without one, no node computes
    reputations for the deployment.
    """

    formula: str = ""
    epoch_seconds: int = EPOCH_SECONDS
    window: int = WINDOW_SECONDS
    settle_time: int = SETTLE_SECONDS
    bond: int = BOND


NO_FORMULA = RootTerms()

BURNED = "0x000000000000000000000000000000000000dEaD"
"""Nobody's address: what it is owed is lost to all, so that nobody gains by a fine."""
MAX_JOB_SECONDS = 90 * 24 * 3_600
MAX_SEAT_BOND = 2**72 - 1
MAX_BEACON_BLOCKS = 7_200
_MOST_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class JobTerms:
    """What verification jobs are bound to: times in seconds, money in wei.

    Meanings are those of `chainrep.chain.verifier_seats.JobRules`. The fine is at most half the
    bond, which fits into 72 bits; each time is up to 90 days. ``beacon_blocks`` is how many blocks
    after a commit the randomness of its draw comes; from 2 on, nobody who includes the commit in a
    block knows it. Raises InputError for anything else.
    """

    seat_bond: int = 10**17
    fine: int = 10**16
    least_fee: int = 10**14
    draw_time: int = 3_600
    seal_time: int = 3_600
    open_time: int = 3_600
    appeal_time: int = 24 * 3_600
    beacon_blocks: int = 4
    sink: str = BURNED

    def __post_init__(self) -> None:
        times = (self.draw_time, self.seal_time, self.open_time, self.appeal_time)
        if not all(0 < time <= MAX_JOB_SECONDS for time in times):
            raise InputError("Times of verification jobs are above zero and up to 90 days.")
        if not 0 <= 2 * self.fine <= self.seat_bond <= MAX_SEAT_BOND:
            raise InputError(
                "The fine of a seat is at most half of its bond, and that below 4,722 ether."
            )
        if not 0 <= self.least_fee <= MAX_SEAT_BOND:
            raise InputError("The least fee of a vote is not below zero, nor 4,722 ether or more.")
        if not 0 < self.beacon_blocks <= MAX_BEACON_BLOCKS:
            raise InputError(f"The beacon is 1 to {MAX_BEACON_BLOCKS:,} blocks ahead.")

    @property
    def notice(self) -> int:
        """How long a seat that left stays bound: the longest job, and a day."""
        round_time = self.draw_time + self.seal_time + 2 * self.open_time
        return _MOST_ROUNDS * round_time + self.appeal_time + 24 * 3_600


JOB_TERMS = JobTerms()


def deploy_contracts(
    client: Client,
    private_key: bytes,
    members: Sequence[str],
    threshold: int,
    archive: bool = False,
    terms: RootTerms = NO_FORMULA,
    job_terms: JobTerms = JOB_TERMS,
) -> Deployment:
    """Deploy every contract; the key's account pays and owns them.

    ``members`` are the committee's addresses in any order, ``threshold`` of them must sign. With
    ``archive`` the ledger keeps events only. ``terms`` are what reputation roots are bound to for
    good, ``job_terms`` what verification jobs are. Raises InputError when that cannot be.
    """
    ordered = sorted(set(members), key=lambda address: int(address, 16))
    if len(ordered) != len(members) or not 0 < len(ordered) <= MAX_MEMBERS:
        raise InputError(f"A committee has 1 to {MAX_MEMBERS} different members.")
    if not 0 < threshold <= len(ordered):
        raise InputError(f"The threshold must lie in 1..{len(ordered)}, the committee's size.")
    if len(terms.formula.encode()) > MAX_FORMULA_BYTES:
        raise InputError(f"A formula has at most {MAX_FORMULA_BYTES:,} bytes: name fewer seeds.")
    owner = Account.from_key(private_key).address
    block = client.ask(lambda: client.w3.eth.block_number)

    def create(name: str, *arguments: Any) -> str:
        return _create(client, private_key, name, *arguments)

    registry = create("SourceRegistry", NOBODY, NOBODY)
    ledger = create("ScoreLedger", registry, owner, ordered, threshold, archive, NOBODY)
    log = create("FeedbackLog", registry, create("OpenGate"), NOBODY)
    formula_hash = keccak(terms.formula.encode())
    times = (terms.epoch_seconds, terms.window, terms.settle_time)
    rules = (formula_hash, *times, terms.bond)
    roots = create("ReputationRoots", rules, owner, ordered, threshold, NOBODY)
    verdicts = create("VerdictLedger", owner, ordered, threshold, NOBODY)
    beacon = create("PrevrandaoBeacon", job_terms.beacon_blocks)
    jobs = create("VerificationJobs", _job_rules(beacon, job_terms))
    return Deployment(
        chain_id=client.chain_id,
        genesis=client.genesis,
        block=block,
        source_registry=registry,
        score_ledger=ledger,
        feedback_log=log,
        reputation_roots=roots,
        members=ordered,
        threshold=threshold,
        formula=terms.formula,
        verdict_ledger=verdicts,
        verification_jobs=jobs,
        beacon=beacon,
    )


def _job_rules(beacon: str, terms: JobTerms) -> tuple[Any, ...]:
    return (
        beacon, terms.sink, terms.seat_bond, terms.fine, terms.least_fee, terms.draw_time,
        terms.seal_time, terms.open_time, terms.appeal_time, terms.notice,
    )  # fmt: skip


def _create(client: Client, private_key: bytes, name: str, *arguments: Any) -> str:
    artifact = load_artifact(name)
    factory = client.w3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    code = factory.constructor(*arguments).data_in_transaction
    receipt = client.send({"data": code}, private_key)
    if receipt.contract is None:
        raise ChainError(f"The chain mined the deployment of {name} without an address.")
    return client.w3.to_checksum_address(receipt.contract)
