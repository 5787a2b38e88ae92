"""A generator that replays what a language model once answered: real answers without the model."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from rag.errors import DatasetError
from rag.generators.records import Record, load_records
from rag.generators.reply import Reply, read_reply
from rag.text import clean
from rag.types import Passage

Key = tuple[str, frozenset[bytes]]


class RecordedGenerator:
    """Knows the answers of ``records``, by question and set of passages in any order.

    Case and white space of the question do not matter. Raises DatasetError when two records of
    the same question and passages have different answers.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._said: dict[Key, str] = {}
        for record in records:
            key = _key(record.question, record.passages)
            if self._said.setdefault(key, record.answer) != record.answer:
                raise DatasetError(
                    f"There are two answers on record to {record.question!r} from the same "
                    "passages.",
                    "Give the files of one model and one run.",
                )
        self._questions = {question for question, _ in self._said}

    @classmethod
    def load(cls, paths: Sequence[Path | str]) -> RecordedGenerator:
        """Read the files of one model, such as those with and those without passages."""
        return cls([record for path in paths for record in load_records(path)])

    def answer(self, question: str, sets: Sequence[Sequence[Passage]]) -> list[str | None]:
        """Return the answer on record for each set, or None where the model abstained.

        Raises DatasetError for what is not on record.
        """
        return [reply.text for reply in self.replies(question, sets)]

    def replies(self, question: str, sets: Sequence[Sequence[Passage]]) -> list[Reply]:
        """Return the same, with the reason where there is no answer."""
        return [read_reply(self._recorded(question, passages)) for passages in sets]

    def _recorded(self, question: str, passages: Sequence[Passage]) -> str:
        key = _key(question, passages)
        if key in self._said:
            return self._said[key]
        if key[0] not in self._questions:
            raise DatasetError(
                f"There is no answer on record to {question[:200]!r}.",
                "Ask a question of the file, or use a model.",
            )
        raise DatasetError(
            f"There is no answer on record to {question[:200]!r} from these {len(passages)} "
            "passages.",
            "Show exactly the passages of a record, or use a model.",
        )


def _key(question: str, passages: Sequence[Passage]) -> Key:
    digests = (
        sha256(f"{clean(p.title)}\0{clean(p.text)}".encode(errors="replace")).digest()
        for p in passages
    )
    return clean(question).casefold(), frozenset(digests)
