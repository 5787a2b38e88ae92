"""``chainrep ask``: a question to one's own sources, or to those that the chain lists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrep.cli.options import json_option, settings
from chainrep.cli.output import print_json, print_table, progress
from chainrep.config import Config
from chainrep.errors import InputError
from rag.guard import with_rag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.ports import Retriever, Searcher
    from rag.reputation import ChainScores
    from rag.types import Answer, Receipt


@click.command(short_help="Ask sources, weighed by their record.")
@click.argument("question")
@click.option(
    "--sources",
    "sources_file",
    type=click.Path(path_type=Path),
    help='Your own, as JSON: [{"id": 1, "corpus": "folder or file"}, …].',
)
@click.option("--registered", is_flag=True, help="Those that the chain lists, over HTTP.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="N",
    help="Ask the N best known only.",
)
@click.option("--allow-private", is_flag=True, help="Ask sources at private addresses as well.")
@settings
@json_option
@with_rag
def ask(
    config: Config,
    question: str,
    sources_file: Path | None,
    registered: bool,
    limit: int,
    allow_private: bool,
    as_json: bool,
) -> None:
    """Ask sources; their reliability on the chain decides whom to believe.

    With --registered every answer has to carry its owner's receipt. Where the chain does not
    answer, the scores last read are used, and their age is told.
    """
    from rag.pipeline import Pipeline
    from rag.reputation import ChainScores
    from rag.routing.best_known import BestKnownRouter
    from rag.source_list import load_sources

    if registered == (sources_file is not None):
        raise InputError(
            "Who should be asked?", "Give --sources FILE for your own, or --registered."
        )
    listed = load_sources(sources_file) if sources_file else None
    scores = ChainScores.open(config, [s.id for s in listed] if listed else None)
    owners = None if listed else {s.id: s.owner for s in scores.remote_sources()}
    with progress() as bar, _asked(config, scores, listed, allow_private) as sources:
        bar.add_task("Asking", total=None)
        router = BestKnownRouter(limit=limit)
        answer = Pipeline(sources, scores=scores, router=router, owners=owners).ask(question)
    if as_json:
        print_json(_as_json(answer))
    else:
        _show(answer)


@contextmanager
def _asked(
    config: Config,
    scores: ChainScores,
    listed: Sequence[Searcher] | None,
    allow_private: bool,
) -> Iterator[Sequence[Searcher] | Retriever]:
    if listed is not None:
        yield listed
        return
    from chainrep.chain.devnet import DEVNET_CHAIN_IDS
    from rag.source.conflicts import AccusationBook
    from rag.source.remote_retriever import RemoteRetriever

    remote = scores.remote_sources()
    if not remote:
        raise InputError(
            "The chain lists no source that answers over HTTP.",
            "Serve one: `chainrep source register URL`, then `chainrep source serve FOLDER`.",
        )
    # A local test chain's sources are on this machine.
    here = allow_private or scores.deployment.chain_id in DEVNET_CHAIN_IDS
    book = AccusationBook(scores.domain, config.home / "accusations")
    with RemoteRetriever(remote, scores.domain, book=book, allow_private=here) as retriever:
        yield retriever


def _as_json(answer: Answer) -> dict[str, Any]:
    return {
        "answer": answer.text,
        "share": answer.share,
        "margin": answer.margin,
        "votes": [
            {
                "source": vote.source,
                "answer": vote.text,
                "weight": vote.weight,
                "won": vote.won,
                "confidence": vote.span.confidence,
                "passage": vote.span.evidence.passage.text,
                "title": vote.span.evidence.passage.title,
                "receipt": _receipt(vote.receipt),
            }
            for vote in answer.votes
        ],
        "silent": [{"source": s.source, "reason": s.reason} for s in answer.silent],
        "screened": [
            {"source": s.source, "reason": s.reason, "excerpt": s.excerpt} for s in answer.screened
        ],
        "notes": list(answer.notes),
    }


def _receipt(receipt: Receipt | None) -> dict[str, Any] | None:
    if receipt is None:
        return None
    return {
        "time": receipt.time,
        "query": "0x" + receipt.query.hex(),
        "corpus": "0x" + receipt.corpus.hex(),
        "passages": "0x" + receipt.passages.hex(),
        "signature": "0x" + receipt.signature.hex(),
        "statement": "0x" + receipt.statement.hex(),
        "salt": "0x" + receipt.salt.hex(),
        "k": receipt.k,
        "signed": [{"title": p.title, "text": p.text} for p in receipt.signed],
    }


def _show(answer: Answer) -> None:
    click.echo(answer.text or "No source has an answer.")
    if answer.votes:
        print_table(
            ["source", "weight", "says", "because"],
            [[v.source, v.weight, v.text, v.span.evidence.sentence] for v in answer.votes],
        )
    for note in answer.notes:
        click.echo(note, err=True)
    for silence in answer.silent:
        click.echo(f"Source {silence.source}: {silence.reason}.", err=True)
    for screened in answer.screened:
        click.echo(
            f"Source {screened.source}: a passage was kept back ({screened.reason}):"
            f" {screened.excerpt}",
            err=True,
        )
