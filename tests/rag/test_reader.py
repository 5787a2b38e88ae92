import pytest

from rag.reader import WEIGHTS, ExtractiveReader
from rag.spans import MAX_SENTENCE_WORDS, Words, candidates, features, kind
from rag.types import Evidence, Passage


def evidence(sentence, score=0.8):
    return Evidence(sentence, Passage(sentence), score)


@pytest.fixture(scope="module")
def reader(encoder):
    return ExtractiveReader(encoder)


@pytest.mark.parametrize(
    ("question", "sentence", "answer"),
    [
        ("When was the tower completed?", "The tower was completed in 1889.", "1889"),
        ("Who wrote the program?", "Ada Lovelace wrote the program in 1843.", "Ada Lovelace"),
        ("In which city was Mozart born?", "Mozart was born in Salzburg in 1756.", "Salzburg"),
        ("How many moons has Mars?", "Mars has two moons and no rings.", "two"),
    ],
)
def test_the_span_that_fits_the_question_is_read(reader, question, sentence, answer):
    (span,) = reader.read(question, [[evidence(sentence)]])
    assert span.text == answer
    assert 0 < span.confidence <= 1


def test_every_set_is_read_on_its_own(reader):
    sets = [[evidence("The bridge opened in 1932.")], [], [evidence("The bridge opened in 1890.")]]
    first, nothing, second = reader.read("When did the bridge open?", sets)
    assert (first.text, nothing, second.text) == ("1932", None, "1890")


def test_reading_together_or_alone_gives_the_same_answer(reader):
    question = "Who wrote the novel?"
    sets = [[evidence("Jane Austen wrote the novel.")], [evidence("The novel is by Mary Shelley.")]]
    together = reader.read(question, sets)
    alone = [reader.read(question, [one])[0] for one in sets]
    assert [span.text for span in together] == [span.text for span in alone]


@pytest.mark.parametrize("sentence", ["The of and a.", "...", "— – —"])
def test_a_sentence_without_content_has_no_answer(reader, sentence):
    assert reader.read("Who?", [[evidence(sentence)]]) == [None]


def test_an_endless_sentence_is_read_within_bounds(reader):
    (span,) = reader.read("Who?", [[evidence("word " * 20_000)]])
    assert span.text.split() == ["word"] * len(span.text.split())
    assert len(Words.of("word " * 20_000).places) == MAX_SENTENCE_WORDS


def test_spans_begin_and_end_with_content_words():
    words = Words.of("The old bridge over the river is long.")
    first, last = candidates(words)
    texts = {words.text(a, b) for a, b in zip(first, last, strict=True)}
    assert "old bridge over the river" in texts
    assert not any(text.startswith(("The", "over", "is")) for text in texts)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many legs has a spider?", "count"),
        ("How long is the Nile?", "measure"),
        ("In what year did it end?", "time"),
        ("Whose tomb is it?", "person"),
        ("In which small town was he born?", "place"),
        ("Why does it rain?", "clause"),
        ("What is it made of?", "thing"),
    ],
)
def test_the_question_tells_what_kind_of_answer_it_wants(question, expected):
    assert kind(question) == expected


def test_every_weight_belongs_to_a_feature(encoder):
    question, sentence = "Who built it?", "Ada built it in 1843."
    words = Words.of(sentence)
    asked, seen = encoder.tokens([question, sentence])
    columns = features(question, asked, words, seen, *candidates(words))
    assert columns.keys() == WEIGHTS.keys()
    assert len({len(column) for column in columns.values()}) == 1
