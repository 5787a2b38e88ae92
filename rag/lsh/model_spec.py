"""What a provider promises to run: weights, numbers, kernels and engine, as bytes to hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag.causal_model import CausalModel
from rag.errors import DatasetError, ModelError
from rag.json_text import parse_json
from rag.lsh.safetensors_digest import weights_root

MAX_CONFIG_BYTES = 10_000_000
MAX_FIELD = 200
# What saving a model writes into its config without changing what it computes.
_INCIDENTAL = frozenset(
    {"transformers_version", "_name_or_path", "dtype", "torch_dtype", "use_cache", "auto_map"}
)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The promise. Digests are lower-case hex of 32 bytes, the rest short ASCII names.

    ``weights_root`` is that of ``safetensors_digest``, ``config_digest`` the SHA-256 of the
    config's canonical JSON. The kernel of a quantization is part of it, because two kernels for
    the same fp8 weights differ as much as two models do. Raises ModelError on a malformed field.
    """

    architecture: str
    weights_root: str
    config_digest: str
    dtype: str
    quantization: str
    attention: str
    engine: str

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value or len(value) > MAX_FIELD or not (value.isascii() and value.isprintable()):
                raise ModelError(
                    f"A model spec's {name} is empty, too long or not plain text.",
                    f"Use 1 to {MAX_FIELD} printable ASCII characters.",
                )

    def canonical(self) -> bytes:
        """Return the bytes that are hashed: JSON, keys sorted, no spaces, ASCII."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode("ascii")


def describe_model(model: CausalModel) -> ModelSpec:
    """Return the spec of a loaded model; reads all of its weights once. Raises ModelError."""
    config = _config(model.folder)
    architectures = config.get("architectures") or ["unknown"]
    quantization = config.get("quantization_config") or {}
    return ModelSpec(
        architecture=str(architectures[0]),
        weights_root=weights_root(model.folder).hex(),
        config_digest=_config_digest(config),
        dtype=model.dtype,
        quantization=str(quantization.get("quant_method", "none")),
        attention=model.attention,
        engine=f"transformers {version('transformers')} torch {version('torch')}",
    )


def _config_digest(config: dict[str, Any]) -> str:
    kept = {name: value for name, value in config.items() if name not in _INCIDENTAL}
    return hashlib.sha256(
        json.dumps(kept, sort_keys=True, separators=(",", ":")).encode("ascii")
    ).hexdigest()


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ValueError("it is too large")
        found = parse_json(path.read_text("utf-8"), path.name)
        if not isinstance(found, dict):
            raise TypeError("it is not an object")
    except (OSError, ValueError, TypeError, DatasetError) as error:
        raise ModelError(
            f"The model's config.json cannot be read: {type(error).__name__}.",
            "Download the model again.",
        ) from error
    return found
