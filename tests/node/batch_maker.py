"""Batches for the tests of the audit: made up whole, or put on a real chain by a real committee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from chainrep.chain.batch_transaction import BatchTransaction
from chainrep.chain.devnet import dev_accounts
from chainrep.chain.score_ledger import Committee
from chainrep.node.ledger_history import BatchOnChain
from chainrep.protocol.evidence import EvidenceRecord, evidence_tree, sum_updates
from chainrep.protocol.evidence_file import dump_evidence
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.typed_data import LedgerDomain, collect_signatures, sign_report
from chainrep.protocol.types import FeedbackKind, Report, SignedReport
from chainrep.session import OWNER, Session

ACCOUNTS = dev_accounts(10)
MEMBERS = tuple(
    sorted((account.address for account in ACCOUNTS[1:4]), key=lambda address: int(address, 16))
)
KEYS = {account.address: account.private_key for account in ACCOUNTS}
LEDGER = ACCOUNTS[9].address
DOMAIN = LedgerDomain(31_337, LEDGER)
NOW = 1_700_000_000
APPLY = keccak(text="applyBatch(bytes,bytes32,uint64,uint64,uint32,bytes)")[:4]


def judgement(number: int, source: int = 1, right: bool = True, time: int = NOW) -> EvidenceRecord:
    """One record, whose id is the number."""
    deltas = (100, 0, 100, 100) if right else (0, 100, 0, 100)
    return EvidenceRecord(
        number.to_bytes(32), source, FeedbackKind.GOLD, bytes(32), *deltas, time, b"receipt"
    )


RECORDS = [judgement(1), judgement(2, source=3, right=False), judgement(3)]


@dataclass(frozen=True, slots=True)
class Made:
    """A batch that nobody applied, with everything that an audit looks at."""

    batch: BatchOnChain
    evidence: bytes
    transaction: BatchTransaction
    signed: SignedReport


def call_data(signed: SignedReport) -> bytes:
    """The input of a transaction that applies a report."""
    report = signed.report
    types = ["bytes", "bytes32", "uint64", "uint64", "uint32", "bytes"]
    return APPLY + encode(
        types,
        [
            report.updates,
            report.evidence_root,
            report.nonce,
            report.deadline,
            signed.signer_mask,
            signed.signatures,
        ],
    )


def make(
    records: Sequence[EvidenceRecord] = RECORDS,
    nonce: int = 7,
    signers: Sequence[str] = MEMBERS[:2],
    domain: LedgerDomain = DOMAIN,
    updates: bytes | None = None,
    members: Sequence[str] = MEMBERS,
    contract_signatures: Mapping[str, bytes] | None = None,
) -> Made:
    """A batch of records as an honest committee of two in three would have it, but for what is
    given."""
    packed = pack_updates(sum_updates(records)) if updates is None else updates
    report = Report(2, nonce, NOW + 600, evidence_tree(records).root, packed)
    signatures = {member: sign_report(report, domain, KEYS[member]) for member in signers}
    signed = collect_signatures(report, domain, members, signatures, contract_signatures)
    batch = BatchOnChain(
        nonce=nonce,
        time=NOW,
        block=20,
        transaction=bytes(32),
        evidence_root=report.evidence_root,
        updates=packed,
        committee=Committee(2, 0, 2, tuple(members)),
        sources=3,
    )
    evidence = dump_evidence(records, unique=False)
    return Made(batch, evidence, BatchTransaction(LEDGER, call_data(signed)), signed)


def sign_batch(
    session: Session,
    records: Sequence[EvidenceRecord],
    contract_signatures: Mapping[str, bytes] | None = None,
) -> Mapping[str, Any]:
    """The call that applies these records' batch on a real ledger, signed by its committee."""
    ledger, committee = session.ledger, session.ledger.committee()
    report = Report(
        committee.version,
        committee.next_nonce,
        session.client.now() + 3_600,
        evidence_tree(records).root,
        ledger.pack(sum_updates(records)),
    )
    keys = [member for member in committee.members if member in KEYS]
    signatures = {
        member: sign_report(report, ledger.domain, KEYS[member])
        for member in keys[: committee.threshold - len(contract_signatures or {})]
    }
    signed = collect_signatures(
        report, ledger.domain, committee.members, signatures, contract_signatures
    )
    return ledger.batch_call(signed)


def apply_batch(session: Session, records: Sequence[EvidenceRecord]) -> None:
    """Put these records' batch on a real ledger."""
    session.client.send(sign_batch(session, records), ACCOUNTS[OWNER].private_key)


def deploy_code(session: Session, runtime: str) -> str:
    """A contract that consists of this code (hex), at most 255 bytes."""
    init = f"60{len(runtime) // 2:02x}8060093d393df3"  # copy what follows, return it
    receipt = session.client.send({"data": "0x" + init + runtime}, ACCOUNTS[OWNER].private_key)
    assert receipt.contract is not None
    return session.client.w3.to_checksum_address(receipt.contract)
