"""Random histories on a real EVM: what the client decodes is what the ledger holds.

From three sides: the words in storage, the contract's answers, and the logs of every batch, those
of an archive included, each against a model made with the client's own arithmetic.
"""

from __future__ import annotations

from functools import cache

import pytest
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chainrep.chain.binding import call_to
from chainrep.chain.client import Client
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import dev_accounts, embedded_chain
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.chain.score_ledger import ScoreLedger
from chainrep.chain.source_registry import SourceRegistry
from chainrep.errors import CallRefused, UnknownSource
from chainrep.protocol.score_record import add_update, pack_record, unpack_record
from chainrep.protocol.score_update import unpack_updates
from chainrep.protocol.typed_data import join_signatures, sign_cancellation, sign_report
from chainrep.protocol.types import MAX_DELTA, Report, Score, ScoreUpdate

SOURCES = 5
HOUR = 3_600
GAS = 2_000_000
OWNER, FIRST, SECOND = dev_accounts(3)
KEYS = {member.address: member.private_key for member in (FIRST, SECOND)}

delta = st.one_of(st.sampled_from([0, 1, 100, MAX_DELTA]), st.integers(0, MAX_DELTA))
batches = st.lists(
    st.builds(ScoreUpdate, st.integers(1, SOURCES + 1), delta, delta, delta, delta),
    min_size=1, max_size=SOURCES, unique_by=lambda update: update.source,
).map(lambda updates: sorted(updates, key=lambda update: update.source))  # fmt: skip


@cache
def deployed():
    """One chain with a ledger of scores and an archive on it, and the moment to come back to."""
    chain = embedded_chain()
    client = Client(EmbeddedProvider(chain), "the embedded chain")
    places = [
        deploy_contracts(client, OWNER.private_key, list(KEYS), 2, archive)
        for archive in (False, True)
    ]
    return chain, client, places, chain.take_snapshot()


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        chain, self.client, (kept, archived), start = deployed()
        chain.revert_to_snapshot(start)
        self.ledger = ScoreLedger(self.client, kept)
        self.archive = ScoreLedger(self.client, archived)
        self.registries = [SourceRegistry(self.client, place) for place in (kept, archived)]
        self.known = 0
        self.model: dict[int, Score] = {}
        self.nonce = 1
        self.history = 0
        self.last = None

    @rule()
    def register(self):
        if self.known < SOURCES:
            self.known += 1
            for registry in self.registries:
                uri = f"https://{self.known}.example"
                self._send(call_to(registry.contract.functions.register(uri)))

    @rule(updates=batches)
    def apply(self, updates):
        self.last = (self._call(self.ledger, updates), updates, self.nonce)
        if updates[-1].source > self.known:
            self._refused(self.last[0])
            return
        receipt = self._send(self.last[0])
        self._send(self._call(self.archive, updates))
        time = self._time(receipt)
        for update in updates:
            old = self.model.get(update.source, Score(update.source))
            self.model[update.source] = add_update(old, update, time)
        root, packed = self.ledger.applied(self.nonce)
        assert list(unpack_updates(packed)) == updates
        self._note(self.nonce.to_bytes(32) + time.to_bytes(32) + root + keccak(packed))

    @rule()
    def cancel(self):
        for ledger in (self.ledger, self.archive):
            version, deadline = ledger.committee().version, self.client.now() + HOUR
            signed = {
                member: sign_cancellation(version, self.nonce, deadline, ledger.domain, key)
                for member, key in KEYS.items()
            }
            joined = join_signatures(ledger.committee().members, signed)
            call = ledger.cancel_call(self.nonce, deadline, *joined)
            receipt = self._send(call)
            if ledger is self.ledger:
                time = self._time(receipt)
        self._note(self.nonce.to_bytes(32) + time.to_bytes(32))

    @precondition(lambda self: self.last is not None)
    @rule()
    def replay(self):
        call, updates, nonce = self.last
        if updates[-1].source <= self.known and self.nonce == nonce:
            return  # it was refused for an unknown source that is known by now
        self._refused(call)

    @invariant()
    def the_client_reads_what_the_ledger_holds(self):
        known = range(1, self.known + 1)
        expected = [self.model.get(source, Score(source)) for source in known]
        assert list(self.ledger.scores(known)) == expected
        assert self.ledger.committee().next_nonce == self.nonce
        assert self.ledger.history() == self.history

    def teardown(self):
        """What is slow to ask is asked once, when a history is over."""
        known = range(1, self.known + 1)
        expected = [self.model.get(source, Score(source)) for source in known]
        assert [_counters(s) for s in self.archive.scores(known)] == list(map(_counters, expected))
        for source, score in self.model.items():
            word = self._word(source)
            assert word == pack_record(score)
            assert unpack_record(source, word) == score

    def _call(self, ledger, updates):
        committee = ledger.committee()
        deadline = self.client.now() + HOUR
        report = Report(committee.version, self.nonce, deadline, bytes(32), ledger.pack(updates))
        signed = {m: sign_report(report, ledger.domain, key) for m, key in KEYS.items()}
        mask, joined = join_signatures(committee.members, signed)
        function = ledger.contract.functions.applyBatch(
            report.updates, report.evidence_root, report.nonce, deadline, mask, joined
        )
        return call_to(function)

    def _send(self, call):
        """With a fixed limit: to estimate gas, py-evm runs a transaction a dozen times."""
        whole = {**call, "from": OWNER.address, "gas": GAS}
        receipt = self.client.wait(self.client.w3.eth.send_transaction(whole))
        assert receipt.succeeded
        return receipt

    def _time(self, receipt):
        return self.client.w3.eth.get_block(receipt.block)["timestamp"]

    def _refused(self, call):
        with pytest.raises((CallRefused, UnknownSource)):
            self.client.ask(lambda: self.client.w3.eth.call(call))

    def _note(self, entry):
        preimage = self.history.to_bytes(32) + keccak(entry)
        self.history = int.from_bytes(keccak(preimage)) % 2**160
        self.nonce += 1

    def _word(self, source):
        """The record's word, of those that the ledger's mappings may keep under this key."""
        address = self.ledger.contract.address
        words = [
            self.client.w3.eth.get_storage_at(
                address, int.from_bytes(keccak(source.to_bytes(32) + slot.to_bytes(32)))
            )
            for slot in range(8)
        ]
        (word,) = [int.from_bytes(word) for word in words if int.from_bytes(word) >> 192]
        return word


def _counters(score):
    return (score.source, score.supported, score.contradicted, score.used, score.asked)


LedgerMachine.TestCase.settings = settings(
    max_examples=6, stateful_step_count=15, deadline=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
test_the_client_and_the_ledger_agree_in_every_history = LedgerMachine.TestCase
