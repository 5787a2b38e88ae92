"""``chainrep ask``: a question to one's own sources, or to those that the chain lists."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrep.cli.options import json_option, passphrase_option, settings
from chainrep.cli.output import print_json, print_table, progress
from chainrep.cli.secret import passphrase_reader
from chainrep.config import Config
from chainrep.errors import InputError, StoreError
from chainrep.private_folder import make_private
from rag.guard import with_rag
from rag.reading_options import Reading, reading_options

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from rag.clustering import Clustering
    from rag.pipeline import Pipeline
    from rag.ports import Reader, Retriever, Searcher
    from rag.reputation import ChainScores
    from rag.source.credentials import ApiKey, Credentials
    from rag.types import Answer, Receipt


SETTLE_SECONDS = 3.0
"""What sources that are asked the same again are given at the end, as in a search."""
WAIT_SECONDS = 20.0
"""How long a run waits for another one that learns in the same folder."""


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
    help="Ask the N best known only; an eighth are newcomers.",
)
@click.option(
    "--router",
    "router_name",
    type=click.Choice(
        ["best-known", "neighbours", "linucb", "linear-thompson", "beta-thompson", "uniform"]
    ),
    default="best-known",
    show_default=True,
    help="How those N are chosen. The middle four learn, from --probes alone; that is kept.",
)
@click.option(
    "--probes",
    type=click.Path(path_type=Path),
    help="Questions with gold answers (.jsonl or SQuAD): now and then one is asked and judged.",
)
@click.option("--allow-private", is_flag=True, help="Ask sources at private addresses as well.")
@click.option(
    "--api-keys", type=click.Path(path_type=Path), metavar="FILE",
    help='Keys for sources that want one: a line "ID OWNER KEY" for each.',
)  # fmt: skip
@click.option(
    "--sign", metavar="NAME",
    help="Sign searches with this key of `chainrep keys`, for sources that know who may ask.",
)  # fmt: skip
@reading_options
@settings
@passphrase_option
@json_option
@with_rag
def ask(
    config: Config,
    question: str,
    reading: Reading,
    sources_file: Path | None,
    registered: bool,
    limit: int,
    router_name: str,
    probes: Path | None,
    allow_private: bool,
    api_keys: Path | None,
    sign: str | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Ask sources; their record on the chain, and what was seen here, decide whom to believe.

    With --registered every answer has to carry its owner's receipt. Where the chain does not
    answer, the scores last read are used, and their age is told.
    """
    if registered == (sources_file is not None):
        raise InputError(
            "Who should be asked?", "Give --sources FILE for your own, or --registered."
        )
    if not registered and (api_keys or sign):
        raise InputError(
            "Your own sources want no key.", "Leave --api-keys and --sign, or give --registered."
        )
    # Before a file is opened: a descriptor that nobody gave us must not be one of our own.
    signing_key = _unlocked(config, sign, passphrase_fd) if sign else None
    endpoint_key = reading.key()

    from rag.probe_bank import read_bank
    from rag.probing import Probing
    from rag.reputation import ChainScores
    from rag.source.credentials import read_source_keys
    from rag.source_list import load_sources

    keys = read_source_keys(api_keys) if api_keys else {}
    listed = load_sources(sources_file) if sources_file else None
    scores = ChainScores.open(config, [s.id for s in listed] if listed else None)
    bank = read_bank(probes) if probes else []
    owners = None if listed else {s.id: s.owner for s in scores.remote_sources()}
    shown = _credentials(scores, keys, signing_key)
    folder = _trust_folder(config, scores)
    for hint in _hints(router_name, probes is not None, keys.keys() - (owners or {}).keys()):
        click.echo(hint, err=True)
    with _alone(folder), _asked(config, scores, listed, shown, allow_private) as sources:
        probing, promised = None, {}
        with progress() as bar:
            bar.add_task("Asking", total=None)
            reader = reading.reader(endpoint_key)
            pipeline = _remembering(
                folder, sources, scores, owners, router_name, limit, reader, reading.clustering()
            )
            if probes is not None:
                probing = Probing(pipeline, bank, folder / "probes")
                promise = "0x" + probing.commitment().hex()
                promised = {"probes": {"batch": probing.batch, "commitment": promise}}
            answer = (probing or pipeline).ask(question)
        lost = _save(pipeline)  # before it is shown: who reads only its head loses no lesson
        try:
            if as_json:
                print_json(_as_json(answer) | promised)
            else:
                _show(answer)
            for note in lost:
                click.echo(note, err=True)
        finally:  # whoever is tired of waiting for a probe has the answer
            for note in probing.finish() if probing is not None else []:
                click.echo(note, err=True)


def _trust_folder(config: Config, scores: ChainScores) -> Path:
    """Return the folder of what is learned about this ledger's sources; it is there then."""
    folder = config.home / "trust" / scores.deployment.ledger_id
    try:
        make_private(folder)
    except OSError as error:
        raise StoreError(
            f"{folder.parent} cannot be used as a folder ({error.strerror}).",
            "Make room on the disk, move away a file of that name, or give another --home.",
        ) from error
    return folder


def _hints(router_name: str, probed: bool, keyless: Collection[int]) -> Iterator[str]:
    """Say what was asked for in vain; ``keyless`` are sources that have a key and are not asked."""
    from rag.routing.choice import LEARNERS

    if router_name in LEARNERS and not probed:
        yield f"The router {router_name} learns from probes alone: give --probes FILE as well."
    if keyless:
        named = ", ".join(str(source) for source in sorted(keyless)[:5])
        yield (
            f"An API key is given for {named}, but no such source is there to ask:"
            " `chainrep source list` shows the ids."
        )


def _save(pipeline: Pipeline) -> list[str]:
    """Keep what was learned; return notes on what is lost, for the answer is there all the same."""
    from rag.errors import RagError

    try:
        pipeline.save()
    except RagError as error:
        return [f"What was learned is lost: {error}"]
    return []


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other runs from what is learned in the folder, after waiting for one that is there."""
    from chainrep.errors import StoreBusy
    from chainrep.store.sole_use import sole_use

    ends = time.monotonic() + WAIT_SECONDS
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(sole_use(folder, "Ask again when it has its answer."))
                break
            except StoreBusy:
                if time.monotonic() >= ends:
                    raise
            time.sleep(0.1)
        yield


def _remembering(
    folder: Path,
    sources: Sequence[Searcher] | Retriever,
    scores: ChainScores,
    owners: Mapping[int, str] | None,
    router_name: str,
    limit: int,
    reader: Reader | None,
    clustering: Clustering | None,
) -> Pipeline:
    """Return a pipeline that goes on with what it learned in the folder."""
    from rag.encoder import MiniLMEncoder
    from rag.pipeline import Pipeline
    from rag.routing.choice import router_named
    from rag.scoring.ledgers import LedgerEstimator
    from rag.scoring.topics import QuestionTopics

    encoder = MiniLMEncoder()
    return Pipeline(
        sources,
        encoder,
        reader,
        scores,
        router=router_named(router_name, encoder, limit, folder),
        clustering=clustering,
        owners=owners,
        estimator=LedgerEstimator(topics=QuestionTopics(encoder), path=folder / "ledgers"),
    )


def _unlocked(config: Config, name: str, passphrase_fd: int | None) -> bytes:
    from chainrep.chain.keystore import stored_key, unlock

    stored_key(config.keys, name)  # so that nobody is asked for a key that is not there
    return unlock(config.keys, name, passphrase_reader(passphrase_fd)(name))


def _credentials(
    scores: ChainScores, keys: Mapping[int, ApiKey], signing_key: bytes | None
) -> Credentials:
    from rag.source import credentials

    shown = [credentials.api_keys(keys)]
    if signing_key is not None:
        shown.append(credentials.signed_by(signing_key, scores.domain))
    return credentials.first_of(*shown)


@contextmanager
def _asked(
    config: Config,
    scores: ChainScores,
    listed: Sequence[Searcher] | None,
    shown: Credentials,
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
    with RemoteRetriever(
        remote, scores.domain, book=book, credentials=shown, allow_private=here
    ) as retriever:
        try:
            yield retriever
        finally:  # also where asking ended in the middle: who contradicts itself is found out
            retriever.settle(SETTLE_SECONDS)


def _as_json(answer: Answer) -> dict[str, Any]:
    return {
        "answer": answer.text,
        "share": answer.share,
        "margin": answer.margin,
        "certified": answer.certified,
        "key": answer.key,
        "votes": [
            {
                "source": vote.source,
                "answer": vote.text,
                "weight": vote.weight,
                "won": vote.won,
                "credit": vote.credit,
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


def _certificate(liars: int) -> str:
    if not liars:
        return "One of those asked, turning liar, could change the answer."
    return f"The answer would stand against {liars} of those asked turning liars."


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
        click.echo(_certificate(answer.certified))
    for note in answer.notes:
        click.echo(note, err=True)
    for silence in answer.silent:
        click.echo(f"Source {silence.source}: {silence.reason.rstrip('.')}.", err=True)
    for screened in answer.screened:
        click.echo(
            f"Source {screened.source}: a passage was kept back ({screened.reason}):"
            f" {screened.excerpt}",
            err=True,
        )
