"""One real encoder and one small Llama for all tests of this folder: making them costs seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.causal_model import CausalModel, load_causal_model
from rag.dataset import Dataset
from rag.encoder import MiniLMEncoder
from rag.loaders import demo_dataset
from rag.lsh.small_llama import build_small_llama
from rag.reader import ExtractiveReader
from rag.span_model import SpanModel


@pytest.fixture(scope="session")
def encoder() -> MiniLMEncoder:
    return MiniLMEncoder()


@pytest.fixture(scope="session")
def span_model() -> SpanModel:
    return SpanModel()


@pytest.fixture(scope="session")
def reader(span_model) -> ExtractiveReader:
    return ExtractiveReader(span_model)


@pytest.fixture(scope="session")
def demo_corpus() -> Dataset:
    return demo_dataset()


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Small tensors: a second thread mostly waits, and on a busy machine for long."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small_llama_folder(one_thread, tmp_path_factory) -> Path:
    """A Llama of 1 M parameters, trained on the demo's passages."""
    texts = [passage.text for passage in demo_dataset().passages]
    return build_small_llama(tmp_path_factory.mktemp("small_llama") / "model", texts)


@pytest.fixture(scope="session")
def small_llama(small_llama_folder) -> CausalModel:
    return load_causal_model(small_llama_folder)


@pytest.fixture(scope="session")
def prompts(small_llama) -> list[list[int]]:
    """Token ids of the first words of twelve passages, of different lengths."""
    texts = [passage.text for passage in demo_dataset().passages[:12]]
    return [small_llama.tokens(" ".join(t.split()[: 4 + i])) for i, t in enumerate(texts)]
