"""What a language model said, read as a short answer or as an abstention."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.text import clean

MAX_REPLY_CHARS = 10_000
MAX_ANSWER_CHARS = 300

SAYS_IT_DOES_NOT_KNOW = "the model says that it does not know"
SAID_NOTHING = "the model said nothing"
# Asked without them the model would answer from memory, and the source get the credit.
EMPTY = "its passages are empty"

_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(r"^(?:(?:the |final |short )*answer(?: is)?|a)\s*[:=]\s*", re.IGNORECASE)
_WRAPPING = " \t\"'“”‘’`*_"
_UNKNOWN = re.compile(
    r"\b(?:"
    r"(?:i|we) (?:do not|don't|don’t|dont|cannot|can't|can’t|could not|am unable to|am not able to)"
    r" (?:really |actually )?(?:know|answer|say|tell|determine|find|have (?:\w+ )?(?:information|"
    r"real-time|access|enough))"
    r"|i(?:'m| am) (?:sorry|not sure|unable)"
    r"|as of my (?:last|knowledge|current|most recent)"
    r"|(?:there is|there's|the passages? (?:contain|give|provide)s?) no (?:\w+ )?(?:information|"
    r"mention|answer)"
    r"|(?:is|are|was|were)?\s*not (?:explicitly |directly )?(?:mentioned|stated|specified|provided|"
    r"given|known|found)(?: (?:in|by|anywhere)\b|\W*$)"
    r"|(?:none|neither) of the (?:given |provided )?(?:passages|information|documents)"
    r"|no (?:one|information|mention|answer)(?: is| was)? (?:mentioned|provided|given|available|"
    r"found)"
    r"|do(?:es)? not (?:explicitly |directly )?(?:mention|state|say|provide|specify|contain)"
    r")",
    re.IGNORECASE,
)
_ONLY_UNKNOWN = frozenset({"unknown", "none", "n/a", "na", "no answer", "not available", "unclear"})


@dataclass(frozen=True, slots=True)
class Reply:
    """A short answer, or None and the ``reason`` for which there is none."""

    text: str | None
    reason: str = ""


def read_reply(said: str) -> Reply:
    """Take the first line with words of what a model said, without label, quotes and thoughts.

    "I don't know", "not mentioned in the passages" and the like are an abstention, and so is an
    answer of nothing. What is longer than ``MAX_ANSWER_CHARS`` is cut between words.
    """
    lines = (clean(line) for line in _THOUGHT.sub("", said[:MAX_REPLY_CHARS]).splitlines())
    first = next((line for line in lines if any(c.isalnum() for c in line)), "")
    text = (
        _LABEL.sub("", first.strip(_WRAPPING)).strip(_WRAPPING).removesuffix(".").strip(_WRAPPING)
    )
    if not text:
        return Reply(None, SAID_NOTHING)
    if text.lower() in _ONLY_UNKNOWN or _UNKNOWN.search(text):
        return Reply(None, SAYS_IT_DOES_NOT_KNOW)
    if len(text) > MAX_ANSWER_CHARS:
        text = text[:MAX_ANSWER_CHARS].rsplit(" ", 1)[0]
    return Reply(text)
