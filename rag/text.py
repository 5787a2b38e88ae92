"""Text as the pipeline sees it: made safe, cut into sentences and terms, compared as answers."""

from __future__ import annotations

import re
import unicodedata

ARTICLES = frozenset({"a", "an", "the"})

STOPWORDS = frozenset(
    "a an the of in on at to for from by with as and or but nor if than then so that this these "
    "those there it its he she they them his her their we our you your i my me him us who whom "
    "whose which what when where why how is are was were be been being am do does did done has "
    "have had having will would can could shall should may might must not no into onto over under "
    "about after before between during through up down out off per also such only both each any "
    "some many much more most other same own too very just s t".split()
)

_TERM = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"""(?<=[.!?])["'”’)\]]*\s+(?=["'“‘(\[]*[A-Z0-9])""")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Prof|Gen|Col|Lt|Sgt|Capt|Rev|Sen|Rep|Gov|Jr|Sr|vs|No|Vol|Fig|cf|ca|c|"
    r"approx|Mt|Ft|e\.g|i\.e|al)|\b[A-Z])\.$"
)

_LONGEST_ABBREVIATION = 16

# Control characters, line and paragraph separators, direction overrides, half characters.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """Return the text without control characters and lone surrogates, whitespace collapsed.

    Text of a stranger ends up on a terminal and in a tokenizer: an escape sequence must not
    reach the one, half a character would crash the other.
    """
    if text.isprintable() and "  " not in text:  # then a space is the only such character in it
        return text.strip(" ")
    return " ".join(_UNSAFE.sub(" ", text).split())


def sentences(text: str) -> list[str]:
    """Cut a text at the ends of its sentences; an abbreviation or an initial ends none."""
    found: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        # As far back as an abbreviation reaches: a text full of them is not read again and again.
        before = text[max(start, end.start() - _LONGEST_ABBREVIATION) : end.start()]
        if not _ABBREVIATION.search(before):
            found.append(text[start : end.end()].strip())
            start = end.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def terms(text: str) -> list[str]:
    """Return the lower-case words that carry meaning, plural and possessive endings removed."""
    return [stem(word) for word in _TERM.findall(text.lower()) if word not in STOPWORDS]


def stem(word: str) -> str:
    """Return a lower-case word without the commonest English endings: crude, but repeatable.

    In the spirit of Harman's S stemmer ("How effective is suffixing?", JASIS 1991), with -ing,
    -ed and a final e taken off as well, so that close, closes, closed and closing agree.
    """
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    for ending, shortest in (("ing", 6), ("ed", 5), ("es", 5), ("s", 4), ("e", 4)):
        if len(word) >= shortest and word.endswith(ending):
            keep = ending == "s" and word.endswith(("ss", "us", "is"))
            return word if keep else word[: -len(ending)]
    return word


def normalised(answer: str) -> str:
    """Return the answer lower-case, without punctuation and articles, whitespace collapsed.

    This is SQuAD's normalisation (Rajpurkar et al., 2016), for Unicode punctuation as well.
    """
    lowered = answer.lower()
    spoken = "".join(c for c in lowered if not unicodedata.category(c).startswith("P"))
    return " ".join(word for word in spoken.split() if word not in ARTICLES)
