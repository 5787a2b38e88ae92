"""Whether an answer says what gold says: the judgement that everything else is learned from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rag.answer_form import Form, Words, compare, form, numbers_agree
from rag.scoring.metrics import exact_match, f1
from rag.text import normalised, stem

RIGHT_F1 = 0.6
"""An answer with a lower token F1 is right only when words and numbers say that it is the same."""

_BRACKETS = re.compile(r"\([^()]*\)")
_ITEMS = re.compile(r"[;/|&,\n]|\b(?:and|or)\b")
_TITLE = re.compile(
    r"(?:president|senator|captain|professor|chancellor|sir|dr|mrs?|ms)\b\.? ", re.I
)
# Who says this does not say that it is so.
_DOUBT = re.compile(
    r"\b(?:maybe|perhaps|possibly|allegedly|supposedly|unlikely|hardly|anything but|other than|"
    r"(?:is|was|are|were|did|does)(?:n['’]t| not)|cannot|false|untrue|wrong)\b",
    re.I,
)
# One of these on one side alone leaves a quantity what it is: "over 50,000".
_LOOSE = frozenset({"less", "more", "than", "over", "above", "since", "old"})
_ROUGHLY = frozenset({"around", "about", "approximately", "roughly", "circa", "ca", "c"})
_UNSAID = _LOOSE | _ROUGHLY
_NUMERALS = frozenset("ivx")


def is_right(answer: str, gold: Sequence[str]) -> bool:
    """Tell whether an answer supports its source.

    It equals a gold answer, or is the same by words and numbers and no shorter, or has a token F1
    of at least ``RIGHT_F1`` and nothing that contradicts: another number, name or qualifier, a
    denial or a doubt. A reader that cuts a span one word too long or too short must not be held
    against the source. An answer of several things at once is right only when each of them is.
    """
    if exact_match(answer, gold):
        return True
    if not normalised(answer):
        return False
    if any(_agrees(answer, g) for g in gold):
        return True
    items = [item for item in _ITEMS.split(answer) if any(c.isalnum() for c in item)]
    return len(items) > 1 and all(
        exact_match(item, gold) or any(_agrees(item, g) for g in gold) for item in items
    )


def is_right_beside(answer: str, gold: Sequence[str], rivals: Iterable[str]) -> bool | None:
    """As ``is_right``, or None where a wrong one of ``rivals`` makes it undecidable.

    ``rivals`` is what others answered to the same question. Words alone cannot tell "Paris Lyon",
    which hedges, from "Barack Obama", beside which somebody said "Barack" on purpose: gold with a
    wrong answer of another beside it is neither right nor wrong.
    """
    if not is_right(answer, gold):
        return False
    said = normalised(answer)
    if exact_match(answer, gold) or "," in answer:
        return True
    agreed = [normalised(g) for g in gold if _agrees(answer, g)]
    beside = [r for r in rivals if r and _joined(said, agreed, normalised(r))]
    return None if any(not is_right(r, gold) for r in beside) else True


def _joined(said: str, agreed: Sequence[str], rival: str) -> bool:
    return bool(rival) and any(said in (f"{g} {rival}", f"{rival} {g}") for g in agreed)


def _agrees(answer: str, gold: str) -> bool:
    if _DOUBT.search(answer) and not _DOUBT.search(gold):
        return False
    return any(_alike(a, g) for a in _worded(answer, gold) for g in {gold, _plain(gold)})


def _worded(answer: str, gold: str) -> Iterator[str]:
    """Yield the answer, and as it is without what it says in brackets, and without a title."""
    yield answer
    yield _plain(answer)
    if not _TITLE.match(gold):
        yield _TITLE.sub("", answer, count=1)


def _plain(text: str) -> str:
    return " ".join(_BRACKETS.sub(" ", text).split()) or text


def _alike(answer: str, gold: str) -> bool:
    a, g = form(answer), form(gold)
    if a.listed and not g.listed and len(a.words) > len(g.words):
        return False
    near = f1(answer, [gold]) >= RIGHT_F1
    if compare(a, g) is Words.SAME:
        return near or len(a.words) >= len(g.words)
    return near and not (_other_numbers(a, g) or _turned(a, g) or _other_words(a, g))


def _other_numbers(a: Form, g: Form) -> bool:
    if numbers_agree(a, g):
        return False
    # A year beside what was asked for is a circumstance: "Rome, 1884". Other numbers make names.
    return bool(g.numbers) or not all(re.fullmatch(r"[12]\d{3}s?", n) for n in a.numbers)


def _turned(a: Form, g: Form) -> bool:
    ours, theirs = a.turns - g.turns, g.turns - a.turns
    initials = any(len(turn) == 1 for turn in a.turns & g.turns)
    if ours and theirs:
        return True
    # An initial that is left out makes nobody else; a Roman numeral or a last letter does.
    words = (a if ours else g).words
    return any(
        turn not in _LOOSE
        and (len(turn) > 1 or initials or turn in _NUMERALS or turn in words[1:][-1:])
        for turn in ours | theirs
    )


def _other_words(a: Form, g: Form) -> bool:
    """Tell whether each says something that the other does not: a name is replaced by another."""
    ours, theirs = (Counter(stem(w) for w in f.words if w not in _UNSAID) for f in (a, g))
    return bool(ours - theirs) and bool(theirs - ours)
