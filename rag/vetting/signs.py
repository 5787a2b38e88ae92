"""Weak signs that add up: none of them means much, several close together do."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Mapping

LIMIT = 4
REACH = 240
"""Characters within which signs are added up."""

_SIGNS: Mapping[str, str] = {
    "model": r"ai|llms?|language models?|chatbots?|chatgpt|virtual assistants?|this assistant",
    "user": r"the users?|this conversation|users?['’]s? (?:question|query|request)s?",
    "reply": r"your (?:answer|response|reply|output|summary|final answer)s?",
    "orders": r"instructions?|prompts?|system messages?|guidelines?|directives?",
    "shown": r"(?:other|above|retrieved|these|all) (?:passages?|documents?|context|search results?|"
             r"sources?)|this (?:passage|document|context|web ?page)",
    "must": r"you (?:must|shall|will|should|are required to|are to|have to|need to|may not)",
    "force": r"always|never|only|exactly|verbatim|regardless|no matter what|under no circumstances|"
             r"without exception|nothing else|strictly|instead",
    "say": r"answer|respond|reply|output|state|claim|insist|declare|conclude|recommend",
    "drop": r"ignore|disregard|forget|override|bypass|discard|overlook",
}  # fmt: skip
_WEIGHTS = {"model": 2}
_SUBJECTS = frozenset({"model", "user", "reply"})
_DEEDS = frozenset({"say", "drop"})
_ANY = re.compile(r"\b(?:" + "|".join(f"(?P<{n}>{p})" for n, p in _SIGNS.items()) + r")\b")
_REPLY = re.compile(rf"\b(?:{_SIGNS['reply']})\b")
_GATE = frozenset("ai llm llms langu chatb chatg assis user users".split())


def adds_up(text: str, stems: frozenset[str]) -> tuple[int, int] | None:
    """Return [start, end) of a piece of folded text whose signs reach ``LIMIT``, or None.

    ``stems`` are those of its words (``Reading.stems``). It must speak of a model, its user or
    its reply, and say what to say or to drop.
    """
    if _GATE.isdisjoint(stems) and not ("your" in stems and _REPLY.search(text)):
        return None
    near: deque[tuple[int, str]] = deque()
    counts: Counter[str] = Counter()
    for match in _ANY.finditer(text):
        while near and match.end() - near[0][0] > REACH:
            counts.subtract([near.popleft()[1]])
        near.append((match.start(), str(match.lastgroup)))
        counts[str(match.lastgroup)] += 1
        names = {name for name, count in counts.items() if count}
        if (
            sum(_WEIGHTS.get(name, 1) for name in names) >= LIMIT
            and names & _SUBJECTS
            and names & _DEEDS
        ):
            return near[0][0], match.end()
    return None
