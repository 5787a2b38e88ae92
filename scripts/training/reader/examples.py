"""Questions with the places of their answers in a text, from the files of /qa."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.json_text import parse_json

HELD_OUT_PERCENT = 10

Places = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A question on a text.

    ``answers`` has one entry per annotator: the [start, end) in characters of every place where
    the answer stands. No answers: the text does not answer the question. ``group`` names what is
    held out together: a paragraph of SQuADShifts, a question of RAMDocs.
    """

    question: str
    text: str
    answers: tuple[Places, ...]
    group: str

    @property
    def held_out(self) -> bool:
        """Whether the example is never trained on."""
        digest = hashlib.sha256(self.group.encode()).digest()
        return int.from_bytes(digest[:4], "big") % 100 < HELD_OUT_PERCENT

    @property
    def strings(self) -> tuple[str, ...]:
        """The distinct answers as they stand in the text."""
        return tuple(dict.fromkeys(self.text[s:e] for places in self.answers for s, e in places))


def squad_file(file: Path) -> list[Example]:
    """Read a file in the format of SQuAD 1.1; every answer stands at its ``answer_start``."""
    document: Any = parse_json(file.read_text(encoding="utf-8"), str(file))
    return [
        Example(
            entry["question"].strip(),
            paragraph["context"],
            tuple(
                ((a["answer_start"], a["answer_start"] + len(a["text"])),) for a in entry["answers"]
            ),
            paragraph["context"],
        )
        for article in document["data"]
        for paragraph in article["paragraphs"]
        for entry in paragraph["qas"]
    ]


def ramdocs_file(file: Path) -> list[Example]:
    """Read RAMDocs: each document with the answer that it states, wherever it stands in it.

    Documents of the type ``noise`` have no answer. Others whose answer is not found are left out.
    """
    return list(_ramdocs(file))


def _ramdocs(file: Path) -> Iterator[Example]:
    lines = file.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        row: Mapping[str, Any] = parse_json(line, f"{file}, line {number}")
        for document in row["documents"]:
            text, answer = document["text"], document["answer"]
            pattern = rf"(?<!\w){re.escape(answer)}(?!\w)"
            found = tuple(m.span() for m in re.finditer(pattern, text, re.IGNORECASE))
            if document["type"] == "noise":
                yield Example(row["question"], text, (), row["question"])
            elif found:
                yield Example(row["question"], text, (found,), row["question"])
