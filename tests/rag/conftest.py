"""One real encoder for all tests of this folder: loading it costs seconds, using it does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rag.dataset import Dataset
from rag.encoder import MiniLMEncoder
from rag.loaders import demo_dataset, load_dataset

SHARED = Path(os.environ.get("CHAINREP_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="session")
def encoder() -> MiniLMEncoder:
    return MiniLMEncoder()


@pytest.fixture(scope="session")
def demo_corpus() -> Dataset:
    return demo_dataset()


@pytest.fixture(scope="session")
def xquad() -> Dataset:
    path = SHARED / "qa" / "xquad.en.json"
    if not path.exists():
        pytest.skip("the shared research data is not here; name its folder in CHAINREP_DATA")
    return load_dataset(path)
