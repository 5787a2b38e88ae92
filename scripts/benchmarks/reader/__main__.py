"""How well and how fast the shipped reader answers: on gold paragraphs, and on what is retrieved.

XQuAD-en is for testing only: neither the training nor a choice saw it. The reader's parameters
were chosen on the held-out part of SQuADShifts, which is why its figure stands apart.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from chainrep.cli.output import print_table, progress
from rag.encoder import MiniLMEncoder
from rag.reader import ExtractiveReader
from rag.reranker import SentenceReranker
from rag.span_model import CONTEXT_TOKENS, SpanModel
from scripts.benchmarks.reader.cases import (
    Case,
    gold_paragraphs,
    held_out,
    retrieved,
    wrong_paragraphs,
)
from scripts.benchmarks.reader.measure import (
    Remembering,
    abstention,
    milliseconds,
    rank,
    read,
    score,
)
from scripts.training.reader.train import SQUAD_FILES

NEVER = float("inf")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--data", type=Path, default=Path("../shared/data"), show_default=True)
@click.option("--questions", default=300, show_default=True, help="Where passages are retrieved.")
@click.option("--seed", default=1, show_default=True, help="Of the bootstrap.")
def reader(as_json: bool, data: Path, questions: int, seed: int) -> None:
    """Measure exact match, F1, abstention and milliseconds per source."""
    xquad = data / "qa" / "xquad.en.json"
    gold, wrong = gold_paragraphs(xquad), wrong_paragraphs(xquad)
    found = {
        "xquad_retrieved": retrieved(xquad)[:: _every(len(gold), questions)],
        "squadshifts_held_out_retrieved": held_out(
            [data / "qa" / name for name in SQUAD_FILES], questions
        ),
    }
    reranker, model = SentenceReranker(MiniLMEncoder()), Remembering()
    timed = SpanModel()
    result: dict[str, Any] = {}
    with progress() as bar:
        task = bar.add_task("Reading", total=3 + len(found))

        def measured(cases: list[Case], name: str) -> list[Any]:
            evidence = rank(reranker, cases)
            as_shipped = read(ExtractiveReader(model), cases, evidence)
            always = read(ExtractiveReader(model, abstain=NEVER), cases, evidence)
            if cases[0].answers:
                result[name] = {
                    "as_shipped": score(cases, as_shipped, seed),
                    "never_abstaining": score(cases, always, seed),
                    "milliseconds": milliseconds(timed, cases, evidence),
                }
            bar.advance(task)
            return as_shipped

        whole = ExtractiveReader(model, room=CONTEXT_TOKENS, abstain=NEVER)
        result["xquad_gold_whole"] = {
            "never_abstaining": score(gold, read(whole, gold, rank(reranker, gold)), seed)
        }
        bar.advance(task)
        right = measured(gold, "xquad_gold")
        result["xquad_abstention"] = abstention(right, measured(wrong, "xquad_wrong"))
        for name, cases in found.items():
            measured(cases, name)
    result["machine"] = platform.platform()
    result["versions"] = {name: version(name) for name in ("torch", "transformers")}
    if as_json:
        click.echo(json.dumps(result))
    else:
        show(result)


def _every(all_of: int, wanted: int) -> int:
    return max(1, all_of // max(wanted, 1))


def show(result: Mapping[str, Any]) -> None:
    """The same as a table."""
    rows = [
        [name, way, str(s["questions"]), f"{s['em']:.3f}", f"{s['f1']:.3f}",
         "–".join(f"{end:.3f}" for end in s["f1_interval"]), f"{s['abstained']:.1%}",
         "{p50:.0f} / {p95:.0f}".format(**found["milliseconds"]) if "milliseconds" in found else ""]
        for name, found in result.items() if isinstance(found, dict) and "never_abstaining" in found
        for way, s in found.items() if way != "milliseconds"
    ]  # fmt: skip
    head = ["cases", "reader", "n", "EM", "F1", "95 %", "abstained", "ms p50 / p95"]
    print_table(head, rows, title="reader")
    click.echo(json.dumps(result["xquad_abstention"], indent=2))


if __name__ == "__main__":
    reader()
