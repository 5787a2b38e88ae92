import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.index import MAX_QUERY_TERMS, QUERY_VERSION, Bm25Index, DenseIndex
from rag.text import STOPWORDS, terms
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


def test_a_saved_bm25_index_finds_the_same_with_the_same_scores(tmp_path):
    passages = [Passage(f"river {i % 5} of {i % 7} countries", f"No {i}") for i in range(60)]
    built = Bm25Index(passages)
    built.save(tmp_path)
    opened = Bm25Index.load(tmp_path)
    for query in ("river", "no 7 countries", "3", "unknown"):
        assert opened.search(query, 10) == built.search(query, 10)


def test_a_saved_index_is_mapped_and_not_read_into_memory(tmp_path):
    Bm25Index(PASSAGES).save(tmp_path)
    opened = Bm25Index.load(tmp_path)
    mapped = Path("/proc/self/maps").read_text()
    assert all(f"{tmp_path}/{name}.csc.index.npy" in mapped for name in ("data", "indices"))
    assert opened.search("Danube", 1)[0][0] == 0


def test_a_corpus_without_a_term_is_saved_and_opened_too(tmp_path):
    Bm25Index([Passage("the of and")]).save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert Bm25Index.load(tmp_path).search("river", 3) == []


def test_a_saved_dense_index_finds_the_same_with_the_same_scores(tmp_path, encoder):
    built = DenseIndex(PASSAGES, encoder)
    built.save(tmp_path)
    opened = DenseIndex.load(tmp_path, encoder)
    assert opened.search("the tallest peak", 3) == built.search("the tallest peak", 3)
    (tmp_path / "none").mkdir()
    DenseIndex([], encoder).save(tmp_path / "none")
    assert DenseIndex.load(tmp_path / "none", encoder).search("river", 3) == []


@given(st.lists(st.sampled_from(["whale", "blue whale", "whale whale shark", "sea"]), max_size=30))
def test_the_best_k_are_the_first_k_of_all(texts):
    index = Bm25Index([Passage(text) for text in texts])
    everything = index.search("blue whale", 100)
    assert everything == sorted(everything, key=lambda hit: (-hit[1], hit[0]))
    for k in (0, 1, 2, 5, 29):
        assert index.search("blue whale", k) == everything[:k]


def test_a_query_is_read_as_the_pinned_version_says():
    """Where this fails, raise QUERY_VERSION: what is found differs, so the corpus version must."""
    suffixes = ("", "s", "es", "ies", "ed", "ing", "e", "ss", "us", "is", "'s")
    words = " ".join(
        stem + suffix for stem in ("clos", "ab", "citi", "Über", "x_y") for suffix in suffixes
    )
    read = repr([terms(words), sorted(STOPWORDS), MAX_QUERY_TERMS])
    digest = hashlib.sha256(read.encode()).hexdigest()
    assert (QUERY_VERSION, digest[:16]) == (1, "bcd8717858d7b1d0")
