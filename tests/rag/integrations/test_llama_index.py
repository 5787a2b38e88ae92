import asyncio

import pytest

pytest.importorskip("llama_index.core", reason="llama-index-core is not installed")

from llama_index.core import Settings
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms.mock import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode

from rag.integrations.llama_index import ReliabilityPostprocessor
from rag.integrations.trust_scores import TrustRule
from tests.rag.integrations.scores import QUESTION, TwoKnown


class Found(BaseRetriever):
    """A user's own retriever."""

    def _retrieve(self, query_bundle):
        return nodes()


def nodes():
    return [
        NodeWithScore(node=TextNode(text="In 1921.", metadata={"source_id": 2}), score=0.9),
        NodeWithScore(node=TextNode(text="In 1890."), score=0.8),
        NodeWithScore(node=TextNode(text="In 1889.", metadata={"source_id": 1}), score=0.7),
    ]


def texts(found):
    return [item.node.text for item in found]


def test_reliable_sources_come_first_and_say_why():
    found = ReliabilityPostprocessor(scores=TwoKnown()).postprocess_nodes(
        nodes(), query_str=QUESTION
    )
    assert texts(found) == ["In 1889.", "In 1890.", "In 1921."]
    assert found[0].node.metadata["reliability"] == 39 / 40
    assert found[0].node.metadata["reliability_evidence"] == 38.0
    assert found[0].score == found[0].node.metadata["trust_score"] > found[1].score


def test_a_query_engine_answers_from_the_reranked_nodes(monkeypatch):
    monkeypatch.setattr(Settings, "_llm", MockLLM())
    engine = RetrieverQueryEngine(
        retriever=Found(),
        response_synthesizer=get_response_synthesizer(response_mode=ResponseMode.NO_TEXT),
        node_postprocessors=[
            ReliabilityPostprocessor(scores=TwoKnown(), rule=TrustRule(floor=0.2))
        ],
    )
    assert texts(engine.query(QUESTION).source_nodes) == ["In 1889.", "In 1890."]
    assert texts(asyncio.run(engine.aquery(QUESTION)).source_nodes) == ["In 1889.", "In 1890."]


def test_a_language_model_and_an_embedding_do_not_see_what_was_added():
    found = ReliabilityPostprocessor(scores=TwoKnown()).postprocess_nodes(
        nodes(), query_str=QUESTION
    )
    for mode in (MetadataMode.LLM, MetadataMode.EMBED):
        assert "reliability" not in found[0].node.get_content(mode)
        assert "source_id" in found[0].node.get_content(mode)


def test_what_goes_below_the_floor_is_reported_in_what_stays():
    rerank = ReliabilityPostprocessor(scores=TwoKnown("Old."), rule=TrustRule(floor=0.2))
    found = rerank.postprocess_nodes(nodes())
    assert all(item.node.metadata["below_floor"] == {2: 1} for item in found)
    assert all(item.node.metadata["reliability_note"] == "Old." for item in found)


def test_the_users_nodes_are_not_changed():
    found = nodes()
    before = [item.model_dump() for item in found]
    ReliabilityPostprocessor(scores=TwoKnown()).postprocess_nodes(found)
    assert [item.model_dump() for item in found] == before


def test_its_name_is_the_one_that_llama_index_shows():
    assert ReliabilityPostprocessor.class_name() == "ReliabilityPostprocessor"
