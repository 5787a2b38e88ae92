"""A calibration measured on this machine."""

from dataclasses import replace

import numpy as np
import pytest

from rag.errors import CalibrationError
from rag.loaders import demo_dataset
from rag.lsh.calibrate import calibrate_pair
from rag.lsh.calibration_file import read_calibration, write_calibration
from rag.lsh.honest_runs import Plan, calibrate_machine

PLAN = Plan(answers=44, tokens=32, bound=0.2, sums=(), attacks=("int8",), batches=(11, 1, 10))


@pytest.fixture(scope="module")
def texts():
    return [passage.text for passage in demo_dataset().passages]


def test_honest_settings_and_cheaper_weights_are_told_apart(small_llama_folder, texts, tmp_path):
    steps = []
    found = calibrate_machine(
        small_llama_folder, texts, PLAN, lambda what, done, total: steps.append((done, total))
    )
    assert [pair.key for pair in found.pairs] == [
        "cpu/float32/sdpa|cpu/float32/eager",
        "cpu/float32/sdpa|cpu/float32/sdpa",
    ]
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert len({pair.width for pair in found.pairs}) == 1
    for pair in found.pairs:
        assert pair.leaf.threshold < 40 < pair.impostors[0]
        recalls = {(found.attack, found.check): found.share for found in pair.recalls}
        assert recalls["int8", "leaf"] > 0.9
    write_calibration(found, tmp_path / "calibration.json")
    assert read_calibration(tmp_path / "calibration.json") == found


def test_a_plan_too_small_for_its_bound_says_how_much_is_needed(small_llama_folder, texts):
    with pytest.raises(CalibrationError, match="Measure at least"):
        calibrate_machine(
            small_llama_folder, texts, replace(PLAN, answers=6, verifiers=(("float32", "sdpa"),))
        )


def test_a_pair_that_cannot_be_told_from_unrelated_runs_is_left_out_and_named(
    small_llama_folder, texts, monkeypatch
):
    blind = "cpu/float32/sdpa|cpu/float32/eager"

    def far_apart(key, honest, *given, **named):
        if key == blind:
            far = [np.full_like(run, 128) for run in honest.distances]
            honest = replace(honest, distances=far)
        return calibrate_pair(key, honest, *given, **named)

    monkeypatch.setattr("rag.lsh.honest_runs.calibrate_pair", far_apart)
    told = []
    found = calibrate_machine(small_llama_folder, texts, PLAN, left_out=told.append)
    assert [pair.key for pair in found.pairs] == ["cpu/float32/sdpa|cpu/float32/sdpa"]
    assert len(told) == 1
    assert blind in told[0]
    only = replace(PLAN, verifiers=(("float32", "eager"),))
    with pytest.raises(CalibrationError, match="unrelated windows come within"):
        calibrate_machine(small_llama_folder, texts, only, left_out=told.append)


def test_too_little_text_to_cut_prompts_from_is_refused(small_llama_folder):
    with pytest.raises(CalibrationError, match="Give longer texts"):
        calibrate_machine(small_llama_folder, ["short"], PLAN)
