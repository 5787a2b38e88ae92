import json
import subprocess
import sys

import pytest

import rag

HEAVY = {"torch", "transformers", "faiss", "bm25s", "chainrep", "web3"}


def loaded_by(statement):
    program = f"{statement}\nimport sys, json; print(json.dumps(list(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    "statement",
    ["import rag", "from rag import Pipeline, Source, load_dataset", "import rag.experiment"],
)
def test_importing_rag_loads_no_model_no_index_and_no_chain(statement):
    assert not loaded_by(statement) & HEAVY


def test_searching_by_terms_loads_no_torch():
    statement = "import rag; rag.Source(1, [rag.Passage('a river')]).search('river', 1)"
    assert not loaded_by(statement) & (HEAVY - {"bm25s"})


def test_the_public_names_are_pinned():
    assert rag.__all__ == [
        "Answer", "BestKnownRouter", "Dataset", "DatasetError", "Judgement", "ModelError",
        "Passage", "Pipeline", "PipelineError", "PollutionError", "Question", "RagError",
        "Reliability", "Source", "SourceError", "Span", "Vote", "demo_dataset", "load_dataset",
    ]  # fmt: skip
    assert all(hasattr(rag, name) for name in rag.__all__)
