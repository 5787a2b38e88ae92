"""A very small model, barely trained, with limits set by hand: for who does what, not figures."""

from __future__ import annotations

import pytest
import torch

from rag.jobs.runner import Runner, load_runner
from rag.loaders import demo_dataset
from rag.lsh.calibration import LEVELS, Calibration, Limit, PairCalibration
from rag.lsh.small_llama import LlamaSize, build_small_llama

SETTING = "cpu/float32/sdpa"


def limit(threshold: float) -> Limit:
    return Limit(threshold, 0.01, 0.95, 1000, 1000)


@pytest.fixture(scope="session")
def calibration() -> Calibration:
    pair = PairCalibration(
        key=f"{SETTING}|{SETTING}",
        width=0.02,
        bits=256,
        leaf=limit(10),
        sums=(),
        tokens=limit(0.02),
        token_clip=4.0,
        impostors=(100.0,) * len(LEVELS),
        impostor_sample=1000,
        recalls=(),
    )
    return Calibration((pair,))


@pytest.fixture(scope="session")
def runner(tmp_path_factory, calibration) -> Runner:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    text = "\n".join(passage.text for passage in demo_dataset().passages[:60])
    size = LlamaSize(dimensions=64, layers=2, heads=2, inner=128)
    folder = tmp_path_factory.mktemp("model")
    build_small_llama(folder, [text], size=size, steps=5)
    yield load_runner(folder, calibration)
    torch.set_num_threads(before)
