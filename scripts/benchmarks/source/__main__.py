"""``scripts/bench source``: how fast a served source answers, also while it indexes anew."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import httpx
import numpy as np

from rag.source.asking_terms import AskingTerms
from rag.source.receipts import check_receipt, query_digest
from rag.source.remote_retriever import RemoteRetriever
from rag.source.remote_source import RemoteSource
from rag.source.wire import Query, dump_query, load_answer
from rag.types import Found
from scripts.benchmarks.source.serving import DOMAIN, OWNER

K = 10
WORDS = 20_000
CLIENTS = 8


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds."""

    p50: float
    p95: float
    longest: float
    count: int


@click.command()
@click.option("--passages", type=click.IntRange(100), default=20_000, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=10.0, show_default=True)
@click.option("--reindexes", type=click.IntRange(1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(passages: int, seconds: float, reindexes: int, as_json: bool) -> None:
    """Serve made-up passages of 100 words from another process; search one after the other."""
    draw = random.Random(7)  # noqa: S311 - a repeatable draw, not a secret
    with tempfile.TemporaryDirectory() as place:
        corpus = Path(place) / "corpus.jsonl"
        write(corpus, passages, draw)
        with serving(corpus, Path(place) / "index") as (url, process):
            question = questions(draw)
            with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
                search(client, question())
                quiet = spread(for_seconds(seconds, lambda: search(client, question())))
                found = {
                    "passages": passages,
                    "search_ms": asdict(quiet),
                    "searches_per_second": round(at_once(url, seconds, draw), 1),
                    "check_ms": asdict(spread(checks(client, question()))),
                }
                through, used = through_client(url, seconds, question)
                found["client_search_ms"] = asdict(spread(through))
                found["client_processor_ms"] = round(used, 3)
                took, slow = reindexing(client, process, corpus, passages, reindexes, draw)
                found["reindex_seconds"] = [round(each, 2) for each in took]
                found["search_while_reindexing_ms"] = asdict(spread(slow))
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        for name, value in found.items():
            click.echo(f"{name}: {value}")


def write(corpus: Path, passages: int, draw: random.Random) -> None:
    """Passages whose words are as unevenly used as a language's (Zipf)."""
    weights = [1.0 / rank for rank in range(1, WORDS + 1)]
    words = [f"w{number}" for number in range(WORDS)]
    rows = [
        {"title": f"t{i}", "text": " ".join(draw.choices(words, weights, k=100))}
        for i in range(passages)
    ]
    draft = corpus.with_suffix(".draft")
    draft.write_text(json.dumps({"question": "Which?", "passages": rows}))
    draft.replace(corpus)


def questions(draw: random.Random) -> Callable[[], str]:
    """What makes a new question each time."""
    return lambda: " ".join(f"w{draw.randrange(WORDS)}" for _ in range(8))


@contextmanager
def serving(corpus: Path, index: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The URL and the process of a service that runs until the block ends."""
    command = [sys.executable, "-m", "scripts.benchmarks.source.serving", str(corpus), str(index)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None  # noqa: S101
            yield process.stdout.readline().strip(), process
        finally:
            process.send_signal(signal.SIGTERM)


def search(client: httpx.Client, question: str) -> float:
    """Milliseconds of one search."""
    body = dump_query(Query(question, K, os.urandom(32)))
    began = time.perf_counter()
    client.post("/search", content=body).raise_for_status()
    return 1e3 * (time.perf_counter() - began)


def for_seconds(seconds: float, act: Callable[[], float]) -> list[float]:
    """What acting again and again returned."""
    until, found = time.monotonic() + seconds, []
    while time.monotonic() < until:
        found.append(act())
    return found


def at_once(url: str, seconds: float, draw: random.Random) -> float:
    """Searches a second of eight clients together."""

    def one(seed: int) -> int:
        question = questions(random.Random(seed))  # noqa: S311
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            return len(for_seconds(seconds, lambda: search(client, question())))

    with ThreadPoolExecutor(CLIENTS) as threads:
        return sum(threads.map(one, [draw.randrange(10**9) for _ in range(CLIENTS)])) / seconds


def checks(client: httpx.Client, question: str) -> list[float]:
    """Milliseconds of reading one answer and checking its receipt, two signatures."""
    salt = os.urandom(32)
    content = client.post("/search", content=dump_query(Query(question, K, salt))).content
    found = []
    for _ in range(200):
        began = time.perf_counter()
        passages, receipt = load_answer(content, K)
        query = query_digest(salt, K, question)
        check_receipt(receipt, source=1, owner=OWNER, query=query, passages=passages, domain=DOMAIN)
        found.append(1e3 * (time.perf_counter() - began))
    return found


def through_client(
    url: str, seconds: float, question: Callable[[], str]
) -> tuple[list[float], float]:
    """Milliseconds of each search through `RemoteRetriever`, its receipt checked.

    And the processor time that one takes in this process, in milliseconds: what the client costs,
    however busy the machine.
    """
    terms = AskingTerms(source_seconds=30.0, total_seconds=40.0, again_share=0.0, hedged_share=0.0)
    source = RemoteSource(1, OWNER, (url,))
    with RemoteRetriever([source], DOMAIN, terms, allow_private=True) as retriever:

        def one() -> float:
            began = time.perf_counter()
            found = retriever.search(question(), [1], K)[1]
            if not isinstance(found, Found):
                raise click.ClickException(f"The source did not answer: {found.reason}.")
            return 1e3 * (time.perf_counter() - began)

        began = time.process_time()
        found = for_seconds(seconds, one)
        return found, 1e3 * (time.process_time() - began) / len(found)


def reindexing(
    client: httpx.Client,
    process: subprocess.Popen[str],
    corpus: Path,
    passages: int,
    times: int,
    draw: random.Random,
) -> tuple[list[float], list[float]]:
    """Seconds of each reindex, and milliseconds of the searches meanwhile."""
    took, found = [], []
    question = questions(draw)
    for _ in range(times):
        write(corpus, passages, draw)
        before = version(client)
        process.send_signal(signal.SIGHUP)
        began = time.monotonic()
        while version(client) == before:
            found += [search(client, question()) for _ in range(5)]
        took.append(time.monotonic() - began)
    return took, found


def version(client: httpx.Client) -> str:
    """The corpus that is served."""
    return str(client.get("/metadata").json()["corpus"])


def spread(milliseconds: Sequence[float]) -> Spread:
    """Median, 95th percentile and maximum."""
    p50, p95 = np.percentile(milliseconds, [50, 95])
    longest = max(milliseconds)
    return Spread(round(p50, 3), round(p95, 3), round(longest, 3), len(milliseconds))


if __name__ == "__main__":
    main()
