"""Where and how a model runs, as one short name that calibrations go by."""

from __future__ import annotations

import re

from rag.causal_model import CausalModel

_PLAIN = re.compile(r"[^a-z0-9.]+")


def setting_of(model: CausalModel) -> str:
    """Return ``device/dtype/attention``, such as ``cpu/float32/sdpa``; a GPU has its own name."""
    device = model.device
    if device.startswith("cuda"):
        import torch

        device = _PLAIN.sub("-", torch.cuda.get_device_name(device).lower()).strip("-")
    return f"{device}/{model.dtype}/{model.attention}"


def pair_of(provider: str, verifier: str) -> str:
    """Return the name of a pair of settings: the provider's, a bar, the verifier's."""
    return f"{provider}|{verifier}"
