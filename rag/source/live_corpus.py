"""The corpus that a service serves now, and the next one, which is made ready beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from chainrep.errors import ChainrepError, StoreError
from rag.errors import RagError
from rag.loaders import load_dataset
from rag.source.corpus_index import CorpusIndex, IndexMethod
from rag.source.index_folder import IndexFolder
from rag.source.wire import Health

_log = logging.getLogger(__name__)

_CORPUS_FILES = frozenset({".txt", ".md"})
_Stamp = frozenset[tuple[str, int, int]]


@dataclass(frozen=True, slots=True)
class _Served:
    corpus: CorpusIndex
    since: float


class LiveCorpus:
    """Opens the corpus at ``path`` and serves one version of it, whole, until `reload` swaps it.

    A search takes the version that is served when it begins and ends on it. Raises DatasetError
    and StoreError where the first one cannot be served. ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self, path: Path, folder: IndexFolder, method: IndexMethod, clock: Callable[[], float]
    ) -> None:
        self.path = path
        self._folder = folder
        self._method = method
        self._clock = clock
        self._reloading = Lock()
        self._reason = ""
        self._stamp: _Stamp | None  # None: what was read last has to be tried again
        self._stamp = self._seen = stamp_of(path)
        self._served = _Served(self._open(), clock())

    @property
    def corpus(self) -> CorpusIndex:
        """The version that is served now."""
        return self._served.corpus

    @property
    def health(self) -> Health:
        """How it stands; "old" where the files have changed and cannot be served."""
        served = self._served
        status = "old" if self._reason else "ok"
        age = round(self._clock() - served.since, 3)
        corpus = served.corpus
        return Health(status, corpus.version, len(corpus.passages), age, self._reason)

    def changed(self) -> bool:
        """Whether the files are others than those last read, and no longer being written.

        They count as written when they have been the same at two calls.
        """
        now = stamp_of(self.path)
        settled, self._seen = now == self._seen, now
        return settled and now != self._stamp

    def reload(self) -> bool:
        """Read the files again and serve what they say; whether that is another version.

        Where they cannot be served the old version stays, and `health` says so. Where that is not
        their fault (the disk is full) `changed` lets them be tried again.
        """
        with self._reloading:
            self._stamp = self._seen = stamp_of(self.path)
            try:
                corpus = self._open()
            except (RagError, ChainrepError) as error:
                _log.error("the old corpus is served on: %s", error)
                # Its words name this machine's files, which are nobody else's business.
                self._reason = "The corpus has changed and cannot be read."
                if isinstance(error, StoreError):
                    self._stamp = None
                return False
            except Exception:
                self._reason = "The corpus has changed and cannot be indexed."
                self._stamp = None
                raise
            self._reason = ""
            if corpus.version == self.corpus.version:
                _log.info("the corpus is the same as before")
                return False
            self._served = _Served(corpus, self._clock())
            _log.info("a new corpus is served: %d passages", len(corpus.passages))
            return True

    def _open(self) -> CorpusIndex:
        passages = load_dataset(self.path).passages
        corpus = self._folder.open(passages, self._method)
        self._folder.keep_only(corpus)
        return corpus


def stamp_of(path: Path) -> _Stamp:
    """Names, times (ns) and sizes of the files a corpus is read from; empty where none is."""
    try:
        files: Sequence[Path] = [path]
        if path.is_dir():
            files = [p for p in path.rglob("*") if p.suffix.lower() in _CORPUS_FILES]
        found = [(str(file), file.lstat()) for file in files]
    except OSError:  # a file that went while we looked: the next look sees the rest
        return frozenset()
    return frozenset((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)
