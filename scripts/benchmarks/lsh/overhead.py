"""What a receipt costs its provider, and what checking one costs beside generating."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from rag.causal_model import CausalModel
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import Generation, generate
from rag.lsh.gumbel import GumbelChoice
from rag.lsh.prefill import teacher_force_batch
from rag.lsh.receipts import Promise, generation_receipt, sampling_seed
from rag.lsh.recorder import StateRecorder
from rag.lsh.sketch import Sketcher
from rag.lsh.token_check import token_margins
from rag.lsh.verifier import recompute
from rag.lsh.windows import WINDOW, window_vectors

T = TypeVar("T")

PROMISE = Promise(b"\1" * 32, b"\2" * 32, b"\3" * 32)
KEY = b"\5" * 32


def measure_overhead(
    model: CausalModel,
    prompts: Sequence[Sequence[int]],
    *,
    tokens: int = 128,
    width: float = 0.2,
    repeats: int = 5,
) -> dict[str, Any]:
    """Return medians over ``repeats`` batches of ``prompts``, each answered with ``tokens`` tokens.

    A receipt's parts are timed inside the runs they belong to, because two runs of one batch
    differ by more than a receipt costs. ``overhead`` is hook, sketch, digests, root and signature
    over the rest of the run; ``sampling_share`` what the seeded noise takes of it. Times are of
    this thread on a CPU, and the clock's, with the device awaited, on a GPU. ``verify_time_ratio``
    and ``verify_flop_ratio`` compare one pass over prompt and answer, its codes and margins
    included, with generating in the same batch.
    """
    spec = DecodeSpec(temperature_milli=800, max_tokens=tokens)
    sketcher = Sketcher(WINDOW * model.dimensions, width)
    salts = [bytes([i % 256]) * 32 for i in range(len(prompts))]
    seeds = [sampling_seed(salt, b"\0" * 32) for salt in salts]
    answers = generate(model, prompts, spec, seeds)
    _signed(answers, sketcher, salts)
    run = partial(_run, model, prompts, spec, seeds, salts, sketcher)
    rows = [run() for _ in range(repeats)]
    plain, recording, receipts, noise, check = (
        statistics.median(c) for c in zip(*rows, strict=True)
    )
    return {
        "overhead": (recording + receipts) / plain,
        "overhead_recording": recording / plain,
        "overhead_receipts": receipts / plain,
        "sampling_share": noise / plain,
        "verify_time_ratio": check / plain,
        "verify_flop_ratio": _flops(model, prompts, answers, seeds, spec, sketcher),
        "generate_s": plain,
        "batch": len(prompts),
        "tokens": tokens,
        "repeats": repeats,
    }


def _run(
    model: CausalModel,
    prompts: Sequence[Sequence[int]],
    spec: DecodeSpec,
    seeds: Sequence[bytes],
    salts: Sequence[bytes],
    sketcher: Sketcher,
) -> tuple[float, ...]:
    """Seconds of the model alone, of recording, of receipts, of the noise, and of checking."""
    device = model.device
    with (
        _timed(StateRecorder, "_record", device) as hook,
        _timed(GumbelChoice, "__call__", device) as noise,
        _timed(StateRecorder, "states", device) as stack,
    ):
        answers, run = _clock(lambda: generate(model, prompts, spec, seeds), device)
    _, receipts = _clock(lambda: _signed(answers, sketcher, salts), device)
    _, check = _clock(lambda: _checked(model, answers, seeds, spec, sketcher), device)
    recording = sum(hook) + sum(stack)
    return run - recording, recording, receipts, sum(noise), check


def _signed(answers: Sequence[Generation], sketcher: Sketcher, salts: Sequence[bytes]) -> None:
    for answer, salt in zip(answers, salts, strict=True):
        generation_receipt(answer, sketcher, PROMISE, salt, KEY)


def _checked(
    model: CausalModel,
    answers: Sequence[Generation],
    seeds: Sequence[bytes],
    spec: DecodeSpec,
    sketcher: Sketcher,
) -> None:
    if len(answers) == 1:
        recompute(model, answers[0].prompt, answers[0].tokens, seeds[0], spec, sketcher)
        return
    seen = teacher_force_batch(model, [a.prompt for a in answers], [a.tokens for a in answers])
    for answer, seed, found in zip(answers, seeds, seen, strict=True):
        sketcher.codes(window_vectors(found.states))
        token_margins(found.logits, answer.tokens, seed, spec)


def _flops(
    model: CausalModel,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[Generation],
    seeds: Sequence[bytes],
    spec: DecodeSpec,
    sketcher: Sketcher,
) -> float:
    """Products counted by torch as they run: one check over one generation."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as generating:
        generate(model, prompts, spec, seeds)
    with FlopCounterMode(display=False) as checking:
        _checked(model, answers, seeds, spec, sketcher)
    return float(checking.get_total_flops() / generating.get_total_flops())


def _clock(action: Callable[[], T], device: str) -> tuple[T, float]:
    _wait(device)
    start = _now(device)
    found = action()
    _wait(device)
    return found, _now(device) - start


@contextmanager
def _timed(owner: type, name: str, device: str) -> Iterator[list[float]]:
    """Collect what every call of a method takes. On a GPU that is the host's share: what it
    queues there is a copy of one row per answer, beside a pass through the whole model."""
    method = getattr(owner, name)
    seconds: list[float] = []

    def timed(*args: Any) -> Any:
        start = _now(device)
        found = method(*args)
        seconds.append(_now(device) - start)
        return found

    setattr(owner, name, timed)
    try:
        yield seconds
    finally:
        setattr(owner, name, method)


def _now(device: str) -> float:
    return time.perf_counter() if device != "cpu" else time.thread_time()


def _wait(device: str) -> None:
    import torch

    if device != "cpu":
        torch.cuda.synchronize()
