"""One real encoder for all tests of this folder: loading it costs seconds, using it does not."""

from __future__ import annotations

import pytest

from rag.dataset import Dataset
from rag.encoder import MiniLMEncoder
from rag.loaders import demo_dataset


@pytest.fixture(scope="session")
def encoder() -> MiniLMEncoder:
    return MiniLMEncoder()


@pytest.fixture(scope="session")
def demo_corpus() -> Dataset:
    return demo_dataset()
