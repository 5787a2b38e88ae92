"""The audit of a ledger's batches: do event, evidence, transaction and signatures fit together?

`audit_batch` is pure: what was fetched comes in, findings go out, in the order of the road from a
judgement to the chain. Evidence with another root says nothing about the batch, so that what comes
after it on that road is left open; the signatures are checked all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from chainrep.chain.batch_transaction import (
    BatchTransaction,
    accepts_signature,
    fetch_transaction,
)
from chainrep.chain.client import Client
from chainrep.errors import ChainError, ChainrepError, ChainUnreachable, InputError
from chainrep.node.audited_batch import AuditedBatch, Finding, Step
from chainrep.node.evidence_check import compare_evidence, read_evidence
from chainrep.node.ledger_history import BatchOnChain, LedgerHistory, NonceRange
from chainrep.node.signature_check import Accepts, check_signers
from chainrep.protocol.typed_data import LedgerDomain


class EvidenceSource(Protocol):
    """Where evidence files are: a folder, or a server."""

    def read(self, root: bytes) -> bytes | None:
        """The file of this name, unchecked; None where there is none; raise ChainrepError."""
        ...


def audit_batch(
    batch: BatchOnChain,
    domain: LedgerDomain,
    archive: bool,
    evidence: bytes | ChainrepError | None,
    transaction: BatchTransaction | None,
    accepts: Accepts,
    counted: Mapping[bytes, int],
) -> AuditedBatch:
    """Compare a batch with its evidence file (or why it could not be had) and its transaction.

    ``counted`` has the nonce of every feedback id that batches audited before this one count.
    """
    findings = list[Finding]()
    feedback, signers = list[bytes](), list[str]()
    records = read_evidence(evidence, batch.evidence_root)
    if isinstance(records, Finding):
        findings.append(records)
    else:
        findings += compare_evidence(records, batch, archive, counted)
        feedback = [record.id for record in records]
    signed = check_signers(batch, domain, transaction, accepts)
    if isinstance(signed, Finding):
        findings.append(signed)
    else:
        signers = list(signed)
    return AuditedBatch(batch.nonce, findings, feedback, signers)


def history_finding(history: LedgerHistory) -> Finding | None:
    """Whether the events from the first to the last add up to the ledger's own rolling hash."""
    if history.recomputed == history.stated:
        return None
    return Finding(
        Step.HISTORY,
        f"The events add up to the history 0x{history.recomputed:040x}, the ledger has"
        f" 0x{history.stated:040x}: an event is missing, altered or invented.",
    )


def nonces_of(history: LedgerHistory, wanted: NonceRange) -> range:
    """The nonces to audit; raise InputError where the ledger has not used them."""
    newest = history.next_nonce - 1
    last = newest if wanted.last is None else wanted.last
    if last > newest:
        so_far = f"batches 1 to {newest}" if newest else "no batch"
        raise InputError(f"The ledger has {so_far} so far, and none {last}.")
    return range(wanted.first, last + 1)


def audit_batches(
    client: Client, history: LedgerHistory, evidence: EvidenceSource, nonces: range
) -> Iterator[AuditedBatch]:
    """Audit batches one after the other; feedback counted twice is seen among these.

    Raises ChainUnreachable where the chain stops answering. Evidence that cannot be fetched makes a
    batch inconclusive, evidence that nobody keeps makes it one that does not fit.
    """
    domain = LedgerDomain(client.chain_id, history.ledger)
    counted = dict[bytes, int]()
    for nonce in nonces:
        batch = history.batches.get(nonce)
        if batch is None:
            gone = nonce in history.cancelled
            yield AuditedBatch(nonce, cancelled=True) if gone else _missing(nonce)
            continue
        audited = audit_batch(
            batch,
            domain,
            history.archive,
            _evidence(evidence, batch.evidence_root),
            fetch_transaction(client, batch.transaction),
            _judge(client, batch),
            counted,
        )
        for feedback in audited.feedback:
            counted.setdefault(feedback, nonce)
        yield audited


def _evidence(source: EvidenceSource, root: bytes) -> bytes | ChainrepError | None:
    try:
        return source.read(root)
    except ChainrepError as error:
        return error


def _judge(client: Client, batch: BatchOnChain) -> Accepts:
    """Ask a contract in the state before the batch's block and after it: either will do."""

    def accepts(member: str, digest: bytes, signature: bytes) -> bool:
        try:
            return any(
                accepts_signature(client, member, digest, signature, block)
                for block in (batch.block, batch.block - 1)
            )
        except ChainUnreachable:
            raise
        except ChainError as error:
            raise ChainError(
                f"{member} is a contract, and what it said in block {batch.block} is not known"
                f" here: {error.summary}",
                "Give the URL of an archive node with --rpc.",
            ) from error

    return accepts


def _missing(nonce: int) -> AuditedBatch:
    text = f"The ledger has used nonce {nonce}, but no event shows it."
    return AuditedBatch(nonce, [Finding(Step.EVENT, text)])
