import asyncio
import subprocess
import sys

import pytest

pytest.importorskip("langchain_core", reason="langchain-core is not installed")

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda

from rag.integrations.langchain import ReliabilityCompressor
from rag.integrations.trust_scores import TrustRule
from tests.rag.integrations.scores import QUESTION, TwoKnown


class Found(BaseRetriever):
    """A user's own retriever."""

    def _get_relevant_documents(self, query, *, run_manager):
        return [
            Document("In 1921.", metadata={"source_id": 2, "relevance_score": 0.9}),
            Document("In 1890.", metadata={"relevance_score": 0.8}),
            Document("In 1889.", metadata={"source_id": 1, "relevance_score": 0.7}, id="right"),
        ]


def test_a_chain_of_a_retriever_and_the_compressor_puts_reliable_sources_first():
    compressor = ReliabilityCompressor(scores=TwoKnown())
    chain = RunnableLambda(
        lambda question: compressor.compress_documents(Found().invoke(question), question)
    )
    documents = chain.invoke(QUESTION)
    assert [d.page_content for d in documents] == ["In 1889.", "In 1890.", "In 1921."]
    assert documents[0].id == "right"
    assert documents[0].metadata["reliability"] == 39 / 40
    assert documents[0].metadata["reliability_evidence"] == 38.0
    assert documents[1].metadata["reliability"] == 0.5
    scores = [d.metadata["trust_score"] for d in documents]
    assert scores == sorted(scores, reverse=True)


def test_it_works_where_everything_is_awaited():
    async def ask():
        found = await Found().ainvoke(QUESTION)
        return await ReliabilityCompressor(scores=TwoKnown()).acompress_documents(found, QUESTION)

    assert [d.page_content for d in asyncio.run(ask())] == ["In 1889.", "In 1890.", "In 1921."]


def test_what_goes_below_the_floor_is_reported_in_what_stays():
    compressor = ReliabilityCompressor(scores=TwoKnown("Old."), rule=TrustRule(floor=0.2))
    documents = compressor.compress_documents(Found().invoke(QUESTION), QUESTION)
    assert [d.page_content for d in documents] == ["In 1889.", "In 1890."]
    assert all(d.metadata["below_floor"] == {2: 1} for d in documents)
    assert all(d.metadata["reliability_note"] == "Old." for d in documents)


def test_the_users_documents_are_not_changed():
    found = Found().invoke(QUESTION)
    ReliabilityCompressor(scores=TwoKnown()).compress_documents(found, QUESTION)
    assert found == Found().invoke(QUESTION)


def test_source_and_score_may_have_other_names():
    documents = [Document("a", metadata={"s": "2"}), Document("b", metadata={"s": "1"})]
    compressor = ReliabilityCompressor(scores=TwoKnown(), source_key="s")
    assert [d.page_content for d in compressor.compress_documents(documents, "")] == ["b", "a"]


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [("langchain", "langchain_core", "langchain"), ("llama_index", "llama_index", "llama-index")],
)
def test_without_the_package_a_sentence_says_what_to_install(module, package, extra):
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from rag.errors import PackageError\n"
        f"try:\n    import rag.integrations.{module}\n"
        "except PackageError as error:\n    print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip().endswith(f"Run: pip install 'chainrep[{extra}]'")
