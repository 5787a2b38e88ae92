from itertools import islice

import pytest

from rag.dataset import Dataset
from rag.errors import PollutionError
from rag.experiment import METHODS, POOL_ID, Experiment, build_world
from rag.reader import ExtractiveReader
from rag.scoring.metrics import spearman
from rag.types import Passage, Question
from tests.rag.fakes import MemoryLedger

RATES = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
IDS = [1, 2, 3, 4, 5, 6]


def run(dataset, encoder, *, ids=IDS, seed=0, questions=12, steps=None):
    world = build_world(dataset, RATES, seed, ids, questions)
    ledger = MemoryLedger()
    experiment = Experiment(world, encoder, ExtractiveReader(), ledger, ledger, run="r")
    return world, ledger, experiment, list(islice(experiment, steps))


def test_reliable_sources_come_out_on_top_and_their_weight_pays(demo_corpus, encoder):
    world, ledger, experiment, steps = run(demo_corpus, encoder, questions=60)
    known = ledger.reliabilities()
    rho = spearman([world.pollution[i] for i in IDS], [known[i].mean for i in IDS])
    accuracy = experiment.summary.accuracy
    assert len(steps) == experiment.summary.questions == 60
    assert rho <= -0.9
    assert accuracy["weighted"] > accuracy["majority"]
    assert accuracy["weighted"] > accuracy["centralized"]
    assert all(known[i].asked == 60 for i in IDS)


def test_two_runs_with_one_seed_give_the_same_answers(demo_corpus, encoder):
    first = [step.texts for step in run(demo_corpus, encoder)[3]]
    assert first == [step.texts for step in run(demo_corpus, encoder)[3]]


def test_neither_the_ids_of_the_sources_nor_their_order_change_the_result(demo_corpus, encoder):
    plain = run(demo_corpus, encoder)
    other = run(demo_corpus, encoder, ids=[900, 7, 4_000_000_000, 31, 55, 1000])
    assert [step.texts for step in plain[3]] == [step.texts for step in other[3]]
    assert sorted(plain[0].pollution.values()) == sorted(other[0].pollution.values())


def test_which_source_is_honest_is_drawn_by_the_seed(demo_corpus):
    honest = set()
    for seed in range(12):
        pollution = build_world(demo_corpus, RATES, seed, IDS, 5).pollution
        honest.add(min(pollution, key=pollution.__getitem__))
    assert len(honest) > 2


def test_the_truth_about_each_source_is_the_share_it_answers_wrong(demo_corpus):
    world = build_world(demo_corpus, RATES, 3, IDS, 50)
    assert sorted(world.pollution.values()) == pytest.approx(RATES, abs=0.02)
    assert [source.id for source in world.sources] == IDS
    assert world.pooled.id == POOL_ID


def test_the_pool_holds_what_all_sources_hold_once(demo_corpus):
    world = build_world(demo_corpus, RATES, 0, IDS, 20)
    served = [p for source in world.sources for p in source.search("river", 500)]
    pooled = world.pooled.search("river", 10_000)
    assert set(pooled) == set(served)
    assert len(pooled) == len(set(pooled)) < len(served)


def test_each_step_is_answered_before_it_is_judged(demo_corpus, encoder):
    world, ledger, experiment, (first,) = run(demo_corpus, encoder, steps=1)
    assert set(first.answer.weights.values()) == {1.0}
    assert set(first.texts) == set(METHODS)
    assert first.texts["weighted"] == first.texts["majority"]
    assert len(ledger.judgements) == len(IDS)
    assert (first.number, first.total) == (1, 12)
    assert experiment.summary.questions == 1


def test_questions_that_no_passage_answers_are_left_out(encoder):
    dataset = Dataset(
        "mixed",
        (
            Question("What is it made of?", ("iron",), (0,)),
            Question("What is it for?", ("music",), (0,)),
            Question("What grows?", ("oak",), (1,)),
        ),
        (Passage("It is made of iron."), Passage("Here grows oak.")),
    )
    world = build_world(dataset, [0.0, 1.0], 0, [1, 2], 3)
    assert {q.text for q in world.questions} == {"What is it made of?", "What grows?"}


def test_a_dataset_without_answered_questions_is_refused():
    with pytest.raises(PollutionError, match="no question whose passages state"):
        build_world(Dataset("empty", (), (Passage("iron"),)), [0.0, 1.0], 0, [1, 2], 3)


def test_a_rate_without_a_source_is_refused(demo_corpus):
    with pytest.raises(PollutionError, match="6 pollution rates need as many sources, not 2"):
        build_world(demo_corpus, RATES, 0, [1, 2], 20)
