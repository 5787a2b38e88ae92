"""A causal language model, loaded from a folder or the hub: safetensors only, no foreign code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.encoder import quiet
from rag.errors import ModelError

DTYPES = ("float32", "bfloat16", "float16")
# Transformers also takes names of kernels that it would download and run; a fixed list does not.
ATTENTIONS = ("sdpa", "eager", "flash_attention_2", "flash_attention_3", "flex_attention")
HUB_FILES = ["*.safetensors", "*.json", "*.model", "merges.txt", "vocab.txt"]
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


@dataclass(frozen=True, slots=True)
class CausalModel:
    """A model ready to run: ``network`` and ``tokenizer`` are transformers' own objects.

    ``folder`` holds the files it was loaded from, so that their digest can be bound;
    ``end_tokens`` are the ids that end an answer, ascending.
    """

    network: Any
    tokenizer: Any
    folder: Path
    dtype: str
    attention: str
    device: str
    end_tokens: tuple[int, ...] = ()

    @property
    def dimensions(self) -> int:
        """The length of a hidden state."""
        return int(self.network.config.get_text_config().hidden_size)

    @property
    def vocabulary(self) -> int:
        """How many logits a position has; may exceed the tokenizer's tokens."""
        return int(self.network.get_output_embeddings().weight.shape[0])

    @property
    def context(self) -> int:
        """The most tokens, prompt and answer together, that the model was made for."""
        return int(self.network.config.get_text_config().max_position_embeddings)

    def tokens(self, text: str) -> list[int]:
        """Return the token ids of a prompt, with the marks that the tokenizer puts around it."""
        return [int(token) for token in self.tokenizer(text)["input_ids"]]

    def text(self, tokens: list[int] | tuple[int, ...]) -> str:
        """Return the text of token ids, without special tokens."""
        return str(
            self.tokenizer.decode(
                list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )


def load_causal_model(
    name: str | Path,
    *,
    revision: str | None = None,
    dtype: str = "float32",
    attention: str = "sdpa",
    device: str = "cpu",
) -> CausalModel:
    """Load ``name``, a folder or a hub id such as ``owner/model``, at ``revision`` of the hub.

    Only safetensors weights are read and no code of the repository is run. Raises ModelError.
    """
    _one_of("dtype", dtype, DTYPES)
    _one_of("attention", attention, ATTENTIONS)
    try:
        import torch
        import transformers
    except ImportError as error:
        raise ModelError(
            "Running a model needs torch and transformers, which are not installed.",
            "Run: pip install 'chainrep[rag]'",
        ) from error
    folder = _folder(str(name), revision)
    try:
        with quiet():
            tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                folder, trust_remote_code=False
            )
            loader: Any = transformers.AutoModelForCausalLM
            network, report = loader.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                attn_implementation=attention,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
            network = network.to(device).eval()
            end_tokens = _end_tokens(network.generation_config.eos_token_id)
    except Exception as error:  # on a malformed folder the parsers raise anything
        raise ModelError(
            f"The model {name} cannot be loaded as {dtype} with {attention} on {device}: "
            f"{_first_line(error)}",
            "Give a folder or hub id with config.json, a tokenizer and safetensors weights, and a "
            "dtype, attention and device that this machine has.",
        ) from error
    if report["missing_keys"]:
        # Transformers fills what is missing with random numbers and only logs it.
        raise ModelError(
            f"The model {name} lacks {len(report['missing_keys'])} of the tensors that its "
            f"config.json asks for, such as {min(report['missing_keys'])}.",
            "Download it again, or correct its config.json.",
        )
    return CausalModel(network, tokenizer, folder, dtype, attention, device, end_tokens)


def _folder(name: str, revision: str | None) -> Path:
    if name and Path(name).is_dir():
        return Path(name)
    if not _HUB_ID.fullmatch(name):
        raise ModelError(
            f"There is no folder {name!r}, and it is not a model's id on the hub either.",
            "Give the path of a folder with a model in it, or an id like owner/model.",
        )
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        with quiet():
            return Path(snapshot_download(name, revision=revision, allow_patterns=HUB_FILES))
    except (OSError, ValueError, HfHubHTTPError, httpx.HTTPError) as error:
        raise ModelError(
            f"The model {name} cannot be fetched from the hub: {type(error).__name__}.",
            "Check the id, the revision and the connection, or download the model yourself and "
            "give its folder.",
        ) from error


def _end_tokens(found: Any) -> tuple[int, ...]:
    many = found if isinstance(found, list) else [] if found is None else [found]
    return tuple(sorted({int(token) for token in many}))


def _one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ModelError(f"There is no {what} {value!r}.", f"Use one of: {', '.join(known)}.")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
