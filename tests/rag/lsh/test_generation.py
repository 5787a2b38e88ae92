import pytest
import torch

from rag.errors import ModelError
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import generate
from rag.lsh.prefill import teacher_force, teacher_force_batch
from rag.lsh.recorder import StateRecorder

GREEDY = DecodeSpec(temperature_milli=0, max_tokens=20)
WARM = DecodeSpec(temperature_milli=900, max_tokens=40)
SEEDS = [bytes([i]) * 32 for i in range(64)]


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(((a - b).norm(dim=-1) / b.norm(dim=-1)).max())


@pytest.mark.parametrize("batch", [1, 3, 12, 64])
def test_the_recorded_states_are_those_of_one_pass_over_the_whole_answer(
    small_llama, prompts, batch
):
    many = [prompts[i % len(prompts)] for i in range(batch)]
    answers = generate(small_llama, many, WARM, SEEDS[:batch])
    seen = teacher_force_batch(small_llama, many, [a.tokens for a in answers])
    for answer, prefill in zip(answers, seen, strict=True):
        assert answer.states.shape == (len(answer.tokens), small_llama.dimensions)
        assert relative(answer.states, prefill.states) < 1e-5


def test_the_company_in_a_batch_changes_no_answer(small_llama, prompts):
    prompts = prompts[::3]
    together = generate(small_llama, prompts, WARM, SEEDS[:4])
    alone = [generate(small_llama, [p], WARM, [s])[0] for p, s in zip(prompts, SEEDS, strict=False)]
    assert [a.tokens for a in together] == [a.tokens for a in alone]


def test_the_states_are_the_input_of_the_output_layer(small_llama, prompts):
    answer = generate(small_llama, prompts[:1], GREEDY, SEEDS[:1])[0]
    logits = small_llama.network.get_output_embeddings()(answer.states)
    assert logits.argmax(dim=1).tolist() == list(answer.tokens)


def test_greedy_is_what_transformers_itself_generates(small_llama, prompts):
    spec = DecodeSpec(0, max_tokens=20, end_tokens=small_llama.end_tokens)
    answer = generate(small_llama, prompts[:1], spec, SEEDS[:1])[0]
    ids = torch.tensor([prompts[0]])
    theirs = small_llama.network.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=20, do_sample=False, pad_token_id=0
    )
    assert list(answer.tokens) == theirs[0, len(prompts[0]) :].tolist()


def test_the_same_seed_gives_the_same_answer_and_another_seed_another(small_llama, prompts):
    first, again, other = (
        generate(small_llama, prompts[:1], WARM, [seed])[0].tokens
        for seed in (SEEDS[1], SEEDS[1], SEEDS[2])
    )
    assert first == again
    assert first != other


def test_an_answer_ends_with_its_first_end_token(small_llama, prompts):
    whole = generate(small_llama, prompts, WARM, SEEDS[:12])
    end = whole[0].tokens[5]
    spec = DecodeSpec(temperature_milli=900, max_tokens=40, end_tokens=(end,))
    cut = generate(small_llama, prompts, spec, SEEDS[:12])
    assert cut[0].tokens[-1] == end
    for short, long in zip(cut, whole, strict=True):
        assert short.tokens == long.tokens[: len(short.tokens)]
        assert end not in short.tokens[:-1]
        assert len(short.states) == len(short.tokens)
        assert relative(short.states, long.states[: len(short.tokens)]) < 1e-5


def test_defaults_of_the_repository_do_not_steer_generation(small_llama, prompts, monkeypatch):
    plain = generate(small_llama, prompts[:1], WARM, SEEDS[:1])[0]
    defaults = small_llama.network.generation_config
    assert small_llama.end_tokens == (defaults.eos_token_id,)
    monkeypatch.setattr(defaults, "repetition_penalty", 9.0)
    monkeypatch.setattr(defaults, "eos_token_id", plain.tokens[3])
    assert generate(small_llama, prompts[:1], WARM, SEEDS[:1])[0].tokens == plain.tokens
    assert small_llama.network.generation_config is defaults


def test_a_batch_of_pairs_of_any_length_is_judged_as_each_alone(small_llama, prompts):
    outputs = [[5 + i, 9, 11][: 1 + i % 3] * (1 + i) for i in range(12)]
    batch = teacher_force_batch(small_llama, prompts, outputs)
    for prompt, output, found in zip(prompts, outputs, batch, strict=True):
        alone = teacher_force(small_llama, prompt, output)
        assert found.logits.shape == (len(output), small_llama.vocabulary)
        assert relative(found.states, alone.states) < 1e-5
        assert relative(found.logits, alone.logits) < 1e-5


@pytest.mark.parametrize(
    ("prompt", "output", "message"),
    [
        ([], [1], "no token in the prompt"),
        ([1], [], "no token in the prompt"),
        ([1], [512], "outside the model's vocabulary of 512"),
        ([-1], [1], "outside the model's vocabulary"),
        ([1] * 600, [1] * 425, "1,025 tokens, the model was made for 1,024"),
    ],
)
def test_tokens_that_the_model_cannot_take_are_refused(small_llama, prompt, output, message):
    with pytest.raises(ModelError, match=message):
        teacher_force(small_llama, prompt, output)


@pytest.mark.parametrize("prompt", [[], [1] * 1005])
def test_prompts_that_the_model_cannot_answer_are_refused(small_llama, prompt):
    with pytest.raises(ModelError, match="is empty, or its"):
        generate(small_llama, [prompt], GREEDY, SEEDS[:1])


def test_every_prompt_needs_a_seed(small_llama, prompts):
    with pytest.raises(ModelError, match="1 seeds for 12 prompts"):
        generate(small_llama, prompts, GREEDY, SEEDS[:1])


def test_a_recorder_leaves_no_hook_behind(small_llama, prompts):
    layer = small_llama.network.get_output_embeddings()
    with StateRecorder(small_llama.network):
        assert len(layer._forward_pre_hooks) == 1
    assert len(layer._forward_pre_hooks) == 0


def test_a_recorder_refuses_generation_that_looks_at_several_positions_at_once(small_llama):
    ids = torch.tensor([[1, 2, 3]])
    with StateRecorder(small_llama.network) as recorder, torch.inference_mode():
        small_llama.network(ids)
        with pytest.raises(ModelError, match="3 positions in one step"):
            small_llama.network(ids)
        assert recorder.states(1).shape == (1, 1, small_llama.dimensions)


def test_tokens_without_recorded_steps_are_refused(small_llama):
    with StateRecorder(small_llama.network) as recorder, torch.inference_mode():
        small_llama.network(torch.tensor([[1]]))
    with pytest.raises(ModelError, match="1 steps were recorded for 2"):
        recorder.states(2)


def test_a_network_without_an_output_layer_is_refused(small_llama):
    with pytest.raises(ModelError, match="no output layer"):
        StateRecorder(small_llama.network.model)
