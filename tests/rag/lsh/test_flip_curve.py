"""Measured codes lie on Boufounos & Rane's curve, and the curve chooses a width that holds."""

import numpy as np
import pytest

from rag.errors import SketchError
from rag.lsh.flip_curve import choose_width, distance_from_flips, flip_probability
from rag.lsh.hamming import distances
from rag.lsh.sketch import Sketcher

RATIOS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 3.0)
BITS = 1024


def outside(pairs, width):
    """How many standard errors of a binomial each pair's flips are off the closed form.

    Every pair has planes of its own, so that all bits are independent.
    """
    found = []
    for i, (x, y) in enumerate(pairs):
        codes = Sketcher(len(x), width, BITS, seed=b"curve %d" % i).codes(np.stack([x, y]))
        flips = int(distances(codes[:1], codes[1:])[0])
        chance = float(flip_probability(np.linalg.norm(x - y), width))
        found.append((flips - BITS * chance) / np.sqrt(BITS * chance * (1 - chance)))
    return np.array(found)


def at_ratios(vectors, width):
    """Pairs of a vector and a point on the way to another, at each ratio of distance to width."""
    steps = np.tile(RATIOS, len(vectors) // 2 // len(RATIOS) + 1) * width
    for x, z, step in zip(vectors[::2], vectors[1::2], steps, strict=False):
        yield x, x + (z - x) / np.linalg.norm(z - x) * step


def check(offs):
    assert np.abs(offs).max() < 4.5  # by chance in 1 of 1,000 runs over 60 pairs
    assert abs(offs.mean()) < 4 / np.sqrt(len(offs))
    assert abs(offs.std() - 1) < 4 / np.sqrt(2 * len(offs))


def test_gaussian_vectors_lie_on_the_closed_form():
    vectors = np.random.default_rng(1).normal(size=(120, 96)) / np.sqrt(96)
    check(outside(at_ratios(vectors, 0.2), 0.2))


def test_real_embeddings_lie_on_the_closed_form(encoder, demo_corpus):
    texts = [passage.text for passage in demo_corpus.passages[:30]]
    vectors = encoder.encode(texts).astype(np.float64)
    check(outside(at_ratios(np.concatenate([vectors, vectors[::-1]]), 0.1), 0.1))
    natural = np.linalg.norm(vectors[::2] - vectors[1::2], axis=1)
    assert natural.min() > 0.3
    check(outside(zip(vectors[::2], vectors[1::2], strict=True), 2.0))


def test_the_closed_form_is_what_a_simulation_of_one_bit_finds():
    draw = np.random.default_rng(2)
    for ratio in (0.05, 0.3, 0.8, 1.6):
        place = draw.random(400_000) * 2
        moved = place + draw.normal(size=400_000) * ratio
        share = (np.floor(place) % 2 != np.floor(moved) % 2).mean()
        chance = float(flip_probability(ratio * 7, 7))
        assert abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / 400_000)


def test_the_two_forms_of_the_curve_meet_and_it_rises_to_a_half():
    ratios = np.linspace(0, 4, 2001)
    curve = flip_probability(ratios, 1)
    assert curve[0] == 0
    assert (np.diff(curve) >= -1e-15).all()
    assert abs(curve[-1] - 0.5) < 1e-12
    below, above = flip_probability([0.1 - 1e-9, 0.1 + 1e-9], 1)
    assert 0 < above - below < 2e-9


def test_a_distance_is_found_again_from_its_share_of_flips():
    wanted = np.array(RATIOS[:-2]) * 0.3
    found = distance_from_flips(flip_probability(wanted, 0.3), 0.3)
    assert np.allclose(found, wanted, rtol=1e-6)
    assert np.isinf(distance_from_flips([0.5, 0.6], 0.3)).all()


def simulated(distances_, width, bits, draw):
    return draw.binomial(bits, flip_probability(distances_, width))


@pytest.mark.parametrize("bits", [128, 256])
def test_the_chosen_width_keeps_its_promise_on_other_pairs(bits):
    draw = np.random.default_rng(3)
    honest, impostor = (
        level * np.exp(spread * draw.normal(size=(2, 20_000)))
        for level, spread in ((0.04, 0.2), (0.12, 0.15))
    )
    choice = choose_width(honest[0], impostor[0], bits, false_positive=0.01)
    refused = (simulated(honest[1], choice.width, bits, draw) > choice.threshold).mean()
    caught = (simulated(impostor[1], choice.width, bits, draw) > choice.threshold).mean()
    assert choice.false_positive <= 0.01
    assert refused < 0.0125
    assert abs(caught - choice.power) < 0.02
    assert caught > 0.9


def test_no_width_on_the_grid_beats_the_chosen_one():
    draw = np.random.default_rng(4)
    honest, impostor = 0.07 * np.exp(0.1 * draw.normal(size=300)), np.full(300, 0.12)
    best = choose_width(honest, impostor, 256)
    for factor in (0.4, 0.7, 1.5, 3):
        near = np.sort(simulated(np.tile(honest, 100), best.width * factor, 256, draw))
        threshold = near[int(len(near) * 0.999)]
        far = simulated(np.tile(impostor, 100), best.width * factor, 256, draw)
        assert (far > threshold).mean() < best.power + 0.01


@pytest.mark.parametrize(
    ("honest", "impostor"),
    [([], [1]), ([1], []), ([0, 0], [0]), ([-1], [1]), ([np.nan], [1]), ([1], [np.inf])],
)
def test_distances_that_say_nothing_are_refused(honest, impostor):
    with pytest.raises(SketchError, match=r"Distances are missing|no width to choose"):
        choose_width(honest, impostor, 256)
