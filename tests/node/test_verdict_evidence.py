"""From verdicts on the chain to ratings of the providers: by whom, and of how much."""

from dataclasses import replace
from random import Random

import pytest
from eth_abi.abi import encode

from chainrep.errors import FalseAnswer
from chainrep.node.epoch_evidence import epoch_ratings, said_after
from chainrep.node.verdict_evidence import verdict_judgements
from chainrep.protocol.verdict import VERDICT_AMOUNTS, Judgement, ReceiptVerdict, Verdict
from chainrep.protocol.verdict_batch import pack_verdicts
from chainrep.reputation.ratings import graph_of
from chainrep.store.chain_index import ChainIndex
from chainrep.store.db import open_store
from chainrep.store.events import Events
from tests.node.chain_writer import ACCOUNTS, MATCHED
from tests.node.reading import indexer_in
from tests.node.test_epoch_evidence import (
    EVER,
    LEDGER,
    PEOPLE,
    A,
    B,
    C,
    D,
    event,
    fill,
    rated,
    registered,
    said,
    vouched,
)
from tests.store.event_builder import ADDRESSES, time_of

MATCH, MISMATCH = VERDICT_AMOUNTS[Verdict.MATCH], VERDICT_AMOUNTS[Verdict.MISMATCH]


def committee(block, version, members, log=0):
    rest = encode(["uint8", "address[]"], [1, members])
    return event(
        "VerdictLedger", "CommitteeChanged", block, log, encode(["uint32"], [version]), rest
    )


def decided(block, nonce, mask, *verdicts, log=0):
    """Each verdict: provider (hex), a number for the receipt, and what was found."""
    packed = pack_verdicts(
        ReceiptVerdict(bytes.fromhex(who[2:]), receipt.to_bytes(20), found, 7)
        for who, receipt, found in verdicts
    )
    rest = encode(
        ["uint40", "uint32", "bytes32", "bytes"], [time_of(block), mask, bytes(32), packed]
    )
    return event("VerdictLedger", "VerdictsApplied", block, log, encode(["uint64"], [nonce]), rest)


@pytest.fixture
def index(tmp_path):
    places = ADDRESSES | {"VerdictLedger": ADDRESSES["ScoreLedger"]}
    return ChainIndex(open_store(tmp_path / "store.sqlite"), LEDGER, places)


def test_each_signer_says_of_the_provider_what_was_found_and_nothing_if_nothing_was(index):
    events = fill(
        index,
        committee(2, 1, [A, B, C]),
        decided(
            3, 1, 0b101,
            (D, 1, Verdict.MATCH), (D, 2, Verdict.MISMATCH), (D, 3, Verdict.INCONCLUSIVE),
        ),
    )  # fmt: skip
    at = time_of(3)
    assert said(events) == sorted(
        (who, D, amount, at) for who in (A, C) for amount in (MATCH, MISMATCH)
    )


def test_a_member_says_nothing_of_himself_but_the_others_do(index):
    events = fill(index, committee(2, 1, [A, B]), decided(3, 1, 0b11, (A, 1, Verdict.MATCH)))
    assert said(events) == [(B, A, MATCH, time_of(3))]


def test_signers_are_those_who_were_in_office_when_the_verdict_was_applied(index):
    events = fill(
        index,
        committee(2, 1, [A, B]),
        decided(3, 1, 0b10, (D, 1, Verdict.MATCH)),
        committee(4, 2, [C]),
        decided(4, 2, 0b1, (D, 2, Verdict.MISMATCH), log=1),
    )
    assert said(events) == [(B, D, MATCH, time_of(3)), (C, D, MISMATCH, time_of(4))]


def test_only_verdicts_before_the_end_count(index):
    events = fill(
        index,
        committee(2, 1, [A]),
        decided(3, 1, 1, (D, 1, Verdict.MATCH)),
        decided(5, 2, 1, (D, 2, Verdict.MATCH)),
    )
    assert said(events, time_of(3)) == []
    assert said(events, time_of(5)) == [(A, D, MATCH, time_of(3))]
    assert len(said(events, time_of(5) + 1)) == 2


def test_it_is_seen_whether_a_verdict_was_applied_in_time_in_later_blocks(index):
    events = fill(index, committee(2, 1, [A]), decided(5, 1, 1, (D, 1, Verdict.INCONCLUSIVE)))
    assert said_after(events, 4, time_of(6))
    assert not said_after(events, 4, time_of(5))
    assert not said_after(events, 5, EVER)


def test_verdicts_add_up_with_what_was_said_of_the_same_account(index):
    events = fill(
        index,
        committee(2, 1, [A]),
        vouched(3, A, {D: 300}),
        decided(4, 1, 1, (D, 1, Verdict.MATCH)),
    )
    graph = graph_of(epoch_ratings(events, (), EVER), EVER, 10**9)
    assert [int(weight) for weight in graph.out.weight] == [200]  # isqrt(4 units · 100 · 100)


def test_matches_add_up_concavely_and_a_mismatch_in_ten_leaves_no_trust(index):
    matches = [(D, i, Verdict.MATCH) for i in range(1, 101)]
    caught = [(C, i, Verdict.MISMATCH if i <= 10 else Verdict.MATCH) for i in range(1, 101)]
    events = fill(index, committee(2, 1, [A]), decided(3, 1, 1, *matches, *caught))
    graph = graph_of(epoch_ratings(events, (), EVER), EVER, 10**9)
    place = {name: i for i, name in enumerate(graph.accounts)}
    trusted = dict(zip(graph.out.node.tolist(), graph.out.weight.tolist(), strict=True))
    assert trusted == {place[D]: 1_000}
    assert graph.warned.node.tolist() == [place[C]]


def test_a_signature_of_a_place_that_the_committee_does_not_have_is_a_false_index(index):
    events = fill(index, committee(2, 1, [A]), decided(3, 1, 0b11, (D, 1, Verdict.MATCH)))
    with pytest.raises(FalseAnswer, match="no member"):
        said(events)


def test_verdicts_whose_committee_is_not_known_are_a_false_index(index):
    events = fill(index, decided(3, 1, 0b1, (D, 1, Verdict.MATCH)))
    with pytest.raises(FalseAnswer, match="no member"):
        said(events)


def test_bytes_that_are_no_verdicts_are_a_false_index(index):
    rest = encode(["uint40", "uint32", "bytes32", "bytes"], [time_of(3), 1, bytes(32), b"\1" * 5])
    broken = event("VerdictLedger", "VerdictsApplied", 3, 0, encode(["uint64"], [1]), rest)
    with pytest.raises(FalseAnswer, match="not what the contract takes"):
        said(fill(index, committee(2, 1, [A]), broken))


def test_verdicts_whose_times_do_not_ascend_are_a_false_index(index):
    late = replace(decided(9, 1, 1, (D, 1, Verdict.MATCH)), block=3)
    events = fill(index, committee(2, 1, [A]), late, decided(4, 2, 1, (D, 2, Verdict.MATCH)))
    with pytest.raises(FalseAnswer, match="older"):
        said(events)


def test_without_verdicts_the_ratings_are_what_they_were(index):
    given = [registered(2, 1, B), rated(3, A, {1: (300, 0)}), vouched(4, A, {C: 100})]
    plain = said(fill(index, *given))
    assert plain == [(A, B, 300, time_of(3)), (A, C, 100, time_of(4))]
    assert list(verdict_judgements(Events(index.db, LEDGER), EVER)) == []


def test_what_is_indexed_from_a_real_chain_speaks_for_its_signers(writer, whole):
    events = Events(whole.index.db, whole.index.ledger)
    found = list(verdict_judgements(events, writer.client.now() + 1))
    members = [bytes.fromhex(who[2:]) for who in writer.deployment.members]
    signers = [bytes.fromhex(account.address[2:]) for account in ACCOUNTS[1:3]]
    expected = [member for member in members if member in signers]
    assert [judgement.amount for judgement in found] == [MATCH, MISMATCH]
    assert all(judgement.raters == expected for judgement in found)
    assert {judgement.ratee for judgement in found} == {MATCHED.provider}


def test_a_committee_that_changed_on_a_real_chain_is_read_with_its_times(writer, tmp_path):
    ledger = writer.session.verdicts()
    seated = sorted((ACCOUNTS[i].address for i in (6, 7)), key=lambda who: int(who, 16))
    change = ledger.contract.functions.configure(seated, 1)
    call = {"to": change.address, "data": change._encode_transaction_data()}
    writer.client.send(call, ACCOUNTS[0].private_key)
    writer.decide(replace(MATCHED, receipt=b"\3" * 20), signers=[ACCOUNTS[7]])
    indexer = indexer_in(writer, tmp_path / "store.sqlite")
    indexer.catch_up()
    events = Events(indexer.index.db, indexer.index.ledger)
    last = list(verdict_judgements(events, writer.client.now() + 1))[-1]
    assert last == Judgement(
        writer.client.now(), [bytes.fromhex(ACCOUNTS[7].address[2:])], MATCHED.provider, MATCH
    )


@pytest.mark.parametrize("seed", range(3))
def test_any_history_gives_what_a_plain_reading_of_it_gives(index, seed):
    chance = Random(seed)  # noqa: S311 (tests need no secrecy)
    members, history, expected, version, receipt, nonce = PEOPLE[:3], [], [], 1, 0, 0
    history.append(committee(2, version, members))
    end = time_of(40)
    for block in range(3, 60):
        if chance.random() < 0.2:
            version += 1
            members = sorted(chance.sample(PEOPLE, chance.randrange(1, 5)))
            history.append(committee(block, version, members))
            continue
        mask = chance.randrange(1, 2 ** len(members))
        rows = []
        for _ in range(chance.randrange(1, 6)):
            receipt += 1
            rows.append((chance.choice(PEOPLE), receipt, chance.choice(list(Verdict))))
        nonce += 1
        history.append(decided(block, nonce, mask, *rows))
        if time_of(block) >= end:
            continue
        for provider, _, found in rows:
            for i, member in enumerate(members):
                if mask >> i & 1 and member != provider and found != Verdict.INCONCLUSIVE:
                    amount = 100 if found == Verdict.MATCH else -1_000
                    expected.append((member, provider, amount, time_of(block)))
    assert said(fill(index, *history), end) == sorted(expected)
