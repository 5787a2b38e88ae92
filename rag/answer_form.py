"""Short answers compared by their words and numbers, without a model."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from enum import Enum

from rag.numerals import split_numbers
from rag.text import ARTICLES, STOPWORDS, normalised, stem

MAX_CHARS = 200
EXTRA_WORDS = 2

_TOKEN = re.compile(r"\d+(?:\.\d+)?[^\W\d_]*|[^\W_]+(?:['’][^\W_]+)*|[$€£¥%]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_INITIAL = re.compile(r"\b([A-Z])\.(?=[A-Z]\b)")
_SYMBOLS = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "%": "percent"}
_LIST = re.compile(r"[;/|&\n]|\b(?:and|or|und|et|y)\b|,.*,")
_MONTHS = frozenset(
    "january february march april may june july august september october november december".split()
)
# A word that turns an answer into another one; both have it, or they differ.
_TURNS = frozenset(
    "not no never nor neither without except non anti former ex vice deputy before after until "
    "since under over above below counter less more than half north south east west northern "
    "southern eastern western upper lower new old jr sr junior senior ii iii iv vi vii viii ix xi "
    "xii xiii xiv xv xvi".split()
)


class Words(Enum):
    """What words and numbers alone say of two answers."""

    SAME = "same"
    OPEN = "open"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Form:
    """An answer as it is compared: ``key`` is what equal answers share, ``words`` those that
    carry meaning, ``numbers`` its numbers in plain figures, ``turns`` the words that would make
    another answer of it, ``listed`` whether it names several things.
    """

    key: str
    words: tuple[str, ...]
    numbers: tuple[str, ...]
    turns: frozenset[str]
    listed: bool


def cluster_key(answer: str) -> str:
    """Return what equal answers have in common; an answer of articles alone is its own."""
    return normalised(answer) or answer.lower().strip()


def form(answer: str) -> Form:
    """Read an answer; of one longer than ``MAX_CHARS`` only the key is read, so it equals only
    itself.
    """
    key = cluster_key(answer)
    if len(answer) > MAX_CHARS:
        return Form(key, (), (), frozenset(), True)
    plain = _INITIAL.sub(r"\1", _THOUSANDS.sub("", unicodedata.normalize("NFKD", answer)))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    names = {t.lower() for t in _TOKEN.findall(plain) if t[0].isupper()}
    tokens = [_SYMBOLS.get(t, re.sub(r"['’]", "", t.lower())) for t in _TOKEN.findall(plain)]
    words, numbers = split_numbers([t for t in tokens if t not in ARTICLES])
    # The ending of a name is a part of it: Williams is not William.
    # So is the month of May, which in small letters is a word of no meaning.
    meant = (w for w in words if w not in STOPWORDS or (w == "may" and w in names))
    kept = tuple(w if w in names else stem(w) for w in meant)
    turns = frozenset(w for w in words if w in _TURNS or len(w) == 1)
    return Form(key, kept, tuple(sorted(numbers)), turns, bool(_LIST.search(plain.lower())))


def compare(a: Form, b: Form) -> Words:
    """Tell whether two answers are the same, differ for sure, or cannot be told by words alone.

    Equal keys or equal words and numbers are the same. So are two of which one has all words of
    the other in their order and no more than ``EXTRA_WORDS`` besides ("Paris", "Paris, France"),
    unless it is a list: an answer that names every candidate must not be all of them. Numbers
    agree exactly, but for dates of which one leaves out the day, the month or the year.
    """
    if a.key == b.key:
        return Words.SAME
    short, long = (a, b) if len(a.words) <= len(b.words) else (b, a)
    if not numbers_agree(short, long):
        return Words.DIFFERENT
    if not (a.words or a.numbers) or not (b.words or b.numbers):
        return Words.OPEN
    if a.turns != b.turns:
        rest = [tuple(w for w in f.words if w not in a.turns ^ b.turns) for f in (short, long)]
        nested = _in_order(rest[0], rest[1]) or _in_order(rest[1], rest[0])
        return Words.DIFFERENT if nested else Words.OPEN
    return Words.SAME if _contained(short, long) else Words.OPEN


def _contained(short: Form, long: Form) -> bool:
    extra = len(long.words) - len(short.words)
    if not extra:
        return sorted(short.words) == sorted(long.words)
    bounded = extra <= EXTRA_WORDS and long.listed <= short.listed
    named = bool(short.words or short.numbers)
    return bounded and named and _in_order(short.words, long.words)


def numbers_agree(a: Form, b: Form) -> bool:
    """Tell whether two answers have the same numbers, but for a date's day or year left out."""
    if a.numbers == b.numbers:
        return True
    few, many = (a, b) if len(a.numbers) <= len(b.numbers) else (b, a)
    if len(few.numbers) != 1 or len(many.numbers) != 2:
        return False
    extra = list((Counter(many.numbers) - Counter(few.numbers)).elements())
    dated, shared = bool(_MONTHS & set(many.words)), few.numbers
    if not dated or len(extra) != 1:
        return False
    day_left_out = _is_year(shared[0]) and _is_day(extra[0])
    year_left_out = _is_day(shared[0]) and _is_year(extra[0]) and bool(_MONTHS & set(few.words))
    return day_left_out or year_left_out


def _is_year(number: str) -> bool:
    return len(number) == 4 and number.isdigit() and "1000" <= number <= "2999"


def _is_day(number: str) -> bool:
    return number.isdigit() and len(number) <= 2 and 1 <= int(number) <= 31


def _in_order(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    rest = iter(long)
    return all(word in rest for word in short)
