"""Ranking search results while offline: from one's own clicks and from those that others gossip.

After G-Rank (Gold and Pouwelse, 2023, arXiv 2301.12530): own clicks come first, then the clicks of
others, each weighted by ``(t + m^2) / u``. We read t as the queries that both searched for, m as
the (query, result) pairs that both clicked, u as the pairs that either clicked; here all three
count only queries of both. Three changes, because its authors saw it stuck where an attack had
left it, and because a log can be copied:

- Similarity is earned by predictions. A pair counts only at my first click on it, and for those who
  had told me theirs before: whoever copies my log afterwards earns nothing. It does not count where
  others' clicks had put the result on top: nobody earns by a choice that it led me to.
- What I read and passed over counts against it. So spam sinks even where others keep pushing it,
  and what lies below comes up to be seen.
- Only the latest predictions count, and clicks fade: a sender who turns bad loses its weight. Nodes
  gossip only choices that nobody led them to, so that no click travels in circles.

The price: similarity is earned more slowly, so that without an attack, and early on, the published
rule ranks better (`scripts/bench sybil` shows both).

Whole numbers only: the same clicks and messages give the same order on every machine.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrep.errors import InputError

ONE = 2**16
"""A whole vote, and a similarity of one."""
MOST_SIMILAR = 8 * ONE
"""No sender weighs more, however long its record."""
MAX_MESSAGE_BYTES = 600_000
MAX_MESSAGE_CLICKS = 5_000
MAX_TEXT_BYTES = 256
MAX_RESULTS = 1_000
MAX_SENDERS = 400
MAX_PAIRS = 1_000
"""What is kept of one sender's log: its first clicks, which are its latest."""
MAX_OWN = 4_000
MAX_OPINION = 16 * ONE
PASSED_OVER = ONE // 2
"""What a result loses when I read it and choose another further down."""
WINDOW = 128
"""How many of my own judgements senders are measured by: the latest."""
Key = bytes
Click = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Results in the order to show them; ``aided``: others' clicks decided what is on top."""

    query: str
    results: tuple[str, ...]
    aided: bool


@dataclass(slots=True)
class _Sender:
    """What one sender clicked, and how well that predicted me: all within bounds."""

    heard_at: int = 0
    clicked: dict[Key, set[Key]] = field(default_factory=dict)
    queries: int = 0
    matches: int = 0
    union: int = 0


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What I hold of a result for a query; ``unled``: I once chose it without being led there."""

    amount: int = 0
    at: int = 0
    unled: bool = False


@dataclass(frozen=True, slots=True)
class _Trial:
    """Who had an opinion on a query when I judged it: (sender, matched, pairs in the union)."""

    outcomes: tuple[tuple[str, int, int], ...]


class ClickLog:
    """A node's memory of clicks.

    ``at`` is a whole number that never falls (seconds, say); ``half_life`` is in its unit.
    """

    def __init__(self, half_life: int) -> None:
        if half_life < 1:
            raise InputError("A half-life is at least 1.")
        self._half_life = half_life
        self._own: OrderedDict[Click, _Opinion] = OrderedDict()
        self._senders: dict[str, _Sender] = {}
        self._trials: deque[_Trial] = deque()

    def rank(self, query: str, results: Sequence[str], at: int) -> Ranking:
        """The results, best first; equals stay in the order given (that of a search index, say).

        First by my own opinion, halved by age; then by the sum over senders of similarity times the
        sender's vote, which it divides among all that it clicked for this query. Raises InputError
        for too many or too long results.
        """
        names = list(dict.fromkeys(results))
        _check_text([query, *names])
        if len(names) > MAX_RESULTS:
            raise InputError(f"A ranking has at most {MAX_RESULTS:,} results.")
        votes = self._votes(_key(query), at) if self._senders else {}
        score = {name: (self._opinion(query, name, at), votes.get(_key(name), 0)) for name in names}
        ordered = sorted(names, key=lambda name: (-score[name][0], -score[name][1]))
        # Where my own opinion alone decides what is on top, nobody led me to it.
        mine = len(ordered) > 1 and score[ordered[0]][0] > score[ordered[1]][0]
        aided = bool(ordered) and not mine and score[ordered[0]][1] > 0
        return Ranking(query, tuple(ordered), aided)

    def click(self, ranking: Ranking, result: str, at: int) -> None:
        """Remember what I chose, having read from the top; raise InputError if it is not there."""
        if result not in ranking.results:
            raise InputError("The result clicked on is not in the ranking.")
        place = ranking.results.index(result)
        led = ranking.aided and not place
        if not led and not self._own.get((ranking.query, result), _Opinion()).unled:
            self._try(_key(ranking.query), _key(result))
        for name in ranking.results[:place]:
            self._shift((ranking.query, name), -PASSED_OVER, at, unled=False)
        self._shift((ranking.query, result), ONE, at, unled=not led)

    def hear(self, sender: str, clicks: Sequence[Click], at: int) -> None:
        """Take in another node's log, in place of its earlier one; its signature has been checked.

        Raises InputError, and keeps nothing, where the message exceeds a bound. A sender beyond
        the four hundredth takes the place of the one with the least similarity, if that is none.
        """
        if len(clicks) > MAX_MESSAGE_CLICKS:
            raise InputError(f"A message holds more than {MAX_MESSAGE_CLICKS:,} clicks.")
        if any(len(click) != 2 for click in clicks):
            raise InputError("A click is a query and a result.")
        texts = [text for click in clicks for text in click]
        if _check_text([sender, *texts]) > MAX_MESSAGE_BYTES:
            raise InputError(f"A message is longer than {MAX_MESSAGE_BYTES:,} bytes.")
        known = self._senders.get(sender) or self._admit(sender)
        if known is None:
            return
        known.heard_at = at
        known.clicked = {}
        for query, result in clicks[:MAX_PAIRS]:
            known.clicked.setdefault(_key(query), set()).add(_key(result))

    def told(self, at: int) -> list[Click]:
        """What to gossip, the latest first: what I chose unled and still think well of."""
        found: list[Click] = []
        room = MAX_MESSAGE_BYTES - MAX_TEXT_BYTES
        for (query, result), own in reversed(self._own.items()):
            if not own.unled or self._opinion(query, result, at) <= 0:
                continue
            room -= len(query.encode()) + len(result.encode())
            if room < 0 or len(found) == MAX_MESSAGE_CLICKS:
                break
            found.append((query, result))
        return found

    def similarity(self, sender: str) -> int:
        """``(t + m^2) / u`` in units of 2^-16, at most `MOST_SIMILAR`; 0 without a prediction."""
        known = self._senders.get(sender)
        if known is None or not known.matches:
            return 0
        return min((known.queries + known.matches**2) * ONE // known.union, MOST_SIMILAR)

    def _votes(self, query: Key, at: int) -> dict[Key, int]:
        votes: dict[Key, int] = {}
        for name, sender in self._senders.items():
            clicked = sender.clicked.get(query)
            weight = self.similarity(name) if clicked else 0
            if not clicked or not weight:
                continue
            vote = weight // len(clicked) >> self._halvings(sender.heard_at, at)
            for result in clicked:
                votes[result] = votes.get(result, 0) + vote
        return votes

    def _opinion(self, query: str, result: str, at: int) -> int:
        own = self._own.get((query, result), _Opinion())
        faded = abs(own.amount) >> self._halvings(own.at, at)
        return faded if own.amount > 0 else -faded

    def _shift(self, pair: Click, by: int, at: int, unled: bool) -> None:
        amount = min(max(self._opinion(*pair, at) + by, -MAX_OPINION), MAX_OPINION)
        unled = unled or self._own.get(pair, _Opinion()).unled
        self._own[pair] = _Opinion(amount, at, unled)
        self._own.move_to_end(pair)
        if len(self._own) > MAX_OWN:
            self._own.popitem(last=False)

    def _halvings(self, then: int, at: int) -> int:
        return min(max(at - then, 0) // self._half_life, 63)

    def _try(self, query: Key, result: Key) -> None:
        """Measure everybody who had told me what it clicked for this query."""
        outcomes = []
        for name, sender in self._senders.items():
            clicked = sender.clicked.get(query)
            if clicked:
                matched = int(result in clicked)
                outcomes.append((name, matched, len(clicked) + 1 - matched))
        if outcomes:
            self._trials.append(_Trial(tuple(outcomes)))
            self._count(self._trials[-1], 1)
        if len(self._trials) > WINDOW:
            self._count(self._trials.popleft(), -1)

    def _count(self, trial: _Trial, sign: int) -> None:
        for name, matched, union in trial.outcomes:
            sender = self._senders.get(name)
            if sender is not None:
                sender.queries += sign
                sender.matches += sign * matched
                sender.union += sign * union

    def _admit(self, sender: str) -> _Sender | None:
        if len(self._senders) >= MAX_SENDERS:
            last = min(
                self._senders,
                key=lambda name: (self.similarity(name), self._senders[name].heard_at, name),
            )
            if self.similarity(last):
                return None
            self._forget(last)
        self._senders[sender] = _Sender()
        return self._senders[sender]

    def _forget(self, sender: str) -> None:
        """Drop a sender and its record, so that one who comes back starts anew."""
        del self._senders[sender]
        self._trials = deque(
            _Trial(tuple(each for each in trial.outcomes if each[0] != sender))
            for trial in self._trials
        )


def _key(text: str) -> Key:
    """Sixteen bytes in place of a text of a stranger's choosing."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _check_text(texts: Sequence[str]) -> int:
    """How many bytes the texts have together; raise InputError where one is not a short text."""
    whole = 0
    for text in texts:
        try:
            size = len(text.encode())
        except (AttributeError, UnicodeEncodeError):
            raise InputError("A query, a result or a sender is not a text.") from None
        if not 0 < size <= MAX_TEXT_BYTES:
            raise InputError(f"A query, a result or a sender has 1 to {MAX_TEXT_BYTES} bytes.")
        whole += size
    return whole
