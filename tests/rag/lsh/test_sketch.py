"""Codes are the same for everyone, and near for vectors that are near."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from rag.errors import SketchError
from rag.lsh import sketch
from rag.lsh.hamming import distances
from rag.lsh.planes import make_planes
from rag.lsh.sketch import Sketcher, sign_word_of
from rag.lsh.windows import window_vectors

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sketch.json").read_text())


def words(codes):
    return [f"0x{row.tobytes().hex()}" for row in codes]


@pytest.fixture(scope="module")
def embeddings(encoder, demo_corpus):
    return encoder.encode([passage.text for passage in demo_corpus.passages[:48]])


@pytest.mark.parametrize("given", VECTORS["codes"], ids=lambda given: given["width"])
def test_codes_and_sign_words_are_those_of_the_golden_vectors(given):
    vectors, seed = np.array(given["vectors"]), bytes.fromhex(given["seed"][2:])
    sketcher = Sketcher(vectors.shape[1], given["width"], given["bits"], seed)
    for kind in (np.asarray, torch.from_numpy):
        assert words(sketcher.codes(kind(vectors))) == given["codes"]
        assert f"0x{sketcher.sign_word(kind(vectors)).hex()}" == given["signWord"]


def test_a_code_is_what_the_formula_says_bit_by_bit():
    planes, width = make_planes(6, 64), 0.3
    vector = [0.5, -0.25, 0.125, 0.0, 0.75, -0.5]
    bits = 0
    for signs, dither in zip(planes.signs.tolist(), planes.dithers.tolist(), strict=True):
        projected = sum(sign * value for sign, value in zip(signs, vector, strict=True))
        bits = bits << 1 | math.floor((projected + dither * 2 * width) / width) % 2
    code = Sketcher(6, width, 64).codes(np.array([vector]))
    assert code.tobytes() == bits.to_bytes(8, "big")


def test_projections_of_a_unit_vector_have_variance_one(embeddings):
    projected = Sketcher(384, 0.1).project(embeddings)
    assert abs(projected.var() - 1) < 0.05


def test_numpy_and_torch_agree_on_all_but_borderline_bits_of_real_vectors(encoder, demo_corpus):
    texts = [passage.text for passage in demo_corpus.passages[:8]]
    states = np.concatenate([text.states[-1] for text in encoder.tokens(texts)])
    windows = window_vectors(states)
    assert windows.shape[1] == 32 * 384
    sketcher = Sketcher(32 * 384, 0.05)
    ours, torchs = sketcher.codes(windows), sketcher.codes(torch.from_numpy(windows))
    assert distances(ours, torchs).mean() / 256 < 1e-3
    assert np.abs(sketcher.cells(windows) - sketcher.cells(torch.from_numpy(windows))).max() < 1e-3


def test_a_torch_result_stays_a_tensor_and_the_device_can_be_chosen_for_arrays(embeddings):
    projected = Sketcher(384, 0.1).project(torch.from_numpy(embeddings))
    assert isinstance(projected, torch.Tensor)
    assert projected.dtype == torch.float32
    chosen = Sketcher(384, 0.1, device="cpu").project(embeddings)
    assert isinstance(chosen, np.ndarray)
    assert np.allclose(chosen, projected.numpy(), atol=1e-5)


def test_codes_do_not_depend_on_the_callers_precision_settings(embeddings):
    sketcher, vectors = Sketcher(384, 0.02), torch.from_numpy(embeddings)
    plain = sketcher.project(vectors)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(sketcher.project(vectors), plain)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_a_batch_projected_in_parts_gives_what_it_gives_at_once(embeddings, monkeypatch):
    sketcher, halves = Sketcher(384, 0.1), torch.from_numpy(embeddings).to(torch.half)
    for kind in (halves, halves.numpy()):
        whole = sketcher.project(kind)
        monkeypatch.setattr(sketch, "CHUNK", 384 * 7)
        assert np.allclose(whole, sketcher.project(kind), atol=1e-5)
        monkeypatch.undo()


def test_cells_hold_the_code_and_the_place_inside_the_cell(embeddings):
    sketcher = Sketcher(384, 0.1)
    cells = sketcher.cells(embeddings)
    bits = np.unpackbits(sketcher.codes(embeddings), axis=1)
    assert (np.floor(cells) % 2 == bits).all()
    projected = sketcher.project(embeddings)
    assert (sketcher.quantize(projected) == sketcher.codes(embeddings)).all()
    back = (cells - 2 * sketcher.planes.dithers) * 0.1
    assert np.allclose(back, projected, atol=1e-5)


def test_a_vector_forged_by_whole_periods_keeps_its_code_but_not_the_sign_word(embeddings):
    sketcher = Sketcher(384, 0.1)
    honest = embeddings[:1].astype(np.float64)
    periods = np.random.default_rng(3).integers(-30, 31, 256)
    signs = sketcher.planes.signs.astype(np.float64)
    forged = honest + np.linalg.pinv(signs) @ (periods * 2 * sketcher.width)
    assert np.linalg.norm(forged - honest) > 1
    assert distances(sketcher.codes(forged), sketcher.codes(honest))[0] <= 2
    given, wanted = (np.frombuffer(sketcher.sign_word(x), np.uint8)[None] for x in (forged, honest))
    assert distances(given, wanted)[0] > 64


def test_the_sign_word_is_that_of_the_sum_of_all_windows(embeddings):
    sketcher = Sketcher(384, 0.1)
    projected = sketcher.project(embeddings)
    bits = (sketcher.planes.signs @ embeddings.sum(axis=0, dtype=np.float64)) >= 0
    assert sketcher.sign_word(embeddings) == np.packbits(bits).tobytes()
    assert sign_word_of(torch.from_numpy(projected)) == np.packbits(bits).tobytes()


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad, kind):
    vectors = np.ones((2, 16), dtype=np.float32)
    vectors[1, 3] = bad
    with pytest.raises(SketchError, match="not finite"):
        Sketcher(16, 0.1, 16).codes(kind(vectors))


@pytest.mark.parametrize("shape", [(16,), (2, 15), (2, 2, 16)])
def test_vectors_of_another_shape_are_refused(shape):
    with pytest.raises(SketchError, match="do not fit planes over 16 dimensions"):
        Sketcher(16, 0.1, 16).codes(np.ones(shape))


@pytest.mark.parametrize("width", [0, -1, math.nan, math.inf])
def test_a_cell_has_a_positive_width(width):
    with pytest.raises(SketchError, match="cannot be"):
        Sketcher(16, width)


def test_signs_give_a_vector_away_to_linear_regression_and_dithered_codes_do_not():
    draw = np.random.default_rng(4)
    vectors = draw.normal(size=(3000, 24)) @ draw.normal(size=(24, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sketcher = Sketcher(64, 0.1)
    signs = np.packbits(sketcher.project(vectors) >= 0, axis=1)
    explained = {}
    for name, codes in (("signs", signs), ("dithered", sketcher.codes(vectors))):
        bits = np.unpackbits(codes, axis=1) * 2.0 - 1
        seen, left = bits[:2000], vectors[2000:]
        weights = np.linalg.solve(seen.T @ seen + 100 * np.eye(256), seen.T @ vectors[:2000])
        explained[name] = 1 - ((left - bits[2000:] @ weights) ** 2).sum() / (left**2).sum()
    assert explained["signs"] > 0.85
    assert explained["dithered"] < 0.02
