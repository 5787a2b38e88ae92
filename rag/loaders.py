"""Datasets from files: SQuAD-format JSON, JSON lines, or a folder of text and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from rag.dataset import Dataset, DatasetBuilder
from rag.errors import DatasetError
from rag.json_text import parse_json
from rag.text import sentences
from rag.types import Question

MAX_FILE_BYTES = 256 * 2**20
PASSAGE_WORDS = 120
MAX_TITLE = 200

_FORMATS = "Give a SQuAD-format .json file, a .jsonl file or a folder of .txt and .md files."


def load_dataset(path: Path | str) -> Dataset:
    """Load the dataset at ``path``; what the path is chooses the format.

    A folder is read as passages without questions, ``.jsonl`` as one object
    ``{"question", "answers", "passages"}`` per line, ``.json`` in SQuAD's format.
    Raises DatasetError for a missing, malformed, empty or too large file, with its line
    where there is one.
    """
    path = Path(path)
    return _load_folder(path) if path.is_dir() else _load_file(path).build()


def load_questions(path: Path | str) -> tuple[Question, ...]:
    """Return the questions in a file of those formats; it need not have passages.

    Raises DatasetError as ``load_dataset`` does.
    """
    return _load_file(Path(path)).questions


def _load_file(path: Path) -> DatasetBuilder:
    if not path.is_file():
        raise DatasetError(f"There is no dataset at {path}.", _FORMATS)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _load_json_lines(path)
    if path.suffix.lower() == ".json":
        return _load_squad(path)
    raise DatasetError(f"{path} is not in a format that can be read.", _FORMATS)


def demo_dataset() -> Dataset:
    """Load the corpus that ships with the package, written by the project from public facts."""
    with as_file(files("rag") / "demo_corpus.json") as path:
        return load_dataset(path)


def _load_squad(path: Path) -> DatasetBuilder:
    builder = DatasetBuilder(str(path))
    for i, article in enumerate(_list(parse_json(_read(path), str(path)), "data", str(path))):
        at = f"{path}: data[{i}]"
        title = _string(article, "title", at) if "title" in _object(article, at) else ""
        for j, paragraph in enumerate(_list(article, "paragraphs", at)):
            _load_paragraph(builder, paragraph, title.replace("_", " "), f"{at}.paragraphs[{j}]")
    return builder


def _load_paragraph(builder: DatasetBuilder, paragraph: Any, title: str, at: str) -> None:
    passage = builder.add_passage(_string(paragraph, "context", at), title, at)
    for k, qa in enumerate(_list(paragraph, "qas", at)):
        spot = f"{at}.qas[{k}]"
        answers = [_string(a, "text", f"{spot}.answers") for a in _list(qa, "answers", spot)]
        builder.add_question(_string(qa, "question", spot), answers, [passage], spot)


def _load_json_lines(path: Path) -> DatasetBuilder:
    builder = DatasetBuilder(str(path))
    for number, line in enumerate(_read(path).split("\n"), start=1):
        if not line.strip():
            continue
        spot = f"{path}, line {number}"
        row = _object(parse_json(line, spot, one_line=True), spot)
        answers = row.get("answers", [])
        answers = [answers] if isinstance(answers, str) else answers
        passages = [
            builder.add_passage(*_passage(p, spot), spot)
            for p in _list({"passages": row.get("passages", [])}, "passages", spot)
        ]
        builder.add_question(
            _string(row, "question", spot), _strings(answers, "answers", spot), passages, spot
        )
    return builder


def _passage(value: Any, at: str) -> tuple[str, str]:
    if isinstance(value, str):
        return value, ""
    title = _string(value, "title", at) if "title" in _object(value, at) else ""
    return _string(value, "text", at), title


def _load_folder(folder: Path) -> Dataset:
    builder = DatasetBuilder(str(folder))
    total = 0
    for path in sorted(folder.rglob("*")):
        # A link could lead out of the folder that the user agreed to publish.
        if path.suffix.lower() in (".txt", ".md") and path.is_file() and not path.is_symlink():
            text = _read(path)
            total += len(text)
            if total > MAX_FILE_BYTES:
                raise _too_large(folder)
            title = path.stem.replace("_", " ").replace("-", " ")
            for heading, piece in split_text(text):
                builder.add_passage(piece, f"{title} {heading}".strip()[:MAX_TITLE], str(path))
    return builder.build()


def split_text(text: str, words: int = PASSAGE_WORDS) -> Iterator[tuple[str, str]]:
    """Cut a text into passages of about ``words`` words; yield each under its last heading.

    It is cut at headings (a line that starts with ``#``) and at the ends of paragraphs and
    sentences; only a sentence that is longer than a passage is cut between words.
    """
    heading = ""
    taken: list[str] = []
    for block in re.split(r"\n\s*\n|^(#{1,6}\s.*)$", text, flags=re.MULTILINE):
        if block and block.startswith("#"):
            if taken:
                yield heading, " ".join(taken)
            heading, taken = block.strip("# \t"), []
            continue
        for sentence in sentences(" ".join((block or "").split())):
            new = sentence.split()
            if taken and len(taken) + len(new) > words:
                yield heading, " ".join(taken)
                taken = []
            taken += new
            while len(taken) > words:
                yield heading, " ".join(taken[:words])
                taken = taken[words:]
    if taken:
        yield heading, " ".join(taken)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror}.", "Check the file and its permissions."
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise _too_large(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{path}, line {line}: not UTF-8 text.", "Save the file as UTF-8."
        ) from error


def _too_large(path: Path) -> DatasetError:
    return DatasetError(
        f"{path} is larger than {MAX_FILE_BYTES // 2**20} MiB.", "Split it into several datasets."
    )


def _object(value: Any, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DatasetError(f"{at}: expected a JSON object.", _FORMATS)
    return value


def _list(value: Any, key: str, at: str) -> list[Any]:
    found = _object(value, at).get(key)
    if not isinstance(found, list):
        raise DatasetError(f'{at}: expected a list under "{key}".', _FORMATS)
    return found


def _string(value: Any, key: str, at: str) -> str:
    found = _object(value, at).get(key)
    if not isinstance(found, str):
        raise DatasetError(f'{at}: expected text under "{key}".', _FORMATS)
    return found


def _strings(values: Any, key: str, at: str) -> list[str]:
    return [_string({key: value}, key, at) for value in _list({key: values}, key, at)]
