"""The screen itself: which passages may reach a reader or a prompt, and why the others may not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.text import clean
from rag.types import Passage, Screened
from rag.vetting.languages import FOREIGN
from rag.vetting.readings import PLAIN, SPELLED, Reading, readings
from rag.vetting.rules import ADDRESS, HIDDEN, RULES
from rag.vetting.signs import adds_up

MAX_CHARS = 20_000
"""So much of a passage, title and text, is screened, and no more of it is kept."""

MAX_EXCERPT = 160
LONG_RUN = 24
_LEAD = 40
_ALL = (*RULES, *FOREIGN)


@dataclass(frozen=True, slots=True)
class Vetted:
    """Passages in their order, and those that were kept back."""

    kept: tuple[Passage, ...]
    screened: tuple[Screened, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a text is kept back, and the piece of it, as it was read, that says so."""

    reason: str
    excerpt: str


def vet(passages: Sequence[Passage], source: int) -> Vetted:
    """Keep back what reads like instructions to a language model.

    One pass over title and text, the same result every time, about 0.1 ms per passage. A passage
    longer than ``MAX_CHARS`` is cut to that: nothing unscreened reaches a reader. It knows
    common attacks by their words and marks, in plain sight and hidden; it does not tell truth
    from lies, and a new wording can pass: what is kept is still not to be trusted.
    """
    kept: list[Passage] = []
    screened: list[Screened] = []
    for whole in passages:
        passage = _bounded(whole)
        found = inspect(f"{passage.title}\n{passage.text}" if passage.title else passage.text)
        if found is None:
            kept.append(passage)
        else:
            screened.append(Screened(source, found.reason, found.excerpt))
    return Vetted(tuple(kept), tuple(screened))


def _bounded(passage: Passage) -> Passage:
    if len(passage.title) + len(passage.text) <= MAX_CHARS:
        return passage
    title = passage.title[:MAX_CHARS]
    return Passage(passage.text[: MAX_CHARS - len(title)], title)


def inspect(text: str) -> Finding | None:
    """Return the first thing in a text that reads like an instruction to a model, or None."""
    for reading in readings(text):
        found = _spelled(reading.text) if reading.hidden == SPELLED else _first(reading)
        if found:
            reason, start, end = found
            said = reason if reading.hidden == PLAIN else f"{reason}, {reading.hidden}"
            piece = reading.text[max(0, start - _LEAD) : end + _LEAD]
            return Finding(said, clean(piece)[:MAX_EXCERPT])
    return None


def _first(reading: Reading) -> tuple[str, int, int] | None:
    for rule in _ALL:
        match = rule.pattern.search(reading.text) if rule.may_match(reading) else None
        if match:
            return rule.reason, match.start(), match.end()
    piece = adds_up(reading.text, reading.stems)
    return (ADDRESS, *piece) if piece else None


def _spelled(run: str) -> tuple[str, int, int] | None:
    """A long run of single letters is no prose: it is there to be read by a model alone."""
    letters = [c for c in run if c.isalpha()]
    long = len(letters) >= LONG_RUN and len(set(letters)) < 0.6 * len(letters)
    return (HIDDEN, 0, len(run)) if long else None
