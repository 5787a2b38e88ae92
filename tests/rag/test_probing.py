import numpy as np
import pytest

from rag.errors import DatasetError, ModelError, PipelineError, ScoringError, StateError
from rag.pipeline import Pipeline
from rag.probe_bank import read_bank
from rag.probe_record import EACH, read_record
from rag.probing import Probing
from rag.scoring.gold_probes import BATCH, Probe, opens
from rag.scoring.ledgers import LedgerEstimator
from rag.scoring.topics import QuestionTopics
from rag.source.local import Source
from rag.state.file import read_state, write_state
from rag.types import Answer, Passage
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
    probing.finish()
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
        pipeline.save()
        probing.finish()
        asked += [q for q in sources[0].asked if q != QUESTION]
    assert len(set(asked)) == len(asked) > 0
    assert (tmp_path / "probes").stat().st_mode & 0o077 == 0


class Told:
    """Only what ``Probing`` needs of a pipeline; ``fails`` is asked for a question that breaks."""

    doubtful = False

    def __init__(self, fails=()):
        self.asked, self.fails, self.unsaved = [], fails, False

    def ask(self, question):
        if question in self.fails:
            raise ModelError("The model is gone.", "Start it.")
        self.asked.append(question)
        return Answer(question, "so", 1.0, (), (), str(len(self.asked)))

    def judge(self, answer, gold):
        assert gold
        self.unsaved = True

    def save(self):
        self.unsaved = False

    @property
    def probes(self):
        return [question for question in self.asked if question != "why?"]


def many(size, prefix="probe"):
    return [Probe(f"{prefix} {n}", (f"answer {n}",)) for n in range(size)]


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr("secrets.token_bytes", lambda size: bytes([7]) * size)
    monkeypatch.setattr("os.fsync", lambda _: None)  # hundreds of questions in one test
    return tmp_path / "probes"


def test_every_probe_of_a_bank_is_asked_once_and_then_it_is_said_that_none_is_left(path):
    bank, told = many(70), Told()
    probing = Probing(told, bank, path, rate=0.5)
    answers = [probing.ask("why?") for _ in range(2 * BATCH)]
    probing.finish()
    assert sorted(told.probes) == sorted(probe.question for probe in bank)
    assert not answers[0].notes
    assert "All 70 probes were asked" in answers[-1].notes[-1]


def test_a_batch_is_shown_when_it_is_over_and_opens_what_was_promised(path):
    told = Told()
    probing = Probing(told, many(200), path, rate=0.1)
    promised = []
    with pytest.raises(ScoringError, match="not over"):
        probing.reveal(0)
    for batch in range(3):
        promised.append(probing.commitment())
        while probing.batch == batch:
            assert probing.commitment() == promised[batch], "one promise for all of a batch"
            probing.ask("why?")
            probing.finish()
    shown = [probing.reveal(batch) for batch in range(3)]
    assert all(opens(each, promise) for each, promise in zip(shown, promised, strict=True))
    assert not opens(shown[1], promised[0])
    assert {len(each.asked) + len(each.unasked) for each in shown} == {EACH}
    asked = [opened.probe.question for each in shown for opened in each.asked]
    assert asked == told.probes[: len(asked)], "what is not asked yet is not shown"
    assert len(told.probes) - len(asked) <= 3


def test_promises_hold_and_nothing_is_asked_twice_when_the_bank_changes(path):
    told = Told()
    probing = Probing(told, many(64), path, rate=0.1)
    promised = probing.commitment()
    for _ in range(100):
        probing.ask("why?")
    probing.finish()
    changed = Probing(told, [*many(1, "new"), *many(40)], path, rate=0.1)
    assert changed.commitment() == promised
    for _ in range(4 * BATCH):
        changed.ask("why?")
    changed.finish()
    assert opens(changed.reveal(0), promised)
    assert len(set(told.probes)) == len(told.probes)
    assert set(told.probes) >= {probe.question for probe in [*many(40), *many(1, "new")]}


def test_a_run_that_ends_in_the_middle_asks_no_probe_again(path):
    probes = []
    for _ in range(10):
        told = Told()
        told.judge = interrupted
        probing = Probing(told, many(64), path, rate=1.0)
        with pytest.raises(KeyboardInterrupt):
            asked_to_the_end(probing)
        probes += told.probes
    assert len(set(probes)) == len(probes) == 10


def asked_to_the_end(probing):
    probing.ask("why?")
    probing.finish()


def interrupted(answer, gold):
    raise KeyboardInterrupt


@pytest.fixture
def behind(monkeypatch):
    monkeypatch.setattr("secrets.randbelow", lambda _: 1)


def test_probes_behind_a_question_wait_until_its_answer_is_shown(path, behind):
    told = Told()
    probing = Probing(told, many(64), path, rate=1.0)
    assert probing.ask("why?").text == "so"
    assert told.asked == ["why?"]
    assert probing.finish() == []
    assert len(told.probes) > 0
    asked = list(told.asked)
    assert probing.finish() == []
    assert told.asked == asked


@pytest.mark.parametrize("place", [0, 1])
def test_the_lot_decides_whether_probes_come_before_a_question_or_behind_it(
    path, monkeypatch, place
):
    monkeypatch.setattr("secrets.randbelow", {2: place}.__getitem__)
    told = Told()
    probing = Probing(told, many(64), path, rate=1.0)
    probing.ask("why?")
    probing.finish()
    assert len(told.probes) > 0
    assert told.asked.index("why?") == (0 if place else len(told.probes))


def test_a_question_that_fails_spends_no_probe_that_is_behind_it(path, behind):
    bank, told = many(64), Told(fails={"why?"})
    probing = Probing(told, bank, path, rate=1.0)
    with pytest.raises(ModelError):
        probing.ask("why?")
    assert probing.finish() == []
    assert told.asked == []
    assert read_record(path).left(bank) == bank
    told.fails = ()
    probing.ask("why?")
    probing.finish()
    assert len(read_record(path).left(bank)) == len(bank) - len(told.probes) < len(bank)


def test_probes_that_nobody_asked_to_finish_come_before_the_next_question(path, behind):
    bank, told = many(64), Told()
    probing = Probing(told, bank, path, rate=1.0)
    probing.ask("why?")
    told.fails = {probe.question for probe in bank}
    answer = probing.ask("why?")
    assert answer.notes == ("A probe failed: The model is gone. Start it.",)


def test_a_stop_in_a_later_probe_leaves_what_an_earlier_one_taught_on_the_disk(path, behind):
    told = Told()
    learn, taught = told.judge, []

    def stopped_in_the_second(answer, gold):
        if taught:
            raise KeyboardInterrupt
        taught.append(answer)
        learn(answer, gold)

    told.judge = stopped_in_the_second
    probing = Probing(told, many(64), path, rate=1.0)
    probing.ask("why?")
    with pytest.raises(KeyboardInterrupt):
        probing.finish()
    assert len(told.probes) == 2
    assert not told.unsaved


def test_a_question_that_cannot_be_asked_costs_no_probe(path):
    told = Told()
    probing = Probing(told, many(64), path, rate=1.0)
    with pytest.raises(PipelineError, match="empty"):
        probing.ask("  ")
    assert told.asked == []
    assert read_record(path).number == 0


def test_a_probe_that_fails_and_a_disk_that_is_full_leave_the_answer_and_a_note(
    path, tmp_path, monkeypatch
):
    bank = many(64)
    told = Told(fails={probe.question for probe in bank})
    probing = Probing(told, bank, path, rate=1.0)
    answer = probing.ask("why?")
    assert answer.text == "so"
    assert (*answer.notes, *probing.finish()) == ("A probe failed: The model is gone. Start it.",)

    def full(*_):
        raise StateError("What was learned cannot be kept.", "Make room.")

    told = Told()
    probing = Probing(told, bank, path, rate=1.0)
    monkeypatch.setattr("rag.probing.write_record", full)
    answer = probing.ask("why?")
    assert answer.text == "so"
    told_of = "No probe was asked: What was learned cannot be kept. Make room."
    assert told_of in (*answer.notes, *probing.finish())
    assert told.probes == [], "whose place cannot be kept would be asked again"


def test_nothing_to_ask_and_files_of_others_are_refused(made, tmp_path, path):
    with pytest.raises(ScoringError, match="no probe"):
        made(bank=[])
    write_state(path, "ledgers", {})
    with pytest.raises(StateError, match=r"is no record of probes\. Put back a copy"):
        made()
    path.write_bytes(b"damaged")
    with pytest.raises(StateError, match=r"no record of probes of this version\. Put back"):
        made()
    path.unlink()
    Probing(Told(), BANK, path, rate=0.5)
    with pytest.raises(StateError, match=r"share of 0\.5"):
        Probing(Told(), BANK, path)


@pytest.mark.parametrize(
    "batches",
    [
        b"[",
        b"\xff",
        b"{}",
        b"[]",
        b'[{"asked": 0}]',
        b'[{"asked": 2, "probes": [["q", "a"]]}]',
        b'[{"asked": true, "probes": [["q", "a"]]}]',
        b'[{"asked": 0, "probes": [[]]}]',
        b'[{"asked": 0, "probes": [[1]]}]',
        b'[{"asked": 0, "probes": []}, {"asked": 0, "probes": []}]',
    ],
)
def test_a_record_of_another_form_is_refused_with_what_to_do(path, batches):
    Probing(Told(), BANK, path)
    name, arrays = read_state(path)
    write_state(path, name, {**arrays, "batches": np.frombuffer(batches, dtype=np.uint8)})
    with pytest.raises(StateError, match=r"the form of a record of probes\. Put back a copy"):
        read_record(path)


def test_a_bank_wants_answers_and_no_passages(tmp_path):
    path = tmp_path / "bank.jsonl"
    path.write_text('{"question": "Who?", "answers": ["Me"]}\n{"question": "Where?"}\n')
    with pytest.raises(DatasetError, match=r'"Where\?" has no answer'):
        read_bank(path)
    path.write_text('{"question": "Who?", "answers": "Me"}\n')
    assert read_bank(path) == [Probe("Who?", ("Me",))]
    path.write_text("\n")
    with pytest.raises(DatasetError, match="no question"):
        read_bank(path)


def test_questions_about_one_thing_have_one_topic_and_it_is_kept():
    topics = QuestionTopics(TwoTopics(), dimensions=8)
    sea, sky = ({topics.of(f"{about} {n}") for n in range(20)} for about in ("sea", "sky"))
    assert len(sea) == len(sky) == 1
    assert sea != sky
    again = QuestionTopics(TwoTopics(), dimensions=8)
    again.restore(topics.state())
    assert {again.of("the sea?")} == sea
    with pytest.raises(StateError):
        again.restore({**topics.state(), "counts": topics.state()["counts"][:1]})


def test_there_are_no_more_topics_than_there_is_room_for():
    topics = QuestionTopics(TwoTopics(), most=2, near=0.99, dimensions=8)
    assert len({topics.of(f"{about} {n}") for n in range(30) for about in ("sea", "sky")}) == 2
