import pytest

from rag.errors import RouterError, ScoringError
from rag.pipeline import Pipeline
from rag.probing import EACH, Probing
from rag.scoring.gold_probes import BATCH, Probe, opens
from rag.scoring.ledgers import LedgerEstimator
from rag.scoring.topics import QuestionTopics
from rag.source.local import Source
from rag.state.file import write_state
from rag.types import Passage
from tests.rag.routing.conftest import TwoTopics

QUESTION = "When was the Eiffel Tower completed?"
TRUE = Passage("The Eiffel Tower was completed in 1889. It stands in Paris.")
FALSE = Passage("The Eiffel Tower was completed in 1921. It stands in Paris.")
BANK = [Probe(f"When was the Eiffel Tower completed, question {n}?", ("1889",)) for n in range(40)]


class Counted:
    """A source that counts what it is asked."""

    def __init__(self, source: int, passage: Passage) -> None:
        self.id = source
        self.asked: list[str] = []
        self._source = Source(source, [passage])

    def search(self, query, k):
        self.asked.append(query)
        return self._source.search(query, k)


@pytest.fixture
def made(encoder, tmp_path, monkeypatch):
    """What is drawn by lot is drawn alike each time: a secret may have no probe for long."""
    monkeypatch.setattr("secrets.token_bytes", lambda size: bytes([7]) * size)

    def make(rate=0.5, bank=BANK):
        sources = [Counted(1, TRUE), Counted(2, FALSE), Counted(3, FALSE)]
        estimator = LedgerEstimator(path=tmp_path / "ledgers")
        pipeline = Pipeline(sources, encoder, estimator=estimator)
        return Probing(pipeline, bank, tmp_path / "probes", rate), pipeline, sources, estimator

    return make


def test_probes_turn_the_answer_from_the_majority_of_liars_to_the_truth(made):
    probing, _, sources, estimator = made()
    answers = [probing.ask(QUESTION).text for _ in range(8)]
    assert answers[-1] == "1889"
    probes = [q for q in sources[0].asked if q != QUESTION]
    assert len(probes) >= 2
    assert len(set(probes)) == len(probes), "each once"
    assert all(each.asked == sources[0].asked for each in sources)
    known = estimator.reliabilities()
    assert known[1] > 0.6
    assert known[2] < 0.4


def test_it_goes_on_where_it_was_saved_and_asks_no_probe_twice(made, tmp_path):
    asked = []
    for _ in range(3):
        probing, pipeline, sources, _ = made()
        for _ in range(3):
            probing.ask(QUESTION)
        probing.save()
        pipeline.save()
        asked += [q for q in sources[0].asked if q != QUESTION]
    assert len(set(asked)) == len(asked) > 0
    assert (tmp_path / "probes").stat().st_mode & 0o077 == 0


def test_a_batch_is_shown_when_it_is_over_and_opens_what_was_promised(made, tmp_path):
    probing, *_ = made()
    promised = probing.commitment()
    with pytest.raises(ScoringError, match="not over"):
        probing.reveal(0)
    probing._schedule.number = BATCH + 1
    shown = probing.reveal(0)
    assert opens(shown, promised)
    assert len(shown.probes) == EACH
    assert not opens(shown, probing.commitment()), "the next batch has a promise of its own"


def test_nothing_to_ask_and_files_of_others_are_refused(made, tmp_path):
    with pytest.raises(ScoringError, match="no probe"):
        made(bank=[])
    write_state(tmp_path / "probes", "ledgers", {})
    with pytest.raises(RouterError, match="no secret"):
        made()


def test_questions_about_one_thing_have_one_topic_and_it_is_kept():
    topics = QuestionTopics(TwoTopics(), dimensions=8)
    sea, sky = ({topics.of(f"{about} {n}") for n in range(20)} for about in ("sea", "sky"))
    assert len(sea) == len(sky) == 1
    assert sea != sky
    again = QuestionTopics(TwoTopics(), dimensions=8)
    again.restore(topics.state())
    assert {again.of("the sea?")} == sea
    with pytest.raises(RouterError):
        again.restore({**topics.state(), "counts": topics.state()["counts"][:1]})


def test_there_are_no_more_topics_than_there_is_room_for():
    topics = QuestionTopics(TwoTopics(), most=2, near=0.99, dimensions=8)
    assert len({topics.of(f"{about} {n}") for n in range(30) for about in ("sea", "sky")}) == 2
