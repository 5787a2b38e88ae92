import json

import pytest

from rag import loaders
from rag.errors import DatasetError
from rag.loaders import load_dataset, split_text
from rag.types import Passage, Question

SQUAD = {
    "data": [
        {
            "title": "Eiffel_Tower",
            "paragraphs": [
                {
                    "context": "The tower was completed in 1889.",
                    "qas": [
                        {
                            "id": "1",
                            "question": "When was the tower completed?",
                            "answers": [
                                {"text": "1889", "answer_start": 27},
                                {"text": "1889", "answer_start": 27},
                            ],
                        }
                    ],
                }
            ],
        }
    ]
}


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_squad_json_gives_questions_on_their_passages(tmp_path):
    dataset = load_dataset(write(tmp_path / "d.json", SQUAD))
    assert dataset.passages == (Passage("The tower was completed in 1889.", "Eiffel Tower"),)
    assert dataset.questions == (Question("When was the tower completed?", ("1889",), (0,)),)


def test_json_lines_give_questions_with_plain_or_titled_passages(tmp_path):
    rows = [
        {"question": "Who?", "answers": ["Ada"], "passages": ["Ada did.", "Bob did not."]},
        {"question": "Where?", "answers": "Rome", "passages": [{"title": "T", "text": "In Rome."}]},
        {"question": "Why?", "answers": []},
    ]
    text = "\n\n".join(json.dumps(row) for row in rows) + "\n"
    dataset = load_dataset(write(tmp_path / "d.jsonl", text))
    assert dataset.passages == (
        Passage("Ada did."),
        Passage("Bob did not."),
        Passage("In Rome.", "T"),
    )
    assert [q.passages for q in dataset.questions] == [(0, 1), (2,), ()]
    assert [q.answers for q in dataset.questions] == [("Ada",), ("Rome",), ()]


def test_a_folder_gives_passages_under_file_name_and_heading(tmp_path):
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep" / "big_towers.md", "# France\n\nThe tower is in Paris.\n")
    write(tmp_path / "notes.txt", "Plain notes.")
    write(tmp_path / "picture.svg", "<svg>not text</svg>")
    dataset = load_dataset(tmp_path)
    assert dataset.questions == ()
    assert dataset.passages == (
        Passage("The tower is in Paris.", "big towers France"),
        Passage("Plain notes.", "notes"),
    )


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    write(folder / "own.txt", "Our own text.")
    secret = write(tmp_path / "secret.txt", "Not for others.")
    (folder / "link.txt").symlink_to(secret)
    assert [p.text for p in load_dataset(folder).passages] == ["Our own text."]


def test_a_passage_that_returns_is_kept_once_and_shared(tmp_path):
    row = {"question": "Who?", "answers": ["Ada"], "passages": ["Ada did."]}
    other = {"question": "What?", "answers": ["it"], "passages": ["Ada  did.\n", "Ada did."]}
    dataset = load_dataset(
        write(tmp_path / "d.jsonl", f"{json.dumps(row)}\n{json.dumps(other)}\n{json.dumps(row)}")
    )
    assert dataset.passages == (Passage("Ada did."),)
    assert [q.passages for q in dataset.questions] == [(0,), (0,)]


def test_a_long_text_is_cut_between_sentences_into_passages_of_bounded_length():
    text = " ".join(f"Sentence number {i} has exactly seven words." for i in range(60))
    pieces = [piece for _, piece in split_text(text, words=120)]
    assert all(100 < len(piece.split()) <= 120 for piece in pieces[:-1])
    assert all(piece.endswith("words.") for piece in pieces)
    assert " ".join(pieces) == text


def test_a_sentence_without_end_is_cut_between_words():
    pieces = [piece for _, piece in split_text("word " * 1000, words=120)]
    assert [len(piece.split()) for piece in pieces] == [120] * 8 + [40]


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"There is no dataset at .*none\.json\. Give a SQuAD"):
        load_dataset(tmp_path / "none.json")


def test_a_format_nobody_can_read_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="not in a format"):
        load_dataset(write(tmp_path / "d.parquet", "PAR1"))


def test_malformed_json_is_named_with_file_and_line(tmp_path):
    with pytest.raises(DatasetError, match=r"d\.json, line 3, column 1: malformed JSON"):
        load_dataset(write(tmp_path / "d.json", '{\n "data": [\n'))


def test_malformed_json_lines_are_named_with_file_and_line(tmp_path):
    good = json.dumps({"question": "Q?", "answers": [], "passages": ["P."]})
    with pytest.raises(DatasetError, match=r"d\.jsonl, line 3, column 2: malformed JSON"):
        load_dataset(write(tmp_path / "d.jsonl", f"{good}\n\n{{oops\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "expected a JSON object"),
        ({"data": {}}, 'expected a list under "data"'),
        ({"data": ["x"]}, r"data\[0\]: expected a JSON object"),
        ({"data": [{"paragraphs": [{"qas": []}]}]}, r'data\[0\]\.paragraphs\[0\].*"context"'),
        ({"data": [{"paragraphs": [{"context": "C", "qas": [{"answers": 3}]}]}]}, r'"answers"'),
        (
            {"data": [{"paragraphs": [{"context": "C", "qas": [{"answers": [{"text": 1}]}]}]}]},
            r'qas\[0\]\.answers: expected text under "text"',
        ),
        ({"data": []}, "holds no passage"),
        ({"data": [{"paragraphs": [{"context": " ", "qas": []}]}]}, "the passage is empty"),
    ],
)
def test_squad_json_of_another_shape_is_refused_with_its_place(tmp_path, content, message):
    with pytest.raises(DatasetError, match=message):
        load_dataset(write(tmp_path / "d.json", content))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1], "line 1: expected a JSON object"),
        ({"answers": [], "passages": []}, 'line 1: expected text under "question"'),
        ({"question": "Q", "answers": 5, "passages": []}, 'expected a list under "answers"'),
        ({"question": "Q", "answers": [5], "passages": []}, 'expected text under "answers"'),
        ({"question": "Q", "answers": [], "passages": "P"}, 'expected a list under "passages"'),
        ({"question": "Q", "answers": [], "passages": [7]}, "expected a JSON object"),
        ({"question": "Q" * 2001, "answers": [], "passages": []}, "2,001 characters"),
        ({"question": "Q", "answers": ["a"] * 65, "passages": ["P"]}, "64 answers each"),
        ({"question": "Q", "answers": [], "passages": ["P" * 100_001]}, "the passage has 100,001"),
        ({"question": "Q", "answers": []}, "holds no passage"),
    ],
)
def test_json_lines_of_another_shape_are_refused_with_their_place(tmp_path, row, message):
    with pytest.raises(DatasetError, match=message):
        load_dataset(write(tmp_path / "d.jsonl", json.dumps(row)))


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"{}\n\xff\xfe\n")
    with pytest.raises(DatasetError, match=r"line 2: not UTF-8"):
        load_dataset(path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="holds no passage"):
        load_dataset(tmp_path)


def test_a_file_beyond_the_limit_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(loaders, "MAX_FILE_BYTES", 2**20)
    with pytest.raises(DatasetError, match="larger than 1 MiB"):
        load_dataset(write(tmp_path / "d.json", "[" * (2**20 + 1)))


def test_a_folder_beyond_the_limit_in_sum_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(loaders, "MAX_FILE_BYTES", 2**20)
    for name in ("a.txt", "b.txt"):
        write(tmp_path / name, "word " * 120_000)
    with pytest.raises(DatasetError, match="larger than 1 MiB"):
        load_dataset(tmp_path)


def test_the_demo_corpus_states_every_answer_it_asks_for(demo_corpus):
    from rag.pollution import is_stated

    assert len(demo_corpus.questions) >= 150
    assert all(is_stated(demo_corpus, question) for question in demo_corpus.questions)
