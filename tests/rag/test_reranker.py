import pytest

from rag.reranker import SentenceReranker
from rag.types import Passage

RIVERS = Passage("The Danube is long. It begins in the Black Forest of Germany. It is brown.")
TREES = Passage("Oaks grow old. Black bread is made of rye.")


@pytest.fixture
def reranker(encoder):
    return SentenceReranker(encoder)


def test_the_sentence_that_answers_comes_first_with_its_passage(reranker):
    (evidence,) = reranker.rank("In which German forest does it begin?", [[TREES, RIVERS]])
    assert evidence[0].sentence == "It begins in the Black Forest of Germany."
    assert evidence[0].passage is RIVERS
    assert len(evidence) == 5
    assert [e.score for e in evidence] == sorted((e.score for e in evidence), reverse=True)


def test_each_set_of_passages_is_ranked_on_its_own(reranker):
    ranked = reranker.rank("Where does it begin?", [[RIVERS], [], [TREES]])
    assert [len(evidence) for evidence in ranked] == [3, 0, 2]


def test_the_order_of_the_sets_changes_no_ranking(encoder):
    sets = [[RIVERS], [TREES], [TREES, RIVERS]]
    forwards = SentenceReranker(encoder).rank("Where does it begin?", sets)
    backwards = SentenceReranker(encoder).rank("Where does it begin?", sets[::-1])
    assert forwards == backwards[::-1]


def test_a_question_of_function_words_alone_is_ranked_by_meaning(reranker):
    (evidence,) = reranker.rank("Where is it?", [[RIVERS]])
    assert len(evidence) == 3


def test_what_is_remembered_of_passages_changes_no_ranking(encoder, monkeypatch):
    monkeypatch.setattr("rag.reranker.CACHE_SIZE", 2)
    remembering = SentenceReranker(encoder)
    for number in range(5):
        sets = [[RIVERS, Passage(f"Oak number {number} stands. It is old.")], [TREES, RIVERS]]
        question = f"Where does river {number} begin?"
        assert remembering.rank(question, sets) == SentenceReranker(encoder).rank(question, sets)
        assert 0 < len(remembering._cut) <= 2
    long = [[Passage("It is long. " * 500)]]
    assert remembering.rank("How long?", long) == SentenceReranker(encoder).rank("How long?", long)
    assert not any(len(text) > 2_000 for text in remembering._cut)
