"""Puts events of every kind onto a real chain, for the tests of who reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from web3.types import RPCEndpoint

from chainrep.chain.artifact import load_artifact
from chainrep.chain.binding import call_to
from chainrep.chain.devnet import DevAccount, dev_accounts
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.typed_data import (
    collect_signatures,
    join_signatures,
    sign_cancellation,
    sign_report,
)
from chainrep.protocol.types import Report, ScoreUpdate
from chainrep.protocol.verdict import ReceiptVerdict, Verdict
from chainrep.protocol.verdict_batch import (
    VerdictReport,
    collect_verdicts,
    pack_verdicts,
    sign_verdicts,
)
from chainrep.session import OWNER, Session

ACCOUNTS = dev_accounts(10)
MEMBERS = [account.address for account in ACCOUNTS[1:4]]
SIGNERS = ACCOUNTS[1:3]
MATCHED = ReceiptVerdict(bytes.fromhex(ACCOUNTS[5].address[2:]), b"\1" * 20, Verdict.MATCH, 12)
MISMATCHED = replace(MATCHED, receipt=b"\2" * 20, verdict=Verdict.MISMATCH, distance=131)


class ChainWriter:
    """Everyone who writes to the contracts, in one: sources' owners, committee, raters."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.client = session.client
        self.deployment = session.deployment
        log = load_artifact("FeedbackLog")
        self._log = self.client.w3.eth.contract(self.deployment.feedback_log, abi=log.abi)

    def rpc(self, method: str, *params: object) -> object:
        """One raw call, for what only a test chain can do."""
        response = self.client.w3.provider.make_request(RPCEndpoint(method), list(params))
        assert "error" not in response, response
        return response.get("result")

    def head(self) -> int:
        return int(self.client.w3.eth.block_number)

    def register(self, *uris: str, account: int = 4) -> None:
        for uri in uris:
            self.session.registry.register(uri, ACCOUNTS[account].private_key)

    def judge(self, deltas: Mapping[int, Sequence[int]]) -> None:
        """Apply a batch: four deltas by source id."""
        self.apply(self.pack(deltas))

    def pack(self, deltas: Mapping[int, Sequence[int]]) -> bytes:
        updates = [ScoreUpdate(source, *deltas[source]) for source in sorted(deltas)]
        return self.session.ledger.pack(updates)

    def apply(self, packed: bytes) -> None:
        self._send(self.batch(packed), OWNER)

    def batch(self, packed: bytes) -> Mapping[str, object]:
        """The call that applies packed updates under the next nonce."""
        ledger, committee = self.session.ledger, self.session.ledger.committee()
        deadline = self.client.now() + 3_600
        report = Report(committee.version, committee.next_nonce, deadline, bytes(32), packed)
        signatures = {
            account.address: sign_report(report, ledger.domain, account.private_key)
            for account in SIGNERS
        }
        return ledger.batch_call(
            collect_signatures(report, ledger.domain, committee.members, signatures)
        )

    def cancel(self) -> None:
        """Use up the ledger's next nonce."""
        ledger, committee = self.session.ledger, self.session.ledger.committee()
        deadline = self.client.now() + 3_600
        signatures = {
            account.address: sign_cancellation(
                committee.version,
                committee.next_nonce,
                deadline,
                ledger.domain,
                account.private_key,
            )
            for account in SIGNERS
        }
        mask, joined = join_signatures(committee.members, signatures)
        self._send(ledger.cancel_call(committee.next_nonce, deadline, mask, joined), OWNER)

    def decide(self, *verdicts: ReceiptVerdict, signers: Sequence[DevAccount] = SIGNERS) -> None:
        """Apply a batch of verdicts that these members signed."""
        ledger = self.session.verdicts()
        committee = ledger.committee()
        deadline, packed = self.client.now() + 3_600, pack_verdicts(verdicts)
        report = VerdictReport(committee.version, committee.next_nonce, deadline, bytes(32), packed)
        signatures = {
            account.address: sign_verdicts(report, ledger.domain, account.private_key)
            for account in signers
        }
        signed = collect_verdicts(report, ledger.domain, committee.members, signatures)
        self._send(ledger.verdicts_call(signed), OWNER)

    def rate(self, deltas: Mapping[int, Sequence[int]], account: int = 6) -> None:
        updates = [ScoreUpdate(source, *deltas[source]) for source in sorted(deltas)]
        self._send(call_to(self._log.functions.rate(pack_updates(updates))), account)

    def vouch(self, weights: Mapping[str, int], account: int = 7) -> None:
        ordered = sorted(weights.items(), key=lambda given: int(given[0], 16))
        packed = b"".join(
            bytes.fromhex(address[2:]) + weight.to_bytes(2, signed=True)
            for address, weight in ordered
        )
        self._send(call_to(self._log.functions.vouch(packed)), account)

    def _send(self, call: Mapping[str, object], account: int) -> None:
        self.client.send(call, ACCOUNTS[account].private_key)
