import pytest
import torch

from rag.errors import ModelError
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import generate
from rag.lsh.prefill import teacher_force_batch
from rag.lsh.tampering import WEIGHT_ATTACKS, tamper

SEEDS = [bytes([i]) * 32 for i in range(12)]


def weights(model) -> dict[str, torch.Tensor]:
    return {n: p.detach() for n, p in model.network.named_parameters()}


@pytest.fixture(scope="module")
def distances(small_llama, prompts) -> dict[str, float]:
    """Median relative distance of hidden states between the true model and each changed one."""
    spec = DecodeSpec(temperature_milli=900, max_tokens=32)
    answers = generate(small_llama, prompts, spec, SEEDS)
    found = {}
    for attack in WEIGHT_ATTACKS:
        changed = tamper(small_llama, attack)
        seen = teacher_force_batch(changed, prompts, [a.tokens for a in answers])
        true = torch.cat([a.states for a in answers])
        other = torch.cat([p.states for p in seen])
        found[attack] = float(((true - other).norm(dim=1) / true.norm(dim=1)).median())
    return found


@pytest.mark.parametrize("attack", WEIGHT_ATTACKS)
def test_an_attack_changes_linear_layers_only_and_a_copy_only(small_llama, attack):
    before = {name: value.clone() for name, value in weights(small_llama).items()}
    changed = weights(tamper(small_llama, attack))
    for name, value in before.items():
        assert torch.equal(weights(small_llama)[name], value)
        linear = "proj" in name or "lm_head" in name
        assert torch.equal(changed[name], value) is not linear


@pytest.mark.parametrize(
    ("attack", "share"), [("noise_1pct", 0.01), ("noise_0.1pct", 0.001), ("lora", 0.01)]
)
def test_noise_and_lora_have_the_norm_they_claim(small_llama, attack, share):
    true, changed = weights(small_llama), weights(tamper(small_llama, attack))
    for name in (n for n in true if "proj" in n or "lm_head" in n):
        moved = (changed[name] - true[name]).norm() / true[name].norm()
        assert float(moved) == pytest.approx(share, rel=1e-2)


def test_a_lora_has_its_rank(small_llama):
    name = "model.layers.0.mlp.up_proj.weight"
    change = weights(tamper(small_llama, "lora"))[name] - weights(small_llama)[name]
    assert int(torch.linalg.matrix_rank(change.double(), rtol=1e-3)) == 8


def test_rounding_leaves_as_many_levels_as_it_says(small_llama):
    name = "model.layers.1.mlp.up_proj.weight"
    eight = weights(tamper(small_llama, "int8"))[name]
    four = weights(tamper(small_llama, "int4"))[name]
    assert max(len(row.unique()) for row in four) <= 15
    assert 15 < max(len(row.unique()) for row in eight) <= 255


def test_fp8_weights_have_four_significant_bits(small_llama):
    name = "model.layers.1.mlp.up_proj.weight"
    changed = weights(tamper(small_llama, "fp8"))[name]
    true = weights(small_llama)[name]
    large = true.abs() > true.abs().max() / 100
    error = ((changed - true) / true)[large].abs().max()
    assert 0.03 < float(error) <= 1 / 16 + 1e-6


def test_coarser_numbers_move_the_hidden_states_further(distances):
    assert distances["noise_0.1pct"] < distances["int8"] < distances["fp8"] < distances["int4"]
    assert distances["noise_0.1pct"] < distances["noise_1pct"] < distances["fp8"]


def test_the_same_seed_makes_the_same_change(small_llama):
    first, again, other = (weights(tamper(small_llama, "noise_1pct", s)) for s in (1, 1, 2))
    name = "model.layers.2.self_attn.q_proj.weight"
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])


def test_an_unknown_attack_is_refused(small_llama):
    with pytest.raises(ModelError, match="no weight attack 'int3'"):
        tamper(small_llama, "int3")
