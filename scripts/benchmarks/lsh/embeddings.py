"""Embeddings: is a bfloat16 run told from int8 weights, in 16 bytes a text, on MiniLM?"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.encoder import MODEL, offline_folder
from rag.lsh.exact_bounds import lower_bound, smallest_threshold, upper_bound
from rag.lsh.flip_curve import choose_width
from rag.lsh.sketch import Sketcher
from rag.lsh.tampering import tamper_network

BOUND, CONFIDENCE = 0.005, 0.95
HONEST = (("bfloat16", 16), ("float32", 1))
SIZES = (128, 256)


def measure_embeddings(texts: Sequence[str]) -> dict[str, Any]:
    """Even texts choose width and threshold, odd ones report; the verifier runs
    float32 in batches of 32 texts of like length, an honest one bfloat16, or float32 singly."""
    import transformers

    folder = offline_folder() or Path(MODEL)
    network: Any = transformers.AutoModel.from_pretrained(folder, use_safetensors=True).eval()
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
    ordered = sorted(texts, key=len)
    true = _embed(network, tokenizer, ordered, "float32", 32)
    cheap = deepcopy(network)
    tamper_network(cheap, "int8")
    attacks = {"int8": _embed(cheap, tokenizer, ordered, "float32", 16)}
    honest = {
        f"{dtype}, batch {batch}": _embed(network, tokenizer, ordered, dtype, batch)
        for dtype, batch in HONEST
    }
    even, odd = np.arange(len(ordered)) % 2 == 0, np.arange(len(ordered)) % 2 == 1
    apart = {
        name: np.linalg.norm(found - true, axis=1) for name, found in (honest | attacks).items()
    }
    near = np.concatenate([apart[name][even] for name in honest])
    rows: dict[str, Any] = {}
    for bits in SIZES:
        width = choose_width(near, apart["int8"][even], bits, BOUND / 2).width
        sketcher = Sketcher(true.shape[1], width, bits)
        own = sketcher.codes(true)
        flips = {
            name: _distances(sketcher.codes(found), own)
            for name, found in (honest | attacks).items()
        }
        calibration = np.concatenate([flips[name][even] for name in honest])
        threshold, _ = smallest_threshold(calibration, BOUND, CONFIDENCE)
        tried = np.concatenate([flips[name][odd] for name in honest])
        rejected = int((tried > threshold).sum())
        rows[f"{bits // 8}_bytes"] = {
            "width": round(width, 5),
            "threshold": int(threshold),
            "honest_reject": rejected / len(tried),
            "honest_reject_at_most": upper_bound(rejected, len(tried), CONFIDENCE),
            **{
                name: {
                    "recall": float((flips[name][odd] > threshold).mean()),
                    "at_least": lower_bound(
                        int((flips[name][odd] > threshold).sum()), int(odd.sum()), 0.975
                    ),
                }
                for name in attacks
            },
        }
    return {
        "texts": len(ordered),
        "model": "all-MiniLM-L6-v2",
        "distances": {name: round(float(np.median(d)), 5) for name, d in apart.items()},
        **rows,
    }


def _embed(
    network: Any, tokenizer: Any, texts: Sequence[str], dtype: str, batch: int
) -> NDArray[np.float32]:
    import torch

    model = network if dtype == "float32" else deepcopy(network).to(getattr(torch, dtype))
    rows = []
    for start in range(0, len(texts), batch):
        tokens = tokenizer(
            list(texts[start : start + batch]),
            padding=True, truncation=True, max_length=256, return_tensors="pt",
        )  # fmt: skip
        mask = tokens["attention_mask"][:, :, None]
        with torch.inference_mode():
            states = model(**tokens).last_hidden_state.float()
        mean = (states * mask).sum(dim=1) / mask.sum(dim=1)
        rows.append(torch.nn.functional.normalize(mean, dim=1).numpy())
    return np.concatenate(rows)


def _distances(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.asarray(np.bitwise_count(a ^ b).sum(axis=1), np.int64)
