import json

import pytest

from rag.errors import DatasetError
from rag.generators.recorded import RecordedGenerator
from rag.generators.records import Record, load_records
from rag.types import Passage

QUESTION = "when was the tower completed"
TRUE, FALSE = Passage("It was completed in 1889."), Passage("It was completed in 1921.", "News")
CRAM = {
    "id": 1,
    "prompt": "Given the following information: \nPassage-0: It was completed in 1921.\n"
    "Passage-1: It was begun in 1887.\nIt stands in Paris.\n\nAnswer the following question based "
    "on the given information or your internal knowledge with one or few words without the "
    f"source.\nQuestion: {QUESTION}\nAnswer: ",
    "question": QUESTION,
    "LLM_answer": " 1921.",
    "reference": ["1889"],
    "wrong answer": "1921",
}
CLOSED = CRAM | {"prompt": f"Answer ...\nQuestion: {QUESTION}\nAnswer: ", "LLM_answer": "1889"}


@pytest.fixture
def write(tmp_path):
    def write(content, name="records.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def generator():
    return RecordedGenerator(
        [
            Record(QUESTION, (TRUE, FALSE), "1889."),
            Record(QUESTION, (FALSE,), "1921"),
            Record(QUESTION, (), "I don't know"),
        ]
    )


def test_answers_are_those_on_record_for_just_these_passages(generator):
    assert generator.answer(QUESTION, [[FALSE], [TRUE, FALSE], []]) == ["1921", "1889", None]


def test_the_order_of_passages_and_the_case_of_the_question_do_not_matter(generator):
    asked = "When was  the tower completed"
    assert generator.answer(asked, [[FALSE, TRUE]]) == ["1889"]


def test_a_question_without_a_record_is_told(generator):
    with pytest.raises(DatasetError, match=r"no answer on record to 'who built it'\. Ask"):
        generator.answer("who built it", [[TRUE]])


def test_other_passages_than_those_on_record_are_told(generator):
    with pytest.raises(DatasetError, match=r"from these 1 passages\. Show exactly"):
        generator.answer(QUESTION, [[TRUE]])


def test_two_answers_to_the_same_are_refused():
    records = [Record(QUESTION, (TRUE,), "1889"), Record(QUESTION, (TRUE,), "1921")]
    with pytest.raises(DatasetError, match="two answers on record"):
        RecordedGenerator(records)


def test_a_file_of_records_is_read(write):
    path = write(
        [{"question": QUESTION, "passages": ["It was completed in 1889.",
          {"text": "It was completed in 1921.", "title": "News"}], "answer": "1889",
          "gold": ["1889"], "wrong": "1921"}]
    )  # fmt: skip
    record = Record(QUESTION, (TRUE, FALSE), "1889", ("1889",), "1921")
    assert load_records(path) == [record]


def test_files_in_the_form_of_cram_are_read_and_replayed(write):
    paths = [write([CRAM]), write([CLOSED], "closed.json")]
    passages = (
        Passage("It was completed in 1921."),
        Passage("It was begun in 1887. It stands in Paris."),
    )
    assert load_records(paths[0]) == [Record(QUESTION, passages, "1921.", ("1889",), "1921")]
    replayed = RecordedGenerator.load(paths)
    assert replayed.answer(QUESTION, [passages, []]) == ["1921", "1889"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "malformed JSON"),
        ("{}", "lists no records"),
        ("[]", "lists no records"),
        ("[" * 100_000, "nested deeper"),
        ([7], "entry 1 is no JSON object"),
        ([{"question": "", "passages": [], "answer": "x"}], "entry 1: the question is empty"),
        ([{"question": 7, "passages": [], "answer": "x"}], "entry 1: the question is no text"),
        ([{"question": "q", "passages": [], "answer": None}], "entry 1: the answer is no text"),
        ([{"question": "q", "passages": {}, "answer": "x"}], "the passages are no list"),
        ([{"question": "q", "passages": ["p"] * 51, "answer": "x"}], "or more than 50"),
        ([{"question": "q", "passages": [7], "answer": "x"}], "a passage is neither"),
        ([{"question": "q", "passages": ["p" * 100_001], "answer": "x"}], "than 100,000"),
        ([{"question": "q" * 2_001, "passages": [], "answer": "x"}], "than 2,000 characters"),
        ([{"question": "q", "passages": [], "answer": "x" * 10_001}], "than 10,000 characters"),
        ([{"question": "q", "passages": [], "answer": "x", "gold": "x"}], "right answers"),
        ([CRAM | {"prompt": 7}], "the prompt is no text"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(write, content, message):
    with pytest.raises(DatasetError, match=message):
        load_records(write(content))


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        load_records(tmp_path / "none.json")


def test_a_file_that_is_no_text_is_told(tmp_path):
    (tmp_path / "records.json").write_bytes(b"\xff\xfe")
    with pytest.raises(DatasetError, match="no UTF-8 text"):
        load_records(tmp_path / "records.json")
