"""What language models once answered, read from a file: questions, passages shown, answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.dataset import MAX_ANSWER_CHARS, MAX_ANSWERS, MAX_PASSAGE_CHARS, MAX_QUESTION_CHARS
from rag.errors import DatasetError
from rag.generators.prompt import MAX_PASSAGES
from rag.generators.reply import MAX_REPLY_CHARS
from rag.json_text import load_array
from rag.text import clean
from rag.types import Passage

MAX_FILE_BYTES = 256 * 2**20
MAX_RECORDS = 1_000_000

_FORM = (
    'Give a JSON array of {"question", "passages", "answer"}, or of CrAM\'s '
    '{"question", "prompt", "LLM_answer"}.'
)
_CRAM_PASSAGE = re.compile(r"^Passage-\d+: ", re.MULTILINE)
_CRAM_TASK = "\nAnswer the following question"


@dataclass(frozen=True, slots=True)
class Record:
    """One answer: what was asked, the passages that were shown, what the model said.

    ``gold`` are right answers and ``wrong`` the answer that a polluted passage argues for, where
    the file states them.
    """

    question: str
    passages: tuple[Passage, ...]
    answer: str
    gold: tuple[str, ...] = ()
    wrong: str = ""


def load_records(path: Path | str) -> list[Record]:
    """Read a JSON array of records, ours or CrAM's (Deng et al., AAAI 2025), in its order.

    Raises DatasetError, with the entry, for what is missing, malformed or too large.
    """
    path = Path(path)
    listed = load_array(path, "records", _FORM, max_bytes=MAX_FILE_BYTES, max_entries=MAX_RECORDS)
    return [_record(entry, f"{path}: entry {n}") for n, entry in enumerate(listed, start=1)]


def _record(entry: Any, at: str) -> Record:
    if not isinstance(entry, dict):
        raise DatasetError(f"{at} is no JSON object.", _FORM)
    cram = "LLM_answer" in entry
    question = _text(entry.get("question"), MAX_QUESTION_CHARS, "question", at)
    answer = _text(entry.get("LLM_answer" if cram else "answer"), MAX_REPLY_CHARS, "answer", at, "")
    gold = entry.get("reference" if cram else "gold", [])
    wrong = entry.get("wrong answer" if cram else "wrong", "")
    if not isinstance(gold, list) or len(gold) > MAX_ANSWERS:
        raise DatasetError(f"{at}: the right answers are no list, or too many.", _FORM)
    return Record(
        question,
        _cram_passages(entry, at) if cram else _passages(entry.get("passages"), at),
        answer,
        tuple(_text(g, MAX_ANSWER_CHARS, "right answer", at) for g in gold),
        _text(wrong, MAX_ANSWER_CHARS, "wrong answer", at, ""),
    )


def _passages(listed: Any, at: str) -> tuple[Passage, ...]:
    if not isinstance(listed, list) or len(listed) > MAX_PASSAGES:
        raise DatasetError(f"{at}: the passages are no list, or more than {MAX_PASSAGES}.", _FORM)
    found = []
    for entry in listed:
        fields = {"text": entry} if isinstance(entry, str) else entry
        if not isinstance(fields, dict):
            raise DatasetError(f"{at}: a passage is neither text nor an object.", _FORM)
        text = _text(fields.get("text"), MAX_PASSAGE_CHARS, "passage", at)
        title = _text(fields.get("title", ""), MAX_QUESTION_CHARS, "title", at, "")
        found.append(Passage(text, title))
    return tuple(found)


def _cram_passages(entry: dict[str, Any], at: str) -> tuple[Passage, ...]:
    prompt = entry.get("prompt")
    if not isinstance(prompt, str) or len(prompt) > MAX_PASSAGES * MAX_PASSAGE_CHARS:
        raise DatasetError(f"{at}: the prompt is no text, or too long.", _FORM)
    quoted = _CRAM_PASSAGE.split(prompt)[1:]
    if quoted:
        quoted[-1] = quoted[-1].rpartition(_CRAM_TASK)[0]
    return _passages(quoted, at)


def _text(value: Any, most: int, noun: str, at: str, empty: str | None = None) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise DatasetError(
            f"{at}: the {noun} is no text, or has more than {most:,} characters.", _FORM
        )
    cleaned = clean(value)
    if not cleaned and empty is None:
        raise DatasetError(f"{at}: the {noun} is empty.", _FORM)
    return cleaned
