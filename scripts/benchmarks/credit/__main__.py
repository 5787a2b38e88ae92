"""What each source is credited with: how fast, how faithful, and which answers count as the same.

The audited model is a small Llama trained here, from a seed, to read a world of statements: no
pretrained language model is at hand. What a choice saw is never what is reported on: the cosine of
the clustering is chosen on one half of the pairs, and the fidelity is of questions that no weight,
no training batch and no choice has seen.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np

from chainrep.cli.output import print_table, progress
from rag.answering import vote, voting_weights
from rag.clustering import SIMILAR, Clustering
from rag.credit.vote_game import credit, vote_game
from rag.encoder import MiniLMEncoder
from rag.types import Evidence, Passage, SourceAnswer, Span
from scripts.benchmarks.credit.fidelity import METHODS, PROBES, measure_fidelity
from scripts.benchmarks.credit.pairs import Pair, judged, open_pairs, read_pairs
from scripts.benchmarks.credit.reading_model import BATCH, train_reading_model
from scripts.benchmarks.credit.world import RELIABILITY

CANDIDATES = ("Paris", "Lyon", "Nice", "Lille", "Paris, France")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--questions", default=220, show_default=True, help="Questions audited, per seed.")
@click.option("--seeds", default=1, show_default=True, help="Reading models trained.")
@click.option("--steps", default=700, show_default=True, help="Training batches of each.")
@click.option("--runs", default=200, show_default=True, help="Timed runs per number of sources.")
@click.option(
    "--data", type=click.Path(path_type=Path), default=Path("../shared/data"), show_default=True,
    help="Folder of working data; without it nothing is said of clustering.",
)  # fmt: skip
def main(as_json: bool, questions: int, seeds: int, steps: int, runs: int, data: Path) -> None:
    """Measure credit: time, fidelity to a model's own belief, and the clustering behind it."""
    import torch

    torch.set_num_threads(1)
    result: dict[str, Any] = {
        "credit_ms": {str(n): measure_time(n, runs) for n in range(2, 13)},
        "clustering_ms": measure_clustering_time(runs),
        "clustering": measure_clustering(data) if (data / "qa").is_dir() else None,
    }
    with progress() as bar, tempfile.TemporaryDirectory() as folder:
        task = bar.add_task("Reading models", total=seeds * (steps + questions))

        def advance() -> None:
            bar.advance(task)

        result["fidelity"] = [
            measure_seed(Path(folder) / str(seed), seed, steps, questions, advance)
            for seed in range(seeds)
        ]
    result["workload"] = {
        "reliability": RELIABILITY,
        "gold_probes": PROBES,
        "training_steps": steps,
        "batch": BATCH,
        "answers_clustered": len(CANDIDATES),
    }
    result["machine"] = platform.platform()
    result["versions"] = {name: version(name) for name in ("numpy", "torch", "transformers")}
    if as_json:
        click.echo(json.dumps(result))
    else:
        show(result)


def measure_seed(
    folder: Path, seed: int, steps: int, questions: int, advance: Callable[[], None]
) -> dict[str, Any]:
    """Train one model and compare every method with it."""
    losses: list[float] = []

    def step(_: int, loss: float) -> None:
        losses.append(loss)
        advance()

    model = train_reading_model(folder, seed, steps, step)
    found = measure_fidelity(model, questions, seed, advance)
    return {"seed": seed, "loss": float(np.mean(losses[-50:])), **found}


def measure_time(sources: int, runs: int) -> dict[str, float]:
    """Time game and exact credit together, in milliseconds of a processor; answers vary."""
    chance = np.random.default_rng(sources)
    spent = []
    for _ in range(runs + 5):
        answers = [
            SourceAnswer(s, Span(text, Evidence(text, Passage(text), 1.0), float(chance.random())))
            for s, text in enumerate(chance.choice(CANDIDATES[:4], sources))
        ]
        weights = voting_weights(range(sources), dict(enumerate(chance.random(sources).tolist())))
        verdict = vote(answers, weights)
        start = time.process_time()
        credit(vote_game(answers, weights, verdict))
        spent.append(time.process_time() - start)
    return quantiles(spent[5:])


def measure_clustering_time(runs: int) -> dict[str, float]:
    """Time the grouping of twelve different answers by words alone."""
    answers = [f"{city} {word}" for city in CANDIDATES[:4] for word in ("", "France", "in 1998")]
    spent = []
    for _ in range(runs + 5):
        start = time.process_time()
        Clustering().groups("", answers)
        spent.append(time.process_time() - start)
    return quantiles(spent[5:])


def quantiles(seconds: list[float]) -> dict[str, float]:
    """Return the median and the 95th percentile in milliseconds."""
    p50, p95 = np.quantile(seconds, [0.5, 0.95]) * 1000.0
    return {"p50": float(p50), "p95": float(p95)}


def measure_clustering(data: Path) -> dict[str, Any]:
    """Report words alone, and words with embeddings, on the half that no choice has seen."""
    pairs = read_pairs(data)
    encoder = MiniLMEncoder()
    encoder.encode(sorted({text for p in pairs for text in (p.a, p.b)}))  # it keeps them
    tuning = [p for p in pairs if p.tuning]
    held_out = [p for p in pairs if not p.tuning]
    return {
        "similar": SIMILAR,
        "similar_chosen_anew": lowest_safe_cosine(encoder, tuning),
        "words": judged(Clustering(), held_out),
        "words_and_embeddings": judged(Clustering(encoder), held_out),
        "embeddings_alone_at_same_cosine": judged_by_cosine(encoder, held_out),
    }


def lowest_safe_cosine(encoder: MiniLMEncoder, pairs: list[Pair]) -> float:
    """Return the lowest cosine in hundredths that joins none of the open pairs that differ."""
    cosines = pair_cosines(encoder, [p for p in open_pairs(pairs) if not p.same])
    return float(np.floor(cosines.max() * 100.0) + 1.0) / 100.0


def judged_by_cosine(encoder: MiniLMEncoder, pairs: list[Pair]) -> dict[str, float]:
    """Return recall and false merges of cosines alone: what words and numbers are there for."""
    joined = pair_cosines(encoder, pairs) >= SIMILAR
    same = np.array([p.same for p in pairs])
    return {
        "recall": float(joined[same].mean()),
        "false_merge_rate": float(joined[~same].mean()),
    }


def pair_cosines(encoder: MiniLMEncoder, pairs: list[Pair]) -> np.ndarray:
    """Return the cosine of each pair's two answers."""
    rows = [encoder.encode([p.a for p in pairs]), encoder.encode([p.b for p in pairs])]
    return np.asarray(np.einsum("pd,pd->p", *rows))


def show(result: dict[str, Any]) -> None:
    """Print the figures as tables."""
    print_table(
        ["sources", "p50", "p95"],
        [[n, f"{q['p50']:.3f}", f"{q['p95']:.3f}"] for n, q in result["credit_ms"].items()],
        title="exact credit, milliseconds of a processor",
    )
    for found in result["fidelity"]:
        by_model, by_ideal = found["tau_b"]["model"], found["tau_b"]["ideal_reader"]
        print_table(
            ["method", "model", "95 %", "ideal reader", "all zero"],
            [
                [
                    name,
                    f"{by_model[name]['mean']:.3f}",
                    f"{by_model[name]['low']:.3f}–{by_model[name]['high']:.3f}",
                    f"{by_ideal[name]['mean']:.3f}",
                    f"{found['all_zero_share'][name]:.1%}",
                ]
                for name in METHODS
            ],
            title=f"Kendall's τ-b with log-probability credit, seed {found['seed']}",
        )
    if result["clustering"]:
        shown = ("words", "words_and_embeddings")
        print_table(
            ["by", "recall", "false merges", "precision"],
            [
                [
                    name.replace("_", " "),
                    f"{row['recall']:.3f}",
                    f"{row['false_merges']} of {row['different']}",
                    f"{row['precision']:.3f}",
                ]
                for name, row in ((name, result["clustering"][name]) for name in shown)
            ],
            title="answers joined, on pairs that no choice has seen",
        )


if __name__ == "__main__":
    main()
