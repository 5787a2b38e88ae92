"""What was said on the chain before an epoch's end, as the ratings its reputations are made of.

A function of the contracts' events alone: whoever has read the same chain gets the same ratings.

- Only events with a time before the end count. Blocks' times ascend, so these are a beginning of
  the chain.
- A vouch speaks for its account, a rating for the account that owned the source when it was made.
  Nobody speaks for himself: a rating of one's own source counts for nothing.
- Of the vouches of one account for another only the last counts; ratings add up.
- A verdict on a provider's receipt is what each of those who reached it says of the provider, as a
  rating would: node/verdict_evidence.py. Verdicts add up with ratings, and no gate weighs them.
- What is said weighs (supported - contradicted), or the vouch's weight, times the weight that the
  gate gave the rater, both in hundredths, over 100 toward zero; what is beyond the formula's limits
  is cut down to them, and what comes to nothing is left out.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge

import numpy as np

from chainrep.errors import FalseAnswer
from chainrep.node.verdict_evidence import verdict_batches, verdict_judgements
from chainrep.protocol.entry import Entry, read_entry
from chainrep.protocol.score_update import unpack_updates
from chainrep.protocol.verdict import Judgement
from chainrep.protocol.vouch import unpack_vouches
from chainrep.reputation.ratings import MAX_RATING, Ratings, with_accounts
from chainrep.store.chain_index import Checkpoint
from chainrep.store.events import Events

_HUNDREDTHS = 100
_LOW = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Owned:
    """Who owns a source (20 bytes) from a block on, and how often it has changed hands."""

    block: int
    owner: bytes
    rotations: int


@dataclass(slots=True)
class _Columns:
    """Ratings as they are found: 24 bytes each, and every account once."""

    accounts: dict[bytes, int] = field(default_factory=dict)
    rater: array[int] = field(default_factory=lambda: array("i"))
    ratee: array[int] = field(default_factory=lambda: array("i"))
    amount: array[int] = field(default_factory=lambda: array("q"))
    time: array[int] = field(default_factory=lambda: array("q"))

    def number(self, account: bytes) -> int:
        return self.accounts.setdefault(account, len(self.accounts))

    def add(self, rater: int, ratee: int, amount: int, time: int) -> None:
        self.rater.append(rater)
        self.ratee.append(ratee)
        self.amount.append(amount)
        self.time.append(time)

    def ratings(self) -> Ratings:
        """The columns over those accounts that are in them, ascending."""
        rater, ratee = (np.array(column, np.int32) for column in (self.rater, self.ratee))
        present = np.zeros(len(self.accounts), bool)
        present[rater] = present[ratee] = True
        kept = sorted(name for name, number in self.accounts.items() if present[number])
        place = np.zeros(len(self.accounts), np.int32)
        place[[self.accounts[name] for name in kept]] = np.arange(len(kept), dtype=np.int32)
        amount, time = (np.array(column, np.int64) for column in (self.amount, self.time))
        names = ["0x" + name.hex() for name in kept]
        return Ratings(names, place[rater], place[ratee], amount, time)


def settled_checkpoint(
    known: Sequence[Checkpoint], end: int, confirmations: int
) -> Checkpoint | None:
    """The block by which nothing can be said before ``end`` any more; None while there is none.

    It is the newest one that has so many confirmations, its own included, if it has that time or a
    later one, in an index (its checkpoints, newest first) that the contracts themselves agree with.
    """
    if not known or not known[0].verified:
        return None
    deep = known[0].block - (confirmations - 1)
    found = next((checkpoint for checkpoint in known if checkpoint.block <= deep), None)
    return found if found is not None and found.time >= end else None


def descending(known: Sequence[Checkpoint]) -> Checkpoint | None:
    """The oldest checkpoint (newest first) with a later time than the next one: one of both lies.

    A block's hash is not computed here, so that its time is a server's word alone.
    """
    pairs = zip(reversed(known), reversed(known[:-1]), strict=False)
    return next((older for older, newer in pairs if newer.time < older.time), None)


def said_after(events: Events, block: int, end: int) -> bool:
    """Whether anything in later blocks was said before ``end``: then they were not all known."""
    said = (_before(events, name, end, block + 1) for name in ("Rated", "Vouched"))
    streams: list[Iterator[object]] = [*said, verdict_batches(events, end, block + 1)]
    return any(next(stream, None) is not None for stream in streams)


def epoch_ratings(events: Events, seeds: Sequence[str], end: int) -> Ratings:
    """What was said before ``end`` (Unix s); its accounts are who spoke, who was spoken of, seeds.

    Accounts are addresses in lower case. Raises FalseAnswer for a rating of a source that the
    index does not know.
    """
    columns = _Columns()
    _add_last_vouches(columns, events, end)
    _add_ratings(columns, events, end)
    _add_judgements(columns, verdict_judgements(events, end))
    return with_accounts(columns.ratings(), seeds)


def rated_sources(events: Events, end: int) -> Mapping[int, int]:
    """The sources that were rated before ``end``, each with the block of its last such rating."""
    found: dict[int, int] = {}
    for block, _, entry in _before(events, "Rated", end):
        for update in unpack_updates(entry.said):
            found[update.source] = block
    return found


def owner_history(events: Events, sources: Collection[int]) -> Mapping[int, Sequence[Owned]]:
    """Who owned each of these sources from when on, in the chain's order."""
    names = ("SourceRegistered", "SourceRotated")
    streams = [events.encoded(name, "SourceRegistry") for name in names]
    found: dict[int, list[Owned]] = {}
    for block, _, topics, content in merge(*streams, key=lambda row: row[:2]):
        source = int.from_bytes(topics[:32])
        if source in sources:  # a registration names id and owner, a rotation both owners
            rotations = 0 if len(topics) == 64 else int.from_bytes(content[:32])
            found.setdefault(source, []).append(Owned(block, bytes(topics[-20:]), rotations))
    return found


def _add_last_vouches(columns: _Columns, events: Events, end: int) -> None:
    last: dict[int, tuple[int, int]] = {}
    for _, _, entry in _before(events, "Vouched", end):
        rater = columns.number(entry.rater)
        for account, weight in unpack_vouches(entry.said).items():
            pair = rater << 32 | columns.number(account)
            last[pair] = (_weigh(weight, entry.weight), entry.time)
    for pair, (amount, time) in last.items():
        if amount and pair >> 32 != pair & _LOW:
            columns.add(pair >> 32, pair & _LOW, amount, time)


def _add_ratings(columns: _Columns, events: Events, end: int) -> None:
    owners: dict[int, int] = {}
    entries = _before(events, "Rated", end)
    for block, _, found in merge(_owners(events), entries, key=lambda row: row[:2]):
        if not isinstance(found, Entry):
            source, owner = found
            owners[source] = columns.number(owner)
            continue
        rater = columns.number(found.rater)
        for update in unpack_updates(found.said):
            ratee = owners.get(update.source)
            if ratee is None:
                raise FalseAnswer(
                    f"Block {block} rates source {update.source}, which is not registered.",
                    "The index is not whole: `chainrep node run` reads it anew.",
                )
            amount = _weigh(update.supported - update.contradicted, found.weight)
            if amount and ratee != rater:
                columns.add(rater, ratee, amount, found.time)


def _add_judgements(columns: _Columns, judgements: Iterable[Judgement]) -> None:
    for judgement in judgements:
        ratee = columns.number(judgement.ratee)
        amount = max(-MAX_RATING, min(MAX_RATING, judgement.amount))
        for rater in map(columns.number, judgement.raters):
            if amount and rater != ratee:
                columns.add(rater, ratee, amount, judgement.time)


def _owners(events: Events) -> Iterator[tuple[int, int, tuple[int, bytes] | Entry]]:
    """Block, log, and a source with its owner from there on, in order."""
    names = ("SourceRegistered", "SourceRotated")
    streams = [events.named(name, "SourceRegistry") for name in names]
    for event in merge(*streams, key=lambda event: (event.block, event.log)):
        owner = event.values.get("to", event.values.get("owner"))
        yield event.block, event.log, (event.values["id"], bytes.fromhex(owner[2:]))


def _before(
    events: Events, name: str, end: int, first_block: int = 0
) -> Iterator[tuple[int, int, Entry]]:
    """Block, log and entry of everything of this kind that was said before ``end``, in order."""
    latest = 0
    for block, log, topics, content in events.encoded(name, "FeedbackLog", first_block):
        entry = read_entry(topics, content)
        if entry.time < latest:
            raise FalseAnswer(
                f"What was said in block {block} is older than what was said before it.",
                "The index is not whole: `chainrep node run` reads it anew.",
            )
        if entry.time >= end:
            return
        latest = entry.time
        yield block, log, entry


def _weigh(amount: int, weight: int) -> int:
    size = min(abs(amount) * weight // _HUNDREDTHS, MAX_RATING)
    return size if amount > 0 else -size
