"""A committee member on another machine, asked over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from chainrep.node.member_call import MAX_ANSWER_BYTES, MemberCall
from chainrep.protocol.evidence import EvidenceRecord
from chainrep.protocol.evidence_file import dump_evidence
from chainrep.protocol.settle_request import SettleRequest, dump_settle_request
from chainrep.protocol.settlement import RootsDomain, Settlement
from chainrep.protocol.sign_request import SignRequest, dump_request
from chainrep.protocol.types import Report

__all__ = ["MAX_ANSWER_BYTES", "RemoteSettler", "RemoteSigner"]


class RemoteSigner(MemberCall):
    """Asks a member to sign reports; the whole of its options are `MemberCall`'s."""

    def sign(self, report: Report, records: Sequence[EvidenceRecord]) -> bytes:
        """The member's signature; errors as of `ask`."""
        request = SignRequest(report, self._domain, dump_evidence(records))
        return self.ask("/sign", dump_request(request))


class RemoteSettler:
    """Asks a member to sign settlements of one ReputationRoots."""

    def __init__(self, call: MemberCall, domain: RootsDomain) -> None:
        self.address = call.address
        self._call = call
        self._domain = domain

    def sign_settlement(self, settlement: Settlement) -> bytes:
        """The member's signature; errors as of `MemberCall.ask`."""
        body = dump_settle_request(SettleRequest(settlement, self._domain))
        return self._call.ask("/settle", body)
