"""MiniLM fine-tuned to point at answers: scores of a text's tokens as first and as last."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.encoder import load_minilm, offline_folder, torch_threads
from rag.errors import ModelError

WEIGHTS_FILE = "reader_weights.safetensors.zlib"
READER_SHA256 = "e4b15f5953ac37fd3f77b1103abd67a2eb2e20de13132c6d4e989846237214c4"
QUESTION_TOKENS = 40
CONTEXT_TOKENS = 400
"""Of what is given, as much is read; MiniLM has 512 positions."""

TEXT_CHARS = 4_000
_NEVER = -1e4


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text's tokens: ids, their [start, end) in characters (n, 2), and whether each begins a
    word.
    """

    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    begins: NDArray[np.bool_]


class SpanModel:
    """all-MiniLM-L6-v2 trained to find answers, under a linear layer.

    ``folder`` is where the encoder's weights are, as for ``MiniLMEncoder``. ``weights`` is a
    safetensors file, packed by zlib, of differences to them: per matrix int8 and one scale a row,
    the rest float32; by default the one of this package, whose SHA-256 is pinned. ``digest`` is
    the SHA-256 that ``weights`` must have. Raises ModelError when either is missing or another.
    """

    def __init__(
        self,
        folder: Path | None = None,
        weights: Path | None = None,
        *,
        digest: str = READER_SHA256,
        batch_size: int = 8,
        threads: int = 1,
    ) -> None:
        self._tokenizer, self._model = load_minilm(folder or offline_folder())
        if weights is None:
            with as_file(files("rag") / WEIGHTS_FILE) as file:
                changes = _read(file, digest)
        else:
            changes = _read(weights, digest)
        self._head = _apply(changes, self._model)
        self._batch_size = batch_size
        self._threads = threads
        vocabulary = self._tokenizer.convert_ids_to_tokens(range(len(self._tokenizer)))
        self._begins = np.array([not token.startswith("##") for token in vocabulary])

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of each text's first ``TEXT_CHARS`` characters."""
        if not texts:
            return []
        made = self._tokenizer(
            [text[:TEXT_CHARS] for text in texts],
            add_special_tokens=False,
            return_offsets_mapping=True,
            verbose=False,
        )
        return [
            Tokens(ids, np.array(offsets, dtype=np.int64).reshape(-1, 2), self._begins[ids])
            for found, offsets in zip(made["input_ids"], made["offset_mapping"], strict=True)
            for ids in [np.array(found, dtype=np.int64)]
        ]

    def scores(
        self, question: str, contexts: Sequence[NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]:
        """Return, for each context's token ids, logits (2, 1 + n): of firsts and of lasts.

        The first column stands for "no answer". n is at most ``CONTEXT_TOKENS``.
        """
        asked = self.tokens([question])[0].ids[:QUESTION_TOKENS].tolist()
        order = sorted(range(len(contexts)), key=lambda i: (len(contexts[i]), contexts[i].tolist()))
        found: dict[int, NDArray[np.float32]] = {}
        for batch in _batches(order, self._batch_size):
            rows = self._forward(asked, [contexts[i][:CONTEXT_TOKENS] for i in batch])
            found.update(zip(batch, rows, strict=True))
        return [found[i] for i in range(len(contexts))]

    def _forward(
        self, asked: list[int], contexts: Sequence[NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]:
        import torch

        cls, sep = self._tokenizer.cls_token_id, self._tokenizer.sep_token_id
        opening = [cls, *asked, sep]
        first = len(opening)
        longest = first + max(len(c) for c in contexts) + 1
        ids, mask, segments = (
            torch.zeros((len(contexts), longest), dtype=torch.long) for _ in range(3)
        )
        for row, context in enumerate(contexts):
            n = first + len(context) + 1
            ids[row, :n] = torch.tensor([*opening, *context.tolist(), sep])
            mask[row, :n], segments[row, first:n] = 1, 1
        with torch_threads(self._threads), torch.inference_mode():
            states = self._model(
                input_ids=ids, attention_mask=mask, token_type_ids=segments
            ).last_hidden_state
            logits = (states @ self._head[0].T + self._head[1]).permute(0, 2, 1).numpy()
        return [
            np.concatenate([logits[i, :, :1], logits[i, :, first : first + len(c)]], axis=1)
            for i, c in enumerate(contexts)
        ]


def _batches(order: list[int], size: int) -> Iterator[list[int]]:
    return (order[i : i + size] for i in range(0, len(order), size))


def _read(file: Path, digest: str) -> dict[str, Any]:
    """Return the tensors of a weights file by name, after its SHA-256 is checked."""
    from safetensors.torch import load

    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(
            f"There are no reader weights at {file}.",
            "Reinstall them: pip install --force-reinstall chainrep",
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise ModelError(
            f"The reader weights at {file} have SHA-256 {found[:12]}…, not {digest[:12]}….",
            "Do not use them; reinstall chainrep from a package index you trust.",
        )
    return load(zlib.decompress(content))  # its digest is known, so it is no bomb


def _apply(changes: dict[str, Any], model: Any) -> tuple[Any, Any]:
    """Add the differences to the model's parameters and return the head's weight and bias."""
    import torch

    head = changes.pop("head.weight"), changes.pop("head.bias")
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, change in changes.items():
            if name.endswith(".scale"):
                continue
            scale = changes.get(f"{name}.scale")
            parameters[name] += change if scale is None else change * scale[:, None]
    return head
