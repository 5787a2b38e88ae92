"""Ways to run something cheaper or other than promised: what a verifier must catch.

Every attack changes the linear layers of a network in place, the output layer included, and
leaves embeddings and norms alone, as the usual quantizers do. Plain torch, on any device.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rag.causal_model import CausalModel
from rag.errors import ModelError

if TYPE_CHECKING:
    from torch import Generator, Tensor

Change = Callable[["Tensor", "Generator"], "Tensor"]

_FP8_LARGEST = 448.0


def int8_per_channel(weight: Tensor, _: Generator) -> Tensor:
    """Round to 255 levels, symmetric, one scale per output row."""
    return _rounded(weight, levels=127)


def int4_groups(weight: Tensor, _: Generator) -> Tensor:
    """Round to 15 levels, symmetric, one scale per 128 inputs of a row."""
    rows, columns = weight.shape
    group = 128 if columns % 128 == 0 else columns
    return _rounded(weight.reshape(-1, group), levels=7).reshape(rows, columns)


def fp8_e4m3(weight: Tensor, _: Generator) -> Tensor:
    """Round to 8-bit floats of 3 mantissa bits, one scale per tensor."""
    import torch

    scale = weight.abs().amax().clamp_(min=1e-12) / _FP8_LARGEST
    return (weight / scale).to(torch.float8_e4m3fn).to(weight.dtype) * scale


def noise(share: float) -> Change:
    """Return an attack that adds noise of ``share`` of each tensor's norm."""
    return lambda weight, chance: (
        weight + _of_norm(_normal(weight.shape, weight, chance), weight, share)
    )


def low_rank(rank: int, share: float) -> Change:
    """Return an attack that adds a product of rank ``rank`` (a LoRA) of ``share`` of the norm."""

    def change(weight: Tensor, chance: Generator) -> Tensor:
        down = _normal((weight.shape[0], rank), weight, chance)
        up = _normal((rank, weight.shape[1]), weight, chance)
        return weight + _of_norm(down @ up, weight, share)

    return change


WEIGHT_ATTACKS: Mapping[str, Change] = {
    "int8": int8_per_channel,
    "int4": int4_groups,
    "fp8": fp8_e4m3,
    "noise_1pct": noise(0.01),
    "noise_0.1pct": noise(0.001),
    "lora": low_rank(8, 0.01),
}


def tamper(model: CausalModel, attack: str, seed: int = 0) -> CausalModel:
    """Return a copy of the model whose linear weights went through ``WEIGHT_ATTACKS[attack]``.

    The computation is in float32, the result in the weights' own dtype. Raises ModelError on an
    attack without that name.
    """
    changed = replace(model, network=copy.deepcopy(model.network))
    tamper_network(changed.network, attack, seed)
    return changed


def tamper_network(network: Any, attack: str, seed: int = 0) -> None:
    """Change a network in place: for models of which no second copy fits into memory."""
    import torch

    if attack not in WEIGHT_ATTACKS:
        raise ModelError(
            f"There is no weight attack {attack!r}.", f"Use one of: {', '.join(WEIGHT_ATTACKS)}."
        )
    with torch.no_grad():
        for weight in _linear_weights(network):
            chance = torch.Generator(weight.device).manual_seed(seed)
            seed += 1
            weight.copy_(WEIGHT_ATTACKS[attack](weight.float(), chance))


def _linear_weights(network: Any) -> Iterator[Tensor]:
    import torch

    # An output layer tied to the embedding would change the embedding with it.
    embedding = network.get_input_embeddings().weight
    for module in network.modules():
        if isinstance(module, torch.nn.Linear) and module.weight is not embedding:
            yield module.weight


def _rounded(rows: Tensor, levels: int) -> Tensor:
    scale = rows.abs().amax(dim=1, keepdim=True).clamp_(min=1e-12) / levels
    return (rows / scale).round_().mul_(scale)


def _normal(shape: Any, like: Tensor, chance: Generator) -> Tensor:
    import torch

    values: Tensor = torch.randn(shape, generator=chance, device=like.device, dtype=like.dtype)
    return values


def _of_norm(change: Tensor, weight: Tensor, share: float) -> Tensor:
    moved: Tensor = change * (share * weight.norm() / change.norm())
    return moved
