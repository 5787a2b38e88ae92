"""``chainrep source serve``: a corpus on this machine as a registered source."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chainrep.cli.options import settings, signing
from chainrep.cli.source import account_option, check_id, owner_key
from chainrep.config import Config
from chainrep.errors import ConfigError, InputError
from rag.guard import stop_signals, with_rag

if TYPE_CHECKING:
    from chainrep.chain.source_registry import SourceRegistry
    from rag.source.corpus_index import IndexMethod

_UNITS = {"": 1.0, "/s": 1.0, "/m": 60.0, "/h": 3600.0}


@click.command(short_help="Serve a folder or file of passages as a source.")
@click.argument("corpus", type=click.Path(path_type=Path))
@settings
@signing
@account_option
@click.option("--id", "source_id", type=int, required=True, metavar="N", help="The source's id.")
@click.option("--port", default=8580, show_default=True, help="Port to answer on; 0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--name", default="", metavar="TEXT", help='What it is called ["source N"].')
@click.option(
    "--price-wei", type=click.IntRange(0, 2**128 - 1), default=0, show_default=True,
    help="What a search is said to cost.",
)  # fmt: skip
@click.option(
    "--api-keys", type=click.Path(path_type=Path), metavar="FILE",
    help='Answer whoever has a key of this file: a line "NAME KEY" for each.',
)  # fmt: skip
@click.option(
    "--allow", multiple=True, metavar="ADDRESS", help="Answer requests signed by this account."
)
@click.option("--rate", default="10/s", show_default=True, help="Searches per client.")
@click.option(
    "--trusted-proxy", default="", metavar="ADDRESS",
    help="Proxy in front: what comes from it counts for the last address in X-Forwarded-For, else"
    " all who come through it share one rate.",
)  # fmt: skip
@click.option(
    "--index-dir", type=click.Path(path_type=Path), metavar="DIR",
    help="Keep the index in DIR/chainrep-index [in the home folder].",
)  # fmt: skip
@click.option("--dense", is_flag=True, help="Search by embeddings of MiniLM, not by BM25.")
@click.option(
    "--watch", type=click.FloatRange(0), default=5.0, show_default=True, metavar="SECONDS",
    help="How often to look whether the corpus has changed; 0: never.",
)  # fmt: skip
@with_rag
def serve(
    config: Config,
    read_passphrase: Callable[[str], str],
    corpus: Path,
    account: int | None,
    source_id: int,
    port: int,
    host: str,
    name: str,
    price_wei: int,
    api_keys: Path | None,
    allow: tuple[str, ...],
    rate: str,
    trusted_proxy: str,
    index_dir: Path | None,
    dense: bool,
    watch: float,
) -> None:
    """Serve CORPUS, a folder or file of passages, as a registered source, until Ctrl-C.

    Each answer is signed with the key that owns the source. The index is kept, so that starting
    again is quick; SIGHUP, or a change of the corpus, makes a new one beside it. To be reached
    from other machines, put a proxy with TLS in front, and name it with --trusted-proxy.
    """
    import logging
    import time

    from eth_account import Account

    from chainrep.protocol.source_receipt import SourceDomain
    from chainrep.service.server import HttpServer
    from chainrep.session import open_session
    from rag.source.access import Access, read_accounts, read_keys
    from rag.source.index_folder import IndexFolder
    from rag.source.live_corpus import LiveCorpus
    from rag.source.rate_limit import RateLimit, read_proxy
    from rag.source.service import SOURCE_LIMITS, SourceTerms, source_app
    from rag.source.upkeep import keep_serving, reload_signals

    check_id(source_id)
    name = _named(name or f"source {source_id}")
    limit = RateLimit(read_rate(rate), time.monotonic)
    proxy = read_proxy(trusted_proxy)
    keys = read_keys(api_keys) if api_keys else {}
    accounts = read_accounts(allow)
    session = open_session(config)
    key = owner_key(session, account, read_passphrase)
    owner = str(Account.from_key(key).address)
    uri = require_owner(session.registry, source_id, owner)
    deployment = session.deployment
    domain = SourceDomain(deployment.chain_id, deployment.source_registry, deployment.score_ledger)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("rag").setLevel(logging.INFO)
    chain = f"{deployment.chain_id}-{deployment.source_registry}-{deployment.genesis[2:10]}"
    folder = IndexFolder(index_dir or config.home / "sources" / chain / str(source_id))
    with folder.sole_use():
        live = LiveCorpus(corpus, folder, _method(dense), time.monotonic)
        terms = SourceTerms(source_id, name, price_wei, domain)
        app = source_app(
            live, terms, key, Access(owner, domain, keys, accounts, source_id), limit, proxy
        )
        asked, stopping = reload_signals(), stop_signals()
        with HttpServer(app, port, host, SOURCE_LIMITS) as server:
            click.echo(
                f"Source {source_id} ({name}): {len(live.corpus.passages):,} passages of {corpus},"
                f" version 0x{live.corpus.version.hex()}, signed by {owner}."
            )
            if uri.rstrip("/") != server.url:
                click.echo(f"The registry sends clients to {uri}.")
            click.echo(f"It answers at {server.url}; Ctrl-C stops it.")
            sys.stdout.flush()
            keep_serving(
                live,
                stopping,
                asked,
                watch,
                lambda: require_owner(session.registry, source_id, owner),
                lambda: server.alive,
            )
            if not stopping.is_set():
                raise ConfigError("The server broke down.", "Start it again.")
    click.echo("Stopped.")


def require_owner(registry: SourceRegistry, source_id: int, owner: str) -> str:
    """The URI of this owner's source; raise InputError where it is another's, or retired.

    Raises UnknownSource and ChainError as of the registry.
    """
    found = registry.source(source_id)
    if found.retired:
        raise InputError(
            f"Source {source_id} is retired: nobody asks it any more.",
            "Register a new one with `chainrep source register URI`.",
        )
    if found.owner != owner:
        raise InputError(
            f"Source {source_id} belongs to {found.owner}, and this key is that of {owner}: what it"
            " signs would be no receipt.",
            "Name the owner's key with --key or --account, or register a source of your own with"
            " `chainrep source register URI`.",
        )
    return found.uri


def read_rate(text: str) -> float:
    """Searches per second of "N/s", "N/m" or "N/h"; raise InputError."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(|/s|/m|/h)", text, re.ASCII)
    if found is None or float(found[1]) <= 0:
        raise InputError(f"{text[:60]!r} is no rate.", "Give --rate 10/s, 300/m or 1000/h.")
    return float(found[1]) / _UNITS[found[2]]


def _named(name: str) -> str:
    if len(name) > 200 or not name.isprintable():
        raise InputError("A source's name is a line of at most 200 characters.", "Check --name.")
    return name


def _method(dense: bool) -> IndexMethod:
    from rag.source.corpus_index import bm25_method, dense_method

    if not dense:
        return bm25_method()
    from rag.encoder import MODEL, REVISION, MiniLMEncoder

    # Without a cache: a query is embedded alone, always, so that it never differs by rounding.
    return dense_method(MiniLMEncoder(cache_size=0), f"{MODEL}@{REVISION}")
