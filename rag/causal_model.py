"""A causal language model, loaded from a folder or the hub: safetensors only, no foreign code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.encoder import quiet
from rag.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

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


def chat_prompt(model: CausalModel, messages: Sequence[Mapping[str, str]]) -> list[int]:
    """Return the ids that the tokenizer's own chat template makes of messages.

    Raises ModelError when it has none, or when it does not take these.
    """
    from jinja2 import TemplateError

    try:
        text: Any = model.tokenizer.apply_chat_template(
            [dict(message) for message in messages], tokenize=False, add_generation_prompt=True
        )
    except ValueError as error:
        raise ModelError(
            "The model's tokenizer has no chat template.", "Ask by /v1/completions instead."
        ) from error
    except TemplateError as error:
        raise ModelError(
            f"The model's chat template refuses these messages: {_first_line(error)}",
            "Use the roles that the model was made for.",
        ) from error
    return [int(i) for i in model.tokenizer(text, add_special_tokens=False)["input_ids"]]


def continued(
    model: CausalModel,
    prompts: Sequence[Sequence[int]],
    max_tokens: int,
    end_tokens: Sequence[int],
    processors: Sequence[Any] = (),
) -> Tensor:
    """Continue all prompts in one batch, greedily over what ``processors`` make of the logits.

    Returns int64 (prompts, at most ``max_tokens``), filled up after a row's end token. Raises
    ModelError on an empty prompt, or when prompt and answer exceed the model's context.
    """
    import torch

    length = max(len(prompt) for prompt in prompts)
    if not min(len(prompt) for prompt in prompts) or length + max_tokens > model.context:
        raise ModelError(
            f"A prompt is empty, or its {length:,} tokens and {max_tokens:,} of an answer "
            f"exceed the model's {model.context:,}.",
            "Give at least one token, and lower max_tokens or shorten the prompt.",
        )
    pad = end_tokens[0] if end_tokens else 0
    ids = torch.full((len(prompts), length), pad, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for i, prompt in enumerate(prompts):  # padded on the left: what follows must touch
        ids[i, length - len(prompt) :] = torch.tensor(prompt)
        mask[i, length - len(prompt) :] = 1
    with _without_defaults(model.network), torch.inference_mode():
        found: Tensor = model.network.generate(
            ids.to(model.device),
            attention_mask=mask.to(model.device),
            generation_config=_greedy(max_tokens, end_tokens, pad),
            logits_processor=list(processors),
        )[:, length:]
    return found


@contextmanager
def _without_defaults(network: Any) -> Iterator[None]:
    """Hide the repository's own temperature, penalties and end tokens from ``generate``.

    What it is not told it would take from there.
    """
    import transformers

    kind: Any = transformers.GenerationConfig
    before, network.generation_config = network.generation_config, kind()
    try:
        yield
    finally:
        network.generation_config = before


def _greedy(max_tokens: int, end_tokens: Sequence[int], pad: int) -> Any:
    import transformers

    kind: Any = transformers.GenerationConfig
    return kind(
        max_new_tokens=max_tokens,
        do_sample=False,
        num_beams=1,
        use_cache=True,
        eos_token_id=list(end_tokens) or None,
        pad_token_id=pad,
    )


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
