import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.dataset import Dataset
from rag.errors import PollutionError
from rag.pollution import answer_type, is_stated, mentions, pollute, wrong_answers
from rag.types import Passage, Question

WORDS = "1889|1912|12|Paris|New York|York|New|iron|the iron bridge|bridge".split("|")


@st.composite
def datasets(draw):
    """Passages made of answers, so that mentions repeat, nest and overlap."""
    text = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8)
    texts = draw(st.lists(text, min_size=1, max_size=5))
    passages = [Passage(f"{i}: " + " ".join(words) + ".") for i, words in enumerate(texts)]
    # Answers foreign to every passage, so that no question is without a candidate.
    foreign = ("1500", "7", "Oslo", "wood pulp")
    spare = [Question(f"Spare {i}?", (a,)) for i, a in enumerate(foreign)]
    questions = [
        Question(f"Question {i}-{word}?", (word,), (i,))
        for i, words in enumerate(texts)
        for word in draw(st.lists(st.sampled_from(words), unique=True))
    ]
    return Dataset("made up", (*questions, *spare), tuple(passages)), questions


def stated(question, passages):
    return sum(len(mentions(question, passages[p].text)) for p in question.passages)


@given(datasets(), st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]), st.integers(0, 3))
def test_the_questions_named_as_polluted_are_those_whose_answers_are_gone(made, rate, seed):
    dataset, questions = made
    asked = Dataset(dataset.name, tuple(questions), dataset.passages)
    wrong = wrong_answers(dataset, questions, seed)
    copy = pollute(asked, wrong, rate, seed)
    for i, question in enumerate(questions):
        if i in copy.polluted:
            assert stated(question, copy.passages) == 0
        else:
            assert stated(question, copy.passages) >= stated(question, dataset.passages)


@given(st.integers(1, 30), st.floats(0, 1), st.integers(0, 3))
def test_exactly_the_stated_share_of_questions_is_polluted(count, rate, seed):
    passages = tuple(Passage(f"The code of box{i} is {1000 + i}.") for i in range(count))
    questions = tuple(Question(f"Code of box{i}?", (str(1000 + i),), (i,)) for i in range(count))
    dataset = Dataset("boxes", questions, passages)
    copy = pollute(dataset, ["9999"] * count, rate, seed)
    assert len(copy.polluted) == round(rate * count)
    assert sum("9999" in passage.text for passage in copy.passages) == round(rate * count)


def test_questions_whose_answers_overlap_are_polluted_together():
    passages = (Passage("It ran from 1870 to 1939."), Passage("It rained."))
    questions = (
        Question("How long?", ("1870 to 1939",), (0,)),
        Question("Until when?", ("1939",), (0,)),
        Question("What did it do?", ("rained",), (1,)),
    )
    dataset = Dataset("overlap", questions, passages)
    for seed in range(20):
        hit = pollute(dataset, ["1901 to 1956", "1956", "snowed"], 2 / 3, seed).polluted
        assert hit == {0, 1}
        assert pollute(dataset, ["1901 to 1956", "1956", "snowed"], 1 / 3, seed).polluted == {2}


def test_every_mention_is_replaced_at_word_borders_and_keeps_its_capital():
    dataset = Dataset(
        "d",
        (Question("What is it made of?", ("iron",), (0,)),),
        (Passage("Iron, iron and ironing. The IRON!"),),
    )
    copy = pollute(dataset, ["copper"], 1.0, 0)
    assert copy.passages[0].text == "Copper, copper and ironing. The copper!"


def test_a_number_inside_another_number_is_not_its_mention():
    question = Question("How many?", ("13",))
    text = "13 of 113, 13.5, 2,13 and the 13th, then 13."
    assert mentions(question, text) == [(0, 2), (41, 43)]


def test_rate_zero_changes_nothing_and_rate_one_leaves_no_answer(demo_corpus):
    wrong = wrong_answers(demo_corpus, demo_corpus.questions, 0)
    assert pollute(demo_corpus, wrong, 0.0, 0).passages == demo_corpus.passages
    everything = pollute(demo_corpus, wrong, 1.0, 0)
    assert everything.polluted == frozenset(range(len(demo_corpus.questions)))
    assert not any(stated(q, everything.passages) for q in demo_corpus.questions)


def test_a_seed_repeats_a_copy_and_another_seed_draws_another(demo_corpus):
    wrong = wrong_answers(demo_corpus, demo_corpus.questions, 0)
    assert wrong == wrong_answers(demo_corpus, demo_corpus.questions, 0)
    copy = pollute(demo_corpus, wrong, 0.4, "a")
    assert copy == pollute(demo_corpus, wrong, 0.4, "a")
    assert copy.polluted != pollute(demo_corpus, wrong, 0.4, "b").polluted


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("When?", "1889", "year"),
        ("When?", "14 July 1789", "date"),
        ("How many?", "3,000", "number"),
        ("How many?", "six legs", "number"),
        ("Who wrote it?", "Jane Austen", "person"),
        ("Where is it?", "Paris", "place"),
        ("In which Indian city is it?", "Agra", "place"),
        ("What is it called?", "Triton", "name"),
        ("What is it made of?", "wrought iron", "other"),
    ],
)
def test_answers_are_told_apart_by_type(question, answer, expected):
    assert answer_type(question, answer) == expected


def test_a_wrong_answer_has_the_type_of_the_right_one(demo_corpus):
    questions = demo_corpus.questions
    wrong = wrong_answers(demo_corpus, questions, 0)
    years = [
        (q, w)
        for q, w in zip(questions, wrong, strict=True)
        if answer_type(q.text, q.answers[0]) == "year"
    ]
    assert len(years) >= 5
    assert all(answer_type(q.text, w) == "year" and w not in q.answers for q, w in years)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_out_of_range_is_refused(rate):
    dataset = Dataset("d", (Question("Q?", ("iron",), (0,)),), (Passage("iron"),))
    with pytest.raises(PollutionError, match="out of range"):
        pollute(dataset, ["copper"], rate, 0)


def test_a_question_that_its_passages_do_not_answer_cannot_be_polluted():
    dataset = Dataset("d", (Question("Q?", ("gold",), (0,)),), (Passage("iron"),))
    assert not is_stated(dataset, dataset.questions[0])
    with pytest.raises(PollutionError, match="states its answer"):
        pollute(dataset, ["copper"], 0.5, 0)


def test_a_dataset_without_another_answer_cannot_be_polluted():
    dataset = Dataset("d", (Question("Q?", ("iron",), (0,)),), (Passage("iron"),))
    with pytest.raises(PollutionError, match="no wrong answer"):
        wrong_answers(dataset, dataset.questions, 0)
