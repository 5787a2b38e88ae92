import pytest

from rag.context import context_of
from rag.types import Evidence, Passage


def words(sentence):
    return len(sentence.split())


def ranked(*sentences, passage):
    return [Evidence(s, passage, 1.0 / (i + 1)) for i, s in enumerate(sentences)]


ONE = Passage("A a a. B b b. C c c. D d d.")
TWO = Passage("X x x. Y y y.")


def test_chosen_sentences_stand_in_the_order_of_their_passage():
    evidence = ranked("D d d.", "A a a.", passage=ONE)
    assert context_of(evidence, 100, words, beside=0).sentences == ("A a a.", "D d d.")


def test_the_passage_of_the_best_sentence_comes_first():
    evidence = [*ranked("Y y y.", passage=TWO), *ranked("A a a.", passage=ONE)]
    evidence += ranked("X x x.", passage=TWO)
    chosen = context_of(evidence, 100, words, beside=0).sentences
    assert chosen == ("X x x.", "Y y y.", "A a a.")


def test_a_sentence_brings_what_stands_beside_it():
    evidence = ranked("C c c.", "A a a.", "D d d.", "B b b.", passage=ONE)
    chosen = context_of(evidence, 9, words, beside=1).sentences
    assert chosen == ("B b b.", "C c c.", "D d d.")


@pytest.mark.parametrize(("room", "count"), [(3, 1), (5, 1), (6, 2), (100, 4)])
def test_no_more_is_chosen_than_fits(room, count):
    evidence = ranked("A a a.", "B b b.", "C c c.", "D d d.", passage=ONE)
    assert len(context_of(evidence, room, words, beside=0).pieces) == count


def test_the_best_sentence_is_read_even_when_it_is_too_long():
    evidence = ranked("B b b.", "A a a.", passage=ONE)
    assert context_of(evidence, 1, words, beside=1).sentences == ("B b b.",)


def test_a_sentence_that_two_passages_share_is_read_once_and_cited_from_the_better():
    copy = Passage("A a a. Z z z.")
    evidence = [*ranked("A a a.", passage=ONE), *ranked("A a a.", "Z z z.", passage=copy)]
    chosen = context_of(evidence, 100, words, beside=1)
    assert chosen.sentences == ("A a a.", "Z z z.")
    assert chosen.pieces[0].passage == ONE


def test_without_evidence_there_is_nothing_to_read():
    assert context_of([], 100, words, beside=1).pieces == ()
