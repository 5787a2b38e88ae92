from rag.index import DenseIndex
from rag.source.local import Source
from rag.types import Passage

PASSAGES = [Passage("The Danube is a river."), Passage("Everest is a mountain.")]


def test_a_source_serves_the_best_of_its_passages():
    source = Source(7, PASSAGES)
    assert source.id == 7
    assert source.search("Which river?", 1) == [PASSAGES[0]]


def test_a_source_can_have_another_index(encoder):
    source = Source(7, PASSAGES, lambda passages: DenseIndex(passages, encoder))
    assert source.search("summit", 1) == [PASSAGES[1]]


def test_a_source_without_passages_finds_nothing():
    assert Source(7, []).search("Which river?", 5) == []
