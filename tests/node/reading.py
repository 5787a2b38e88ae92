"""What tests of the indexer do again and again."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from chainrep.chain.client import Client
from chainrep.node.indexer import Indexer
from chainrep.store.chain_index import index_digest
from chainrep.store.db import open_store
from tests.node.chain_writer import ChainWriter

RIGHT, WRONG = (100, 0, 100, 100), (0, 100, 0, 100)


def indexer_in(
    writer: ChainWriter, path: Path, client: Client | None = None, **options: Any
) -> Indexer:
    """An indexer of the writer's contracts with its store at ``path``."""
    return Indexer(client or writer.client, writer.deployment, open_store(path), **options)


def digest(indexer: Indexer) -> str:
    return index_digest(indexer.index.db, indexer.index.ledger)


def seeded(seed: int) -> Random:
    """Chance that is the same in every run."""
    return Random(seed)  # noqa: S311 (tests need no secrecy)
