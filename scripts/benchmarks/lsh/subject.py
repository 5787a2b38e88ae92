"""The models under test: a small Llama trained on our corpus, or 8 billion random weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rag.causal_model import CausalModel, load_causal_model
from rag.loaders import demo_dataset
from rag.lsh.small_llama import LlamaSize, build_small_llama

Prompts = list[list[int]]


@dataclass(frozen=True, slots=True)
class Subject:
    """A model as its provider runs it, and where prompts for it come from."""

    name: str
    model: CausalModel
    prompts: Callable[[int, int], Prompts]


def trained_subject(
    folder: Path, size: LlamaSize, steps: int, dtype: str, seed: int, device: str = "cpu"
) -> Subject:
    """A small Llama trained on the demo corpus, and cuts of that corpus as prompts."""
    texts = corpus_texts()
    if not (folder / "model.safetensors").exists():
        build_small_llama(folder, texts, seed=seed, size=size, steps=steps)
    model = load_causal_model(folder, dtype=dtype, device=device)
    stream = [token for text in texts for token in model.tokens(text)]

    def prompts(count: int, draw: int) -> Prompts:
        chance = np.random.default_rng([seed, draw])
        starts = chance.integers(0, len(stream) - 64, count)
        return [
            stream[s : s + int(n)]
            for s, n in zip(starts, chance.integers(16, 64, count), strict=True)
        ]

    return Subject(f"Llama, {_weights(model)} M weights, trained here", model, prompts)


def random_8b(
    seed: int, device: str, layers: int = 32, dimensions: int = 4096, vocabulary: int = 128_256
) -> Subject:
    """A Llama of the shape of Llama 3.1 8B with random weights in bfloat16, and random prompts.

    The final norm's weights are spread out, with 8 dimensions ten times as large, as in trained
    models; the output layer is scaled so that logits have a standard deviation near 4 and an
    answer's tokens about 4 nats of entropy, instead of the 11 of untrained weights.
    """
    import torch
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=vocabulary, hidden_size=dimensions, intermediate_size=7 * dimensions // 2,
        num_hidden_layers=layers, num_attention_heads=dimensions // 128,
        num_key_value_heads=dimensions // 512, max_position_embeddings=8192,
        tie_word_embeddings=False,
    )  # fmt: skip
    torch.manual_seed(seed)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            network: Any = transformers.LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    network.train(False)
    network.set_attn_implementation("sdpa")
    with torch.no_grad():
        norm = network.model.norm.weight
        spread = torch.randn(dimensions, generator=torch.Generator().manual_seed(seed)).mul(0.5)
        spread = spread.exp()
        spread[torch.arange(8) * (dimensions // 8)] *= 10
        spread *= dimensions**0.5 / spread.norm()
        norm.copy_(spread.to(norm))
        network.lm_head.weight.normal_(0, 4 / dimensions**0.5)
    model = CausalModel(network, None, Path(), "bfloat16", "sdpa", device, ())

    def prompts(count: int, draw: int) -> Prompts:
        chance = np.random.default_rng([seed, draw])
        rows: Prompts = chance.integers(0, vocabulary, (count, 64)).tolist()
        return rows

    return Subject(f"Llama, {_weights(model)} M random weights", model, prompts)


@dataclass(frozen=True, slots=True)
class View:
    """How somebody runs a model; ``kernel`` is one of torch's for sdpa, or its own choice."""

    dtype: str
    attention: str
    kernel: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.dtype, self.attention, self.kernel)))


@contextmanager
def seen_as(model: CausalModel, view: View) -> Iterator[CausalModel]:
    """The same weights as a verifier may run them."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    dtype, attention = view.dtype, view.attention

    network = model.network
    if dtype != model.dtype:
        network = deepcopy(network).to(getattr(torch, dtype))
    network.set_attn_implementation(attention)
    kernel = sdpa_kernel(getattr(SDPBackend, view.kernel)) if view.kernel else nullcontext()
    try:
        with kernel:
            yield replace(model, network=network, dtype=dtype, attention=attention)
    finally:
        network.set_attn_implementation(model.attention)


def corpus_texts() -> list[str]:
    """The demo corpus, each paragraph once."""
    found = demo_dataset()
    return list(dict.fromkeys(p.text for p in found.passages))


def _weights(model: CausalModel) -> str:
    return f"{sum(p.numel() for p in model.network.parameters()) / 1e6:,.0f}"
