"""FeB4RAG: 790 requests, 16 engines, and how useful each engine's results were, 0..100."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.errors import DatasetError
from rag.json_text import parse_json

Floats = NDArray[np.float64]
REQUESTS = "routing/feb4rag_requests.jsonl"
GRADES = "routing/feb4rag_qrels_rs.txt"


@dataclass(frozen=True)
class Requests:
    """Texts, and grades (requests, engines) as rewards 0..1."""

    texts: tuple[str, ...]
    engines: tuple[str, ...]
    rewards: Floats


def load(folder: Path) -> Requests:
    """Read the two files; raises DatasetError where a grade is missing."""
    texts: dict[str, str] = {}
    for number, line in enumerate(_lines(folder / REQUESTS), start=1):
        request = parse_json(line, f"{REQUESTS}, line {number}", one_line=True)
        texts[str(request["_id"])] = str(request["text"])
    rows = [line.split() for line in _lines(folder / GRADES)]
    engines = sorted({engine for _, _, engine, _ in rows})
    places = {key: n for n, key in enumerate(texts)}
    rewards = np.full((len(texts), len(engines)), np.nan)
    for key, _, engine, grade in rows:
        rewards[places[key], engines.index(engine)] = float(grade) / 100.0
    if np.isnan(rewards).any():
        raise DatasetError(f"{GRADES} does not grade every engine for every request.")
    return Requests(tuple(texts.values()), tuple(engines), rewards)


def ndcg(scores: Floats, rewards: Floats, k: int) -> Floats:
    """Return nDCG@k per request (n,), with the grade as gain; NaN where all grades are 0."""
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = -np.sort(-rewards, axis=1)[:, :k] @ discount
    found = np.take_along_axis(rewards, order, axis=1) @ discount
    return np.where(best > 0, found / np.where(best > 0, best, 1.0), np.nan)


def share_of_best(picked: list[int], rewards: Floats) -> float:
    """Return nP@k of one request: the picked engines' grades over the best possible k's."""
    best = float(np.sort(rewards)[::-1][: len(picked)].sum())
    return float(rewards[picked].sum()) / best if best > 0 else float("nan")


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text().splitlines() if line.strip()]
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read ({error.strerror}).", "Give the folder by --data."
        ) from error
