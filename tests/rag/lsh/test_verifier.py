"""What a verifier concludes, from real runs and from numbers at the edges."""

from dataclasses import replace

import numpy as np
import pytest

from rag.causal_model import load_causal_model
from rag.errors import SketchError
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import generate
from rag.lsh.prefill import teacher_force
from rag.lsh.sketch import Sketcher, sign_word_of
from rag.lsh.tampering import tamper
from rag.lsh.token_check import TokenCheck
from rag.lsh.verifier import (
    Limits,
    Recomputed,
    Verdict,
    judge,
    recompute,
    token_flaws,
    token_scores,
)
from rag.lsh.windows import WINDOW, window_vectors

SEED = b"s" * 32
SPEC = DecodeSpec(max_tokens=96)
LIMITS = Limits(8, {2: 12}, TokenCheck(0.02, 4.0))
UNSURE = np.zeros(96)


@pytest.fixture(scope="module")
def sketcher(small_llama):
    return Sketcher(small_llama.dimensions * WINDOW, 0.02)


def shown(sketcher, states):
    """Codes and sign word as a provider makes them of its states."""
    projected = sketcher.project(window_vectors(states))
    return [row.tobytes() for row in sketcher.quantize(projected)], sign_word_of(projected)


def verdict_on(model, verifier, prompt, sketcher):
    (made,) = generate(model, [prompt], SPEC, [SEED])
    own = recompute(verifier, prompt, made.tokens, SEED, SPEC, sketcher)
    return judge(*shown(sketcher, made.states), own, LIMITS)


def test_an_honest_run_matches_also_under_another_attention(
    small_llama, small_llama_folder, prompts, sketcher
):
    eager = load_causal_model(small_llama_folder, attention="eager")
    for verifier in (small_llama, eager):
        finding = verdict_on(small_llama, verifier, prompts[1], sketcher)
        assert finding.verdict is Verdict.MATCH
        assert [leaf.place for leaf in finding.leaves] == [0, 1, 2]


@pytest.mark.parametrize("attack", ["int8", "int4", "lora"])
def test_cheaper_or_other_weights_are_a_mismatch(small_llama, prompts, sketcher, attack):
    finding = verdict_on(tamper(small_llama, attack), small_llama, prompts[1], sketcher)
    assert finding.verdict is Verdict.MISMATCH
    assert min(leaf.distance for leaf in finding.leaves) > LIMITS.leaf


def test_words_of_no_model_are_a_mismatch_though_the_states_are_the_true_ones(
    small_llama, prompts, sketcher
):
    words = np.random.default_rng(0).integers(3, small_llama.vocabulary, 96).tolist()
    states = teacher_force(small_llama, prompts[0], words).states
    own = recompute(small_llama, prompts[0], words, SEED, SPEC, sketcher)
    finding = judge(*shown(sketcher, states), own, LIMITS)
    assert finding.verdict is Verdict.MISMATCH
    assert max(leaf.distance for leaf in finding.leaves) == 0


def test_a_pair_of_machines_without_calibration_is_inconclusive(small_llama, prompts, sketcher):
    (made,) = generate(tamper(small_llama, "int4"), [prompts[0]], SPEC, [SEED])
    own = recompute(small_llama, prompts[0], made.tokens, SEED, SPEC, sketcher)
    finding = judge(*shown(sketcher, made.states), own, None)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "does not know this pair" in finding.reasons[0]


def flipped(*counts):
    """Codes that differ from zero in so many bits, and the zeros."""
    rows = [np.packbits(np.arange(256) < count).tobytes() for count in counts]
    own = Recomputed(np.zeros((len(counts), 32), np.uint8), bytes(32), np.zeros(32 * len(counts)))
    return rows, own


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((8, 0, 0), Verdict.MATCH),
        ((9, 0, 0), Verdict.INCONCLUSIVE),
        ((9, 0, 9), Verdict.MISMATCH),
        ((60, 0, 0), Verdict.MISMATCH),
        ((7, 7, 0), Verdict.MISMATCH),
        ((0, 7, 7), Verdict.MATCH),
        ((20,), Verdict.INCONCLUSIVE),
        ((128,), Verdict.MISMATCH),
    ],
)
def test_one_leaf_a_little_beyond_decides_nothing_two_or_a_far_one_do(counts, verdict):
    codes, own = flipped(*counts)
    assert judge(codes, bytes(32), own, LIMITS).verdict is verdict


def test_codes_moved_by_whole_periods_show_in_the_sign_word():
    codes, own = flipped(0, 0)
    finding = judge(codes, bytes([0x0F] * 32), own, LIMITS)
    assert finding.verdict is Verdict.MISMATCH
    assert "sign words differ in 128 of 256 bits" in finding.reasons[0]
    assert judge(codes, bytes([0x03] * 32), own, LIMITS).verdict is Verdict.MATCH


def test_a_flaw_is_a_mismatch_whatever_the_codes_are():
    codes, own = flipped(0)
    finding = judge(codes, bytes(32), own, LIMITS, ["It was signed by nobody."])
    assert finding.verdict is Verdict.MISMATCH
    assert finding.reasons == ("It was signed by nobody.",)


def test_one_token_is_enough_if_it_is_further_off_than_any_honest_one():
    codes, own = flipped(0, 0)
    for margin, verdict in ((3.9, Verdict.INCONCLUSIVE), (4.0, Verdict.MISMATCH)):
        margins = np.zeros(64)
        margins[7] = margin
        found = judge(codes, bytes(32), replace(own, margins=margins), LIMITS)
        assert found.verdict is verdict


def test_an_answer_that_is_an_end_token_alone_is_not_the_models(small_llama, prompts):
    end = small_llama.end_tokens[0]
    decode = DecodeSpec(max_tokens=32, end_tokens=(end,))
    sketcher = Sketcher(32 * small_llama.dimensions, 0.05)
    for i, prompt in enumerate(prompts[:8]):
        own = recompute(small_llama, prompt, (end,), bytes([i]) * 32, decode, sketcher)
        assert token_flaws(own, LIMITS), "a prefill of a word that the model did not choose"


def test_a_short_last_leaf_counts_its_tokens_over_thirty_two_places():
    assert token_scores(np.array([1.0] * 32 + [4.0, 9.0]), 4.0) == [1.0, 0.25]


def test_codes_of_another_size_are_refused():
    _, own = flipped(0, 0)
    with pytest.raises(SketchError, match="Take the calibration"):
        judge([bytes(32)], bytes(32), own, LIMITS)
