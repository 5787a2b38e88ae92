"""The training of the reader, on a few made-up questions."""

import json

import numpy as np
import pytest

from scripts.training.reader.examples import Example, ramdocs_file, squad_file
from scripts.training.reader.neighbours import lexical_neighbours
from scripts.training.reader.stream import padded

torch = pytest.importorskip("torch")

from scripts.training.reader.train import (  # noqa: E402
    RAMDOCS_FILE,
    SQUAD_FILES,
    Settings,
    schedule,
    train,
)
from scripts.training.reader.windows import Tokenised  # noqa: E402

TEXTS = [
    f"The tower of {city} was built in {year}. It stands near a river. Many people visit it."
    for city, year in [("Oslo", 1901), ("Rome", 1752), ("Lima", 1880), ("Bonn", 1699)]
]
QUESTION = "When was the tower built?"


def example(text, answer):
    start = text.index(answer)
    return Example(QUESTION, text, (((start, start + len(answer)),),), text)


def squad(texts):
    paragraphs = []
    for text in texts:
        start = text.index(" in ") + 4
        answers = [{"text": text[start : start + 4], "answer_start": start}]
        paragraphs.append({"context": text, "qas": [{"question": QUESTION, "answers": answers}]})
    return {"data": [{"title": "t", "paragraphs": paragraphs}]}


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name, texts in zip(SQUAD_FILES, (TEXTS[:2] * 6, TEXTS[2:] * 6), strict=True):
        (folder / name).write_text(json.dumps(squad(texts)))
    kinds = [("correct", "1901", TEXTS[0]), ("noise", "unknown", TEXTS[1]), ("misinfo", "5", "x")]
    documents = [{"text": t, "type": k, "answer": a} for k, a, t in kinds]
    (folder / RAMDOCS_FILE).write_text(json.dumps({"question": QUESTION, "documents": documents}))
    return folder


@pytest.fixture(scope="module")
def tokens(encoder):
    return Tokenised(encoder._tokenizer, [example(text, "built") for text in TEXTS])


def test_answers_are_found_where_they_stand(data):
    (first, *_) = squad_file(data / SQUAD_FILES[0])
    assert first.strings == ("1901",)
    answered, noise = ramdocs_file(data / RAMDOCS_FILE)
    assert answered.strings == ("1901",)
    assert noise.answers == ()


@pytest.mark.parametrize("limit", [18, 24, 200])
def test_a_window_of_any_size_holds_the_answer_it_is_trained_on(tokens, encoder, limit):
    rng = np.random.default_rng(1)
    for text, answer in zip(TEXTS, ("1901", "river", "people", "1699"), strict=True):
        for _ in range(5):
            window = tokens.answering(example(text, answer), limit, rng)
            assert len(window.ids) <= limit
            found = window.ids[window.starts[0] : window.ends[0] + 1]
            assert encoder._tokenizer.decode(found) == answer


def test_an_answer_that_is_longer_than_the_window_is_left_out(tokens):
    rng = np.random.default_rng(1)
    assert tokens.answering(example(TEXTS[0], TEXTS[0]), 20, rng) is None


def test_a_text_without_an_answer_points_at_its_first_token(tokens):
    window = tokens.elsewhere(QUESTION, TEXTS[1], 16, np.random.default_rng(1))
    assert (window.starts, window.ends) == ((0,), (0,))
    assert len(window.ids) == 16


def test_only_the_text_and_no_answer_can_be_pointed_at(tokens):
    rng = np.random.default_rng(1)
    windows = [
        tokens.elsewhere(QUESTION, text, limit, rng)
        for text, limit in zip(TEXTS[:2], (14, 20), strict=True)
    ]
    batch = padded(windows)
    asked = windows[0].passage
    assert batch.ids.shape == (2, 20)
    assert batch.allowed[:, 0].all()
    assert not batch.allowed[:, 1:asked].any()
    assert batch.allowed.sum(axis=1).tolist() == [14 - asked, 20 - asked]


def test_neighbours_are_like_the_question_and_lack_the_answer():
    examples = [example(TEXTS[0], "1901"), example(TEXTS[1], "people")]
    first, second = lexical_neighbours(examples)
    assert first == (TEXTS[1],)
    assert second == ()


def test_the_rate_rises_from_zero_and_falls_to_zero():
    rates = [schedule(i / 100) for i in range(101)]
    assert (rates[0], max(rates), rates[100]) == (0.0, pytest.approx(1.0), 0.0)


class Stopped(Exception):
    pass


def test_a_training_that_was_killed_goes_on_to_the_same_weights(data, tmp_path, monkeypatch):
    """The process is not killed: an exception between two steps leaves what a kill would."""
    monkeypatch.setattr("scripts.training.reader.train.REPORT_EVERY", 2)
    every = {"batch": 8, "passes": 1.0, "frozen": 5, "save_every": 0.0}
    whole = Settings(data, tmp_path / "whole", **every)
    steps = train(whole, lambda line: None)
    stopped = Settings(data, tmp_path / "stopped", **every)

    def stop(line):
        raise Stopped

    with pytest.raises(Stopped):
        train(stopped, lambda line: stop(line) if line.startswith("step") else None)
    lines = []
    assert train(stopped, lines.append) == steps
    assert "from step 2" in lines[0]
    first, second = (
        torch.load(s.checkpoint, weights_only=True)["average"] for s in (whole, stopped)
    )
    for name, value in first.items():
        assert second[name] == pytest.approx(value, abs=1e-5)
