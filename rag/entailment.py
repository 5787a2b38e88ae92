"""Whether one text follows from another, by a model of natural language inference."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from rag.encoder import quiet
from rag.errors import ModelError

MAX_TOKENS = 256
BATCH = 16
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


class Entailment(Protocol):
    """Pairs of texts to probabilities."""

    def entails(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return for each (premise, hypothesis) the probability 0..1 that the second follows."""
        ...


class NliModel:
    """A sequence classifier trained on natural language inference, from a folder or the hub.

    ``name`` is a folder or a hub id, ``revision`` the hub's. Only safetensors weights are read and
    no code of the repository is run. The label that begins with "entail" in the model's config is
    the one that counts. Texts are cut at 256 tokens a pair. Raises ModelError.
    """

    def __init__(
        self, name: str | Path, *, revision: str | None = None, device: str = "cpu"
    ) -> None:
        self._tokenizer, self._network = _load(str(name), revision, device)
        self._label = _entailment_label(self._network.config.id2label, str(name))
        self._device = device

    def entails(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return for each (premise, hypothesis) the probability 0..1 that the second follows."""
        found: list[float] = []
        for start in range(0, len(pairs), BATCH):
            found += self._batch(pairs[start : start + BATCH])
        return found

    def _batch(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        import torch

        tokens = self._tokenizer(
            [premise for premise, _ in pairs],
            [hypothesis for _, hypothesis in pairs],
            padding=True,
            truncation=True,
            max_length=MAX_TOKENS,
            return_tensors="pt",
        ).to(self._device)
        with torch.inference_mode():
            logits = self._network(**tokens).logits.float()
        return [float(p) for p in torch.softmax(logits, dim=-1)[:, self._label].cpu()]


def _load(name: str, revision: str | None, device: str) -> tuple[Any, Any]:
    try:
        import transformers
    except ImportError as error:
        raise ModelError(
            "Entailment needs torch and transformers, which are not installed.",
            "Run: pip install 'chainrep[rag]'",
        ) from error
    # Anything that is no hub id would be looked for in the hub's cache and on the network.
    if not Path(name).is_dir() and not _HUB_ID.fullmatch(name):
        raise ModelError(
            f"The entailment model {name} is neither a folder nor an id on the hub.",
            "Give the path of a folder with a model in it, or an id like owner/model.",
        )
    try:
        with quiet():
            tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                name, revision=revision, trust_remote_code=False
            )
            loader: Any = transformers.AutoModelForSequenceClassification
            network, report = loader.from_pretrained(
                name,
                revision=revision,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
            network = network.to(device).eval()
    except Exception as error:  # on a malformed folder the parsers raise anything
        raise ModelError(
            f"The entailment model {name} cannot be loaded on {device}: {type(error).__name__}.",
            "Give a folder or hub id of a sequence classifier with config.json, a tokenizer and "
            "safetensors weights.",
        ) from error
    if report["missing_keys"]:
        # Transformers fills what is missing with random numbers and only logs it.
        raise ModelError(
            f"The entailment model {name} lacks {len(report['missing_keys'])} of its tensors, "
            f"such as {min(report['missing_keys'])}.",
            "Give a model trained for natural language inference, not its encoder alone.",
        )
    return tokenizer, network


def _entailment_label(labels: dict[int, str], name: str) -> int:
    found = [number for number, label in labels.items() if label.lower().startswith("entail")]
    if len(found) != 1:
        raise ModelError(
            f"The model {name} has no label that says entailment: {sorted(labels.values())[:5]}.",
            "Give a model of natural language inference whose config.json names its labels.",
        )
    return int(found[0])
