"""Short answers to one question that are known to differ, or to be the same.

Different: a gold answer of RAMDocs and a wrong one, two gold answers of RAMDocs (they are of
entities that share a name), a CrAM reference and the wrong answer that was planted. The same: two
gold answers of NQ-open that share a word or number and are not equal after SQuAD's normalisation.
The last is noisy: NQ's annotators often gave different answers ("Charles County", "Calvert
County"), so the recall on it is below the true one. Questions are parted by their position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from rag.answer_form import Words, compare, form
from rag.clustering import Clustering
from rag.json_text import parse_json
from rag.text import normalised


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to a question, whether they are the same, and whether a choice may see them."""

    question: str
    a: str
    b: str
    same: bool
    tuning: bool


def read_pairs(folder: Path) -> list[Pair]:
    """Read the pairs from the folder of working data, each once."""
    found = [*_nq(folder), *_ramdocs(folder), *_cram(folder)]
    return [p for p in dict.fromkeys(found) if normalised(p.a) != normalised(p.b)]


def judged(clustering: Clustering, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return recall on the same, false merges among the different, and precision over both."""
    joined = [len(clustering.groups(p.question, [p.a, p.b])) == 1 for p in pairs]
    same = [j for p, j in zip(pairs, joined, strict=True) if p.same]
    different = [j for p, j in zip(pairs, joined, strict=True) if not p.same]
    return {
        "same": len(same),
        "different": len(different),
        "recall": sum(same) / len(same),
        "false_merges": sum(different),
        "false_merge_rate": sum(different) / len(different),
        "precision": sum(same) / max(sum(same) + sum(different), 1),
    }


def _shares_word(a: str, b: str) -> bool:
    x, y = form(a), form(b)
    return bool({*x.words, *x.numbers} & {*y.words, *y.numbers})


def _nq(folder: Path) -> Iterator[Pair]:
    for i, line in enumerate((folder / "qa/nq_open_dev.jsonl").read_text().splitlines()):
        row: Any = parse_json(line, "a line of working data", one_line=True)
        for a, b in combinations(sorted(set(row["answer"])), 2):
            if _shares_word(a, b):
                yield Pair(row["question"], a, b, True, i % 2 == 0)


def _ramdocs(folder: Path) -> Iterator[Pair]:
    for i, line in enumerate((folder / "qa/ramdocs_test.jsonl").read_text().splitlines()):
        row: Any = parse_json(line, "a line of working data", one_line=True)
        gold, wrong = sorted(set(row["gold_answers"])), sorted(set(row["wrong_answers"]))
        for a, b in [*((g, w) for g in gold for w in wrong), *combinations(gold, 2)]:
            yield Pair(row["question"], a, b, False, i % 2 == 0)


def _cram(folder: Path) -> Iterator[Pair]:
    path = folder / "cram/nq_llama3_ori_fake_reranked_dense_top4.json"
    rows: Any = parse_json(path.read_text(), path.name)
    for i, row in enumerate(rows):
        for a in sorted(set(row["reference"])):
            yield Pair(row["question"], a, row["wrong answer"], False, i % 2 == 0)


def open_pairs(pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs that words and numbers leave open."""
    return [p for p in pairs if compare(form(p.a), form(p.b)) is Words.OPEN]
