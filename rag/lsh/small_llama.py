"""A small Llama, built from a seed and trained on a few texts, saved as any model is.

It stands in where no real weights are at hand: the loader, the kernels and the checks are the
real ones. Its logits are not noise, but it knows nothing beyond its texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.encoder import quiet
from rag.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

PAD, BEGIN, END = "<pad>", "<s>", "</s>"
Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class LlamaSize:
    """The shape of a Llama and of a training step (``batch`` rows of ``length`` tokens)."""

    dimensions: int
    layers: int
    heads: int
    inner: int
    vocabulary: int = 512
    context: int = 1024
    batch: int = 8
    length: int = 64
    rate: float = 3e-3
    spread: float = 0.05


TINY = LlamaSize(dimensions=128, layers=4, heads=4, inner=256)
SMALL = LlamaSize(
    dimensions=512, layers=8, heads=8, inner=1408, vocabulary=1024, rate=1e-3, spread=0.02
)


def build_small_llama(
    folder: Path,
    texts: Sequence[str],
    *,
    seed: int = 0,
    size: LlamaSize = TINY,
    steps: int = 120,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Path:
    """Train a tokenizer and a Llama on ``texts`` and save both in ``folder``; return the folder.

    ``progress(step, steps, loss)`` is called after every step; the loss is in nats per token.
    The global random state is left as it was. Raises ModelError when the texts are too short.
    """
    import torch
    import transformers

    tokenizer = _tokenizer(texts, size.vocabulary)
    stream = torch.tensor(
        [
            token
            for text in texts
            for token in [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
        ]
    )
    if len(stream) < 4 * size.length:
        raise ModelError(
            f"{len(stream)} tokens of text are too few to train on.",
            f"Give texts of at least {4 * size.length} tokens.",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        llama: Any = transformers.LlamaForCausalLM
        network = llama(_config(size, tokenizer)).to(device)
    _train(network, stream.to(device), size, seed, steps, progress)
    with quiet():
        network.eval().save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(texts: Sequence[str], vocabulary: int) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast as Fast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=[PAD, BEGIN, END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    bpe.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, bpe.token_to_id(BEGIN))]
    )
    fast: Any = Fast
    return fast(
        tokenizer_object=bpe, pad_token=PAD, bos_token=BEGIN, eos_token=END, padding_side="left"
    )


def _config(size: LlamaSize, tokenizer: Any) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.dimensions,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads // 2,
        max_position_embeddings=size.context,
        initializer_range=size.spread,
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def _train(
    network: Any,
    stream: Tensor,
    size: LlamaSize,
    seed: int,
    steps: int,
    progress: Progress | None,
) -> None:
    """AdamW on random cuts of the texts; the rate rises over a tenth and falls as a cosine."""
    import torch

    chance = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=size.rate, betas=(0.9, 0.95))
    span = torch.arange(size.length, device=stream.device)
    network.train()
    for step in range(steps):
        share = (step + 1) / steps
        rate = min(share / 0.1, 0.5 + 0.5 * math.cos(math.pi * share))
        for group in optimizer.param_groups:
            group["lr"] = size.rate * rate
        starts = torch.randint(len(stream) - size.length + 1, (size.batch, 1), generator=chance)
        ids = stream[starts.to(stream.device) + span]
        loss = network(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if progress is not None:
            progress(step + 1, steps, float(loss.detach()))
