import pytest

from rag import dataset as module
from rag.dataset import Dataset, DatasetBuilder
from rag.errors import DatasetError
from rag.types import Passage, Question

QUESTIONS = tuple(Question(f"Question {i}?", ("yes",), (0,)) for i in range(50))
DATASET = Dataset("a dataset", QUESTIONS, (Passage("yes"),))


def test_a_sample_is_drawn_by_its_seed_on_all_passages():
    sample = DATASET.sample(10, seed=1)
    assert len(set(sample.questions)) == 10
    assert sample == DATASET.sample(10, seed=1)
    assert sample.questions != DATASET.sample(10, seed=2).questions
    assert sample.passages == DATASET.passages


def test_a_sample_larger_than_the_dataset_is_all_of_it():
    assert sorted(q.text for q in DATASET.sample(99, seed=0).questions) == sorted(
        q.text for q in QUESTIONS
    )


def test_a_dataset_takes_no_more_passages_than_it_is_allowed(monkeypatch):
    monkeypatch.setattr(module, "MAX_PASSAGES", 2)
    builder = DatasetBuilder("d")
    assert [builder.add_passage(t, "", "line 1") for t in ("a", "b", "a")] == [0, 1, 0]
    with pytest.raises(DatasetError, match="line 2: a dataset holds at most 2 passages"):
        builder.add_passage("c", "", "line 2")


def test_text_is_made_safe_when_it_enters_a_dataset():
    builder = DatasetBuilder("d")
    builder.add_passage("red\x1b[31m alert", "t\x00", "line 1")
    builder.add_question("who\x07?", ["A\nB"], [0], "line 1")
    built = builder.build()
    assert built.passages == (Passage("red [31m alert", "t"),)
    assert built.questions == (Question("who ?", ("A B",), (0,)),)
