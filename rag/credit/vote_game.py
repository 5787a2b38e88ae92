"""The weighted vote as a game: what the answer would have been with some sources only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from rag.answer_form import cluster_key
from rag.answering import ClosedBook, Verdict
from rag.credit.coalitions import MAX_EXACT, Flags, Floats, all_coalitions
from rag.credit.shapley import exact, sampled
from rag.types import SourceAnswer

_TIE_DIGITS = 9


class Worth(Enum):
    """What a coalition is worth.

    ``WINNER``: what the group that wins its vote pays. ``SHARE``: the part 0..1 that the full
    vote's winner has of its weight. ``BELIEF``: the probability 0..1 of that winner when weights
    are log-odds, exp(w) over the sum of exp(w) of all groups and of one answer that nobody gave.
    """

    WINNER = "winner"
    SHARE = "share"
    BELIEF = "belief"


@dataclass(frozen=True, slots=True)
class VoteGame:
    """A vote whose groups are those of the full vote, the winner's first; arrays by source.

    ``weights``, ``confidences`` and ``places`` (of the answer in the alphabet) are (sources,),
    ``member`` is (groups, sources), ``book`` the closed-book voter's weight, ``book_place`` its
    answer's place and ``pays`` the worth of a win, (groups,) each. A source in several groups
    votes in each.
    """

    sources: tuple[int, ...]
    weights: Floats
    confidences: Floats
    places: NDArray[np.int64]
    member: Flags
    book: Floats
    book_place: NDArray[np.int64]
    pays: Floats
    worth: Worth

    def value(self, inside: Flags) -> Floats:
        """Return what coalitions, bool (many, sources), are worth, float64 (many,).

        A coalition without any weight is worth 0, or what the closed-book voter's group is.
        """
        by_group = inside @ (self.member * self.weights).T + self.book
        if self.worth is Worth.BELIEF:
            # An answer that nobody gave has log-odds 0: else all would be sure where all agree.
            by_group = np.pad(by_group, ((0, 0), (0, 1)))
            odds = np.exp(by_group - by_group.max(axis=1, keepdims=True))
            return np.asarray(odds[:, 0] / odds.sum(axis=1))
        total = inside @ self.weights + self.book.sum()
        share = by_group / np.where(total > 0.0, total, 1.0)[:, None]
        if self.worth is Worth.SHARE:
            return np.asarray(share[:, 0])
        return np.where(total > 0.0, self.pays[self._winners(inside, share)], 0.0)

    def _winners(self, inside: Flags, share: Floats) -> NDArray[np.int64]:
        """Return the winning group of each coalition; ties as in ``rag.answering.vote``."""
        share = np.round(share, _TIE_DIGITS)
        leading = share == share.max(axis=1, keepdims=True)
        if (leading.sum(axis=1) > 1).any():
            inside = inside & (self.weights > 0.0)
            sure = np.round(inside @ (self.member * self.confidences).T, _TIE_DIGITS)
            sure = np.where(leading, sure, -np.inf)
            leading = sure == sure.max(axis=1, keepdims=True)
            tied = np.flatnonzero(leading.sum(axis=1) > 1)
            if len(tied):
                leading[tied] = self._first_of_alphabet(inside[tied], leading[tied])
        winners: NDArray[np.int64] = np.argmax(leading, axis=1)
        return winners

    def _first_of_alphabet(self, inside: Flags, leading: Flags) -> Flags:
        last = len(self.sources) + 1
        place = np.where(self.member & inside[:, None, :], self.places, last).min(axis=2)
        place = np.where(leading, np.minimum(place, self.book_place), last + 1)
        return np.asarray(place == place.min(axis=1, keepdims=True))


def vote_game(
    answers: Sequence[SourceAnswer],
    weights: Mapping[int, float],
    verdict: Verdict,
    *,
    closed_book: ClosedBook | None = None,
    worth: Worth = Worth.BELIEF,
    pays: Sequence[float] | None = None,
) -> VoteGame:
    """Return the game behind a verdict.

    ``weights`` are those that ``rag.answering.voting_weights`` gave for the vote; they stay as
    they are in every coalition. ``pays`` has one value per group of the verdict, for instance
    whether it is right by gold answers, and counts for ``Worth.WINNER`` alone; by default
    the winner pays 1 and the others nothing.
    """
    ordered = sorted(answers, key=lambda a: a.source)
    keys = [cluster_key(a.span.text) for a in ordered]
    book = cluster_key(closed_book.text) if closed_book else ""
    alphabet = {key: i for i, key in enumerate(sorted({*keys, book}))}
    groups = verdict.groups
    default = [1.0, *[0.0] * (len(groups) - 1)]
    return VoteGame(
        sources=tuple(a.source for a in ordered),
        weights=np.array([max(weights.get(a.source, 0.0), 0.0) for a in ordered]),
        confidences=np.array([a.span.confidence for a in ordered]),
        places=np.array([alphabet[key] for key in keys], dtype=np.int64),
        member=np.array([[a.source in g.sources for a in ordered] for g in groups], dtype=bool),
        book=np.array([g.closed_book for g in groups]),
        book_place=np.array(
            [alphabet[book] if g.closed_book else len(alphabet) for g in groups], dtype=np.int64
        ),
        pays=np.array(default if pays is None else pays, dtype=np.float64),
        worth=worth,
    )


@dataclass(frozen=True, slots=True)
class Credit:
    """Each source's part of the game's worth; the parts are within ``error`` (0 when exact)."""

    parts: dict[int, float]
    error: float = 0.0


def credit(game: VoteGame, *, seed: int = 0) -> Credit:
    """Return the Shapley value of every source: exact up to 12 sources, sampled beyond.

    The parts add up to what all sources together are worth less what none is. A source whose
    answer and weight are another's has the same part; one without weight has none.
    """
    n = len(game.sources)
    if n <= MAX_EXACT:
        values = exact(game.value(all_coalitions(n))) if n else np.zeros(0)
        return Credit(dict(zip(game.sources, values.tolist(), strict=True)))
    spread = float(np.ptp([0.0, 1.0, *game.pays]))
    found = sampled(game.value, n, spread=spread, seed=seed)
    return Credit(dict(zip(game.sources, found.values.tolist(), strict=True)), found.error)


def leave_one_out(game: VoteGame) -> Credit:
    """Return what each source's absence alone would have cost: the seed's rule, a baseline.

    Sources that say the same cover for one another, and then none of them has any credit.
    """
    n = len(game.sources)
    inside = np.ones((n + 1, n), dtype=bool)
    inside[np.arange(n), np.arange(n)] = False
    values = game.value(inside) if n else np.zeros(1)
    return Credit(dict(zip(game.sources, (values[-1] - values[:-1]).tolist(), strict=True)))
