"""What a verification job went through: its turn and its rounds, each a word as Solidity has it.

The counterpart of ``contracts/types/Turn.sol`` and ``Round.sol``. Words come from events; nothing
here says that they are true, which the contract finds by the hash that it keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from chainrep.protocol.job_terms import ANYONE, PLACES, Conditions, Deal, deal_words, encode_words
from chainrep.protocol.keccak import keccak

NOBODY = ANYONE
"""The appellant of a job that nobody appealed."""
_WITHHELD = 1 << 6
_PANEL_AND_LEAF = ((1 << 104) - 1) << 40
_FRAME_HEAD_WORDS = 9


class Phase(IntEnum):
    """Where a job is; CLOSED is for good."""

    NONE = 0
    REQUESTED = 1
    COMMITTED = 2
    DRAWN = 3
    JUDGED = 4
    CLOSED = 5


class JobVerdict(IntEnum):
    """What a job came to; NONE while it is not closed, and if no provider committed."""

    NONE = 0
    ACCEPTED = 1
    REJECTED = 2
    INCONCLUSIVE = 3
    WITHHELD = 4


class Vote(IntEnum):
    """What a seat said of a leaf."""

    LAPSED = 0
    MATCH = 1
    MISMATCH = 2
    ABSTAINED = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """What is fixed until a job's next step, as the word of the latest event.

    ``end``, in Unix seconds, is of every turn. Beacon round, ``sitting`` and ``taken`` are of one
    that awaits a draw; round, panel and leaf of one that was drawn.
    """

    word: int

    @property
    def end(self) -> int:
        """When the step ends; in a drawn turn, the sealing."""
        return _bits(self.word, 0, 40)

    @property
    def beacon_round(self) -> int:
        """From which value of the beacon the panel is drawn."""
        return _bits(self.word, 40, 64)

    @property
    def sitting(self) -> int:
        """How many seats stood in the list when the turn began."""
        return _bits(self.word, 112, 24)

    @property
    def taken(self) -> int:
        """The highest seat that can be drawn: later ones were taken too late."""
        return _bits(self.word, 136, 24)

    @property
    def leaf(self) -> int:
        """The place of the drawn leaf."""
        return _bits(self.word, 40, 32)

    @property
    def panel(self) -> tuple[int, ...]:
        """The seats by place, from 0 on; one to three."""
        return _panel(self.word)

    @property
    def round(self) -> int:
        """The number of the round, which ballots name."""
        return _bits(self.word, 144, 8)

    @property
    def salt(self) -> int:
        """104 bits of a hash of the beacon's value and the panel's owners: see `salt_of`."""
        return self.word >> 152

    def place_of(self, seat: int) -> int | None:
        """Where a seat sits on the panel, if it does."""
        return self.panel.index(seat) if seat in self.panel else None


@dataclass(frozen=True, slots=True)
class Round:
    """A finished round, as the word of its event."""

    word: int

    @property
    def leaf(self) -> int:
        """The place of the leaf that it was about."""
        return _bits(self.word, 40, 32)

    @property
    def panel(self) -> tuple[int, ...]:
        """The seats by place; none where nobody sat."""
        return _panel(self.word)

    @property
    def votes(self) -> tuple[Vote, ...]:
        """One for each seat of the panel."""
        return tuple(Vote(_bits(self.word, 2 * place, 2)) for place in range(len(self.panel)))

    @property
    def withheld(self) -> bool:
        """Whether seats had sealed, and nobody opened the leaf."""
        return bool(self.word & _WITHHELD)

    @property
    def mismatched(self) -> bool:
        """Whether more seats said mismatch than match."""
        return self.votes.count(Vote.MISMATCH) > self.votes.count(Vote.MATCH)


@dataclass(frozen=True, slots=True)
class Trail:
    """What a job has been through: who appealed, or ANYONE; its turn; its finished rounds."""

    appellant: str
    turn: Turn
    past: tuple[Round, ...]


def frame_of(job: int, deal: Deal, appellant: str, past: Sequence[Round]) -> bytes:
    """keccak256(abi.encode(job, deal, appellant, past)): what `seal` is called with."""
    head = (job, *deal_words(deal), appellant, _FRAME_HEAD_WORDS * 32)
    return keccak(encode_words(*head, len(past), *(found.word for found in past)))


def salt_of(seed: bytes, owners: Sequence[str]) -> int:
    """The salt of a drawn turn: from the seed of its event, and the owner at each of its places.

    ``owners`` are three, NOBODY where nobody sits.
    """
    return int.from_bytes(keccak(encode_words(seed, *owners))) >> 152


def judge(conditions: Conditions, past: Sequence[Round]) -> JobVerdict:
    """What the rounds so far come to: the verdict, if there were no other."""
    if any(found.withheld for found in past):
        return JobVerdict.WITHHELD
    matches, mismatches = tally(past)
    if matches - mismatches >= conditions.accept_lead and matches > abstentions(past):
        return JobVerdict.ACCEPTED
    leaves = {found.leaf for found in past if found.mismatched}
    if mismatches - matches >= conditions.reject_lead and len(leaves) > 1:
        return JobVerdict.REJECTED
    return JobVerdict.INCONCLUSIVE


def tally(past: Sequence[Round]) -> tuple[int, int]:
    """The matches and mismatches of the rounds until a leaf was withheld."""
    votes = [vote for found in past if not found.withheld for vote in found.votes]
    return votes.count(Vote.MATCH), votes.count(Vote.MISMATCH)


def abstentions(past: Sequence[Round]) -> int:
    """How many seats had nothing to say in these rounds."""
    return sum(vote is Vote.ABSTAINED for found in past for vote in found.votes)


def is_of(found: Round, turn: Turn) -> bool:
    """Whether a finished round has the panel and the leaf that the turn had drawn."""
    return (found.word ^ turn.word) & _PANEL_AND_LEAF == 0


def _panel(word: int) -> tuple[int, ...]:
    seats = (_bits(word, 72 + 24 * place, 24) for place in range(PLACES))
    return tuple(seat for seat in seats if seat)


def _bits(word: int, low: int, count: int) -> int:
    return word >> low & ((1 << count) - 1)
