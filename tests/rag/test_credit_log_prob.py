from dataclasses import replace

import numpy as np
import pytest

from rag.causal_model import load_causal_model
from rag.credit.log_prob import Prompt, log_prob_credit, log_prob_values
from rag.errors import ModelError
from rag.loaders import demo_dataset
from rag.lsh.small_llama import LlamaSize, build_small_llama

PROMPT = Prompt(
    head="Read:\n",
    passages=("The tower is in Paris.\n", "It opened in 1889.\n", "Lyon lies on the Rhône.\n"),
    tail="Where is the tower? ",
    answer="Paris",
)


@pytest.fixture(scope="module")
def llama(one_thread, tmp_path_factory):
    """A Llama of two layers, hardly trained: what it believes is near noise, but not constant."""
    size = LlamaSize(dimensions=32, layers=2, heads=4, inner=64, batch=2)
    texts = [passage.text for passage in demo_dataset().passages]
    folder = tmp_path_factory.mktemp("llama") / "model"
    return load_causal_model(build_small_llama(folder, texts, size=size, steps=20))


def in_one_go(model, prompt, coalition):
    """The same prompt as one row of tokens, on its own."""
    import torch

    def plain(text):
        return model.tokenizer(text, add_special_tokens=False)["input_ids"]

    shown = [t for i, p in enumerate(prompt.passages) if coalition >> i & 1 for t in plain(p)]
    answer = plain(prompt.answer)
    ids = [*model.tokens(prompt.head), *shown, *plain(prompt.tail), *answer]
    with torch.inference_mode():
        logits = model.network(input_ids=torch.tensor([ids]), use_cache=False).logits[0].double()
    belief = torch.log_softmax(logits, dim=-1)[len(ids) - len(answer) - 1 : -1]
    return float(sum(belief[k, token] for k, token in enumerate(answer)))


def test_prompts_read_in_batches_have_the_values_of_prompts_read_alone(llama):
    values = log_prob_values(llama, PROMPT, batch=3)
    assert values == pytest.approx([in_one_go(llama, PROMPT, c) for c in range(8)], abs=1e-3)


def test_the_credit_adds_up_to_what_the_passages_did_to_the_answer(llama):
    values = log_prob_values(llama, PROMPT)
    parts = log_prob_credit(llama, PROMPT)
    assert parts.sum() == pytest.approx(values[-1] - values[0], abs=1e-9)
    assert np.abs(parts).max() > 1e-3


def test_without_sources_there_is_one_value_and_no_credit(llama):
    alone = replace(PROMPT, passages=())
    assert log_prob_values(llama, alone) == pytest.approx([in_one_go(llama, alone, 0)], abs=1e-3)
    assert len(log_prob_credit(llama, alone)) == 0


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"passages": ("A passage.",) * 9}, "9 sources have too many coalitions"),
        ({"passages": ("A passage.", "")}, "A part of the prompt to audit is empty"),
        ({"answer": ""}, "A part of the prompt to audit is empty"),
        ({"tail": ""}, "A part of the prompt to audit is empty"),
        ({"passages": ("word " * 2000,)}, "the model was made for 1024"),
    ],
)
def test_a_prompt_that_cannot_be_audited_is_refused(llama, change, complaint):
    with pytest.raises(ModelError, match=complaint):
        log_prob_values(llama, replace(PROMPT, **change))
