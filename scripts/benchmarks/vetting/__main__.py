"""What the screen for injected instructions finds, what it wrongly keeps back, and what it costs.

Attacks stand inside a passage of the demo corpus, at a place that a seed chooses. Those of
``attacks`` and ``second_round`` were at hand when the rules were written, those of ``held_out``
came after them.
"""

from __future__ import annotations

import json
import platform
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from chainrep.cli.output import print_table
from rag.json_text import parse_json
from rag.loaders import demo_dataset, load_dataset
from rag.vetting.screen import inspect
from scripts.benchmarks.vetting import attacks, held_out, obfuscation, second_round

CLEAN = ("squadshifts_amazon_reviews", "squadshifts_reddit", "xquad.en")
_WORDS = re.compile(r"\w+")
HIDDEN_PLAIN = 8
"""So many plain attacks are hidden in each way."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--seeds", default=5, show_default=True, help="Draws of carriers and places.")
@click.option(
    "--data",
    default="../shared/data",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with qa/ as SOURCES.md lists it.",
)
def vetting(as_json: bool, seeds: int, data: Path) -> None:
    """Measure recall on written attacks, false positives on real text, and time."""
    result = {
        "known": recall(
            {name: texts + second_round.ATTACKS[name] for name, texts in attacks.ATTACKS.items()},
            obfuscation.KNOWN,
            attacks.HARD_NEGATIVES + second_round.HARD_NEGATIVES,
            seeds,
        ),
        "held_out": recall(held_out.ATTACKS, held_out.OBFUSCATIONS, held_out.HARD_NEGATIVES, seeds),
        **real_text(data / "qa"),
        "hostile_seconds": hostile(),
        "seeds": seeds,
        "machine": platform.platform(),
    }
    if as_json:
        click.echo(json.dumps(result))
    else:
        show(result)


def recall(
    plain: Mapping[str, Sequence[str]],
    ways: Mapping[str, obfuscation.Hide],
    negatives: Sequence[str],
    seeds: int,
) -> dict[str, Any]:
    """Return the share found per family, of all, and of the attacks hidden in each way."""
    families = {name: _found(texts, seeds) for name, texts in plain.items()}
    every = [text for texts in plain.values() for text in texts]
    visible = [text for text in every if text.isascii() and inspect(text)]
    some = random.Random(0).sample(visible, HIDDEN_PLAIN)  # noqa: S311 - repeatable
    hidden = {name: _found([hide(text) for text in some], seeds) for name, hide in ways.items()}
    return {
        "recall": _found(every, seeds),
        "families": families,
        "hidden_recall": float(np.mean(list(hidden.values()))),
        "hidden": hidden,
        "attacks": len(every),
        "hard_negatives_kept": sum(inspect(text) is None for text in negatives) / len(negatives),
        "hard_negatives": len(negatives),
        "missed": [text for text in every if inspect(text) is None],
    }


def _found(texts: Sequence[str], seeds: int) -> float:
    """Return the share of attacks found inside carriers, over ``seeds`` draws."""
    carriers = [passage.text for passage in demo_dataset().passages]
    found = 0
    for seed in range(seeds):
        draw = random.Random(seed)  # noqa: S311 - repeatable, no secret
        for text in texts:
            words = draw.choice(carriers).split()
            place = draw.choice((0, len(words) // 2, len(words)))
            whole = " ".join(words[:place]) + f" {text} " + " ".join(words[place:])
            found += inspect(whole) is not None
    return found / (seeds * len(texts))


def real_text(folder: Path) -> dict[str, Any]:
    """Return how many passages of real corpora are kept back, and the time per passage."""
    corpora = {
        name: [passage.text for passage in load_dataset(folder / f"{name}.json").passages]
        for name in CLEAN
    }
    lines = (folder / "ramdocs_test.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [parse_json(line, "ramdocs") for line in lines]
    corpora["ramdocs"] = sorted({d["text"] for row in rows for d in row["documents"]})
    poisoned = parse_json((folder / "poisonedrag_adv_nq.json").read_text("utf-8"), "poisonedrag")
    adversarial = [text for entry in poisoned.values() for text in entry["adv_texts"]]
    counted = {name: _flagged(texts) for name, texts in corpora.items()}
    passages = sum(len(texts) for texts in corpora.values())
    flagged = sum(row["flagged"] for row in counted.values())
    return {
        "false_positives": counted,
        "false_positive_rate": flagged / passages,
        "passages": passages,
        "poisonedrag_flagged": _flagged(adversarial)["flagged"] / len(adversarial),
        "ms_per_passage": _percentiles(text for texts in corpora.values() for text in texts[:500]),
    }


def _flagged(texts: Sequence[str]) -> dict[str, Any]:
    found = [finding for finding in map(inspect, texts) if finding]
    reasons = sorted({finding.reason for finding in found})
    return {"passages": len(texts), "flagged": len(found), "reasons": reasons}


def _percentiles(texts: Iterable[str]) -> dict[str, float]:
    """Return processor time of a passage in ms, the least of three runs each.

    ``times_word_split`` is the mean beside that of splitting the same texts into words by a
    regular expression: the load of the machine has no part in it.
    """
    spent, split = [], []
    for text in texts:
        spent.append(_least(inspect, text))
        split.append(_least(_WORDS.findall, text))
    return {f"p{p}": float(np.percentile(spent, p)) for p in (50, 95)} | {
        "mean": float(np.mean(spent)),
        "times_word_split": float(np.mean(spent) / np.mean(split)),
    }


def _least(call: Callable[[str], Any], text: str) -> float:
    runs = []
    for _ in range(3):
        start = time.thread_time_ns()
        call(text)
        runs.append(time.thread_time_ns() - start)
    return min(runs) / 1e6


def hostile() -> dict[str, float]:
    """Return the processor seconds for texts of 100,000 characters that are made to be slow."""
    seeds = {
        "ignore": "ignore ",
        "ignore_all": "ignore all your ",
        "quotes": '"name": "a", ',
        "angles": "<|<!--",
        "letters": "a ",
        "letter": "a",
        "base64": "QUJD",
        "hexadecimal": "61 ",
        "percent": "%61",
        "spaces": " ",
        "users": "if the user asks, user: ",
        "brackets": "![](http://a?",
    }
    found = {}
    for name, seed in seeds.items():
        text = (seed * 100_000)[:100_000]
        start = time.thread_time()
        inspect(text)
        found[name] = time.thread_time() - start
    return found


def show(result: Mapping[str, Any]) -> None:
    """The same as tables."""
    for part in ("known", "held_out"):
        row = result[part]
        shares = {"all": row["recall"]} | row["families"] | row["hidden"]
        print_table(
            ["attacks", "found"],
            [[name, f"{share:.1%}"] for name, share in shares.items()],
            title=part.replace("_", " "),
        )
    print_table(
        ["corpus", "passages", "kept back"],
        [[n, str(r["passages"]), str(r["flagged"])] for n, r in result["false_positives"].items()],
        title="real text",
    )
    rest = ("false_positive_rate", "poisonedrag_flagged", "ms_per_passage", "hostile_seconds")
    click.echo(json.dumps({key: result[key] for key in rest}, indent=2))


if __name__ == "__main__":
    vetting()
