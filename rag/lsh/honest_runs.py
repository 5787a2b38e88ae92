"""A calibration measured on this machine: honest runs beside each other, and frauds beside them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.causal_model import CausalModel, load_causal_model
from rag.errors import CalibrationError
from rag.lsh.calibrate import Honest, calibrate_pair
from rag.lsh.calibration import Calibration, PairCalibration
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.flip_curve import choose_width
from rag.lsh.generation import generate
from rag.lsh.prefill import teacher_force_batch
from rag.lsh.setting import pair_of, setting_of
from rag.lsh.sketch import Sketcher
from rag.lsh.tampering import tamper
from rag.lsh.token_check import token_margins
from rag.lsh.verifier import token_scores
from rag.lsh.windows import WINDOW, window_vectors

if TYPE_CHECKING:
    from torch import Tensor

TEMPERATURES = (1000, 0, 500)
"""In turn from batch to batch, in thousandths: margins grow as temperature falls."""
MEASURED = "Calibrations are measured at temperatures 0, 0.5 and 1, without filters."
BATCHES = (8, 1, 32)
_PROMPT_TOKENS = (8, 48)
Progress = Callable[[str, int, int], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. Settings are (dtype, attention), run on ``device``.

    ``answers`` of ``tokens`` tokens per provider's setting; a quarter as many of each fraud. Honest
    leaves exceed a threshold at a rate of at most ``bound``, with ``confidence``. ``batches`` are
    sizes of batches, in turn: kernels add up in another order for another shape.
    """

    providers: tuple[tuple[str, str], ...] = (("float32", "sdpa"),)
    verifiers: tuple[tuple[str, str], ...] = (("float32", "sdpa"), ("float32", "eager"))
    device: str = "cpu"
    answers: int = 400
    tokens: int = 128
    bits: int = 256
    bound: float = 0.01
    confidence: float = 0.95
    least_clip: float = 0.25
    sums: tuple[int, ...] = (2, 4)
    attacks: tuple[str, ...] = ("int8", "int4")
    seed: int = 0
    batches: tuple[int, ...] = BATCHES


@dataclass(frozen=True, slots=True)
class _Shown:
    """One answer as its provider shows it: ``projected`` (leaves, bits) float32."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    seed: bytes
    decode: DecodeSpec
    projected: NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Per answer: both sides' projections, and the margins of its tokens for the verifier."""

    given: list[NDArray[np.float32]]
    own: list[NDArray[np.float32]]
    margins: list[NDArray[np.float64]]


def is_measured(decode: DecodeSpec) -> bool:
    """Whether a calibration speaks of tokens chosen so: not colder than what it saw, no filter."""
    coldest = min(filter(None, TEMPERATURES))
    is_plain = decode.top_k == 0 and decode.top_p_milli == 1000
    return is_plain and (decode.greedy or decode.temperature_milli >= coldest)


def calibrate_machine(
    folder: str | Path,
    texts: Sequence[str],
    plan: Plan,
    progress: Progress | None = None,
    left_out: Callable[[str], None] = _log.warning,
) -> Calibration:
    """Run the model in ``folder`` on cuts of ``texts`` in every setting and return what it shows.

    The width comes from answers with even numbers, limits and recalls from the odd ones. One model
    is held at a time. ``progress(what, done, total)``. ``left_out`` is told of each pair that no
    limit can be had for, in a sentence. Raises CalibrationError where that is so of all of them,
    ModelError where a setting cannot be run here.
    """
    told = progress or (lambda *_: None)
    total = len(plan.providers) + len(plan.verifiers)
    shown: dict[str, list[_Shown]] = {}
    frauds: dict[str, list[_Shown]] = {}
    for number, (dtype, attention) in enumerate(plan.providers):
        told(f"Answering in {dtype} with {attention}", number, total)
        model = load_causal_model(folder, dtype=dtype, attention=attention, device=plan.device)
        prompts = _prompts(model, texts, plan)
        shown[setting_of(model)] = list(_answers(model, prompts, plan))
        if not frauds:
            few = prompts[: max(plan.answers // 4, 2)]
            frauds = {a: list(_answers(tamper(model, a), few, plan)) for a in plan.attacks}
    pairs: dict[str, dict[str, _Pair]] = {}
    for number, (dtype, attention) in enumerate(plan.verifiers, len(plan.providers)):
        told(f"Verifying in {dtype} with {attention}", number, total)
        model = load_causal_model(folder, dtype=dtype, attention=attention, device=plan.device)
        beside = {name: _verified(model, runs, plan) for name, runs in frauds.items()}
        for setting, runs in shown.items():
            key = pair_of(setting, setting_of(model))
            pairs[key] = {"": _verified(model, runs, plan), **beside}
    told("Choosing", total, total)
    width = _width(pairs, plan)
    found, failures = list[PairCalibration](), list[CalibrationError]()
    for key in sorted(pairs):
        try:
            found.append(_limits(key, pairs[key], width, plan))
        except CalibrationError as error:
            failures.append(error)
    if not found:
        raise failures[0]
    for failure in failures:
        left_out(f"A pair is left out. {failure.summary}")
    return Calibration(tuple(found))


def _prompts(model: CausalModel, texts: Sequence[str], plan: Plan) -> list[list[int]]:
    chance = np.random.default_rng([plan.seed, 1])
    stream = [token for text in texts for token in model.tokens(text)]
    low, high = _PROMPT_TOKENS
    if len(stream) <= 2 * high:
        raise CalibrationError(
            f"{len(stream)} tokens of text are too few to cut prompts from.", "Give longer texts."
        )
    starts = chance.integers(0, len(stream) - high, plan.answers)
    sizes = chance.integers(low, high, plan.answers)
    return [stream[int(s) : int(s + n)] for s, n in zip(starts, sizes, strict=True)]


def _answers(model: CausalModel, prompts: list[list[int]], plan: Plan) -> Iterator[_Shown]:
    sketcher = _sketcher(model, plan)
    for turn, part in enumerate(_batches(len(prompts), plan)):
        decode = DecodeSpec(
            temperature_milli=TEMPERATURES[turn % len(TEMPERATURES)],
            max_tokens=plan.tokens,
            end_tokens=model.end_tokens,
        )
        seeds = [_seed(plan.seed, i) for i in range(part.start, part.stop)]
        made = generate(model, prompts[part], decode, seeds)
        for one, seed in zip(made, seeds, strict=True):
            projected = _host(sketcher, one.states)
            yield _Shown(one.prompt, one.tokens, seed, decode, projected)


def _verified(model: CausalModel, runs: Sequence[_Shown], plan: Plan) -> _Pair:
    sketcher = _sketcher(model, plan)
    pair = _Pair([], [], [])
    for part in _batches(len(runs), plan):
        rows = runs[part]
        passes = teacher_force_batch(model, [r.prompt for r in rows], [r.tokens for r in rows])
        for row, found in zip(rows, passes, strict=True):
            pair.given.append(row.projected)
            pair.own.append(_host(sketcher, found.states))
            margins = token_margins(found.logits, row.tokens, row.seed, row.decode)
            pair.margins.append(margins)
    return pair


def _width(pairs: dict[str, dict[str, _Pair]], plan: Plan) -> float:
    """The width that tells all honest pairs from the first fraud, from even answers."""
    honest = np.concatenate([_distances(found[""], 0) for found in pairs.values()])
    attack = plan.attacks[0]
    fraud = np.concatenate([_distances(found[attack], 0) for found in pairs.values()])
    return choose_width(honest, fraud, plan.bits, plan.bound / 2).width


def _limits(key: str, found: dict[str, _Pair], width: float, plan: Plan) -> PairCalibration:
    dithers = Sketcher(1, width, plan.bits).planes.dithers
    flips = {name: _flips(pair, width, dithers)[1::2] for name, pair in found.items()}
    # Twice the worst honest token, of all answers: a token that far off is no rounding.
    worst = max(float(margins.max()) for margins in found[""].margins)
    clip = max(2 * worst, plan.least_clip)
    scores = {
        name: [np.array(token_scores(margins, clip)) for margins in pair.margins[1::2]]
        for name, pair in found.items()
    }
    return calibrate_pair(
        key,
        Honest(flips.pop(""), scores.pop("")),
        _unrelated(found[""], width, dithers),
        width=width,
        bits=plan.bits,
        bound=plan.bound,
        confidence=plan.confidence,
        token_clip=clip,
        attacks=flips,
        token_attacks=scores,
        sums=plan.sums,
    )


def _flips(pair: _Pair, width: float, dithers: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return [
        (_odd(given, width, dithers) != _odd(own, width, dithers)).sum(axis=1).astype(np.float64)
        for given, own in zip(pair.given, pair.own, strict=True)
    ]


def _unrelated(pair: _Pair, width: float, dithers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances between each leaf of one answer and the same place of the next answer."""
    found = []
    for i, given in enumerate(pair.given):
        other = pair.own[(i + 1) % len(pair.own)]
        count = min(len(given), len(other))
        bits = _odd(given[:count], width, dithers) != _odd(other[:count], width, dithers)
        found.append(bits.sum(axis=1))
    return np.concatenate(found).astype(np.float64)


def _odd(
    projected: NDArray[np.float32], width: float, dithers: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(np.floor(projected.astype(np.float64) / width + 2 * dithers) % 2)


def _distances(pair: _Pair, first: int) -> NDArray[np.float64]:
    """L2 distances of leaves, estimated from their projections, of every other answer."""
    both = zip(pair.given[first::2], pair.own[first::2], strict=True)
    return np.concatenate(
        [np.sqrt(((a.astype(np.float64) - b) ** 2).mean(axis=1)) for a, b in both]
    )


def _sketcher(model: CausalModel, plan: Plan) -> Sketcher:
    return Sketcher(model.dimensions * WINDOW, 1.0, plan.bits)


def _host(sketcher: Sketcher, states: Tensor) -> NDArray[np.float32]:
    projected = sketcher.project(window_vectors(states))
    return np.asarray(projected.float().cpu().numpy(), dtype=np.float32)


def _batches(count: int, plan: Plan) -> list[slice]:
    parts, start = list[slice](), 0
    while start < count:
        size = plan.batches[len(parts) % len(plan.batches)]
        parts.append(slice(start, min(start + size, count)))
        start += size
    return parts


def _seed(draw: int, number: int) -> bytes:
    return hashlib.sha256(f"chainrep calibration {draw} {number}".encode()).digest()
