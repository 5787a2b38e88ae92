"""The sources file of ``chainrep ask``: which corpus stands behind which registered id."""

from __future__ import annotations

from pathlib import Path

from rag.errors import DatasetError
from rag.json_text import load_array
from rag.loaders import load_dataset
from rag.source.local import Source

MAX_FILE_BYTES = 1024 * 1024
MAX_SOURCES = 256
MAX_ID = 2**32 - 1

_FORM = 'Write an array like [{"id": 1, "corpus": "handbook/"}].'


def load_sources(path: Path) -> list[Source]:
    """Read the file and build every source; corpora are relative to the file's folder.

    Raises DatasetError when the file or one of the corpora is missing, malformed or empty.
    """
    listed = load_array(path, "sources", _FORM, max_bytes=MAX_FILE_BYTES, max_entries=MAX_SOURCES)
    return [_load_source(path, number, entry) for number, entry in enumerate(listed, start=1)]


def _load_source(path: Path, number: int, entry: object) -> Source:
    fields = entry if isinstance(entry, dict) else {}
    source_id, corpus = fields.get("id"), fields.get("corpus")
    if not isinstance(source_id, int) or not 0 < source_id <= MAX_ID:
        raise DatasetError(f"{path}: entry {number} has no id between 1 and {MAX_ID}.", _FORM)
    if not isinstance(corpus, str) or not corpus:
        raise DatasetError(f"{path}: entry {number} names no corpus.", _FORM)
    return Source(source_id, load_dataset(path.parent / corpus).passages)
