"""From a run to its receipt, and what of one can be checked without a model."""

from dataclasses import replace

import numpy as np
import pytest

from chainrep.chain.devnet import dev_accounts
from chainrep.protocol.inference_receipt import ReceiptKind, binds, recover_provider
from chainrep.protocol.transcript import text_contents
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import Generation, generate
from rag.lsh.receipts import (
    NO_JOB,
    Promise,
    embedding_receipt,
    generation_receipt,
    length_flaw,
    receipt_flaws,
    sampling_seed,
    vectors_digest,
)
from rag.lsh.sketch import Sketcher
from rag.lsh.windows import WINDOW

PROVIDER, STRANGER = dev_accounts(2)
PROMISE = Promise(b"m" * 32, b"d" * 32, b"c" * 32)
SALT = bytes(range(32))
JOB = b"j" * 32


@pytest.fixture(scope="module")
def made(small_llama, prompts):
    """A signed answer of 80 tokens, so of three leaves, and its words."""
    spec = DecodeSpec(max_tokens=80)
    (found,) = generate(small_llama, [prompts[0]], spec, [sampling_seed(SALT, JOB)])
    sketcher = Sketcher(small_llama.dimensions * WINDOW, 0.05)
    return generation_receipt(found, sketcher, PROMISE, SALT, PROVIDER.private_key, JOB)


def test_a_run_gives_a_receipt_without_flaws(made):
    receipt, transcript = made
    assert receipt_flaws(receipt, transcript, PROMISE, JOB, PROVIDER.address) == []
    assert receipt.header.leaf_count == 3
    assert {len(code) for code in receipt.codes} == {32}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"salt": bytes(32)}, "the salt"),
        ({"prompt": (1, 2, 3)}, "the prompt"),
        ({"output": (5,) * 80}, "the answer"),
        ({"output": (5,) * 81}, "speaks of 80 tokens, the answer has 81"),
    ],
)
def test_other_words_than_those_of_the_receipt_are_noticed(made, change, said):
    receipt, transcript = made
    flaws = receipt_flaws(receipt, replace(transcript, **change), PROMISE, JOB)
    assert any(said in flaw for flaw in flaws)
    assert "Its root is not that of its codes and of these tokens." in flaws or "prompt" in change


@pytest.mark.parametrize("word", ["model_spec", "decode_spec", "calibration_id"])
def test_a_receipt_of_another_promise_is_noticed(made, word):
    flaws = receipt_flaws(*made, replace(PROMISE, **{word: bytes(32)}), JOB)
    assert len(flaws) == 1


def test_a_receipt_of_another_job_or_signed_by_somebody_else_is_noticed(made):
    assert receipt_flaws(*made, PROMISE, NO_JOB) == ["It names another one than the job it should."]
    (flaw,) = receipt_flaws(*made, PROMISE, JOB, STRANGER.address)
    assert PROVIDER.address in flaw
    receipt, transcript = made
    forged = replace(receipt, codes=(bytes(32), *receipt.codes[1:]))
    assert receipt_flaws(forged, transcript, PROMISE, JOB) != []


def test_an_answer_that_stops_early_or_goes_on_is_no_answer():
    spec = DecodeSpec(max_tokens=4, end_tokens=(2,))
    assert length_flaw((5, 6, 2), spec) == []
    assert length_flaw((5, 6, 7, 8), spec) == []
    assert "stops after 3 tokens" in length_flaw((5, 6, 7), spec)[0]
    assert "goes on" in length_flaw((5, 2, 7), spec)[0]
    assert "goes on" in length_flaw((5, 6, 7, 8, 9), spec)[0]


@pytest.mark.parametrize("bits", [128, 256])
def test_embeddings_get_a_code_for_each_text(bits):
    chance = np.random.default_rng(0)
    vectors = chance.normal(size=(5, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [f"text {i}" for i in range(5)]
    sketcher = Sketcher(384, 0.05, bits)
    receipt = embedding_receipt(texts, vectors, sketcher, PROMISE, SALT, PROVIDER.private_key)
    assert receipt.header.kind is ReceiptKind.EMBEDDINGS
    assert [len(code) for code in receipt.codes] == [bits // 8] * 5
    assert receipt.codes[3] == sketcher.codes(vectors[3:4]).tobytes()
    assert binds(receipt, text_contents(SALT, texts))
    assert not binds(receipt, text_contents(SALT, texts[::-1]))
    assert recover_provider(receipt) == PROVIDER.address
    assert receipt.header.output_digest == vectors_digest(SALT, vectors)
    assert vectors_digest(SALT, vectors) != vectors_digest(bytes(32), vectors)


def test_states_that_fit_no_sketcher_are_refused(small_llama, made):
    import torch

    from rag.errors import SketchError

    odd = Generation((1,), (2, 3), torch.ones(2, 7))
    with pytest.raises(SketchError):
        generation_receipt(odd, Sketcher(64, 0.05), PROMISE, SALT, PROVIDER.private_key)
