"""LangChain: a document compressor that reranks any retriever's documents by reliability."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from rag.errors import PackageError
from rag.integrations.trust_scores import SCORE_KEY, SOURCE_KEY, TrustRule, rank_by_trust, reported

try:
    from langchain_core.callbacks import Callbacks
    from langchain_core.documents import BaseDocumentCompressor, Document
    from pydantic import ConfigDict
except ImportError as error:
    raise PackageError(
        "The LangChain compressor needs langchain-core, which is not installed.",
        "Run: pip install 'chainrep[langchain]'",
    ) from error

logger = logging.getLogger(__name__)


class ReliabilityCompressor(BaseDocumentCompressor):
    """Reranks documents by relevance and by the reliability of their source.

    ``scores`` is any ScoreSource, such as ``rag.reputation.ChainScores``. A document's source id
    is in its metadata under ``source_key``, the retriever's score under ``score_key`` where there
    is one. Documents come back as copies, best first; their metadata gains ``trust_score``,
    ``reliability`` (0..1), ``reliability_evidence`` and, where documents went below the rule's
    floor, ``below_floor``: how many, by source id, and ``nameless_below_floor``: how many without
    a source id that could exist; ``reliability_note`` where the scores are old.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    scores: Any
    rule: TrustRule = TrustRule()
    source_key: str = SOURCE_KEY
    score_key: str = SCORE_KEY

    def compress_documents(
        self,
        documents: Sequence[Document],
        query: str,  # noqa: ARG002 - relevance to the query is the retriever's affair
        callbacks: Callbacks | None = None,  # noqa: ARG002
    ) -> Sequence[Document]:
        """Return the documents that stay, best first; raises PipelineError for a strange score."""
        found = [(d.metadata.get(self.source_key), self._score(d.metadata)) for d in documents]
        ranking = rank_by_trust(found, self.scores.reliabilities(), self.rule)
        more = reported(ranking, self.scores.caveat())
        if ranking.below_floor or ranking.nameless:
            logger.info("documents below the reliability floor: %s", more)
        return [
            documents[item.position].model_copy(
                update={"metadata": {**documents[item.position].metadata, **item.metadata, **more}}
            )
            for item in ranking.kept
        ]

    def _score(self, metadata: Mapping[str, Any]) -> float | None:
        value = metadata.get(self.score_key)
        return None if value is None or isinstance(value, bool | str) else float(value)
