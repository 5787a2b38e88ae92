"""A calibration from a file that anyone may have written: bounded, exact, or refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag.errors import CalibrationError, DatasetError
from rag.json_text import parse_json
from rag.lsh.calibration import (
    LEVELS,
    MAX_KEY,
    VERSION,
    Calibration,
    Limit,
    PairCalibration,
    Recall,
)

MAX_BYTES = 4 * 1024 * 1024
MAX_PAIRS = 1_000
MAX_RECALLS = 1_000
MAX_COUNT = 2**53

_REMEDY = "Take the file as its author published it, or calibrate again."


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write the canonical bytes."""
    path.write_bytes(calibration.canonical())


def read_calibration(path: Path) -> Calibration:
    """Read a file of at most MAX_BYTES; raises CalibrationError for anything but a calibration."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CalibrationError(f"{path} cannot be read ({error.strerror}).", _REMEDY) from error
    if len(content) > MAX_BYTES:
        raise CalibrationError(f"{path} is larger than {MAX_BYTES:,} bytes.", _REMEDY)
    return parse_calibration(content, str(path))


def parse_calibration(content: bytes, place: str) -> Calibration:
    """Return the calibration that these bytes state; ``place`` names them in errors."""
    try:
        stated = parse_json(content.decode("utf-8"), place)
    except UnicodeDecodeError as error:
        raise CalibrationError(f"{place} is no UTF-8 text.", _REMEDY) from error
    except DatasetError as error:
        raise CalibrationError(error.summary, _REMEDY) from error
    form = _fields(stated, {"version", "levels", "pairs"}, place)
    if type(form["version"]) is not int or form["version"] != VERSION:
        raise CalibrationError(f"{place} is not of version {VERSION}.", _REMEDY)
    if form["levels"] != [f"{level:.9e}" for level in LEVELS]:
        raise CalibrationError(f"{place} states other quantiles than {LEVELS}.", _REMEDY)
    pairs = _list(form["pairs"], MAX_PAIRS, f"{place}, pairs")
    return Calibration(
        tuple(_pair_in(pair, f"{place}, pair {n}") for n, pair in enumerate(pairs, start=1))
    )


_PAIR = {
    "key", "width", "bits", "leaf", "sums", "tokens", "token_clip", "impostors",
    "impostor_sample", "recalls",
}  # fmt: skip
_LIMIT = {"threshold", "rate", "confidence", "sample", "independent"}


def _pair_in(stated: object, place: str) -> PairCalibration:
    form = _fields(stated, _PAIR, place)
    sums: list[tuple[int, Limit]] = []
    for entry in _list(form["sums"], 64, f"{place}, sums"):
        each = _list(entry, 2, f"{place}, sums")
        if len(each) != 2:
            raise CalibrationError(f"{place}: a sum is no pair of leaves and limit.", _REMEDY)
        sums.append((_count(each[0], place), _limit_in(each[1], place)))
    if [leaves for leaves, _ in sums] != sorted({leaves for leaves, _ in sums}):
        raise CalibrationError(f"{place}: sums are out of order or twice.", _REMEDY)
    return PairCalibration(
        key=_text(form["key"], place),
        width=_real(form["width"], place),
        bits=_count(form["bits"], place),
        leaf=_limit_in(form["leaf"], place),
        sums=tuple(sums),
        tokens=_limit_in(form["tokens"], place),
        token_clip=_real(form["token_clip"], place),
        impostors=tuple(_real(each, place) for each in _list(form["impostors"], 64, place)),
        impostor_sample=_count(form["impostor_sample"], place),
        recalls=tuple(
            _recall_in(each, place) for each in _list(form["recalls"], MAX_RECALLS, place)
        ),
    )


def _limit_in(stated: object, place: str) -> Limit:
    form = _fields(stated, _LIMIT, f"{place}, limit")
    return Limit(
        threshold=_real(form["threshold"], place),
        rate=_real(form["rate"], place),
        confidence=_real(form["confidence"], place),
        sample=_count(form["sample"], place),
        independent=_count(form["independent"], place),
    )


def _recall_in(stated: object, place: str) -> Recall:
    form = _fields(stated, {"attack", "check", "share", "sample"}, f"{place}, recall")
    share = _real(form["share"], place)
    attack, check = _text(form["attack"], place), _text(form["check"], place)
    return Recall(attack, check, share, _count(form["sample"], place))


def _fields(stated: object, names: set[str], place: str) -> Mapping[str, Any]:
    if not isinstance(stated, dict) or set(stated) != names:
        raise CalibrationError(
            f"{place} does not have exactly the fields {', '.join(sorted(names))}.", _REMEDY
        )
    return stated


def _list(stated: object, most: int, place: str) -> list[Any]:
    if not isinstance(stated, list) or len(stated) > most:
        raise CalibrationError(f"{place} is no list of at most {most:,} entries.", _REMEDY)
    return stated


def _count(stated: object, place: str) -> int:
    if type(stated) is not int or not 0 < stated <= MAX_COUNT:
        raise CalibrationError(f"{place}: a count is no whole number above 0.", _REMEDY)
    return stated


def _text(stated: object, place: str) -> str:
    if not isinstance(stated, str) or not 0 < len(stated) <= MAX_KEY or not stated.isprintable():
        raise CalibrationError(f"{place}: a name is empty, too long or not printable.", _REMEDY)
    return stated


def _real(stated: object, place: str) -> float:
    # Only the form that is written is read, so that a file has one meaning and one name.
    if isinstance(stated, str) and len(stated) <= 16:
        try:
            value = float(stated)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and value >= 0.0 and f"{value:.9e}" == stated:
            return value
    raise CalibrationError(f"{place}: a number is not written like 1.250000000e-01.", _REMEDY)
