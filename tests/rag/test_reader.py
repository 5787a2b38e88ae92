import numpy as np
import pytest

from rag.reader import MAX_SPAN_TOKENS, ExtractiveReader, best_span
from rag.span_model import Tokens
from rag.types import Evidence, Passage


def evidence(sentence, score=0.8, passage=None):
    return Evidence(sentence, passage or Passage(sentence), score)


@pytest.mark.parametrize(
    ("question", "sentence", "answer"),
    [
        ("When was the tower completed?", "The tower was completed in 1889.", "1889"),
        ("Who wrote the program?", "Ada Lovelace wrote the program in 1843.", "Ada Lovelace"),
        ("In which city was Mozart born?", "Mozart was born in Salzburg in 1756.", "Salzburg"),
        ("How many moons has Mars?", "Mars has two moons and no rings.", "two"),
    ],
)
def test_the_span_that_answers_is_read(reader, question, sentence, answer):
    (span,) = reader.read(question, [[evidence(sentence)]])
    assert span.text == answer
    assert 0.5 < span.confidence <= 1


def test_a_text_about_something_else_has_no_answer(reader):
    sentence = "The recipe needs flour, butter and a little salt."
    assert reader.read("Who painted the ceiling of the chapel?", [[evidence(sentence)]]) == [None]


def test_the_span_is_cited_from_the_sentence_that_states_it(reader):
    passage = Passage("The bridge is painted red. It was opened in 1932. It is long.")
    pieces = ["The bridge is painted red.", "It was opened in 1932.", "It is long."]
    ranked = [evidence(s, 1.0 - i / 10, passage) for i, s in enumerate(pieces)]
    (span,) = reader.read("When was the bridge opened?", [ranked])
    assert (span.text, span.evidence) == ("1932", ranked[1])


def test_every_set_is_read_on_its_own(reader):
    sets = [[evidence("The bridge opened in 1932.")], [], [evidence("The bridge opened in 1890.")]]
    first, nothing, second = reader.read("When did the bridge open?", sets)
    assert (first.text, nothing, second.text) == ("1932", None, "1890")


def test_order_and_company_of_a_set_do_not_change_what_is_read(span_model):
    question = "Who wrote the novel?"
    texts = [
        "Jane Austen wrote the novel.",
        "The novel is by Mary Shelley.",
        "For all that is known today, the novel was written by Emily Brontë, the second of three.",
    ]
    sets = [[evidence(text)] for text in texts]
    together = ExtractiveReader(span_model).read(question, sets)
    alone = [ExtractiveReader(span_model).read(question, [one])[0] for one in sets]
    backwards = ExtractiveReader(span_model).read(question, sets[::-1])[::-1]
    assert together == alone == backwards


def test_equal_contexts_are_read_once(span_model):
    asked = []

    class Counting:
        tokens = staticmethod(span_model.tokens)

        def scores(self, question, contexts):
            asked.append(len(contexts))
            return span_model.scores(question, contexts)

    reader = ExtractiveReader(Counting())
    sets = [[evidence("The bridge opened in 1932.", passage=Passage(t))] for t in ("a", "b")]
    first = reader.read("When did the bridge open?", sets)
    assert reader.read("When did the bridge open?", sets[::-1]) == first[::-1]
    assert [span.evidence.passage.text for span in first] == ["a", "b"]
    assert asked == [1, 0]


@pytest.mark.parametrize("sentence", ["...", "— – —", "\u200b"])
def test_a_sentence_without_words_has_no_answer(reader, sentence):
    assert reader.read("Who?", [[evidence(sentence)]]) == [None]


def test_an_endless_sentence_is_read_within_bounds(reader):
    spans = reader.read("Who? " * 5_000, [[evidence("word " * 20_000)]])
    assert len(spans) == 1


def logits(firsts, lasts):
    return np.array([firsts, lasts], dtype=np.float32)


def pieces(*counts):
    """Sentences of one-letter words."""
    return [
        Tokens(np.arange(n), np.array([[2 * i, 2 * i + 1] for i in range(n)]), np.ones(n, bool))
        for n in counts
    ]


def test_the_best_pair_of_first_and_last_wins():
    found = best_span(["x y z"], pieces(3), logits([0, 1, 5, 0], [0, 0, 1, 4]), 0.0)
    assert ((found.start, found.end), found.piece) == ((2, 5), 0)


def test_a_span_never_crosses_from_one_sentence_into_the_next():
    found = best_span(["x", "y"], pieces(1, 1), logits([0, 9, 1], [0, 0, 9]), 0.0)
    assert (found.piece, found.start, found.end) == (1, 0, 1)


def test_no_answer_above_every_span_is_an_abstention_by_as_much_as_is_allowed():
    found = pieces(1), logits([3, 1], [3, 1])
    assert best_span(["x"], *found, 3.9) is None
    assert best_span(["x"], *found, 4.1).confidence == pytest.approx(1 / (1 + np.exp(4)), abs=1e-3)


def test_a_word_is_read_whole():
    split = Tokens(np.arange(2), np.array([[0, 4], [4, 7]]), np.array([True, False]))
    found = best_span(["overall"], [split], logits([0, 1, 9], [0, 9, 1]), 0.0)
    assert (found.start, found.end) == (0, 7)


def test_equal_scores_are_decided_by_the_alphabet():
    found = best_span(["y x"], pieces(2), logits([0, 2, 2], [0, 2, 2 - 1e-5]), 0.0)
    assert found.start == 2


def test_confidences_of_all_spans_and_of_none_are_one_in_sum():
    n = MAX_SPAN_TOKENS + 10
    scores = np.random.default_rng(3).uniform(-2, 2, size=(2, n + 1)).astype(np.float32)
    found = best_span(["w " * n], pieces(n), scores, 99.0)
    pairs = [(i, j) for i in range(n) for j in range(i, min(n, i + MAX_SPAN_TOKENS))]
    each = np.exp([scores[0, 1 + i] + scores[1, 1 + j] for i, j in pairs])
    total = each.sum() + np.exp(scores[0, 0] + scores[1, 0])
    assert found.confidence == pytest.approx(each.max() / total, abs=1e-3)
