"""Numbers and tables as a reader wants them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from textwrap import fill

WIDTH = 120
_ITEM = r"(-|\d+\.) "
_STEPS = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))


def short(number: float) -> str:
    """Two or three significant digits with a step: 4.13 k, 27 M; as it is below 1,000."""
    if math.isinf(number):
        return "–"
    for size, unit in _STEPS:
        if number >= 0.9995 * size:
            return _digits(number / size) + unit
    return _digits(number)


def power(number: int) -> str:
    """10^n of a power of ten."""
    return f"10^{round(math.log10(number))}"


def share(part: float) -> str:
    """A share as percent; above 1 as a multiple."""
    return f"{_digits(part)} x" if part > 1 else f"{_digits(100 * part)} %"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], text: int = 0) -> str:
    """A Markdown table; all but the first column and the last ``text`` ones hold numbers."""
    numbers = len(columns) - 1 - text
    marks = ["---", *(["--:"] * numbers), *(["---"] * text)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, marks, *rows))


def prose(text: str) -> str:
    """Paragraphs and items, which empty lines part, each filled to the width of a page."""
    filled = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        words = " ".join(paragraph.split())
        item = re.match(_ITEM, words)
        indent = " " * len(item[0]) if item else ""
        filled.append(fill(words, WIDTH, subsequent_indent=indent, break_on_hyphens=False))
    whole = filled[0]
    for before, after in pairwise(filled):
        whole += ("\n" if _is_item(before) and _is_item(after) else "\n\n") + after
    return whole


def _is_item(paragraph: str) -> bool:
    return re.match(_ITEM, paragraph) is not None


def _digits(number: float) -> str:
    if number == 0:
        return "0"
    places = 2 - math.floor(math.log10(abs(number)) + 1e-9)
    if places <= 0:
        return f"{number:,.0f}"
    text = f"{number:.{min(places, 9)}f}"
    return text.rstrip("0").rstrip(".")
