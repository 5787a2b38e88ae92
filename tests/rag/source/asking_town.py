"""Sources with keys of their own on a hostile server, and a retriever that asks them."""

from __future__ import annotations

import random
from dataclasses import replace

from eth_account import Account

from chainrep.protocol.keccak import keccak
from rag.source.asking_terms import AskingTerms
from rag.source.breaker import BreakerTerms
from rag.source.receipts import SourceDomain
from rag.source.remote_retriever import RemoteRetriever
from rag.source.remote_source import RemoteSource
from tests.fakes.hostile_source import Signer

DOMAIN = SourceDomain(
    31337,
    "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512",
)
QUESTION = "What is the capital of France?"
NEVER = BreakerTerms(failures=10**9)
PATIENT = AskingTerms(source_seconds=20.0, total_seconds=30.0, again_share=0.0, breaker=NEVER)
QUICK = replace(PATIENT, source_seconds=1.2, total_seconds=2.5)
"""For sources that never answer; a busy machine may keep an honest one from being so fast."""


def key_of(source: int) -> bytes:
    return keccak(b"source %d" % source)


def owner_of(source: int) -> str:
    return str(Account.from_key(key_of(source)).address)


def signer(source: int, **more) -> Signer:
    return Signer(source, key_of(source), DOMAIN, **more)


def remote(source: int, *urls: str) -> RemoteSource:
    return RemoteSource(source, owner_of(source), urls)


def retriever(*sources: RemoteSource, terms: AskingTerms = PATIENT, **more) -> RemoteRetriever:
    more.setdefault("allow_private", True)
    more.setdefault("chance", random.Random(7))  # noqa: S311 (repeatable)
    return RemoteRetriever(sources, DOMAIN, terms, **more)
