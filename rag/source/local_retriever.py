"""Sources in this process behind the port of many sources: strangers' code, checked like them."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from rag.dataset import MAX_PASSAGE_CHARS, MAX_QUESTION_CHARS
from rag.errors import PipelineError, SourceError
from rag.ports import Searcher
from rag.source.hedging import Latencies
from rag.source.passage_room import PassageRoom, fit
from rag.types import Cost, Found, Passage, Silence

MAX_SOURCE_ID = 2**32 - 1
MAX_LISTED = 1_000

logger = logging.getLogger(__name__)


class LocalRetriever:
    """Asks one source after the other, in the caller's thread: their code runs here anyway.

    How long that takes is up to them. Raises PipelineError for no source, two with one id, or an
    id that is no uint32.
    """

    def __init__(self, sources: Sequence[Searcher]) -> None:
        self._sources = _by_id(sources)
        self._latencies = {source: Latencies() for source in self._sources}

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of the sources that can be asked, ascending."""
        return tuple(self._sources)

    def search(self, query: str, sources: Sequence[int], k: int) -> dict[int, Found | Silence]:
        """Ask each of ``sources`` for at most ``k`` passages; one that fails is silent."""
        return {source: self._ask(query, source, k) for source in sorted(set(sources))}

    def costs(self) -> dict[int, Cost]:
        """How long the sources took of late; they have no price."""
        return {s: Cost(seconds=latencies.mean) for s, latencies in self._latencies.items()}

    def _ask(self, query: str, source: int, k: int) -> Found | Silence:
        searcher = self._sources.get(source)
        if searcher is None:
            return Silence(source, "is not among the sources")
        began = time.perf_counter()
        try:
            passages, shortened = fit(_checked(searcher.search(query, k), k), PassageRoom())
        except Exception as error:  # noqa: BLE001 - a source is a stranger's code
            logger.warning("source %d did not answer: %r", source, error)
            return Silence(source, f"failed: {_reason(error)}")
        seconds = time.perf_counter() - began
        self._latencies[source].answered(seconds)
        if not passages:
            return Silence(source, "found nothing")
        return Found(passages, seconds=seconds, shortened=shortened)


def _by_id(sources: Sequence[Searcher]) -> dict[int, Searcher]:
    by_id = {source.id: source for source in sources}
    if not by_id:
        raise PipelineError("A pipeline needs at least one source.", "Pass it a Source.")
    if len(by_id) < len(sources):
        raise PipelineError("Two sources have the same id.", "Give each its registered id.")
    if not all(isinstance(i, int) and 0 <= i <= MAX_SOURCE_ID for i in by_id):
        raise PipelineError("A source id is not a uint32.", "Give each its registered id.")
    return dict(sorted(by_id.items()))


def _checked(passages: object, k: int) -> tuple[Passage, ...]:
    """The first ``k`` of what a source sent that are not empty; raises SourceError."""
    if not isinstance(passages, Sequence) or isinstance(passages, str | bytes):
        raise SourceError("it sent something that is not a list of passages")
    checked: list[Passage] = []
    for passage in passages[:MAX_LISTED]:
        if len(checked) == k:
            break
        if not isinstance(passage, Passage) or not isinstance(passage.text, str):
            raise SourceError("it sent something that is not a passage")
        text = passage.text[:MAX_PASSAGE_CHARS]
        if text.strip():
            checked.append(Passage(text, str(passage.title)[:MAX_QUESTION_CHARS]))
    return tuple(checked)


def _reason(error: Exception) -> str:
    return error.summary if isinstance(error, SourceError) else type(error).__name__
