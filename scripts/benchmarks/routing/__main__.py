"""Routing: how well the right sources are found, offline, online, and with how few calls."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np

from chainrep.cli.output import print_table, progress
from rag.encoder import MiniLMEncoder
from rag.ports import Router
from rag.routing.best_known import BestKnownRouter
from rag.routing.features import QueryFeatures
from rag.routing.learning_router import Choosing, LearningRouter
from rag.routing.neighbours import NeighbourLearner, NeighbourSetting
from scripts.benchmarks.rag.bootstrap import Bootstrap
from scripts.benchmarks.routing import federation, offline, online
from scripts.benchmarks.routing.feb4rag import Requests, load
from scripts.benchmarks.routing.tuning import Tuned, halves, tuned_on


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option(
    "--data", default=Path("../shared/data"), show_default=True, help="Folder of the data sets.",
    type=click.Path(path_type=Path, file_okay=False),
)  # fmt: skip
@click.option("--seeds", default=10, show_default=True, help="Orders of the requests.")
def routing(as_json: bool, data: Path, seeds: int) -> None:
    """Measure routing on FeB4RAG, and calls saved in a simulated federation."""
    requests = load(data)
    encoder = MiniLMEncoder()
    with progress() as bar:
        task = bar.add_task("Encoding, tuning", total=5)
        encoder.encode(requests.texts)
        tuning, rest = halves(len(requests.texts))
        tuned = tuned_on(encoder, requests, tuning)
        bar.advance(task)
        bar.update(task, description="Offline")
        offline_found = offline_part(encoder, requests, tuned, min(seeds, 3))
        bar.advance(task)
        bar.update(task, description="Online")
        online_found = online_part(encoder, requests, tuned, (tuning, rest), seeds)
        bar.advance(task)
        bar.update(task, description="Federation")
        saved = federation_part(encoder, requests, tuned, seeds)
        bar.advance(task)
        speed = speed_part(encoder, tuned.neighbours)
        bar.advance(task)
    result = {
        "offline": offline_found,
        "online": online_found,
        "federation": saved,
        "choose_ms": speed,
        "tuned": asdict(tuned),
        "seeds": seeds,
        "machine": platform.platform(),
        "versions": {"numpy": version("numpy"), "python": platform.python_version()},
    }
    if as_json:
        click.echo(json.dumps(result))
    else:
        show(result)


def offline_part(
    encoder: MiniLMEncoder, requests: Requests, tuned: Tuned, seeds: int
) -> dict[str, Any]:
    """5-fold nDCG over all requests; ours with and without the question's form."""
    plain = encoder.encode(requests.texts).astype(np.float64)
    formed = np.stack([QueryFeatures(encoder).of(text) for text in requests.texts])
    ours = offline.learner(tuned.neighbours)
    return offline.measured(
        {
            "random": (offline.random, plain),
            "popularity": (offline.popularity, plain),
            "ridge": (offline.ridge, plain),
            "knn_20": (offline.nearest, plain),
            "ours_without_form": (ours, plain),
            "ours": (ours, formed),
            "ours_tuned_offline": (offline.learner(tuned.offline), formed),
        },
        requests.rewards,
        seeds,
    )


def online_part(
    encoder: MiniLMEncoder,
    requests: Requests,
    tuned: Tuned,
    parts: tuple[list[int], list[int]],
    seeds: int,
) -> dict[str, Any]:
    """nP@3 of every method on all requests; ours also on the half that nothing was tuned on."""
    tuning, rest = parts
    pool, runs = list(range(len(requests.texts))), range(seeds)
    makers = online.contenders(encoder, tuned.neighbours, tuned.linear, tuned.thompson)
    log = online.graded(requests, tuning)
    return {
        "all_requests_cold": {
            name: online.measured(make, requests, pool, runs) for name, make in makers.items()
        },
        "other_half_cold": {
            name: online.measured(makers[name], requests, rest, runs)
            for name in ("linucb", "ours")
        },
        "other_half_warm": {
            "ours": online.measured(
                lambda seed: online.ours(encoder, tuned.neighbours, seed, log=log),
                requests, rest, runs,
            )
        },
    }  # fmt: skip


def federation_part(
    encoder: MiniLMEncoder, requests: Requests, tuned: Tuned, seeds: int
) -> dict[str, Any]:
    """Accuracy and calls: all sources asked, ours, and the three best known ones."""
    vectors = encoder.encode(requests.texts).astype(np.float64)
    names = ("ask_all", "ask_all_weighted", "best_known_3", "ours")
    marks: dict[str, list[Any]] = {name: [] for name in names}
    calls: dict[str, list[Any]] = {name: [] for name in names}
    for seed in range(seeds):
        world = federation.draw_world(requests.texts, vectors, federation.LENGTH, seed)
        routers: dict[str, Router] = {
            "ask_all": BestKnownRouter(),
            "ask_all_weighted": BestKnownRouter(),
            "best_known_3": BestKnownRouter(limit=3),
            "ours": federation.ours(encoder, tuned.neighbours, tuned.gain, seed),
        }
        for name, router in routers.items():
            right, asked = federation.run(router, world, seed, weighted=name.endswith("weighted"))
            marks[name].append(right)
            calls[name].append(asked)
    draws = Bootstrap(seeds * federation.LENGTH)
    everywhere = np.concatenate(marks["ask_all"])
    return {
        name: {
            "em": round(float(np.mean(marks[name])), 4),
            "calls": round(float(np.mean(calls[name])), 3),
            "calls_saved": round(1.0 - float(np.mean(calls[name])) / federation.SOURCES, 4),
            "em_less_ask_all": round(float(np.mean(marks[name]) - np.mean(everywhere)), 4),
            "em_less_ask_all_interval": draws.difference(np.concatenate(marks[name]), everywhere),
            "em_first_100": round(float(np.mean([each[:100] for each in marks[name]])), 4),
            "em_last_300": round(float(np.mean([each[-300:] for each in marks[name]])), 4),
            "calls_last_300": round(float(np.mean([each[-300:] for each in calls[name]])), 3),
        }
        for name in marks
    }


def speed_part(encoder: MiniLMEncoder, setting: NeighbourSetting) -> dict[str, float]:
    """CPU milliseconds per choice among 64 sources with a full window, without the encoder."""
    features = QueryFeatures(encoder)
    learner = NeighbourLearner(features.dimensions, setting)
    draw = np.random.default_rng(0)
    for _ in range(setting.window):
        asked = draw.choice(64, size=3, replace=False)
        row = draw.standard_normal(features.dimensions) / np.sqrt(features.dimensions)
        learner.learn(row, {int(source): float(draw.random()) for source in asked})
    router = LearningRouter(learner, features, choosing=Choosing(limit=3))
    encoder.encode(["What is measured here?"])
    times = []
    for turn in range(200):
        start = time.thread_time()
        router.choose(str(turn), "What is measured here?", range(64), {}, {})
        times.append(1_000.0 * (time.thread_time() - start))
    return {
        name: round(float(np.quantile(times, q)), 3) for name, q in (("p50", 0.5), ("p95", 0.95))
    }


def show(result: Mapping[str, Any]) -> None:
    """The same as tables."""
    print_table(
        ["method", "nDCG@1", "nDCG@3"],
        [[name, row["ndcg1"], row["ndcg3"]] for name, row in result["offline"].items()],
        title="offline, 5 folds",
    )
    for part, rows in result["online"].items():
        print_table(
            ["method", "nP@3, all", "last 300"],
            [[name, row["all"], row["last"]] for name, row in rows.items()],
            title=f"online, {part.replace('_', ' ')}",
        )
    print_table(
        ["method", "EM", "calls", "saved"],
        [
            [n, row["em"], row["calls"], row["calls_saved"]]
            for n, row in result["federation"].items()
        ],
        title="simulated specialists",
    )
    shown = ("choose_ms", "tuned", "seeds")
    click.echo(json.dumps({key: result[key] for key in shown}, indent=2))


if __name__ == "__main__":
    routing()
