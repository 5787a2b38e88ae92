"""A source for tests: a small corpus in files, its index in a folder, served over real HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from eth_account import Account

from chainrep.protocol.source_receipt import SourceDomain
from chainrep.service.server import HttpServer, ServerLimits
from rag.source.access import Access
from rag.source.corpus_index import bm25_method
from rag.source.index_folder import IndexFolder
from rag.source.live_corpus import LiveCorpus
from rag.source.rate_limit import RateLimit
from rag.source.service import SOURCE_LIMITS, SourceTerms, source_app
from rag.types import Passage

KEY = bytes(range(1, 33))
OWNER = str(Account.from_key(KEY).address)
DOMAIN = SourceDomain(31337, "0xc0ffEeC0FFeEc0FFeec0ffEec0fFEEC0FFEEbeeF", OWNER)
SALT = bytes(range(32))
PASSAGES = (
    Passage("The Danube begins in the Black Forest.", "Rivers"),
    Passage("Mount Everest is the highest mountain.", "Mountains"),
    Passage("The Nile ends in a delta; Ägypten, 🦉.", "Rivers"),
)


def write_file(path: Path, passages: Sequence[Passage]) -> Path:
    """A corpus of one file, put in place whole."""
    rows = [{"title": passage.title, "text": passage.text} for passage in passages]
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"question": "Which?", "passages": rows}), encoding="utf-8")
    draft.replace(path)
    return path


def live_corpus(folder: Path, passages: Sequence[Passage] = PASSAGES) -> LiveCorpus:
    path = write_file(folder / "corpus.jsonl", passages)
    return LiveCorpus(path, IndexFolder(folder / "index"), bm25_method(), time.monotonic)


@contextmanager
def serving(
    live: LiveCorpus,
    access: Access | None = None,
    rate: float = 1e6,
    limits: ServerLimits = SOURCE_LIMITS,
    proxy: str = "",
) -> Iterator[httpx.Client]:
    """A client of the running service."""
    terms = SourceTerms(3, "rivers", 10**20, DOMAIN)
    limit = RateLimit(rate, time.monotonic)
    app = source_app(live, terms, KEY, access or Access(OWNER, DOMAIN), limit, proxy)
    with (
        HttpServer(app, limits=limits) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=20) as client,
    ):
        yield client
