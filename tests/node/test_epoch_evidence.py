"""From the contracts' events to the ratings of an epoch: who says what of whom, and when."""

from dataclasses import replace
from random import Random

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import FalseAnswer
from chainrep.node.epoch_evidence import (
    Owned,
    descending,
    epoch_ratings,
    owner_history,
    rated_sources,
    said_after,
    settled_checkpoint,
)
from chainrep.protocol.chain_event import ChainEvent, read_values
from chainrep.protocol.entry import read_entry
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.types import ScoreUpdate
from chainrep.protocol.vouch import pack_vouches
from chainrep.reputation.ratings import MAX_RATING
from chainrep.store.chain_index import ChainIndex
from chainrep.store.db import open_store
from chainrep.store.events import Events
from tests.store.event_builder import ADDRESSES, checkpoint, opened, time_of

PEOPLE = [f"0x{i:02x}" + "00" * 18 + "01" for i in range(1, 9)]
A, B, C, D = PEOPLE[:4]
LEDGER = "eip155:1:0x1"
EVER = time_of(1_000)


def event(contract, name, block, log, topics, rest):
    values = read_values(contract, name, topics, rest)
    return ChainEvent(contract, name, block, log, keccak(topics + rest), topics, rest, values)


def registered(block, source, owner, log=0):
    rest = encode(["uint40", "string"], [time_of(block), f"https://{source}.example"])
    topics = encode(["uint32", "address"], [source, owner])
    return event("SourceRegistry", "SourceRegistered", block, log, topics, rest)


def rotated(block, source, before, after, number, log=0):
    topics = encode(["uint32", "address", "address"], [source, before, after])
    rest = encode(["uint32"], [number])
    return event("SourceRegistry", "SourceRotated", block, log, topics, rest)


def rated(block, rater, deltas, weight=100, log=0):
    updates = [ScoreUpdate(source, *deltas[source], 0, 0) for source in sorted(deltas)]
    rest = encode(["uint32", "uint40", "bytes"], [weight, time_of(block), pack_updates(updates)])
    return event("FeedbackLog", "Rated", block, log, encode(["address"], [rater]), rest)


def vouched(block, rater, weights, weight=100, log=0):
    rest = encode(["uint32", "uint40", "bytes"], [weight, time_of(block), pack_vouches(weights)])
    return event("FeedbackLog", "Vouched", block, log, encode(["address"], [rater]), rest)


@pytest.fixture
def index(tmp_path):
    return ChainIndex(open_store(tmp_path / "store.sqlite"), LEDGER, ADDRESSES)


def fill(index, *given):
    events = [opened(1), *given]
    assert index.extend(None, events, [checkpoint(events[-1].block + 1, events, None)])
    return Events(index.db, LEDGER)


def said(events, end=EVER, seeds=()):
    """Rows of (rater, ratee, hundredths, time), in order."""
    found = epoch_ratings(events, seeds, end)
    assert list(found.accounts) == sorted(set(found.accounts))
    names = found.accounts
    rows = zip(found.rater, found.ratee, found.amount, found.time, strict=True)
    return sorted((names[u], names[v], int(amount), int(time)) for u, v, amount, time in rows)


def test_a_vouch_replaces_the_earlier_one_for_the_same_account_and_no_other(index):
    events = fill(
        index,
        vouched(2, A, {B: 500, C: 100}),
        vouched(3, B, {C: 300}),
        vouched(4, A, {B: -200}),
    )
    assert said(events) == [
        (A, B, -200, time_of(4)), (A, C, 100, time_of(2)), (B, C, 300, time_of(3)),
    ]  # fmt: skip


def test_a_rating_speaks_for_whoever_owned_the_source_when_it_was_made(index):
    events = fill(
        index,
        registered(2, 1, B),
        rated(3, A, {1: (300, 100)}),
        rotated(4, 1, B, C, 1),
        rated(4, A, {1: (0, 50)}, log=1),
    )
    assert said(events) == [(A, B, 200, time_of(3)), (A, C, -50, time_of(4))]


def test_ratings_add_up_row_by_row_and_nobody_rates_himself(index):
    events = fill(
        index,
        registered(2, 1, B),
        registered(2, 2, A, log=1),
        rated(3, A, {1: (100, 0), 2: (100, 0)}),
        rated(4, A, {1: (100, 0)}),
        rated(5, A, {1: (70, 70)}),
    )
    assert said(events) == [(A, B, 100, time_of(3)), (A, B, 100, time_of(4))]
    assert rated_sources(events, time_of(1_000)) == {1: 5, 2: 3}


def test_a_vouch_for_oneself_which_the_log_refuses_would_count_for_nothing(index):
    events = fill(index, vouched(2, A, {A: 500, B: 100}))
    assert said(events) == [(A, B, 100, time_of(2))]


def test_the_gates_weight_counts_in_hundredths_and_rounds_toward_zero(index):
    events = fill(
        index,
        registered(2, 1, D),
        vouched(3, A, {B: 199, C: -199}, weight=50),
        vouched(4, B, {A: 1, C: -1}, weight=99),
        rated(5, A, {1: (65_535, 0)}, weight=2**32 - 1),
        rated(6, B, {1: (0, 65_535)}, weight=100),
    )
    assert said(events) == [
        (A, B, 99, time_of(3)), (A, C, -99, time_of(3)), (A, D, MAX_RATING, time_of(5)),
        (B, D, -MAX_RATING, time_of(6)),
    ]  # fmt: skip


def test_only_what_was_said_before_the_end_counts(index):
    events = fill(
        index,
        registered(2, 1, D),
        vouched(3, A, {B: 100}),
        rated(3, A, {1: (100, 0)}, log=1),
        vouched(4, A, {B: 900}),
        rated(4, B, {1: (100, 0)}, log=1),
    )
    assert said(events, time_of(4)) == [(A, B, 100, time_of(3)), (A, D, 100, time_of(3))]
    assert len(said(events, time_of(4) + 1)) == 3
    assert said(events, time_of(3)) == []


def test_seeds_are_among_the_accounts_even_where_nobody_spoke(index):
    events = fill(index, registered(2, 1, D))
    ratings = epoch_ratings(events, (A, B), time_of(1_000))
    assert (list(ratings.accounts), len(ratings.rater)) == ([A, B], 0)


def test_a_rating_of_an_unknown_source_is_a_false_index(index):
    events = fill(index, rated(3, A, {7: (100, 0)}))
    with pytest.raises(FalseAnswer, match="source 7"):
        said(events)


def test_an_end_is_settled_by_a_confirmed_block_of_its_time_or_later(index):
    before, steps = None, []
    for block in (1, 10, 20, 21, 22):
        events = [opened(1)] if block == 1 else []
        steps.append(checkpoint(block, events, before))
        assert index.extend(before, events, [steps[-1]])
        before = index.cursor()
    known, end = index.checkpoints(), time_of(20)
    assert settled_checkpoint(known, end, 1).block == 22
    assert settled_checkpoint(known, end + 1, 2).block == 21
    assert settled_checkpoint(known, end, 3).block == 20
    assert settled_checkpoint(known, end, 4) is None
    assert settled_checkpoint(known, time_of(23), 1) is None
    index.db.execute("UPDATE checkpoint SET verified = 0 WHERE block = 22")
    assert settled_checkpoint(index.checkpoints(), end, 1) is None
    assert settled_checkpoint([], end, 1) is None


def test_of_two_blocks_whose_times_do_not_ascend_the_older_one_is_named(index):
    first, second, third = (checkpoint(block, [], None) for block in (10, 20, 21))
    assert descending([third, second, first]) is None
    assert descending([]) is None
    equal = replace(third, time=second.time)
    assert descending([equal, second, first]) is None
    later = replace(second, time=third.time + 1)
    assert descending([third, later, first]) == later


def test_it_is_seen_whether_something_was_said_in_time_in_later_blocks(index):
    events = fill(index, registered(2, 1, D), vouched(3, A, {B: 1}), rated(5, A, {1: (1, 0)}))
    assert said_after(events, 2, time_of(4))
    assert not said_after(events, 3, time_of(5))
    assert said_after(events, 3, time_of(6))
    assert said_after(events, 4, time_of(6))
    assert not said_after(events, 5, EVER)


def test_sayings_whose_times_do_not_ascend_are_a_false_index(index):
    early = rated(9, A, {1: (1, 0)})
    events = fill(index, registered(2, 1, D), rated(12, A, {1: (1, 0)}))
    index.db.execute(
        "UPDATE event SET content = ?, topics = ? WHERE name = 'Rated'",
        (early.content, early.topics),
    )
    assert len(said(events)) == 1
    assert index.extend(
        index.cursor(), [vouched(14, A, {B: 1})], [checkpoint(14, [], index.cursor())]
    )
    index.db.execute(
        "INSERT INTO event SELECT ledger, 11, log, contract, name, subject,"
        " transaction_hash, topics, ? FROM event WHERE name = 'Rated'",
        (rated(13, A, {1: (1, 0)}).content,),
    )
    with pytest.raises(FalseAnswer, match="older than what was said before"):
        said(events)


def test_the_owners_of_the_sources_asked_about_are_known_with_their_turns(index):
    events = fill(
        index,
        registered(2, 1, B),
        registered(2, 2, A, log=1),
        rotated(4, 1, B, C, 1),
        rotated(4, 1, C, D, 2, log=1),
    )
    b, c, d = (bytes.fromhex(who[2:]) for who in (B, C, D))
    assert owner_history(events, {1}) == {1: [Owned(2, b, 0), Owned(4, c, 1), Owned(4, d, 2)]}


@given(
    weight=st.integers(0, 2**32 - 1),
    deltas=st.dictionaries(st.integers(1, 9), st.tuples(*[st.integers(0, 65_535)] * 2), min_size=1),
    vouches=st.dictionaries(st.sampled_from(PEOPLE[1:]), st.integers(1, 2**15 - 1), min_size=1),
)
def test_an_entry_read_from_its_bytes_is_what_the_contracts_abi_says(weight, deltas, vouches):
    for found in (rated(7, A, deltas, weight), vouched(7, A, vouches, weight)):
        entry, values = read_entry(found.topics, found.content), found.values
        assert "0x" + entry.rater.hex() == values["rater"].lower()
        assert (entry.weight, entry.time) == (values["weight"], values["time"])
        assert entry.said == values["updates" if found.name == "Rated" else "vouches"]


@pytest.mark.parametrize("seed", range(5))
def test_any_history_gives_what_a_plain_reading_of_it_gives(index, seed):
    chance = Random(seed)  # noqa: S311 (tests need no secrecy)
    owners = {source: chance.choice(PEOPLE) for source in (1, 2, 3)}
    history = [registered(2, source, owners[source], log=source) for source in owners]
    turns, expected, last = dict.fromkeys(owners, 0), [], {}
    end = time_of(60)
    for block in range(3, 90):
        who, weight = chance.choice(PEOPLE), chance.choice([1, 50, 100, 250])
        counts = time_of(block) < end
        kind = chance.randrange(3)
        if kind == 0:
            source, after = chance.choice([1, 2, 3]), chance.choice(PEOPLE)
            turns[source] += 1
            history.append(rotated(block, source, owners[source], after, turns[source]))
            owners[source] = after
        elif kind == 1:
            deltas = {source: (chance.randrange(400), chance.randrange(400)) for source in (1, 3)}
            history.append(rated(block, who, deltas, weight))
            for source, (up, down) in deltas.items():
                amount = int((up - down) * weight / 100)
                if counts and amount and owners[source] != who:
                    expected.append((who, owners[source], amount, time_of(block)))
        else:
            others = chance.sample([p for p in PEOPLE if p != who], 3)
            weights = {other: chance.choice([-300, -1, 1, 700]) for other in others}
            history.append(vouched(block, who, weights, weight))
            if counts:
                last |= {
                    (who, other): (int(given * weight / 100), time_of(block))
                    for other, given in weights.items()
                }
    expected += [(*pair, amount, time) for pair, (amount, time) in last.items() if amount]
    assert said(fill(index, *history), end) == sorted(expected)
