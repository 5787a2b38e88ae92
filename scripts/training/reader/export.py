"""Turn checkpoints into the small file that is shipped: differences to MiniLM, in few bits."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save

from rag.encoder import load_minilm, offline_folder

LEVELS = 31
"""Steps between 0 and a row's greatest difference: 6 bits with the sign, which zlib packs."""


def weights_of(checkpoints: Sequence[Path]) -> bytes:
    """Return the packed safetensors file of the mean of checkpoints' averaged parameters.

    Trainings that differ only in their seed agree enough for their mean to be better than each
    (Wortsman et al., 2022, "Model soups").
    """
    states = [
        torch.load(file, map_location="cpu", weights_only=True)["average"] for file in checkpoints
    ]
    mean = {name: torch.stack([s[name] for s in states]).mean(dim=0) for name in states[0]}
    return zlib.compress(save(differences(mean)), 9)


def differences(trained: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return per matrix int8 differences to MiniLM and a float32 scale a row; the rest as float32.

    ``rag.span_model`` adds them to MiniLM's parameters again.
    """
    _, base = load_minilm(offline_folder())
    before = {f"base.{name}": p.detach() for name, p in base.named_parameters()}
    found: dict[str, torch.Tensor] = {}
    for name, after in trained.items():
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
