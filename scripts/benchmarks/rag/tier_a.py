"""Tier A: RAMDocs (HanNight/RAMDocs, MIT), whose documents are annotated with what they answer.

An honest source shows a document drawn from those typed correct, a polluted one a document typed
misinfo, or, where pollution is irrelevant, one that answers nothing. Questions are ambiguous: gold
has up to three answers, and honest sources need not say the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scripts.benchmarks.rag.rounds import Part, Round, World, topics_of
from scripts.benchmarks.rag.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Annotated:
    """A question that has both correct and misinforming documents, by their answers."""

    question: str
    gold: tuple[str, ...]
    correct: tuple[str, ...]
    misinfo: tuple[str, ...]


class RamDocs:
    """The tier; ``folder`` has qa/ramdocs_test.jsonl.

    Both parts are all of it, 241 questions: what was tuned on it saw other seeds alone.
    """

    name = "A"

    def __init__(self, folder: Path) -> None:
        lines = (folder / "qa" / "ramdocs_test.jsonl").read_text().splitlines()
        found = [_annotated(json.loads(line)) for line in lines]
        self.questions = [q for q in found if q.correct and q.misinfo]

    def world(self, scenario: Scenario, seed: int, _part: Part) -> World:
        """Draw the order, who is polluted, and which document each source shows.

        ``centralized`` is the answer of one document drawn from the pool of all that were found:
        a pool cannot tell them apart, and no model is here to read several at once.
        """
        rng = np.random.default_rng([seed, 1])
        drawn = [self.questions[i] for i in rng.permutation(len(self.questions))]
        topics = topics_of([q.question for q in drawn])
        polluted = scenario.draw(topics, rng)
        rounds = []
        for q, lies in zip(drawn, polluted, strict=True):
            voice = q.misinfo[rng.integers(len(q.misinfo))]
            answers = []
            for source, lie in enumerate(lies):
                truth = q.correct[rng.integers(len(q.correct))]
                own_lie = q.misinfo[rng.integers(len(q.misinfo))]
                told = voice if source in scenario.colluders else own_lie
                pollution = told if scenario.kind == "lie" else None
                answers.append(pollution if lie else truth)
            spoken = [a for a in answers if a is not None]
            pooled = spoken[rng.integers(len(spoken))] if spoken else ""
            attack = q.misinfo if scenario.kind == "lie" else ()
            rounds.append(Round(q.question, tuple(answers), pooled, q.gold, attack))
        return World(tuple(rounds), scenario.pollution(topics), scenario)


def _annotated(row: dict[str, object]) -> Annotated:
    documents = row["documents"]
    gold = row["gold_answers"]
    assert isinstance(documents, list)  # noqa: S101 - the format of the file
    assert isinstance(gold, list)  # noqa: S101 - the format of the file
    by_type = {
        kind: tuple(d["answer"] for d in documents if d["type"] == kind)
        for kind in ("correct", "misinfo")
    }
    return Annotated(str(row["question"]), tuple(gold), by_type["correct"], by_type["misinfo"])
