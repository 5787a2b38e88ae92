"""What a published code tells about the vector behind it, beside a plain code of signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.encoder import MiniLMEncoder
from rag.lsh.flip_curve import flip_probability
from rag.lsh.hamming import block_distances, distances
from rag.lsh.sketch import Sketcher
from rag.lsh.windows import WINDOW, window_vectors

PENALTIES = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
PAIRS = 100_000
BATCH = 64
Vectors = NDArray[np.float32]


def measure_leakage(
    texts: Sequence[str], widths: Sequence[float] = (0.03, 0.1, 0.3, 1.0), seed: int = 6
) -> dict[str, Any]:
    """Attack 256-bit codes of MiniLM embeddings of the texts and of their first 32 tokens' states.

    Half of the texts are the attacker's, with vectors and codes, a tenth of that to choose with;
    the other half is attacked by its codes only. Per kind of code, ``sign`` or a width:

    - ``explained``: share of the held-out vectors' variance that ridge regression on the bits
      explains (0: no better than the mean), and ``cosine`` of its guess with what is left of the
      vector without the mean;
    - ``neighbour_cosine``: cosine of a vector with the attacker's vector whose code is nearest;
      ``any_cosine`` with a vector at random, ``best_cosine`` with the nearest vector;
    - ``rank_far``, ``rank_near``: Spearman's correlation of Hamming and true distance among pairs
      further apart than the width, and among pairs made to lie within it;
    - ``confirmed``: how often who holds all inputs, and reruns at a quarter of the width, finds
      the one behind a code: the purpose of a code.
    """
    encoder, draw = MiniLMEncoder(), np.random.default_rng(seed)
    order = draw.permutation(len(texts)).tolist()
    chosen = [texts[i] for i in order]
    return {
        "texts": len(chosen),
        "embeddings": _attack(encoder.encode(chosen), widths, draw),
        "windows": _attack(_windows(encoder, chosen), widths, draw),
    }


def _windows(encoder: MiniLMEncoder, texts: Sequence[str]) -> Vectors:
    rows = []
    for start in range(0, len(texts), BATCH):
        for tokens in encoder.tokens(texts[start : start + BATCH]):
            if len(tokens.states[-1]) >= WINDOW:
                rows.append(window_vectors(tokens.states[-1][:WINDOW]))
    return np.concatenate(rows)


def _attack(vectors: Vectors, widths: Sequence[float], draw: np.random.Generator) -> dict[str, Any]:
    half = len(vectors) // 2
    cosines = vectors[half:] @ vectors[:half].T
    found: dict[str, Any] = {
        "vectors": len(vectors),
        "any_cosine": float(cosines.mean()),
        "best_cosine": float(cosines.max(axis=1).mean()),
    }
    sketcher = Sketcher(vectors.shape[1], 1.0)
    projected = sketcher.project(vectors)
    found["sign"] = _against(vectors, np.packbits(projected >= 0, axis=1), cosines, draw, None)
    for width in widths:
        sketcher.width = width
        codes = sketcher.quantize(projected)
        result = _against(vectors, codes, cosines, draw, width)
        moved = vectors + _noise(vectors.shape, width / 4, draw)
        nearest = block_distances(sketcher.codes(moved), codes).argmin(axis=1)
        result["confirmed"] = float((nearest == np.arange(len(vectors))).mean())
        result["rank_near"] = _rank_near(vectors, sketcher, draw)
        result["flips_of_nearest_pair"] = _closed_form(vectors, width)
        found[f"width_{width:g}"] = result
    return found


def _against(
    vectors: Vectors,
    codes: NDArray[np.uint8],
    cosines: Vectors,
    draw: np.random.Generator,
    width: float | None,
) -> dict[str, Any]:
    half = len(vectors) // 2
    explained, cosine = _reconstruct(vectors, codes)
    nearest = block_distances(codes[half:], codes[:half]).argmin(axis=1)
    a, b = draw.integers(0, len(vectors), (2, PAIRS))
    apart = np.sqrt(np.maximum(2 - 2 * (vectors @ vectors.T)[a, b], 0))  # all have length 1
    kept = apart > (width or 0.01)
    flips = distances(codes[a[kept]], codes[b[kept]])
    return {
        "explained": explained,
        "cosine": cosine,
        "neighbour_cosine": float(cosines[np.arange(len(nearest)), nearest].mean()),
        "far_pairs": int(kept.sum()),
        "rank_far": _spearman(flips, apart[kept]),
    }


def _reconstruct(vectors: Vectors, codes: NDArray[np.uint8]) -> tuple[float, float]:
    """Ridge regression in the bits, its penalty chosen on a tenth of the attacker's half."""
    bits = np.unpackbits(codes, axis=1).astype(np.float64) * 2 - 1
    half, fit = len(vectors) // 2, len(vectors) * 9 // 20

    def explained(penalty: float, known: int, part: slice) -> tuple[float, float]:
        mean, centre = vectors[:known].mean(axis=0), bits[:known].mean(axis=0)
        seen = bits[:known] - centre
        gram = seen.T @ seen + penalty * np.eye(bits.shape[1])
        weights = np.linalg.solve(gram, seen.T @ (vectors[:known] - mean))
        left, guess = vectors[part] - mean, (bits[part] - centre) @ weights
        lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(guess, axis=1)
        cosine = (left * guess).sum(axis=1) / np.maximum(lengths, 1e-12)
        return float(1 - ((left - guess) ** 2).sum() / (left**2).sum()), float(cosine.mean())

    best = max(PENALTIES, key=lambda penalty: explained(penalty, fit, slice(fit, half))[0])
    return explained(best, half, slice(half, None))


def _rank_near(vectors: Vectors, sketcher: Sketcher, draw: np.random.Generator) -> float:
    steps = draw.uniform(0, sketcher.width, len(vectors))
    away = _noise(vectors.shape, 1.0, draw)
    moved = vectors + away * steps[:, None].astype(np.float32)
    return _spearman(distances(sketcher.codes(vectors), sketcher.codes(moved)), steps)


def _closed_form(vectors: Vectors, width: float) -> float:
    """The chance per bit that the two nearest of all vectors differ: 1/2 says that a code hides
    even which of them are alike."""
    squares = 2 - 2 * (vectors @ vectors.T)
    np.fill_diagonal(squares, np.inf)
    return float(flip_probability(np.sqrt(max(float(squares.min()), 0.0)), width))


def _noise(shape: tuple[int, ...], length: float, draw: np.random.Generator) -> Vectors:
    found = draw.normal(size=shape).astype(np.float32)
    scaled = found * np.float32(length) / np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(scaled, np.float32)


def _spearman(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Pearson's correlation of ranks, ties sharing their mean rank."""
    ranks = []
    for values in (a, b):
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(count) - (count - 1) / 2)[place])
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
