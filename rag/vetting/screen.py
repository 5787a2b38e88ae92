"""The screen itself: which passages may reach a reader or a prompt, and why the others may not."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from rag.text import clean
from rag.types import Passage, Screened
from rag.vetting.languages import FOREIGN
from rag.vetting.readings import PLAIN, SPELLED, Reading, readings
from rag.vetting.rules import ADDRESS, HIDDEN, RULES
from rag.vetting.signs import adds_up

MAX_CHARS = 20_000
"""So much of a passage, title and text, is screened, and no more of it is kept."""

MEMORY = 8_192
"""So many passages' findings are kept, 0.2 to 0.6 KB each."""

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


class Screen:
    """Keeps back what reads like instructions to a language model.

    One pass over title and text, the same result every time, .1 to .2 ms for a passage of 800
    characters; what was found in the last ``memory`` passages is kept, as sources that agree show
    the same ones. A passage longer than ``MAX_CHARS`` is cut to that: nothing unscreened reaches a
    reader. It knows common attacks by their words and marks, in plain sight and hidden; it does not
    tell truth from lies, and a new wording can pass: what is kept is still not to be trusted.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self._found: OrderedDict[bytes, tuple[Finding | None]] = OrderedDict()

    def vet(self, passages: Sequence[Passage], source: int) -> Vetted:
        """Return which of a source's passages are kept, cut to size, and which are not."""
        kept: list[Passage] = []
        screened: list[Screened] = []
        for whole in passages:
            passage = _bounded(whole)
            found = self._inspected(
                f"{passage.title}\n{passage.text}" if passage.title else passage.text
            )
            if found is None:
                kept.append(passage)
            else:
                screened.append(Screened(source, found.reason, found.excerpt))
        return Vetted(tuple(kept), tuple(screened))

    def _inspected(self, text: str) -> Finding | None:
        # By digest: texts of strangers would fill the memory with what they like.
        key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        known = self._found.pop(key, None)
        found = known[0] if known is not None else inspect(text)
        self._found[key] = (found,)
        if len(self._found) > self._memory:
            self._found.popitem(last=False)
        return found


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
