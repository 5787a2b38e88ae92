"""PoisonedRAG (Zou et al., 2024): one source of six holds texts written for the very questions.

Two settings. ``nq``: the attack's own published texts for 30 questions that CrAM has passages for,
among 4,000 passages; each text begins with its question, as in the attack's black-box form.
``xquad``: the same recipe on drawn questions, the false statement being the true sentence with
another answer in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from rag.dataset import Dataset
from rag.generators.records import load_records
from rag.loaders import load_dataset
from rag.pollution import is_stated, lie, mentions, wrong_answers
from rag.text import normalised, sentences
from rag.types import Passage, Question
from scripts.benchmarks.rag.rounds import Part, World, topics_of
from scripts.benchmarks.rag.scenarios import Scenario
from scripts.benchmarks.rag.tier_c import LiveSources

TEXTS = 5
QUESTIONS = 100
SCENARIO = Scenario("poisoned", (0.0,) * 5 + (1.0,))


@dataclass(frozen=True, slots=True)
class Poisoned:
    """A setting as a tier: ``live`` serves and reads, ``folder`` holds the data."""

    live: LiveSources
    folder: Path
    setting: Literal["nq", "xquad"]
    questions: int = QUESTIONS

    @property
    def name(self) -> str:
        """The letter of the tier that the sources are."""
        return self.live.name

    def world(self, _scenario: Scenario, seed: int, _part: Part) -> World:
        """Serve one run; nothing is tuned here, and there is one scenario."""
        if self.setting == "nq":
            return nq_world(self.live, self.folder, seed)
        return xquad_world(self.live, self.folder, seed, self.questions)


def xquad_world(tier: LiveSources, folder: Path, seed: int, questions: int) -> World:
    """Draw questions; the last source has five false texts for each, beside the true corpus."""
    loaded = load_dataset(folder / "qa" / "xquad.en.json")
    fit = replace(loaded, questions=tuple(q for q in loaded.questions if is_stated(loaded, q)))
    dataset = fit.sample(questions, seed)
    wrong = wrong_answers(fit, dataset.questions, seed)
    texts = [
        Passage(f"{q.text} {sentence}")
        for number, q in enumerate(dataset.questions)
        for sentence in _false_sentences(dataset, wrong, number)
    ]
    attacks = [(answer,) for answer in wrong]
    return _world(tier, dataset.questions, attacks, dataset.passages, texts)


def nq_world(tier: LiveSources, folder: Path, seed: int) -> World:
    """The questions that both data sets have, in an order drawn by the seed."""
    attacked = json.loads((folder / "qa" / "poisonedrag_adv_nq.json").read_text())
    by_question = {normalised(row["question"]): row for row in attacked.values()}
    file = folder / "cram" / "nq_llama3_reranked_dense_top4.json"
    passages: dict[Passage, None] = {}
    both = []
    for record in load_records(file):
        passages.update(dict.fromkeys(record.passages))
        attack = by_question.get(normalised(record.question))
        if attack is not None:
            both.append((Question(record.question, record.gold), attack))
    order = np.random.default_rng([seed, 4]).permutation(len(both))
    questions = [both[i][0] for i in order]
    rows = [both[i][1] for i in order]
    texts = [Passage(f"{row['question']} {t}") for row in rows for t in row["adv_texts"][:TEXTS]]
    attacks = [(str(row["incorrect answer"]),) for row in rows]
    return _world(tier, questions, attacks, tuple(passages), texts)


def _world(
    tier: LiveSources,
    questions: Sequence[Question],
    attacks: Sequence[tuple[str, ...]],
    passages: Sequence[Passage],
    texts: Sequence[Passage],
) -> World:
    corpora = [tuple(passages)] * 5 + [(*passages, *texts)]
    rounds = tier.rounds(questions, attacks, corpora)
    topics = topics_of([q.text for q in questions])
    return World(rounds, SCENARIO.pollution(topics), SCENARIO)


def _false_sentences(dataset: Dataset, wrong: Sequence[str], number: int) -> list[str]:
    """Return the sentence that states the answer, false now, and four ways to say it again."""
    question = dataset.questions[number]
    places = [p for p in question.passages if mentions(question, dataset.passages[p].text)]
    false = lie(dataset, wrong, [number])[places[0]].text
    answer = wrong[number]
    found = next((s for s in sentences(false) if answer.lower() in s.lower()), f"It is {answer}.")
    return [
        found,
        f"The answer is {answer}.",
        f"As is well known, {found[:1].lower()}{found[1:]}",
        f"According to recent research, {found[:1].lower()}{found[1:]}",
        f"{found} Experts agree that it is {answer}.",
    ]
