"""Turn a checkpoint into the small file that is shipped: differences to MiniLM, in int8."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save

from rag.encoder import load_minilm, offline_folder

LEVELS = 127


def weights_of(checkpoint: Path) -> bytes:
    """Return a safetensors file of a checkpoint's averaged parameters, as differences to MiniLM."""
    return save(differences(checkpoint))


def differences(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Return per matrix int8 differences and a float32 scale a row; the rest as float32.

    ``rag.span_model`` adds them to MiniLM's parameters again.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    _, base = load_minilm(offline_folder())
    before = {f"base.{name}": p.detach() for name, p in base.named_parameters()}
    found: dict[str, torch.Tensor] = {}
    for name, after in state["average"].items():
        if name.startswith("head."):
            found[name] = after.float().contiguous()
            continue
        change = after - before[name]
        short = name.removeprefix("base.")
        if change.ndim < 2:
            found[short] = change.contiguous()
            continue
        scale = (change.abs().amax(dim=1) / LEVELS).clamp(min=1e-12)
        found[short] = torch.round(change / scale[:, None]).to(torch.int8)
        found[f"{short}.scale"] = scale
    return found
