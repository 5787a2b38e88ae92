"""A text as a language model may read it: folded to plain letters, and decoded where it hides."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_plus

PLAIN = ""
SPELLED = "letter by letter"
MAX_ENCODED = 20_000
"""So much of an encoded run is decoded, in characters."""

# Zero-width and direction marks, soft hyphens, variation selectors, tags.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
MAX_MARKS = 8
_MARKS_PERHAPS = re.compile("[^\x00-\u02ff]{9}")
_ACCENTS = re.compile("[\u0300-\u036f]")
_OTHER_LETTERS = re.compile("[\u0370-\u052f\u0531-\u0587]")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[a-z]")
# Letters that look like Latin ones, in lower case: Cyrillic, Greek, Armenian.
_TWINS = str.maketrans(
    "авсԁеѕіјӏорԛгһкмнтухѵԝьαβγδεικνορτυχωօսոհց",
    "abcdesijlopqrhkmhtyxvwbabydeiknoptuxwounhg",
)
_SMALL_CAPITALS = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz")
_LEET = str.maketrans("013457@$!|", "oieastasil")
_LEET_SPOT = re.compile(r"[013457@$](?<=[a-z].)(?=[a-z])")
_LEET_WORD = re.compile(r"[a-z0-9@$!|]+")
_LETTERS = re.compile(r"[ .,*_\-/][^\W\d_][ .,*_\-/]{1,3}[^\W\d_][ .,*_\-/]{1,3}[^\W\d_]\W")
_RUN = re.compile(r"(?<![^\W_])[^\W\d_](?:[ .,*_\-/]{1,3}[^\W\d_](?![^\W_])){7,300}")
_EMPHASIS = re.compile(r"(?<![a-z0-9])_{1,8}|_{1,8}(?![a-z0-9])")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{2}[ ,:]?|\\x[0-9a-f]{2}|0x[0-9a-f]{2}[ ,]?){16,}")
_PERCENT = re.compile(r"%[0-9a-f]{2}")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})")
# Common words as rot13 and reading backwards make them, cut to stems.
_ROT13 = frozenset("gur naq lbh lbhe jvgu guvf gung nafje ercyl gb nyy".split())
_BACKWARDS = frozenset("eht dna uoy ruoy htiw siht taht rewsn ylper lla".split())
STEM = 5
_STEM = re.compile(rf"([a-z0-9]{{1,{STEM}}})[a-z0-9]*+")


@dataclass(frozen=True, slots=True)
class Reading:
    """A folded text, how it was ``hidden``, and the first ``STEM`` letters of its words."""

    hidden: str
    text: str
    stems: frozenset[str]


def readings(text: str) -> Iterator[Reading]:
    """Yield the plain text first, with ``PLAIN``, then whatever else can be read in it.

    Every step is linear in the text; nothing is decoded twice.
    """
    plain = fold(text)
    stems = stems_of(plain)
    yield Reading(PLAIN, plain, stems)
    for hidden, read in _hidden(text, plain, stems):
        yield Reading(hidden, read, stems_of(read))


def stems_of(text: str) -> frozenset[str]:
    """Return the first ``STEM`` letters of every word of a folded text."""
    return frozenset(_STEM.findall(text))


def _hidden(text: str, plain: str, stems: frozenset[str]) -> Iterator[tuple[str, str]]:
    if not text.isascii():
        tags = "".join(chr(ord(c) - 0xE0000) for c in text if "\U000e0020" <= c <= "\U000e007e")
        if len(tags) >= 8:  # a flag has five or six
            yield "in invisible characters", tags.lower()
    if "&" in text and ";" in text:
        yield "in character references", fold(html.unescape(text))
    if "%" in plain and len(_PERCENT.findall(plain)) > 1:
        yield "percent-encoded", fold(unquote_plus(plain))
    if "\\u" in plain:
        yield "in escape sequences", fold(_ESCAPED.sub(lambda m: chr(int(m[1], 16)), plain))
    if max(map(len, text.split()), default=0) >= 24:
        yield from (("in base64", fold(found)) for found in _base64(text))
    if "6" in plain:
        yield from (("in hexadecimal", fold(found)) for found in _hex(plain))
    if len(_ROT13 & stems) > 1:
        yield "in rot13", codecs.encode(plain, "rot13")
    if len(_BACKWARDS & stems) > 1:
        yield "backwards", plain[::-1]
    if len(_LEET_SPOT.findall(plain)) > 1:
        yield "with digits for letters", _LEET_WORD.sub(_unleet, plain)
    if _LETTERS.search(plain):
        yield from ((SPELLED, run[0]) for run in _RUN.finditer(plain))


def fold(text: str) -> str:
    """Return the text in lower case, compatible forms, accents and look-alikes made plain.

    Letters of other scripts are only taken for disguised Latin ones where a word mixes both.
    """
    if not text.isascii():
        text = plain_letters(_INVISIBLE.sub("", text)).translate(_SMALL_CAPITALS)
    lowered = text.lower()
    if not lowered.isascii() and _OTHER_LETTERS.search(lowered) and _disguised(lowered):
        lowered = lowered.translate(_TWINS)
    return _EMPHASIS.sub(" ", lowered) if "_" in lowered else lowered


def _disguised(lowered: str) -> bool:
    """Tell whether some word mixes Latin letters with Cyrillic, Greek or Armenian ones."""
    words = (word[0] for word in _WORD.finditer(lowered))
    return any(_OTHER_LETTERS.search(word) and _LATIN.search(word) for word in words)


def _few_marks(text: str) -> str:
    """Cut runs of combining marks to ``MAX_MARKS``: normalising sorts each run in square time."""
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def plain_letters(text: str) -> str:
    """Return the text in compatible forms (NFKC) and without accents."""
    if _MARKS_PERHAPS.search(text):
        text = _few_marks(text)
    split = unicodedata.normalize("NFKD", text)
    # Put together again, as Hangul and kana otherwise stay in pieces.
    return unicodedata.normalize("NFC", _ACCENTS.sub("", split))


def _unleet(word: re.Match[str]) -> str:
    return word[0] if word[0].isdigit() else word[0].translate(_LEET)


def _base64(text: str) -> Iterator[str]:
    for run in _BASE64.finditer(text):
        coded = run[0].rstrip("=")[:MAX_ENCODED]
        coded = coded[: len(coded) - (len(coded) % 4 == 1)].replace("-", "+").replace("_", "/")
        yield from _words(base64.b64decode(coded + "=" * (-len(coded) % 4)))


def _hex(plain: str) -> Iterator[str]:
    for run in _HEX.finditer(plain):
        digits = re.sub(r"0x|\\x|[ ,:]", "", run[0][:MAX_ENCODED])
        try:
            yield from _words(bytes.fromhex(digits[: len(digits) // 2 * 2]))
        except (ValueError, binascii.Error):  # digits that only look like bytes
            continue


def _words(decoded: bytes) -> Iterator[str]:
    text = decoded.decode("utf-8", errors="replace")
    if sum(c.isalpha() or c.isspace() for c in text) > 0.8 * len(text):
        yield text
