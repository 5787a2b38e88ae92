"""The committee's record of every source's reliability, as the ledger contract keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chainrep.chain.address_book import Deployment
from chainrep.chain.binding import bind, call_to, logs_of
from chainrep.chain.client import Client
from chainrep.errors import InputError, UnknownSource
from chainrep.protocol.compact_batch import pack_compact, unpack_compact
from chainrep.protocol.score_update import pack_updates, unpack_updates
from chainrep.protocol.typed_data import LedgerDomain
from chainrep.protocol.types import Score, ScoreUpdate, SignedReport

PAGE = 500
"""Sources read per call: about 1.5 M gas of a node's eth_call allowance."""


@dataclass(frozen=True, slots=True)
class Committee:
    """Who may sign reports now: ``version`` and ``next_nonce`` go into the next report."""

    version: int
    next_nonce: int
    threshold: int
    members: Sequence[str]


class ScoreLedger:
    """Reading scores, and making the call that applies a signed report."""

    def __init__(self, client: Client, deployment: Deployment) -> None:
        self.client = client
        self.contract = bind(client, "ScoreLedger", deployment.score_ledger)
        self.domain = LedgerDomain(client.chain_id, deployment.score_ledger)
        self.first_block = deployment.block

    @cached_property
    def archive(self) -> bool:
        """Whether the ledger keeps events only; it never changes."""
        return bool(self.client.ask(self.contract.functions.archive().call))

    def committee(self) -> Committee:
        """The current committee and the ledger's next nonce."""
        return Committee(*self.client.ask(self.contract.functions.committee().call))

    def update_limit(self) -> int:
        """How many sources one batch may update."""
        return int(self.client.ask(self.contract.functions.updateLimit().call))

    def history(self) -> int:
        """The rolling hash over everything accepted or cancelled."""
        return int(self.client.ask(self.contract.functions.history().call))

    def pack(self, updates: Sequence[ScoreUpdate]) -> bytes:
        """A batch in the form that this ledger takes; raise InputError or BatchTooLarge."""
        return pack_compact(updates) if self.archive else pack_updates(updates)

    def unpack(self, packed: bytes) -> Sequence[ScoreUpdate]:
        """A batch of this ledger read back; raise InputError where it does not decode."""
        return unpack_compact(packed) if self.archive else unpack_updates(packed)

    def scores(self, sources: Sequence[int]) -> Sequence[Score]:
        """The scores of these ids, in order; raise UnknownSource."""
        if self.archive:
            return self._replayed(sources)
        found: list[Score] = []
        for start in range(0, len(sources), PAGE):
            page = list(sources[start : start + PAGE])
            rows = self.client.ask(self.contract.functions.scoresOf(page).call)
            found += [Score(source, *row) for source, row in zip(page, rows, strict=True)]
        return found

    def batch_call(self, signed: SignedReport) -> Mapping[str, Any]:
        """The call that applies a signed report."""
        report = signed.report
        return call_to(
            self.contract.functions.applyBatch(
                report.updates,
                report.evidence_root,
                report.nonce,
                report.deadline,
                signed.signer_mask,
                signed.signatures,
            )
        )

    def cancel_call(
        self, nonce: int, deadline: int, signer_mask: int, signatures: bytes
    ) -> Mapping[str, Any]:
        """The call that uses up a nonce without a batch."""
        function = self.contract.functions.cancelNonce(nonce, deadline, signer_mask, signatures)
        return call_to(function)

    def applied(self, nonce: int) -> tuple[bytes, bytes] | None:
        """Evidence root and packed updates of the batch applied under this nonce, if any."""
        logs = self._batches({"nonce": nonce})
        if not logs:
            return None
        args = logs[0]["args"]
        return bytes(args["evidenceRoot"]), bytes(args["updates"])

    def _replayed(self, sources: Sequence[int]) -> Sequence[Score]:
        """An archive's scores: its batches added up. One that does not decode counts for nothing,
        as docs/protocol.md has it."""
        sums: dict[int, Score] = {}
        for log in self._batches({}):
            try:
                updates = unpack_compact(bytes(log["args"]["updates"]))
            except InputError:
                continue
            for update in updates:
                old = sums.get(update.source, Score(update.source))
                sums[update.source] = Score(
                    update.source,
                    old.supported + update.supported,
                    old.contradicted + update.contradicted,
                    old.used + update.used,
                    old.asked + update.asked,
                    log["args"]["time"],
                )
        known = self._source_count()
        for source in sources:
            if not 0 < source <= known:
                raise UnknownSource(
                    f"No source has the id {source}.",
                    "`chainrep source list` shows the registered ones.",
                )
        return [sums.get(source, Score(source)) for source in sources]

    def _source_count(self) -> int:
        address = self.client.ask(self.contract.functions.registry().call)
        registry = bind(self.client, "SourceRegistry", address)
        return int(self.client.ask(registry.functions.sourceCount().call))

    def _batches(self, filters: Mapping[str, object]) -> Sequence[Any]:
        return logs_of(self.client, self.contract.events.BatchApplied(), self.first_block, filters)
