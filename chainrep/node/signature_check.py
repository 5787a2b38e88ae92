"""Checking who signed a batch, from the transaction that applied it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chainrep.chain.batch_transaction import BatchTransaction, calls_within, direct_call
from chainrep.errors import ChainError, ChainUnreachable, SignatureError
from chainrep.node.audited_batch import Finding, Step
from chainrep.node.ledger_history import BatchOnChain
from chainrep.protocol.signature_list import require_signer, split_signatures
from chainrep.protocol.typed_data import LedgerDomain, report_digest
from chainrep.protocol.types import SignedReport

Accepts = Callable[[str, bytes, bytes], bool]
"""Whether a contract (its address) accepts a signature (third) of a digest (second)."""


def check_signers(
    batch: BatchOnChain,
    domain: LedgerDomain,
    transaction: BatchTransaction | None,
    accepts: Accepts,
) -> Sequence[str] | Finding:
    """The members who signed the batch, as many as had to; or what is wrong, or hidden.

    Raises ChainUnreachable where ``accepts`` does.
    """
    name = f"Transaction 0x{batch.transaction.hex()}"
    if transaction is None:
        return _unseen(f"{name} is not to be had from this server.")
    if transaction.to != domain.ledger:
        return _passed_on(batch, domain, transaction, accepts) or _unseen(
            f"{name} applied the batch by way of another contract: its signatures cannot be seen."
        )
    signed = direct_call(transaction, batch.committee.version)
    if signed is None:
        return _unseen(f"{name} has an input that cannot be read.")
    if not _is_of(signed, batch):
        return Finding(Step.TRANSACTION, f"{name} applies another batch than the event shows.")
    try:
        return _checked(signed, batch, domain, accepts)
    except SignatureError as error:
        finding = Finding(Step.SIGNATURES, error.summary)
    except ChainUnreachable:
        raise
    except ChainError as error:
        finding = Finding(Step.SIGNATURES, error.summary, conclusive=False)
    return finding


def _passed_on(
    batch: BatchOnChain, domain: LedgerDomain, transaction: BatchTransaction, accepts: Accepts
) -> Sequence[str]:
    """The signers of a report within another contract's input; nobody where none holds."""
    for signed in calls_within(transaction, batch.committee.version):
        try:
            if _is_of(signed, batch):
                return _checked(signed, batch, domain, accepts)
        except ChainUnreachable:
            raise
        except (SignatureError, ChainError):
            continue  # whoever carried a batch may have put a false one beside the true one
    return ()


def _unseen(text: str) -> Finding:
    return Finding(Step.TRANSACTION, text, conclusive=False)


def _is_of(signed: SignedReport, batch: BatchOnChain) -> bool:
    report = signed.report
    stated = (report.nonce, report.evidence_root, report.updates)
    return stated == (batch.nonce, batch.evidence_root, batch.updates)


def _checked(
    signed: SignedReport, batch: BatchOnChain, domain: LedgerDomain, accepts: Accepts
) -> Sequence[str]:
    """The members who signed; SignatureError where one did not, or too few did."""
    committee = batch.committee
    parts = split_signatures(signed, committee.members)
    if len(parts) < committee.threshold:
        raise SignatureError(
            f"{len(parts)} members of committee {committee.version} signed,"
            f" {committee.threshold} had to."
        )
    for part in parts:
        if not part.of_contract:
            require_signer(part, signed, domain)
        elif not accepts(part.member, report_digest(signed.report, domain), part.signature):
            raise SignatureError(
                f"{part.member}, a contract, does not take the signature for its own."
            )
    return [part.member for part in parts]
