"""A small Llama that learns to read the world's passages, from a seed, and is saved as any model.

No pretrained language model is at hand here. This one is real in what matters for an audit: it
answers from the passages that it is given, it weighs them, and any subset of them was seen in
training. What it has not is language.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rag.causal_model import CausalModel, load_causal_model
from rag.encoder import quiet
from scripts.benchmarks.credit.world import RELIABILITY, SOURCES, WORDS, Ints, Scenes, draw_scenes

PAD, BEGIN = "<pad>", "<s>"
BATCH = 64
RATE = 4e-3
DIMENSIONS = 48
LAYERS = 2
_IDS = {word: i for i, word in enumerate([PAD, BEGIN, *WORDS])}


def train_reading_model(
    folder: Path, seed: int, steps: int, progress: Callable[[int, float], None]
) -> CausalModel:
    """Train for ``steps`` batches of fresh scenes, save, and load as any causal model."""
    import torch
    import transformers

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        llama: Any = transformers.LlamaForCausalLM
        network = llama(
            transformers.LlamaConfig(
                vocab_size=len(_IDS),
                hidden_size=DIMENSIONS,
                intermediate_size=2 * DIMENSIONS,
                num_hidden_layers=LAYERS,
                num_attention_heads=4,
                max_position_embeddings=64,
                initializer_range=0.08,
                pad_token_id=_IDS[PAD],
                bos_token_id=_IDS[BEGIN],
                eos_token_id=None,
            )
        )
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, betas=(0.9, 0.95))
    chance = np.random.default_rng([seed, 1])
    network.train()
    for step in range(steps):
        done = (step + 1) / steps
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(done / 0.05, 0.5 + 0.5 * math.cos(math.pi * done))
        scenes = draw_scenes(BATCH, chance)
        # One subset for a batch, so that no row needs padding; large ones come more often.
        shown = np.flatnonzero(chance.random(len(RELIABILITY)) < chance.random() ** 0.5)
        ids = torch.from_numpy(_rows(scenes, shown))
        logits = network(input_ids=ids, use_cache=False).logits[:, -1]
        target = torch.from_numpy(scenes.truth + _IDS["v0"])
        loss = torch.nn.functional.cross_entropy(logits, target)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        progress(step + 1, float(loss.detach()))
    with quiet():
        network.eval().save_pretrained(folder)
        _tokenizer().save_pretrained(folder)
    return load_causal_model(folder)


def _rows(scenes: Scenes, shown: Ints) -> Ints:
    """Return the token ids of prompts that show the same sources, (scenes, tokens)."""
    count = len(scenes.asked)

    def all_rows(word: str) -> Ints:
        return np.full((count, 1), _IDS[word], dtype=np.int64)

    columns = [all_rows(BEGIN), all_rows("read")]
    for source in shown:
        columns += [
            all_rows(SOURCES[source]),
            scenes.entities[:, [source]] + _IDS["e0"],
            scenes.values[:, [source]] + _IDS["v0"],
        ]
    return np.hstack([*columns, all_rows("ask"), scenes.asked[:, None] + _IDS["e0"]])


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast as Fast

    words = Tokenizer(models.WordLevel(_IDS, unk_token=PAD))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, _IDS[BEGIN])]
    )
    fast: Any = Fast
    return fast(tokenizer_object=words, pad_token=PAD, bos_token=BEGIN, padding_side="left")
