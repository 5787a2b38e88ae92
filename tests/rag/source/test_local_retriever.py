"""Sources in this process: strangers' code, checked as if it came over the network."""

import pytest

from rag.errors import PipelineError
from rag.ports import Retriever
from rag.source.local import Source
from rag.source.local_retriever import LocalRetriever
from rag.types import Cost, Found, Passage, Silence

PARIS = Passage("Paris is the capital of France.", "France")


class Odd:
    """A source that answers with whatever it is given, or raises it."""

    def __init__(self, source_id, answer):
        self.id = source_id
        self._answer = answer

    def search(self, query, k):
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_each_source_is_asked_and_answers_come_by_id():
    asked: Retriever = LocalRetriever([Source(7, [PARIS]), Source(2, [PARIS])])
    assert asked.ids == (2, 7)
    found = asked.search("capital of France", [7, 2], 3)
    assert list(found) == [2, 7]
    assert all(isinstance(f, Found) and f.passages == (PARIS,) for f in found.values())
    assert all(f.receipt is None and f.seconds > 0 for f in found.values())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ValueError("secret words"), "failed: ValueError"),
        (None, "failed: it sent something that is not a list of passages"),
        ("Paris", "failed: it sent something that is not a list of passages"),
        (["Paris"], "failed: it sent something that is not a passage"),
        ([Passage(7)], "failed: it sent something that is not a passage"),
        ([], "found nothing"),
        ([Passage(" \x00 ")], "found nothing"),
    ],
)
def test_a_source_that_fails_is_silent_with_a_reason(answer, reason):
    asked = LocalRetriever([Odd(1, answer), Odd(2, [PARIS])])
    found = asked.search("q", [1, 2], 3)
    assert found[1] == Silence(1, reason)
    assert isinstance(found[2], Found)


def test_passages_are_cleaned_and_bounded():
    many = [Passage("a\x1b[0m b" + "c" * 200_000, "t\n" * 3_000)] * 2_000
    found = LocalRetriever([Odd(1, many)]).search("q", [1], 4)[1]
    assert len(found.passages) == 4
    assert found.passages[0].text.startswith("a [0m bccc")
    assert len(found.passages[0].text) <= 100_000
    assert len(found.passages[0].title) <= 2_000


def test_a_source_that_is_not_there_is_silent():
    found = LocalRetriever([Source(1, [PARIS])]).search("capital", [1, 9], 3)
    assert found[9] == Silence(9, "is not among the sources")


def test_costs_are_the_latencies_and_no_price():
    asked = LocalRetriever([Source(1, [PARIS])])
    assert asked.costs() == {1: Cost()}
    asked.search("capital", [1], 3)
    assert asked.costs()[1].price == 0
    assert asked.costs()[1].seconds > 0


@pytest.mark.parametrize(
    "ids", [[], [1, 1], [-1], [2**32], ["1"]], ids=["none", "twice", "below", "above", "text"]
)
def test_sources_with_ids_that_cannot_be_are_refused(ids):
    with pytest.raises(PipelineError):
        LocalRetriever([Odd(i, []) for i in ids])
