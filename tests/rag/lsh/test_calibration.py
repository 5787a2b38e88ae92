"""Calibration: thresholds with a stated bound, one form in bytes, files from strangers."""

import json
from dataclasses import replace

import numpy as np
import pytest

from rag.errors import CalibrationError
from rag.lsh.calibrate import Honest, calibrate_pair, in_blocks
from rag.lsh.calibration import LEVELS, Calibration
from rag.lsh.calibration_file import (
    MAX_BYTES,
    parse_calibration,
    read_calibration,
    write_calibration,
)

KEY = "cpu/float32/sdpa|cpu/bfloat16/eager"
BITS = 256


def flips(rate: float, receipts: int, leaves: int, rng) -> list:
    return [row.astype(float) for row in rng.binomial(BITS, rate, (receipts, leaves))]


def calibrated(key: str = KEY, receipts: int = 400, **changes):
    rng = np.random.default_rng(1)
    honest = Honest(flips(0.08, receipts, 8, rng), list(rng.exponential(0.01, (receipts, 8))))
    options = {"bound": 0.01, "confidence": 0.95, "token_clip": 4.0} | changes
    return calibrate_pair(
        key,
        honest,
        rng.binomial(BITS, 0.5, 20_000),
        width=0.125,
        bits=BITS,
        attacks={"int8": flips(0.2, 50, 8, rng), "int4": flips(0.45, 50, 8, rng)},
        token_attacks={"prefill_attack": [np.full(8, 2.0)]},
        sums=(2, 4),
        **options,
    )


@pytest.fixture(scope="module")
def pair():
    return calibrated()


def test_fresh_honest_runs_stay_within_the_bound_and_attacks_do_not(pair):
    rng = np.random.default_rng(2)
    fresh = flips(0.08, 5_000, 8, rng)
    limits = pair.limits()
    assert (np.concatenate(fresh) > limits.leaf).mean() <= 0.01
    for leaves, threshold in limits.sums.items():
        assert (np.concatenate(in_blocks(fresh, leaves)) > threshold).mean() <= 0.01
    shares = {(each.attack, each.check): each.share for each in pair.recalls}
    assert shares["int4", "leaf"] == 1.0
    assert shares["int8", "sum_4"] >= shares["int8", "leaf"] > 0.9
    assert shares["prefill_attack", "tokens"] == 1.0


def test_the_sample_and_the_impostor_curve_stand_beside_every_threshold(pair):
    assert pair.leaf.sample == 3_200
    assert pair.leaf.rate <= 0.01
    assert pair.leaf.confidence == 0.95
    assert dict(pair.sums)[4].sample == 800
    assert len(pair.impostors) == len(LEVELS)
    assert pair.impostor_sample == 20_000
    assert pair.leaf.threshold < pair.impostors[0] < 128 <= pair.impostors[-1] + 1


def test_sums_take_leaves_in_a_row_that_share_none():
    blocks = in_blocks([np.arange(5.0), np.array([7.0])], 2)
    assert [list(block) for block in blocks] == [[1.0, 5.0], []]


def test_too_few_honest_windows_say_how_many_are_needed():
    with pytest.raises(CalibrationError, match=r"one leaf.*29,956"):
        calibrated(bound=1e-4)
    with pytest.raises(CalibrationError, match=r"sums of 4 leaves.* 299 "):
        calibrated(receipts=100)
    with pytest.raises(CalibrationError, match="honest runs"):
        calibrate_pair(
            KEY, Honest([], []), np.array([120.0]),
            width=1.0, bits=BITS, bound=0.1, confidence=0.9, token_clip=1.0,
        )  # fmt: skip


def test_leaves_of_one_receipt_that_hang_together_count_as_fewer():
    rng = np.random.default_rng(3)
    twins = [np.full(8, float(row)) for row in rng.binomial(BITS, 0.08, 400)]
    honest = Honest(twins, twins)
    found = calibrate_pair(
        KEY, honest, np.array([120.0]),
        width=1.0, bits=BITS, bound=0.01, confidence=0.95, token_clip=200.0, sums=(),
    )  # fmt: skip
    assert found.leaf.sample == 3_200
    assert found.leaf.independent == 400


def test_an_unknown_pair_has_no_calibration(pair):
    calibration = Calibration((pair,))
    assert calibration.pair(KEY) == pair
    assert calibration.pair("cuda/float16/sdpa|cpu/float32/sdpa") is None


def test_a_calibration_that_accepts_unrelated_windows_is_refused(pair):
    with pytest.raises(CalibrationError, match="unrelated windows"):
        replace(pair, leaf=replace(pair.leaf, threshold=pair.impostors[0]))
    with pytest.raises(CalibrationError, match="sum"):
        replace(pair, sums=((2, replace(pair.leaf, threshold=256.0)),))
    with pytest.raises(CalibrationError, match="impostor curve"):
        replace(pair, impostors=())
    with pytest.raises(CalibrationError, match="clip"):
        replace(pair, token_clip=pair.tokens.threshold)
    with pytest.raises(CalibrationError, match="unrelated windows"):
        calibrate_pair(
            KEY, Honest([], []), np.zeros(0),
            width=1.0, bits=BITS, bound=0.1, confidence=0.9, token_clip=1.0,
        )  # fmt: skip


def test_a_file_gives_the_same_calibration_and_the_same_bytes_again(pair, tmp_path):
    calibration = Calibration((pair, replace(pair, key=f"{KEY} 2")))
    path = tmp_path / "calibration.json"
    write_calibration(calibration, path)
    again = read_calibration(path)
    assert again == calibration
    assert again.canonical() == calibration.canonical() == path.read_bytes()
    loose = json.dumps(json.loads(path.read_text()), indent=2)
    path.write_text(loose)
    assert read_calibration(path).canonical() == calibration.canonical()


def test_any_change_of_a_threshold_changes_the_bytes(pair):
    calibration = Calibration((pair,))
    moved = replace(pair, leaf=replace(pair.leaf, threshold=pair.leaf.threshold + 1))
    assert Calibration((moved,)).canonical() != calibration.canonical()


def test_the_canonical_form_is_fixed(pair):
    form = json.loads(Calibration((pair,)).canonical())
    assert form["version"] == 1
    assert form["pairs"][0]["width"] == "1.250000000e-01"
    assert form["pairs"][0]["bits"] == 256
    assert b" " not in Calibration((pair,)).canonical()


def test_pairs_out_of_order_or_twice_are_refused(pair):
    with pytest.raises(CalibrationError):
        Calibration((pair, pair))
    with pytest.raises(CalibrationError):
        Calibration(())


def damaged(pair, change) -> bytes:
    form = json.loads(Calibration((pair,)).canonical())
    change(form)
    return json.dumps(form).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.update(version=2),
        lambda f: f.update(version=True),
        lambda f: f.update(more=1),
        lambda f: f.pop("levels"),
        lambda f: f.update(levels=["0.5"]),
        lambda f: f.update(pairs={}),
        lambda f: f.update(pairs=[]),
        lambda f: f.update(pairs=f["pairs"] * 2),
        lambda f: f.update(pairs=[None]),
        lambda f: f["pairs"][0].update(key=""),
        lambda f: f["pairs"][0].update(key="a\nb"),
        lambda f: f["pairs"][0].update(key="x" * 201),
        lambda f: f["pairs"][0].update(width=0.125),
        lambda f: f["pairs"][0].update(width="0.125"),
        lambda f: f["pairs"][0].update(width="nan"),
        lambda f: f["pairs"][0].update(width="-1.250000000e-01"),
        lambda f: f["pairs"][0].update(width="1.250000000e+999"),
        lambda f: f["pairs"][0].update(bits=0),
        lambda f: f["pairs"][0].update(bits=10**9),
        lambda f: f["pairs"][0].update(bits=True),
        lambda f: f["pairs"][0]["leaf"].update(rate="1.000000000e+00"),
        lambda f: f["pairs"][0]["leaf"].update(independent=10**9),
        lambda f: f["pairs"][0]["leaf"].update(threshold="2.000000000e+02"),
        lambda f: f["pairs"][0]["sums"].reverse(),
        lambda f: f["pairs"][0]["sums"].append([8]),
        lambda f: f["pairs"][0]["recalls"][0].update(share="1.100000000e+00"),
        lambda f: f["pairs"][0].update(recalls=f["pairs"][0]["recalls"] * 500),
    ],
)
def test_a_damaged_file_is_refused(pair, change):
    with pytest.raises(CalibrationError):
        parse_calibration(damaged(pair, change), "calibration.json")


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"version": 1}'])
def test_what_is_no_calibration_at_all_is_refused(content):
    with pytest.raises(CalibrationError):
        parse_calibration(content, "calibration.json")


def test_a_file_that_is_missing_or_too_large_is_refused(tmp_path):
    with pytest.raises(CalibrationError, match="cannot be read"):
        read_calibration(tmp_path / "none.json")
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(CalibrationError, match="larger"):
        read_calibration(large)
