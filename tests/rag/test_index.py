import numpy as np
import pytest

from rag.index import Bm25Index, DenseIndex
from rag.types import Passage

PASSAGES = [
    Passage("The Danube begins in the Black Forest.", "Rivers"),
    Passage("Mount Everest is the highest mountain.", "Mountains"),
    Passage("The Nile ends in a delta.", "Rivers"),
]


def test_bm25_finds_the_passage_that_shares_the_rarest_terms():
    hits = Bm25Index(PASSAGES).search("Where does the Danube begin?", 3)
    assert hits[0][0] == 0
    assert hits[0][1] > 0


def test_bm25_looks_at_titles_too():
    assert {i for i, _ in Bm25Index(PASSAGES).search("mountains", 3)} == {1}


def test_bm25_returns_no_passage_that_shares_nothing():
    assert Bm25Index(PASSAGES).search("quantum chromodynamics", 3) == []
    assert Bm25Index(PASSAGES).search("the of and", 3) == []


def test_equal_scores_are_ordered_by_position():
    index = Bm25Index([Passage("blue whale")] * 5)
    assert [i for i, _ in index.search("whale", 3)] == [0, 1, 2]


@pytest.mark.parametrize("k", [0, 1, 99])
def test_no_more_than_k_are_returned(k, encoder):
    for index in (Bm25Index(PASSAGES), DenseIndex(PASSAGES, encoder)):
        assert len(index.search("rivers", k)) <= min(k, 3)


@pytest.mark.parametrize("passages", [[], [Passage("the of and")]])
def test_a_corpus_without_a_term_is_searched_in_vain(passages):
    assert Bm25Index(passages).search("river", 3) == []


def test_a_query_of_any_length_is_answered():
    assert Bm25Index(PASSAGES).search("danube " * 100_000, 1)[0][0] == 0


def test_the_dense_index_finds_what_means_the_same(encoder):
    hits = DenseIndex(PASSAGES, encoder).search("the tallest peak on Earth", 3)
    assert hits[0][0] == 1
    assert [score for _, score in hits] == sorted((s for _, s in hits), reverse=True)


def test_dense_scores_are_cosines(encoder):
    vectors = encoder.encode(["Rivers The Nile ends in a delta.", "a delta"])
    scores = dict(DenseIndex(PASSAGES, encoder).search("a delta", 3))
    assert scores[2] == pytest.approx(float(np.dot(*vectors)), abs=1e-5)


def test_an_empty_dense_index_is_searched_in_vain(encoder):
    assert DenseIndex([], encoder).search("river", 3) == []


def test_searching_prints_nothing(capfd, encoder):
    Bm25Index(PASSAGES).search("river", 3)
    DenseIndex(PASSAGES, encoder).search("river", 3)
    assert capfd.readouterr() == ("", "")
