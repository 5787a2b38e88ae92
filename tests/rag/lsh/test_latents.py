"""The committed trajectory of a diffusion sampler: one step of many re-run."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from rag.errors import CalibrationError, SketchError
from rag.lsh.images import MAX_DISTANCE, compare_images, hash_image
from rag.lsh.latent_check import (
    calibrate_latents,
    check_first,
    check_stretch,
    draw_stretch,
    random_accept,
)
from rag.lsh.latents import (
    Mark,
    TrajectorySpec,
    commit_latents,
    first_latent,
    pack_latent,
    run_marks,
    sketch_latents,
)
from rag.lsh.planes import make_planes
from tests.rag.lsh.small_diffusion import STEPS, Sampler, cheats, picture, train, typed

SALT, SEED, D = b"s" * 32, b"the user's seed", 256
MARKS = tuple(range(STEPS + 1))
ALWAYS = "smaller_model other_class other_schedule half_the_steps int8 int4 weights_1pct".split()


def noises(name: str, count: int) -> np.ndarray:
    return np.stack([first_latent(f"{name} {i}".encode(), D) for i in range(count)])


@pytest.fixture(scope="module")
def models():
    return train(1), train(2, width=8, updates=60)


@pytest.fixture(scope="module")
def honest(models):
    """Latents of class 0, and each step again in half precision."""
    latents = Sampler(models[0], 0).run_all(noises("calibration", 20))
    return latents, Sampler(typed(models[0], torch.float16), 0).rerun_all(latents)


@pytest.fixture(scope="module")
def spec(honest) -> TrajectorySpec:
    return calibrate_latents(MARKS, *honest)


def caught(spec, claimed, again) -> np.ndarray:
    apart = np.linalg.norm(again - claimed, axis=2)[:, 1:] / np.asarray(spec.grains[1:])
    codes = sketch_latents(spec, claimed) ^ sketch_latents(spec, again)
    bits = np.bitwise_count(codes).sum(axis=2)[:, 1:]
    return (apart > spec.reach) | (bits > spec.limit)


def verify(spec, latents, step, index, salt=SALT):
    marks = commit_latents(spec, latents, salt)
    opened = pack_latent(latents[index]), pack_latent(latents[index + 1])
    return check_stretch(spec, index, marks[index : index + 2], opened, salt, step)


def test_every_step_of_an_honest_provider_passes_on_another_data_type_and_batch(models, spec):
    steps = 0
    for label in (1, 2, 3):
        latents = Sampler(models[0], label).run_all(noises(f"held out {label}", 9))
        again = Sampler(typed(models[0], torch.float16), label).rerun_all(latents)
        assert not caught(spec, latents, again).any()
        single = run_marks(Sampler(models[0], label), latents[0, 0], MARKS)
        for index in (0, 7, STEPS - 1):
            assert verify(spec, single, Sampler(models[0], label), index).verdict == "match"
        steps += again[:, 1:, 0].size
    assert steps >= 500


def test_one_drawn_step_catches_every_cheat_that_saves_on_all_steps(models, spec):
    true = Sampler(models[0], 1)
    claims = cheats(*models, 1, noises("cheats", 6))
    for name in ALWAYS:
        found = caught(spec, claims[name], true.rerun_all(claims[name]))
        assert found.all(), name


def test_a_cheat_is_caught_as_often_as_it_saves(models, spec):
    true = Sampler(models[0], 1)
    claims = cheats(*models, 1, noises("savings", 3))
    for name, false in (("one_step_skipped", 1), ("every_second_step", 9), ("old_image", 1)):
        found = caught(spec, claims[name], true.rerun_all(claims[name]))
        assert (found.sum(axis=1) == false).all(), name


def test_the_checks_of_the_verifier_itself_tell_honest_from_cheated(models, spec):
    true = Sampler(models[0], 1)
    first = noises("one by one", 2)
    assert verify(spec, true.run_all(first)[0], true, 3).verdict == "match"
    for name, claimed in cheats(*models, 1, first).items():
        index = {"one_step_skipped": STEPS // 2, "every_second_step": 2}.get(name, 0)
        assert verify(spec, claimed[0], true, index).verdict == "mismatch", name


def test_a_stretch_of_several_steps_is_checked_like_one(models):
    true, half = Sampler(models[0], 2), Sampler(typed(models[0], torch.float16), 2)
    marks = (0, 5, 10, 15, 20)
    runs = noises("stretches", 20)
    latents = true.run_all(runs)[:, marks]
    again = latents.copy()
    for k in range(4):
        state = latents[:, k]
        for index in range(marks[k], marks[k + 1]):
            state = half.step_all(state, index)
        again[:, k + 1] = state
    spec = calibrate_latents(marks, latents, again)
    assert verify(spec, run_marks(true, runs[0], marks), true, 2).verdict == "match"
    other = run_marks(Sampler(models[0], 3), runs[0], marks)
    assert verify(spec, other, true, 2).verdict == "mismatch"


def test_another_latent_with_the_same_code_is_caught(models, spec):
    """Planes are public: what lies outside them does not change a code, so both ends are opened."""
    wide = replace(spec, dimensions=512)
    rows = make_planes(512).signs.astype(np.float64)

    def step(latent, index):
        return latent * np.float32(0.9)

    latents = run_marks(step, first_latent(SEED, 512), MARKS)
    wanted = first_latent(b"an old image", 512) - latents[5]
    hidden = wanted - rows.T @ np.linalg.solve(rows @ rows.T, rows @ wanted)
    forged = latents.copy()
    forged[5] += hidden.astype(np.float32)
    honest, false = (commit_latents(wide, each, SALT) for each in (latents, forged))
    same = int.from_bytes(honest[5].code, "big") ^ int.from_bytes(false[5].code, "big")
    assert np.linalg.norm(hidden) > 5
    assert same.bit_count() <= 8
    found = verify(wide, forged, step, 4)
    assert (found.verdict, found.distance <= wide.limit) == ("mismatch", True)


def test_the_first_latent_must_be_the_noise_of_the_seed(models, spec):
    latents = Sampler(models[0], 1).run_all(first_latent(SEED, D)[None])[0]
    mark = commit_latents(spec, latents, SALT)[0]
    opened = pack_latent(latents[0])
    assert check_first(spec, mark, opened, SALT, SEED).verdict == "match"
    found = check_first(spec, mark, opened, SALT, b"the next user's seed")
    assert (found.verdict, found.reason) == (
        "mismatch", "the first latent is not the noise of the seed",
    )  # fmt: skip
    assert check_first(spec, mark, opened[:-4], SALT, SEED).verdict == "mismatch"


def test_noise_is_normal_and_the_same_everywhere():
    noise = first_latent(b"golden", 100_001)
    assert noise.shape == (100_001,)
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.01
    assert np.allclose(noise[:3], [-0.107895, 0.955487, 1.068944], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda o: o[:-1], "the opened latent is not the committed one"),
        (lambda o: b"", "the opened latent is not the committed one"),
        (lambda o: bytes([o[0] ^ 1]) + o[1:], "the opened latent is not the committed one"),
    ],
)
def test_an_opening_that_is_not_the_committed_latent_is_a_mismatch(models, spec, change, reason):
    true = Sampler(models[0], 1)
    latents = true.run_all(noises("opening", 1))[0]
    marks = commit_latents(spec, latents, SALT)[2:4]
    good = pack_latent(latents[2]), pack_latent(latents[3])
    for opened in ((change(good[0]), good[1]), (good[0], change(good[1]))):
        found = check_stretch(spec, 2, marks, opened, SALT, true)
        assert (found.verdict, found.reason, found.distance) == ("mismatch", reason, -1)
    assert check_stretch(spec, 2, marks, good, SALT, true).verdict == "match"
    assert check_stretch(spec, 2, marks, good, b"other salt", true).verdict == "mismatch"
    assert check_stretch(spec, 3, marks, good, SALT, true).verdict == "mismatch"


def test_latents_that_would_make_the_model_overflow_are_a_mismatch_and_never_raise(spec):
    def grow(latent, index):
        return latent * np.float32(1e5)

    codes = sketch_latents(spec, np.full((STEPS + 1, D), 100, dtype=np.float32))
    for value, reason in (
        (np.nan, "the opened latent has values no sampler has"),
        (1e30, "the opened latent has values no sampler has"),
        (100, "the true model overflows from the opened latent"),
    ):
        opened = np.full(D, value, dtype="<f4").tobytes()
        marks = tuple(Mark(digest(i, opened), codes[i].tobytes()) for i in (1, 2))
        found = check_stretch(spec, 1, marks, (opened, opened), SALT, grow)
        assert (found.verdict, found.reason) == ("mismatch", reason)


def digest(index: int, opened: bytes) -> bytes:
    """As documented, so that another implementation would agree."""
    bound = hashlib.sha256(SALT).digest() + index.to_bytes(4, "big")
    return hashlib.sha256(b"chainrep latent v1" + bound + opened).digest()


def test_a_code_of_another_latent_beside_a_digest_is_a_mismatch(models, spec):
    true = Sampler(models[0], 1)
    latents = true.run_all(noises("codes", 1))[0]
    marks = commit_latents(spec, latents, SALT)
    mixed = marks[4], Mark(marks[5].digest, marks[6].code)
    opened = pack_latent(latents[4]), pack_latent(latents[5])
    found = check_stretch(spec, 4, mixed, opened, SALT, true)
    assert found.reason == "the opened latent does not have the committed code"


def test_each_stretch_is_drawn_equally_often():
    drawn = Counter(draw_stretch(i.to_bytes(32, "big"), b"r" * 32, STEPS) for i in range(20_000))
    expected = 20_000 / STEPS
    assert sum((drawn[i] - expected) ** 2 / expected for i in range(STEPS)) < 43.8  # p = 0.001
    assert draw_stretch(b"b", b"r", 20) != draw_stretch(b"b", b"other", 20)


def test_a_calibration_that_would_let_random_codes_pass_is_refused(honest, models):
    latents, _ = honest
    rng = np.random.default_rng(3)
    loose = latents + np.exp(rng.normal(0, 2, (20, STEPS + 1, 1))) * rng.normal(0, 0.01, (20, 1, D))
    with pytest.raises(CalibrationError, match="differ in up to"):
        calibrate_latents(MARKS, latents, loose.astype(np.float32))
    with pytest.raises(CalibrationError, match="too few"):
        calibrate_latents(MARKS, latents[:19], latents[:19])


def test_random_codes_pass_less_than_once_in_a_billion(spec):
    assert random_accept(spec.limit) <= 1e-9
    assert random_accept(MAX_DISTANCE) <= 1e-9
    assert random_accept(255) == pytest.approx(1 - 2**-256)
    assert random_accept(1, bits=2) == 0.75


@pytest.mark.parametrize(
    "wrong",
    [
        {"marks": (0,)}, {"marks": (1, 2, 3)}, {"marks": (0, 2, 2)}, {"grains": (1.0, 1.0)},
        {"grains": (1.0, 1.0, 0.0)}, {"grains": (1.0, 1.0, float("nan"))}, {"limit": 128},
        {"limit": -1}, {"reach": 0.0}, {"dimensions": 0}, {"dimensions": 1 << 30},
    ],
)  # fmt: skip
def test_a_spec_that_does_not_fit_together_is_refused(wrong):
    good = TrajectorySpec(4, (0, 1, 2), (1.0, 1.0, 1.0), 2.0, 40)
    with pytest.raises(SketchError):
        replace(good, **wrong)


def test_commitments_refuse_latents_and_words_of_another_size(spec):
    with pytest.raises(SketchError, match="do not fit"):
        commit_latents(spec, np.zeros((3, D), np.float32), SALT)
    with pytest.raises(SketchError, match="32 bytes"):
        Mark(b"short", bytes(32))
    with pytest.raises(SketchError, match="no stretch"):
        check_stretch(
            spec, STEPS, (Mark(bytes(32), bytes(32)),) * 2, (b"", b""), SALT, lambda x, i: x
        )


def test_other_images_of_the_same_class_do_not_match_but_a_half_precision_rerun_does(models):
    first = noises("drawn", 8)
    seen = [hash_image(picture(x)) for x in Sampler(models[0], 1).run_all(first)[:, -1]]
    half = Sampler(typed(models[0], torch.float16), 1).run_all(first)[:, -1]
    for i, x in enumerate(half):
        verdicts = [compare_images(own, hash_image(picture(x))).verdict for own in seen]
        assert verdicts == ["match" if j == i else "mismatch" for j in range(8)]
