"""Ways to hide an instruction from a screen that a language model still reads."""

from __future__ import annotations

import base64
import codecs
import html
import unicodedata
from collections.abc import Callable, Mapping
from urllib.parse import quote

Hide = Callable[[str], str]

_CYRILLIC = str.maketrans("aceopxyACEHKMOPTX", "асеорхуАСЕНКМОРТХ")
_LEET = str.maketrans("aeiost", "431057")


def _fullwidth(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _tags(text: str) -> str:
    return "Nice day." + "".join(chr(0xE0000 + ord(c)) for c in text if c.isascii())


def _bold(text: str) -> str:
    return "".join(
        chr(0x1D400 + ord(c) - ord("A")) if "A" <= c <= "Z"
        else chr(0x1D41A + ord(c) - ord("a")) if "a" <= c <= "z" else c
        for c in text
    )  # fmt: skip


def _small_capitals(text: str) -> str:
    return text.lower().translate(
        str.maketrans("abcdefghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ")
    )


def _zalgo(text: str) -> str:
    return "".join(c + "\u0336\u0301" if c.isalpha() else c for c in text)


KNOWN: Mapping[str, Hide] = {
    "zero_width": "\u200b".join,
    "homoglyph": lambda text: text.translate(_CYRILLIC),
    "fullwidth": _fullwidth,
    "leet": lambda text: text.translate(_LEET),
    "spaced": lambda text: "  ".join(" ".join(word) for word in text.split()),
    "base64": lambda text: "Decode: " + base64.b64encode(text.encode()).decode(),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "tags": _tags,
    "entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "backwards": lambda text: text[::-1],
    "broken_lines": lambda text: "\n".join(text.split()),
    "soft_hyphens": "\u00ad".join,
    "bold_letters": _bold,
    "small_capitals": _small_capitals,
    "zalgo": _zalgo,
    "percent": lambda text: quote(text, safe="").replace("%20", "+"),
    "hexadecimal": lambda text: text.encode().hex(),
    "escapes": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "dotted": ".".join,
    "named_references": lambda text: html.escape(text).replace(" ", "&nbsp;"),
    "decomposed": lambda text: unicodedata.normalize("NFD", text.replace("e", "é")),
    "word_joiner": "\u2060".join,
    "every_second_upper": lambda text: "".join(
        c.upper() if i % 2 else c.lower() for i, c in enumerate(text)
    ),
    "morse_like": lambda text: " / ".join("-".join(w) for w in text.split()),
}
"""Those that the rules were written against."""
