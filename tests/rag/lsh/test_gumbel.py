import math

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest

from rag.errors import ModelError
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.gumbel import GumbelChoice, gumbel_noise, scaled, seed_keys

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
SEED = bytes(range(32))
PLAIN = DecodeSpec()


def mix(x: int) -> int:
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


def noise_by_hand(seed: bytes, position: int, token: int) -> float:
    """The specification once more, in Python's unbounded integers."""
    w = [int.from_bytes(seed[i : i + 8], "big") for i in range(0, 32, 8)]
    k0 = mix(w[0] + GOLDEN & MASK) ^ w[2]
    k1 = mix(w[1] + GOLDEN & MASK) ^ w[3]
    start = mix(k0 + GOLDEN * (position + 1) & MASK) + k1
    z = mix(start + GOLDEN * (token + 1) & MASK)
    return -math.log(-math.log((2 * (z >> 12) + 1) / 2**53))


def test_the_mix_is_the_published_splitmix64():
    """The first outputs for seed 1234567 as the algorithm's reference prints them."""
    outputs = [mix(1234567 + GOLDEN * i & MASK) for i in (1, 2, 3)]
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("seed", [SEED, bytes(32), b"\xff" * 32, b"\x9a" * 32])
def test_the_noise_is_what_its_specification_says(seed):
    positions = torch.tensor([0, 1, 977, 2**31])
    noise = gumbel_noise(seed_keys([seed]), positions, 50)
    by_hand = [[noise_by_hand(seed, p, t) for t in range(50)] for p in positions.tolist()]
    assert noise.dtype == torch.float64
    assert noise.numpy() == pytest.approx(np.array(by_hand), abs=1e-12)


def test_the_noise_follows_the_gumbel_distribution():
    noise = gumbel_noise(seed_keys([SEED]), torch.arange(100), 1000).numpy()
    assert kstest(noise.ravel(), "gumbel_r").pvalue > 1e-3


def test_seeds_positions_and_tokens_are_unrelated():
    near = [SEED, SEED[:-1] + b"\x1e", b"\x01" + SEED[1:], b"\x07" * 32, b"\x08" * 32]
    rows = [gumbel_noise(seed_keys([s]), torch.arange(4), 4000).numpy() for s in near]
    table = np.concatenate(rows)
    correlation = np.corrcoef(table) - np.eye(len(table))
    assert np.abs(correlation).max() < 5 / math.sqrt(4000)
    shifted = [np.corrcoef(row[1:], row[:-1])[0, 1] for row in table]
    assert np.abs(shifted).max() < 5 / math.sqrt(4000)


def test_each_row_of_a_batch_has_the_noise_of_its_own_seed():
    both = gumbel_noise(seed_keys([SEED, bytes(32)]), torch.tensor([5]), 30)
    assert torch.equal(both[1:], gumbel_noise(seed_keys([bytes(32)]), torch.tensor([5]), 30))


@pytest.mark.parametrize("temperature_milli", [500, 1000, 2000])
def test_choices_follow_the_softmax_of_the_scaled_logits(temperature_milli):
    logits = torch.tensor([[2.0, 1.0, 0.5, 0.0, -1.0, -2.5]])
    spec = DecodeSpec(temperature_milli=temperature_milli)
    draws = 40_000
    values, _ = scaled(logits, spec)
    chosen = (values + gumbel_noise(seed_keys([SEED]), torch.arange(draws), 6)).argmax(dim=1)
    counts = np.bincount(chosen.numpy(), minlength=6)
    expected = torch.softmax(logits[0].double() * 1000 / temperature_milli, 0).numpy() * draws
    assert chisquare(counts, expected).pvalue > 1e-3


def test_the_processor_leaves_greedy_scores_alone():
    scores = torch.randn(2, 9)
    choice = GumbelChoice(DecodeSpec(temperature_milli=0), [SEED, SEED], 4)
    assert torch.equal(choice(torch.zeros(2, 4, dtype=torch.int64), scores), scores)


def test_the_processor_counts_positions_from_the_end_of_the_prompt():
    scores = torch.zeros(1, 40)
    choice = GumbelChoice(PLAIN, [SEED], 3)
    after = choice(torch.zeros(1, 5, dtype=torch.int64), scores)
    assert torch.equal(after, gumbel_noise(seed_keys([SEED]), torch.tensor([2]), 40))


def test_top_k_keeps_the_largest_and_what_equals_them():
    values, cutoff = scaled(torch.tensor([[3.0, 1.0, 2.0, 2.0, 0.0]]), DecodeSpec(top_k=2))
    assert (values >= cutoff).tolist() == [[True, False, True, True, False]]


def test_top_p_keeps_the_smallest_set_that_reaches_it():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05], [0.97, 0.01, 0.01, 0.01]]))
    values, cutoff = scaled(logits, DecodeSpec(top_p_milli=790))
    assert (values >= cutoff).tolist() == [[True, True, False, False], [True, False, False, False]]


@pytest.mark.parametrize("spec", [DecodeSpec(700, 20, 900), DecodeSpec(1000, 0, 500)])
def test_the_filters_keep_what_transformers_keeps(spec):
    from transformers import TopKLogitsWarper, TopPLogitsWarper

    logits = torch.randn(64, 300, generator=torch.Generator().manual_seed(1)) * 3
    values, cutoff = scaled(logits, spec)
    theirs = values.clone()
    if spec.top_k:
        theirs = TopKLogitsWarper(spec.top_k)(None, theirs)
    theirs = TopPLogitsWarper(spec.top_p_milli / 1000)(None, theirs)
    assert torch.equal(values >= cutoff, torch.isfinite(theirs))


def test_a_choice_is_never_a_token_that_the_filters_cut_off():
    scores = torch.randn(1, 200, generator=torch.Generator().manual_seed(2))
    choice = GumbelChoice(DecodeSpec(top_k=3), [SEED], 0)
    best = set(scores.topk(3).indices[0].tolist())
    for position in range(50):
        ids = torch.zeros(1, position, dtype=torch.int64)
        assert int(choice(ids, scores).argmax()) in best


def test_a_seed_of_another_length_is_refused():
    with pytest.raises(ModelError, match="31 bytes instead of 32"):
        seed_keys([SEED[1:]])
