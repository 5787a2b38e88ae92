"""Tier B: real answers of three language models to 1,000 NQ questions (Aatrox103/CrAM).

Each source and question has a model drawn from the three. An honest source's answer is the model's
to four true passages, a polluted one's that to the same passages with one fake in front. Where
pollution is irrelevant, it is the answer to the passages of another question.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.generators.records import load_records
from scripts.benchmarks.rag.rounds import Part, Round, World, topics_of
from scripts.benchmarks.rag.scenarios import Scenario

MODELS = ("llama3", "llama2_13b_chat", "qwen")
SPLIT_SEED = 7


@dataclass(frozen=True, slots=True)
class Recorded:
    """A question and each model's answers without passages, with true ones, with a fake one."""

    question: str
    gold: tuple[str, ...]
    attack: str
    own: tuple[str, ...]
    honest: tuple[str, ...]
    fake: tuple[str, ...]


class RecordedModels:
    """The tier; ``folder`` has cram/nq_*.json. Each part has half of the questions."""

    name = "B"

    def __init__(self, folder: Path) -> None:
        found = _read(folder / "cram")
        order = np.random.default_rng(SPLIT_SEED).permutation(len(found))
        half = len(found) // 2
        self.parts: dict[Part, list[Recorded]] = {
            "tune": [found[i] for i in order[:half]],
            "report": [found[i] for i in order[half:]],
        }

    def world(self, scenario: Scenario, seed: int, part: Part) -> World:
        """Draw the order, who is polluted, and which model reads for each source.

        ``centralized`` is one drawn model's real answer to four passages, the fake in front as
        soon as any source has it: no answers to pools with several fakes are recorded, so this is
        lenient where many sources are polluted.
        """
        rng = np.random.default_rng([seed, 2])
        questions = self.parts[part]
        drawn = [questions[i] for i in rng.permutation(len(questions))]
        topics = topics_of([q.question for q in drawn])
        polluted = scenario.draw(topics, rng)
        rounds = []
        for number, (q, lies) in enumerate(zip(drawn, polluted, strict=True)):
            # The two voices last: the colluders', and that of the asker's own model.
            readers = rng.integers(len(MODELS), size=len(lies) + 2)
            voice, asker = readers[-2:]
            lie = scenario.kind == "lie"
            answers = []
            for source, false in enumerate(lies):
                reader = readers[source]
                if not false:
                    answers.append(q.honest[reader])
                elif lie:
                    answers.append(q.fake[voice if source in scenario.colluders else reader])
                else:
                    answers.append(drawn[number - 1].honest[reader])
            pooled = q.fake if lie and lies.any() else q.honest
            attack = (q.attack,) if lie else ()
            rounds.append(
                Round(q.question, tuple(answers), pooled[asker], q.gold, attack, q.own[asker])
            )
        return World(tuple(rounds), scenario.pollution(topics), scenario)


def _read(folder: Path) -> list[Recorded]:
    files = {
        (model, kind): load_records(folder / f"nq_{model}_{kind}.json")
        for model in MODELS
        for kind in ("no_contexts", "reranked_dense_top4", "ori_fake_reranked_dense_top4")
    }

    def answers(kind: str, row: int) -> tuple[str, ...]:
        return tuple(files[model, kind][row].answer for model in MODELS)

    return [
        Recorded(
            record.question,
            record.gold,
            record.wrong,
            answers("no_contexts", i),
            answers("reranked_dense_top4", i),
            answers("ori_fake_reranked_dense_top4", i),
        )
        for i, record in enumerate(files[MODELS[0], "no_contexts"])
    ]
