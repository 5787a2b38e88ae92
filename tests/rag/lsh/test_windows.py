"""A window is a vector of length 1 in which every token counts alike."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rag.errors import SketchError
from rag.lsh.windows import window_vectors

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sketch.json").read_text())


@pytest.mark.parametrize("given", VECTORS["windows"], ids=lambda given: given["size"])
def test_windows_are_those_of_the_golden_vectors(given):
    found = window_vectors(np.array(given["states"]), given["size"])
    assert np.allclose(found, given["vectors"], atol=1e-6)


@pytest.mark.parametrize("tokens", [1, 31, 32, 33, 64, 70])
def test_every_window_has_length_one_also_a_short_last_one(tokens):
    states = np.random.default_rng(tokens).normal(size=(tokens, 12)) * 50
    found = window_vectors(states)
    assert found.shape == (-(-tokens // 32), 32 * 12)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    last = found[-1].reshape(32, 12)
    kept = tokens - 32 * (len(found) - 1)
    assert np.allclose(np.linalg.norm(last[:kept], axis=1), 1 / np.sqrt(kept), atol=1e-6)
    assert not last[kept:].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_tensors_of_any_type_give_what_arrays_give(dtype):
    states = (torch.randn(45, 8, generator=torch.Generator().manual_seed(1)) * 900).to(dtype)
    found = window_vectors(states)
    assert isinstance(found, torch.Tensor)
    assert found.dtype == torch.float32
    same = window_vectors(states.to(torch.float64).numpy())
    assert np.allclose(found.numpy(), same, atol=1e-6)


def test_the_given_states_stay_as_they_are():
    states = np.ones((3, 4), dtype=np.float32)
    window_vectors(states)
    assert (states == 1).all()


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_a_state_without_a_direction_is_refused(bad, kind):
    states = np.ones((40, 4), dtype=np.float32)
    states[33] = bad
    with pytest.raises(SketchError, match="all zeros, or has no finite length"):
        window_vectors(kind(states))


@pytest.mark.parametrize("shape", [(4,), (0, 4), (4, 0), (2, 3, 4)])
def test_what_is_no_list_of_states_is_refused(shape):
    with pytest.raises(SketchError, match="cannot be cut into windows"):
        window_vectors(np.ones(shape))
