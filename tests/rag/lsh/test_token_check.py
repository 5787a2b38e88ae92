import numpy as np
import pytest
import torch

from rag.errors import ModelError, SketchError
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import generate
from rag.lsh.gumbel import GumbelChoice
from rag.lsh.prefill import teacher_force_batch
from rag.lsh.tampering import tamper
from rag.lsh.token_check import TokenCheck, token_margins, token_score

SEEDS = [bytes([i]) * 32 for i in range(12)]
GREEDY = DecodeSpec(temperature_milli=0)


def logits(rows: int, vocabulary: int = 50) -> torch.Tensor:
    return torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(3)) * 2


def choices(table: torch.Tensor, seed: bytes, spec: DecodeSpec) -> list[int]:
    choice = GumbelChoice(spec, [seed], 0)
    ids = [torch.zeros(1, i, dtype=torch.int64) for i in range(len(table))]
    return [int(choice(ids[i], table[i : i + 1]).argmax()) for i in range(len(table))]


@pytest.mark.parametrize("spec", [GREEDY, DecodeSpec(), DecodeSpec(700, 5, 900)])
def test_tokens_that_the_sampler_chose_have_no_margin(spec):
    table = logits(150)
    assert token_margins(table, choices(table, SEEDS[1], spec), SEEDS[1], spec).max() == 0


def test_a_greedy_margin_is_the_difference_of_the_logits():
    margins = token_margins(torch.tensor([[1.0, 4.0, 2.5]]), [2], SEEDS[0], GREEDY)
    assert margins.tolist() == [1.5]


def test_tokens_chosen_under_another_seed_have_margins():
    spec = DecodeSpec()
    table = logits(150)
    tokens = choices(table, SEEDS[1], spec)
    assert token_margins(table, tokens, SEEDS[2], spec).mean() > 0.5


def test_a_later_part_of_an_answer_is_checked_at_its_own_positions():
    spec = DecodeSpec()
    table = logits(90)
    tokens = choices(table, SEEDS[1], spec)
    late = token_margins(table[60:], tokens[60:], SEEDS[1], spec, first_position=60)
    assert late.max() == 0
    assert token_margins(table[60:], tokens[60:], SEEDS[1], spec).max() > 0


def test_a_token_that_the_filter_cut_off_is_as_wrong_as_it_is_far_outside():
    table = torch.tensor([[5.0, 4.0, 1.0, 0.9]])
    spec = DecodeSpec(top_k=2)
    near, far = (token_margins(table, [t], SEEDS[0], spec)[0] for t in (2, 3))
    assert near >= 3.0
    assert far > 0
    assert token_margins(table, [3], SEEDS[0], DecodeSpec(top_k=4))[0] <= far - 3.1 + 1e-6


def test_one_far_token_counts_no_more_than_the_clip_in_the_mean_and_is_refused_by_itself():
    check = TokenCheck(threshold=0.2, clip=1.0)
    margins = np.array([0.0] * 9 + [50.0])
    assert check.score(margins) == pytest.approx(0.1)
    assert not check.accepts(margins)
    assert check.accepts(np.array([0.0] * 9 + [0.99]))
    assert not check.accepts(np.array([0.0] * 7 + [50.0] * 3))


@pytest.mark.parametrize(("threshold", "clip"), [(1.0, 1.0), (-0.1, 1.0), (0.1, float("inf"))])
def test_a_check_that_could_not_fail_is_refused(threshold, clip):
    with pytest.raises(SketchError, match="decides nothing"):
        TokenCheck(threshold, clip)


def test_no_tokens_are_no_evidence():
    with pytest.raises(SketchError, match="no tokens to check"):
        TokenCheck(0.1, 1.0).accepts(np.zeros(0))


@pytest.mark.parametrize("tokens", [[50], [-1], [1, 2]])
def test_tokens_that_do_not_fit_the_logits_are_refused(tokens):
    with pytest.raises(SketchError, match="do not fit"):
        token_margins(logits(1), tokens, SEEDS[0], GREEDY)


def test_logits_that_are_not_numbers_are_an_error_and_never_an_acceptance():
    with pytest.raises(ModelError, match="not finite"):
        token_margins(torch.tensor([[1.0, float("nan")]]), [0], SEEDS[0], GREEDY)


@pytest.mark.parametrize("temperature_milli", [0, 800])
def test_the_tokens_of_a_real_model_pass_and_those_of_another_seed_do_not(
    small_llama, prompts, temperature_milli
):
    spec = DecodeSpec(temperature_milli=temperature_milli, max_tokens=48)
    answers = generate(small_llama, prompts, spec, SEEDS)
    seen = teacher_force_batch(small_llama, prompts, [a.tokens for a in answers])
    check = TokenCheck(threshold=0.01, clip=5.0)
    for seed, answer, prefill in zip(SEEDS, answers, seen, strict=True):
        assert check.accepts(token_margins(prefill.logits, answer.tokens, seed, spec))
        changed = [(token + 1) % small_llama.vocabulary for token in answer.tokens[:4]]
        forged = [*changed, *answer.tokens[4:]]
        assert not check.accepts(token_margins(prefill.logits, forged, seed, spec))
        if temperature_milli:
            other = token_margins(prefill.logits, answer.tokens, b"\xee" * 32, spec)
            assert not check.accepts(other)


@pytest.mark.parametrize("attack", ["int4", "random"])
def test_a_prefill_attack_has_honest_states_and_is_caught_by_its_tokens(
    small_llama, prompts, attack
):
    """Another model chooses the words, the promised one is run over them for the codes."""
    spec = DecodeSpec(temperature_milli=900, max_tokens=64)
    if attack == "random":
        draws = torch.randint(3, 512, (12, 64), generator=torch.Generator().manual_seed(4))
        words = draws.tolist()
    else:
        cheap = tamper(small_llama, attack)
        words = [list(a.tokens) for a in generate(cheap, prompts, spec, SEEDS)]
    seen = teacher_force_batch(small_llama, prompts, words)
    scores = [
        token_score(token_margins(prefill.logits, tokens, seed, spec), clip=5.0)
        for prefill, tokens, seed in zip(seen, words, SEEDS, strict=True)
    ]
    honest = generate(small_llama, prompts, spec, SEEDS)
    true = teacher_force_batch(small_llama, prompts, [a.tokens for a in honest])
    limit = max(
        token_score(token_margins(prefill.logits, answer.tokens, seed, spec), clip=5.0)
        for prefill, answer, seed in zip(true, honest, SEEDS, strict=True)
    )
    assert limit < 1e-5
    assert min(scores) > limit
