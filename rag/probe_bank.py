"""A file of probes: questions, each with the answers that count as right."""

from __future__ import annotations

from pathlib import Path

from rag.errors import DatasetError
from rag.loaders import load_questions
from rag.scoring.gold_probes import Probe

_FORM = 'Write a line {"question": "…", "answers": ["…"]} for each, or give a SQuAD-format file.'


def read_bank(path: Path | str) -> list[Probe]:
    """Return the probes in a ``.jsonl`` or SQuAD-format ``.json`` file; passages are optional.

    Raises DatasetError for a file that cannot be read, has none, or has one without an answer.
    """
    questions = load_questions(path)
    for question in questions:
        if not question.answers:
            raise DatasetError(
                f'{path}: the probe "{question.text[:80]}" has no answer.',
                "Say what counts as right, or take it out.",
            )
    if not questions:
        raise DatasetError(f"{path} has no question.", _FORM)
    return [Probe(question.text, question.answers) for question in questions]
