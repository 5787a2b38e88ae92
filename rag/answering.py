"""One answer out of many: answers that agree are grouped, and the groups are voted on."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.answer_form import cluster_key
from rag.types import SourceAnswer

_TIE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class ClosedBook:
    """What a model says without any passage, and the weight ≥ 0 of its word; never a source."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Group:
    """Answers that agree: the text that stands for them, their sources, the weight of all.

    ``closed_book`` is the part of ``weight`` that the closed-book voter gave.
    """

    text: str
    sources: frozenset[int]
    weight: float
    closed_book: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The winning group: its text, the sources in it, and its share 0..1 of all weight.

    ``margin`` is that share minus the runner-up's. ``groups`` are the winner and then every
    largest group of the others, best first; those may overlap, and no source of the winner is in
    any. When only the closed-book voter is behind the text, ``sources`` is empty.
    ``wordings`` are the sets of equal answers, that of the text first, and ``without`` the largest
    groups there are without the text: who could take its place, within its group or against it.
    """

    text: str
    sources: frozenset[int]
    share: float
    margin: float = 0.0
    groups: tuple[Group, ...] = ()
    wordings: tuple[Group, ...] = ()
    without: tuple[Group, ...] = ()


NO_VERDICT = Verdict("", frozenset(), 0.0)


@dataclass(frozen=True, slots=True)
class _Ballot:
    """One vote; the closed-book voter has no source and no confidence."""

    source: int | None
    text: str
    weight: float
    confidence: float


def vote(
    answers: Sequence[SourceAnswer],
    weights: Mapping[int, float],
    *,
    closed_book: ClosedBook | None = None,
    groups: Iterable[frozenset[str]] | None = None,
    owners: Mapping[int, Hashable] | None = None,
) -> Verdict:
    """Return the group of answers that has the most weight.

    ``groups`` are sets of answer texts that agree, as ``Clustering.groups`` makes them of all the
    texts, the closed-book voter's included; by default equal normalised answers. With ``owners``
    all sources of one owner have together the weight of the heaviest one that answered.

    Equal weights make this the majority; when no weight is above 0, the closed-book voter's
    included, all count 1. A tie goes to the
    group whose readers were more confident in sum, then to the alphabetically first: neither ids
    nor the order of the sources decide anything. The text is of the group's heaviest equal
    answers, so an answer that agrees only in part speaks for others only if it outweighs them.
    """
    book = closed_book.weight if closed_book else 0.0
    effective = voting_weights([a.source for a in answers], weights, owners, book)
    ballots = [
        _Ballot(a.source, a.span.text, effective[a.source], a.span.confidence) for a in answers
    ]
    if closed_book is not None:
        ballots.append(_Ballot(None, closed_book.text, max(closed_book.weight, 0.0), 0.0))
    total = math.fsum(b.weight for b in ballots)
    if total <= 0.0:
        return NO_VERDICT
    sets = _largest(_members(ballots, groups))
    best = min(sets, key=lambda members: _rank(members, total))
    rest = _largest([tuple(b for b in members if b not in best) for members in sets])
    ranked = [best, *sorted(rest, key=lambda members: _rank(members, total))]
    found = tuple(_group(members) for members in ranked)
    share = found[0].weight / total
    runner_up = max((g.weight for g in found[1:]), default=0.0) / total
    said = cluster_key(found[0].text)
    alike = sorted(_equals(ballots), key=lambda equal: _rank(equal, total))
    alike.sort(key=lambda equal: cluster_key(equal[0].text) != said)
    others = _largest([tuple(b for b in s if cluster_key(b.text) != said) for s in sets])
    return Verdict(
        found[0].text,
        found[0].sources,
        share,
        share - runner_up,
        found,
        tuple(_group(equal) for equal in alike),
        tuple(_group(members) for members in sorted(others, key=lambda s: _rank(s, total))),
    )


def voting_weights(
    answered: Iterable[int],
    weights: Mapping[int, float],
    owners: Mapping[int, Hashable] | None = None,
    closed_book: float = 0.0,
) -> dict[int, float]:
    """Return the weight ≥ 0 with which every source that answered votes.

    All are 1 when none would be above 0 and the closed-book voter's weight is not either: known
    liars must not outvote it. Sources of one owner share the weight of the heaviest.
    """
    raw = {source: max(weights.get(source, 0.0), 0.0) for source in answered}
    if closed_book <= 0.0 and not any(raw.values()):
        raw = dict.fromkeys(raw, 1.0)
    if owners is None:
        return raw
    of_owner: dict[Hashable, list[float]] = {}
    for source, weight in raw.items():
        of_owner.setdefault(owner_of(source, owners), []).append(weight)
    scale = {o: max(w) / math.fsum(w) if any(w) else 0.0 for o, w in of_owner.items()}
    return {source: w * scale[owner_of(source, owners)] for source, w in raw.items()}


def text_weights(
    answers: Sequence[SourceAnswer],
    weights: Mapping[int, float],
    *,
    closed_book: ClosedBook | None = None,
    owners: Mapping[int, Hashable] | None = None,
) -> dict[str, float]:
    """Return the weight ≥ 0 with which every answer text is voted for, to be grouped by."""
    book = closed_book.weight if closed_book else 0.0
    voting = voting_weights([a.source for a in answers], weights, owners, book)
    found: dict[str, float] = {}
    for answer in answers:
        found[answer.span.text] = found.get(answer.span.text, 0.0) + voting[answer.source]
    if closed_book is not None:
        found.setdefault(closed_book.text, 0.0)
        found[closed_book.text] += max(closed_book.weight, 0.0)
    return found


def group_names(groups: Iterable[frozenset[str]], weights: Mapping[str, float]) -> dict[str, str]:
    """Return for every text the name of its heaviest group; ``weights`` are those of the texts.

    So a lie in several wordings that are grouped is one answer to who looks for copies.
    """

    def rank(texts: frozenset[str]) -> tuple[float, list[str]]:
        weight = math.fsum(weights.get(text, 0.0) for text in texts)
        return -round(weight, _TIE_DIGITS), sorted(texts)

    names: dict[str, str] = {}
    for texts in sorted(groups, key=rank):
        name = "\n".join(sorted({cluster_key(text) for text in texts}))
        for text in texts:
            names.setdefault(text, name)
    return names


def owner_of(source: int, owners: Mapping[int, Hashable] | None) -> Hashable:
    """Return whose vote a source's is: its owner's, or its own where none is known."""
    if owners is None or source not in owners:
        return ("source", source)
    return ("owner", owners[source])


def _members(
    ballots: Sequence[_Ballot], groups: Iterable[frozenset[str]] | None
) -> list[tuple[_Ballot, ...]]:
    """Return the ballots of every group; a text that no group names is a group with its equals."""
    sets = [set(texts) for texts in groups or ()]
    named = {text for texts in sets for text in texts}
    alike: dict[str, set[str]] = {}
    for ballot in ballots:
        if ballot.text not in named:
            alike.setdefault(cluster_key(ballot.text), set()).add(ballot.text)
    found = [tuple(b for b in ballots if b.text in texts) for texts in [*sets, *alike.values()]]
    return [members for members in found if members]


def _largest(sets: Sequence[tuple[_Ballot, ...]]) -> list[tuple[_Ballot, ...]]:
    """Return the sets that are not a part of another, each once, without the empty one."""
    distinct = list({frozenset(members): members for members in sets if members}.items())
    return [members for own, members in distinct if not any(own < other for other, _ in distinct)]


def _rank(members: Sequence[_Ballot], total: float) -> tuple[float, float, list[str], list[str]]:
    weighty = [b for b in members if b.weight > 0.0]
    share = math.fsum(b.weight for b in weighty) / total
    # Who has no weight breaks no tie either.
    confidence = math.fsum(b.confidence for b in weighty)
    # Rounded, so that the last bit of a sum never decides between equals.
    rounded = -round(share, _TIE_DIGITS), -round(confidence, _TIE_DIGITS)
    return *rounded, _keys(weighty), _keys(members)


def _keys(ballots: Sequence[_Ballot]) -> list[str]:
    return sorted({cluster_key(b.text) for b in ballots})


def _equals(ballots: Sequence[_Ballot]) -> list[list[_Ballot]]:
    equals: dict[str, list[_Ballot]] = {}
    for ballot in ballots:
        equals.setdefault(cluster_key(ballot.text), []).append(ballot)
    return list(equals.values())


def _group(members: Sequence[_Ballot]) -> Group:
    total = math.fsum(b.weight for b in members)
    speakers = min(_equals(members), key=lambda alike: _rank(alike, total or 1.0))
    return Group(
        min(speakers, key=lambda b: (-b.confidence, b.text)).text,
        frozenset(b.source for b in members if b.source is not None),
        total,
        math.fsum(b.weight for b in members if b.source is None),
    )
