"""Numbers in words and digits, read as numbers: "nine", "9" and "9th" are one and the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNITS = {
    word: value
    for value, words in enumerate(
        "zero one/first two/second three/third four/fourth five/fifth six/sixth seven/seventh "
        "eight/eighth nine/ninth ten/tenth eleven/eleventh twelve/twelfth thirteen/thirteenth "
        "fourteen/fourteenth fifteen/fifteenth sixteen/sixteenth seventeen/seventeenth "
        "eighteen/eighteenth nineteen/nineteenth".split()
    )
    for word in words.split("/")
}
_TENS = {
    word: 10 * value
    for value, words in enumerate(
        "twenty/twentieth thirty/thirtieth forty/fortieth fifty/fiftieth sixty/sixtieth "
        "seventy/seventieth eighty/eightieth ninety/ninetieth".split(),
        start=2,
    )
    for word in words.split("/")
}
_SCALES = {
    "dozen": 12, "hundred": 100, "hundredth": 100, "thousand": 1_000, "thousandth": 1_000,
    "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_FIGURES = re.compile(r"(\d{1,30})(?:\.(\d{1,30}))?(st|nd|rd|th)?")


def split_numbers(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part lower-case words into those that are no numbers and the numbers, both in their order.

    Numbers come in plain figures: ``["three", "hundred", "thousand", "people"]`` gives
    ``(["people"], ["300000"])``. Figures must be without separators of thousands. A word with a
    digit in it that is no number, such as ``1970s``, counts as a number and stays as it is.
    """
    plain: list[str] = []
    numbers: list[str] = []
    at = 0
    while at < len(words):
        value, end = _number(words, at)
        if end > at:
            numbers.append(value)
            at = end
        elif any(c.isdigit() for c in words[at]):
            numbers.append(words[at])
            at += 1
        else:
            plain.append(words[at])
            at += 1
    return plain, numbers


def _number(words: Sequence[str], start: int) -> tuple[str, int]:
    """Return the number that begins at ``start`` and where it ends; no number ends there."""
    if words[start] not in _SCALES:
        figures = _FIGURES.fullmatch(words[start])
        if figures:
            return _scaled(figures[1], figures[2] or "", words, start + 1)
        if words[start] not in _UNITS and words[start] not in _TENS:
            return "", start
    total, part, at = 0, 0, start
    while at < len(words):
        word = words[at]
        if word in _TENS and part % 100 == 0:
            part += _TENS[word]
        elif word in _UNITS and (part % 100 == 0 or (part % 10 == 0 and _UNITS[word] < 10)):
            part += _UNITS[word]
        elif word in ("hundred", "hundredth", "dozen"):
            part = max(part, 1) * _SCALES[word]
        elif word == "and" and at > start and part and part % 100 == 0 and _small(words, at + 1):
            pass
        elif word in _SCALES:
            total, part = total + max(part, 1) * _SCALES[word], 0
        else:
            break
        at += 1
    return str(total + part), at


def _small(words: Sequence[str], at: int) -> bool:
    return at < len(words) and (words[at] in _UNITS or words[at] in _TENS)


def _scaled(whole: str, fraction: str, words: Sequence[str], at: int) -> tuple[str, int]:
    """Multiply figures by the scales that follow them, in exact decimal arithmetic."""
    scale = 1
    while at < len(words) and words[at] in _SCALES and scale < 10**15:
        scale *= _SCALES[words[at]]
        at += 1
    value = int(whole + fraction) * scale
    figures = str(value).rjust(len(fraction) + 1, "0")
    cut = len(figures) - len(fraction)
    return (figures[:cut] + "." + figures[cut:]).rstrip("0").rstrip(
        "."
    ) if fraction else figures, at
