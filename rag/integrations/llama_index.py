"""LlamaIndex: a node postprocessor that reranks any retriever's nodes by reliability."""

from __future__ import annotations

import logging
from typing import Any

from rag.errors import PackageError
from rag.integrations.trust_scores import SOURCE_KEY, TrustRule, rank_by_trust, reported

try:
    from llama_index.core.bridge.pydantic import ConfigDict
    from llama_index.core.postprocessor.types import BaseNodePostprocessor
    from llama_index.core.schema import NodeWithScore, QueryBundle
except ImportError as error:
    raise PackageError(
        "The LlamaIndex postprocessor needs llama-index-core, which is not installed.",
        "Run: pip install 'chainrep[llama-index]'",
    ) from error

logger = logging.getLogger(__name__)


class ReliabilityPostprocessor(BaseNodePostprocessor):
    """Reranks nodes by their score and by the reliability of their source.

    ``scores`` is any ScoreSource, such as ``rag.reputation.ChainScores``. A node's source id is
    in its metadata under ``source_key``. Nodes come back as copies, best first, with the trust
    score as their score; their metadata gains ``trust_score``, ``reliability`` (0..1),
    ``reliability_evidence`` and, where nodes went below the rule's floor, ``below_floor``: how
    many, by source id, and ``nameless_below_floor``: how many without a source id that could exist;
    ``reliability_note`` where the scores are old. None of that is shown to a language model or
    embedded.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    scores: Any
    rule: TrustRule = TrustRule()
    source_key: str = SOURCE_KEY

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex knows the class."""
        return "ReliabilityPostprocessor"

    def _postprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,  # noqa: ARG002 - relevance is in the scores
    ) -> list[NodeWithScore]:
        """Return the nodes that stay, best first; raises PipelineError for a strange score."""
        found = [(item.node.metadata.get(self.source_key), item.score) for item in nodes]
        ranking = rank_by_trust(found, self.scores.reliabilities(), self.rule)
        more = reported(ranking, self.scores.caveat())
        if ranking.below_floor or ranking.nameless:
            logger.info("nodes below the reliability floor: %s", more)
        return [
            NodeWithScore(
                node=_with(nodes[item.position].node, {**item.metadata, **more}), score=item.score
            )
            for item in ranking.kept
        ]


def _with(node: Any, gained: dict[str, Any]) -> Any:
    hidden = list(gained)
    return node.model_copy(
        update={
            "metadata": {**node.metadata, **gained},
            "excluded_llm_metadata_keys": [*node.excluded_llm_metadata_keys, *hidden],
            "excluded_embed_metadata_keys": [*node.excluded_embed_metadata_keys, *hidden],
        }
    )
