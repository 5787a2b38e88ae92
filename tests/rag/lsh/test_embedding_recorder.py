import numpy as np
import pytest

from rag.lsh.embedding_recorder import EmbeddingRecorder

TEXTS = ["A small dog.", "A little puppy!"]


def test_the_sink_sees_the_vectors_that_the_caller_gets(encoder):
    seen = []
    recorder = EmbeddingRecorder(encoder, lambda texts, vectors: seen.append((texts, vectors)))
    vectors = recorder.encode(TEXTS)
    assert np.array_equal(vectors, encoder.encode(TEXTS))
    assert [texts for texts, _ in seen] == [TEXTS]
    assert np.array_equal(seen[0][1], vectors)


def test_it_takes_the_place_of_the_encoder_it_wraps(encoder):
    recorder = EmbeddingRecorder(encoder, lambda *_: None)
    found, expected = recorder.tokens(TEXTS), encoder.tokens(TEXTS)
    assert np.array_equal(found[0].states, expected[0].states)


def test_no_vector_is_handed_out_when_its_receipt_cannot_be_built(encoder):
    def broken(texts, vectors):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        EmbeddingRecorder(encoder, broken).encode(TEXTS)
