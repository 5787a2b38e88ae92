"""Sources as services on this machine: signed answers over HTTP, as strangers would give them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from eth_account import Account

from chainrep.protocol.source_receipt import SourceDomain
from chainrep.service.server import HttpServer
from rag.source.access import Access
from rag.source.asking_terms import AskingTerms
from rag.source.corpus_index import bm25_method
from rag.source.index_folder import IndexFolder
from rag.source.live_corpus import LiveCorpus
from rag.source.rate_limit import RateLimit
from rag.source.remote_retriever import RemoteRetriever
from rag.source.remote_source import RemoteSource
from rag.source.service import SOURCE_LIMITS, SourceTerms, source_app
from rag.types import Passage

# Receipts need a chain and contracts that they are good for; none of it is asked here.
_DOMAIN = SourceDomain(
    31337,
    str(Account.from_key(b"\x01" * 32).address),
    str(Account.from_key(b"\x02" * 32).address),
)
_UNLIMITED = 1e6


@contextmanager
def federation(corpora: Sequence[Sequence[Passage]], folder: Path) -> Iterator[RemoteRetriever]:
    """Serve each corpus as source 1, 2, … on a port of its own, its files in ``folder``.

    Yields what asks them. No answer is asked for twice, so that runs repeat.
    """
    with ExitStack() as open_until_left:
        sources = []
        for number, passages in enumerate(corpora, start=1):
            key = secrets.token_bytes(32)
            owner = str(Account.from_key(key).address)
            live = LiveCorpus(
                _written(passages, folder / f"{number}.json"),
                IndexFolder(folder / f"index {number}"),
                bm25_method(),
                time.monotonic,
            )
            app = source_app(
                live,
                SourceTerms(number, f"source {number}", 0, _DOMAIN),
                key,
                Access(owner, _DOMAIN),
                RateLimit(_UNLIMITED, time.monotonic),
            )
            server = open_until_left.enter_context(HttpServer(app, limits=SOURCE_LIMITS))
            sources.append(RemoteSource(number, owner, (server.url,)))
        terms = AskingTerms(source_seconds=20.0, total_seconds=25.0, again_share=0.0)
        yield open_until_left.enter_context(
            RemoteRetriever(sources, _DOMAIN, terms, allow_private=True)
        )


def _written(passages: Sequence[Passage], path: Path) -> Path:
    articles = [
        {"title": p.title, "paragraphs": [{"context": p.text, "qas": []}]} for p in passages
    ]
    path.write_text(json.dumps({"data": articles}))
    return path
