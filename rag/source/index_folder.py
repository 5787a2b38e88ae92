"""The folder in which one service keeps its indexes: each whole or not there."""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chainrep.errors import StoreError
from chainrep.private_folder import make_private
from chainrep.store.sole_use import sole_use, sync
from rag.source.corpus_index import (
    CorpusIndex,
    IndexMethod,
    folder_name,
    is_corpus,
    open_corpus,
    write_corpus,
)
from rag.source.receipts import digest_of
from rag.types import Passage

INDEX_FOLDER = "chainrep-index"
_DRAFT = ".chainrep-draft-"
_DRAFT_NAME = re.compile(rf"{re.escape(_DRAFT)}[a-z0-9_]{{8}}(-damaged)?")

_log = logging.getLogger(__name__)


class IndexFolder:
    """Indexes by what they are of. Raises StoreError where the disk does not do its part.

    They are in a folder of their own inside ``place``, which may hold anything else; what is not
    an index or a draft of ours is never removed.
    A folder is made under another name and renamed when it is complete and on the disk: a kill
    leaves a draft, which the next use removes, and never half an index.
    """

    def __init__(self, place: Path) -> None:
        self.folder = place / INDEX_FOLDER
        try:
            make_private(self.folder)
        except OSError as error:
            raise _failed(self.folder, error) from error

    @contextmanager
    def sole_use(self) -> Iterator[None]:
        """Keep every other program out of the folder until the block ends; raise StoreBusy.

        Drafts that one which died has left are removed.
        """
        with sole_use(self.folder, "Stop it first, or choose another --index-dir."):
            for draft in self.folder.iterdir():
                if _DRAFT_NAME.fullmatch(draft.name):
                    shutil.rmtree(draft, ignore_errors=True)
            yield

    def open(self, passages: Sequence[Passage], method: IndexMethod) -> CorpusIndex:
        """The index of these passages: the saved one where it is whole, else built and saved."""
        digest = digest_of(passages)
        place = self.folder / folder_name(method, digest)
        if place.exists():
            try:
                return open_corpus(place, digest, method)
            except StoreError as error:
                _log.warning("%s", error)
        try:
            self._build(place, passages, digest, method)
        except OSError as error:
            raise _failed(self.folder, error) from error
        return open_corpus(place, digest, method)

    def keep_only(self, corpus: CorpusIndex) -> None:
        """Remove every other index.

        Searches that still use one are not disturbed: the system keeps its files until they end.
        """
        for place in self.folder.iterdir():
            if place.name != corpus.name and is_corpus(place):
                shutil.rmtree(place, ignore_errors=True)

    def _build(
        self, place: Path, passages: Sequence[Passage], digest: bytes, method: IndexMethod
    ) -> None:
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self.folder))
        try:
            write_corpus(draft, passages, digest, method)
            for path in (*draft.iterdir(), draft):
                sync(path)
            if place.exists():  # damaged: a rename replaces empty folders only
                place.rename(draft.with_name(f"{draft.name}-damaged"))
            draft.rename(place)
            sync(self.folder)
        finally:
            for left in self.folder.glob(f"{draft.name}*"):
                shutil.rmtree(left, ignore_errors=True)


def _failed(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"No index can be kept in {folder} ({error.strerror}).",
        "Make room on the disk, check that the folder is writable, or choose another --index-dir.",
    )
