"""One source served as ``chainrep source serve`` does, without a chain: a program to be measured.

Its arguments are the corpus and a folder for the index. It prints its URL; SIGHUP lets it read the
corpus again.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from eth_account import Account

from chainrep.protocol.source_receipt import SourceDomain
from chainrep.service.server import HttpServer
from rag.guard import stop_signals
from rag.source.access import Access
from rag.source.corpus_index import bm25_method
from rag.source.index_folder import IndexFolder
from rag.source.live_corpus import LiveCorpus
from rag.source.rate_limit import RateLimit
from rag.source.service import SOURCE_LIMITS, SourceTerms, source_app
from rag.source.upkeep import keep_serving, reload_signals

KEY = b"\x03" * 32
OWNER = str(Account.from_key(KEY).address)
# Receipts need a chain and contracts that they are good for; none of it is asked here.
DOMAIN = SourceDomain(
    31337,
    str(Account.from_key(b"\x01" * 32).address),
    str(Account.from_key(b"\x02" * 32).address),
)


def serve(corpus: Path, index: Path) -> None:
    """Serve until SIGTERM."""
    live = LiveCorpus(corpus, IndexFolder(index), bm25_method(), time.monotonic)
    app = source_app(
        live,
        SourceTerms(1, "measured", 0, DOMAIN),
        KEY,
        Access(OWNER, DOMAIN),
        RateLimit(1e9, time.monotonic),
    )
    asked, stopping = reload_signals(), stop_signals()
    with HttpServer(app, limits=SOURCE_LIMITS) as server:
        print(server.url, flush=True)  # noqa: T201 - whoever started this reads it
        keep_serving(live, stopping, asked, 0, lambda: None, lambda: server.alive)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
