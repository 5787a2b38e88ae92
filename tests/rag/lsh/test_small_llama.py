import math

import pytest
import torch

from rag.causal_model import load_causal_model
from rag.errors import ModelError
from rag.loaders import demo_dataset
from rag.lsh.prefill import teacher_force
from rag.lsh.safetensors_digest import weights_root
from rag.lsh.small_llama import build_small_llama

TEXTS = [passage.text for passage in demo_dataset().passages]


def loss(model, text: str) -> float:
    """Nats per token."""
    begin, *tokens = model.tokens(text)
    logits = teacher_force(model, [begin], tokens).logits
    return float(torch.nn.functional.cross_entropy(logits, torch.tensor(tokens)))


def test_the_trained_model_expects_its_texts_and_not_their_words_in_disorder(small_llama):
    for text in TEXTS[:5]:
        backwards = " ".join(text.split()[::-1])
        assert loss(small_llama, text) < loss(small_llama, backwards) - 0.2
        assert loss(small_llama, text) < math.log(small_llama.vocabulary) - 1


def test_a_model_is_a_function_of_its_seed(one_thread, tmp_path):
    state = torch.get_rng_state()
    first, again, other = (
        weights_root(build_small_llama(tmp_path / name, TEXTS[:20], seed=seed, steps=2))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again
    assert first != other
    assert torch.equal(torch.get_rng_state(), state)


def test_progress_is_told_step_by_step(one_thread, tmp_path):
    seen = []

    def report(*step):
        seen.append(step)

    build_small_llama(tmp_path, TEXTS[:20], steps=3, progress=report)
    assert [(step, steps) for step, steps, _ in seen] == [(1, 3), (2, 3), (3, 3)]
    assert all(4 < nats < 8 for *_, nats in seen)
    assert load_causal_model(tmp_path).dimensions == 128


def test_texts_too_short_to_train_on_are_refused(tmp_path):
    with pytest.raises(ModelError, match="are too few to train on"):
        build_small_llama(tmp_path, ["A river."])
