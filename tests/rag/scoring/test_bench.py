"""The benchmark itself, on data made here in the formats of RAMDocs and CrAM."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from click.testing import CliRunner

from scripts.benchmarks.rag.__main__ import rag
from scripts.benchmarks.rag.bootstrap import Bootstrap
from scripts.benchmarks.rag.kept import Kept
from scripts.benchmarks.rag.methods import METHODS, cast
from scripts.benchmarks.rag.scenarios import SCENARIOS
from scripts.benchmarks.rag.tier_a import RamDocs
from scripts.benchmarks.rag.tier_b import MODELS, RecordedModels

KINDS = {"no_contexts": "own", "reranked_dense_top4": "true", "ori_fake_reranked_dense_top4": "lie"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    (root / "qa").mkdir()
    (root / "cram").mkdir()
    words = ("Who wrote book", "When was book", "Which is book")
    rows = [
        {
            "question": f"{words[n % 3]} {n}?",
            "documents": [
                {"text": "", "type": "correct", "answer": f"true {n}"},
                {"text": "", "type": "misinfo", "answer": f"lie {n}"},
                {"text": "", "type": "noise", "answer": "unknown"},
            ],
            "gold_answers": [f"true {n}"],
            "wrong_answers": [f"lie {n}"],
        }
        for n in range(120)
    ]
    rows.append({**rows[0], "question": "No lie?", "documents": rows[0]["documents"][:1]})
    lines = "\n".join(json.dumps(row) for row in rows)
    (root / "qa" / "ramdocs_test.jsonl").write_text(lines)
    for model in MODELS:
        for kind, word in KINDS.items():
            answers = [
                {
                    "question": f"{words[n % 3]} {n}?",
                    "prompt": "",
                    "LLM_answer": f"true {n}" if word == "own" and n % 4 == 0 else f"{word} {n}",
                    "reference": [f"true {n}"],
                    "wrong answer": f"lie {n}",
                }
                for n in range(160)
            ]
            (root / "cram" / f"nq_{model}_{kind}.json").write_text(json.dumps(answers))
    return root


def test_every_method_is_measured_beside_the_others(folder):
    arguments = ["--json", "--data", str(folder), "--seeds", "1", "--ranked", "2"]
    done = CliRunner().invoke(rag, [*arguments, "--tiers", "A,B", "--scenarios", "S1,S5"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output.splitlines()[-1])
    for letter in "AB":
        methods = found["tiers"][letter]["S1"]
        assert tuple(methods) == METHODS
        assert methods["ours_5"]["accuracy"] > methods["majority"]["accuracy"]
        assert methods["oracle"]["accuracy"] >= methods["ours_5"]["accuracy"]
        assert methods["ours_5"]["runs"] == 2
        assert methods["majority"]["runs"] == 1
        assert methods["ours_0"]["gold_share"] == 0.0
        assert 0.03 < methods["ours_5"]["gold_share"] < 0.12
        assert methods["seed"]["calls_per_query"] < methods["majority"]["calls_per_query"]
        low, high = methods["ours_5"]["accuracy_interval"]
        assert low <= methods["ours_5"]["accuracy"] <= high
        assert found["tiers"][letter]["S5"]["ours_5"]["drift"]["turned"] <= 2
    assert "sources_only" in found["tiers"]["B"]["S1"]["majority"]
    assert "sources_only" not in found["tiers"]["A"]["S1"]["majority"]
    assert {"goal", "measured", "met"} == set(found["goals"][0])


def test_an_unknown_scenario_is_named(folder):
    done = CliRunner().invoke(rag, ["--data", str(folder), "--scenarios", "S99"])
    assert done.exit_code == 2
    assert "S99" in done.output


def test_only_questions_with_both_truth_and_lie_are_asked(folder):
    world = RamDocs(folder).world(SCENARIOS["S1"], 0, "report")
    assert len(world.rounds) == 120
    assert all(r.answers[0].startswith("true") for r in world.rounds)
    assert all(r.answers[5].startswith("lie") for r in world.rounds)


def test_the_parts_of_tier_b_share_no_question(folder):
    tier = RecordedModels(folder)
    asked = {
        part: {r.question for r in tier.world(SCENARIOS["S2"], 0, part).rounds}
        for part in ("tune", "report")
    }
    assert len(asked["tune"]) == len(asked["report"]) == 80
    assert not asked["tune"] & asked["report"]


def test_a_source_turns_in_the_middle_and_specialists_are_good_on_their_topic(folder):
    tier = RamDocs(folder)
    turning = tier.world(SCENARIOS["S5"], 0, "report").pollution
    assert turning[0, 0] == 0.0
    assert turning[-1, 0] == 1.0
    special = cast(tier.world(SCENARIOS["S7"], 0, "report")).polluted_rates()
    assert special.shape == (6, 3)
    assert (special < 0.5).sum(axis=0).tolist() == [2, 2, 2]


def test_irrelevant_pollution_lies_to_nobody(folder):
    world = RamDocs(folder).world(SCENARIOS["S6"], 0, "report")
    assert {a for r in world.rounds for a in r.answers if a and a.startswith("lie")} == set()
    assert all(r.attack == () for r in world.rounds)


def test_the_bootstrap_pairs_methods_question_by_question():
    marks = np.array([0.0, 1.0] * 50)
    draws = Bootstrap(100)
    assert draws.difference(marks + 0.1, marks) == [0.1, 0.1]
    low, high = draws.mean(marks)
    assert 0.35 < low < 0.5 < high < 0.65
    assert draws.gain(marks, np.zeros(100)) is None


def test_a_world_is_asked_for_once_and_again_where_the_scenario_is_another(folder, tmp_path):
    tier = RamDocs(folder)
    first = Kept(tier, tmp_path / "worlds").world(SCENARIOS["S5"], 3, "report")
    kept = Kept(Unasked("A"), tmp_path / "worlds")
    again = kept.world(SCENARIOS["S5"], 3, "report")
    assert again.rounds == first.rounds
    assert again.scenario == first.scenario
    np.testing.assert_array_equal(again.pollution, first.pollution)
    changed = replace(SCENARIOS["S5"], rates=(0.5,) * 6)
    for scenario, seed in ((changed, 3), (SCENARIOS["S5"], 4)):
        with pytest.raises(AssertionError, match="asked"):
            kept.world(scenario, seed, "report")


@dataclass(frozen=True)
class Unasked:
    name: str

    def world(self, *_):
        raise AssertionError("asked")
