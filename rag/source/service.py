"""A source over HTTP: searches answered with a receipt, and what the source says of itself.

``POST /search`` takes a query; ``GET /metadata`` and ``GET /health`` are for everybody. Answers:
200; 400 malformed; 401 not from whoever may ask; 413 too long; 429 too often, with Retry-After;
500 where this side fails. All are JSON; a refusal is ``{"refused": reason}``.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from chainrep.errors import InputError, NotAuthorized
from chainrep.protocol.source_receipt import MAX_K, SourceDomain, query_digest
from chainrep.service.refusal import refusal, refused
from chainrep.service.server import ServerLimits
from rag.source.access import Access
from rag.source.live_corpus import LiveCorpus
from rag.source.rate_limit import RateLimit, client_behind
from rag.source.receipts import sign_receipt
from rag.source.wire import (
    MAX_ANSWER_BYTES,
    MAX_REQUEST_BYTES,
    Metadata,
    Query,
    dump_answer,
    dump_health,
    dump_metadata,
    load_query,
)
from rag.types import Passage

SOURCE_LIMITS = ServerLimits(
    body_bytes=MAX_REQUEST_BYTES, header_seconds=10, exchange_seconds=30, connections=128
)

_RECEIPT_BYTES = 2_048
"""Room in an answer for the receipt and the brackets."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceTerms:
    """Who serves: a source's id and name, what a search costs, where receipts are good."""

    source: int
    name: str
    price_wei: int
    domain: SourceDomain


def source_app(
    live: LiveCorpus,
    terms: SourceTerms,
    private_key: bytes,
    access: Access,
    limit: RateLimit,
    proxy: str = "",
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The application of one source, which signs with the key of its owner.

    ``proxy`` is the address of the one that may say whom it asks for, "" where there is none.
    """

    def find(query: Query) -> bytes:
        corpus = live.corpus
        passages = fitting(corpus.search(query.question, query.k))
        digest = query_digest(query.salt, query.k, query.question)
        receipt = sign_receipt(
            terms.source, digest, corpus.version, passages, int(clock()), terms.domain, private_key
        )
        return dump_answer(passages, receipt)

    async def search(request: Request) -> Response:
        body = await request.body()
        _require_turn(limit, _asker(request, body))
        return _json(await run_in_threadpool(find, load_query(body)))

    def _asker(request: Request, body: bytes) -> str:
        peer = request.client.host if request.client else ""
        place = client_behind(proxy, peer, request.headers.getlist("x-forwarded-for"))
        if access.everybody:
            return place
        try:
            return access.asker(request.headers.get("authorization", ""), body, clock())
        except NotAuthorized:
            _require_turn(limit, place)  # so that nobody tries keys, or costs us, without end
            raise

    async def metadata(_: Request) -> Response:
        corpus, domain = live.corpus, terms.domain
        said = Metadata(
            terms.source,
            terms.name,
            len(corpus.passages),
            corpus.version,
            terms.price_wei,
            domain.chain_id,
            domain.registry,
            MAX_K,
        )
        return _json(dump_metadata(said))

    async def health(_: Request) -> Response:
        return _json(dump_health(live.health))

    return Starlette(
        routes=[
            Route("/search", search, methods=["POST"]),
            Route("/metadata", metadata, methods=["GET"]),
            Route("/health", health, methods=["GET"]),
        ],
        exception_handlers={
            InputError: _refused,
            NotAuthorized: _refused,
            HTTPException: _declined,
            ClientDisconnect: _left,
            Exception: _failed,
        },
    )


def fitting(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """The first passages that one answer has room for: all, unless they are very long."""
    room = MAX_ANSWER_BYTES - _RECEIPT_BYTES
    for place, passage in enumerate(passages):
        room -= len(json.dumps([passage.title, passage.text], ensure_ascii=False).encode()) + 32
        if room < 0:
            return tuple(passages[:place])
    return tuple(passages)


def _require_turn(limit: RateLimit, client: str) -> None:
    wait = limit.take(client)
    if wait > 0:
        seconds = str(math.ceil(wait))
        raise HTTPException(429, "You search too often.", headers={"Retry-After": seconds})


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


async def _refused(_: Request, error: Exception) -> Response:
    answer = refused(error)
    if isinstance(error, NotAuthorized):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


async def _declined(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls it for no other
    answer = refusal(error.status_code, error.detail)
    answer.headers.update(error.headers or {})
    return answer


async def _left(_: Request, __: Exception) -> Response:
    # Nobody reads it; without an answer each client that leaves would put a trace into the log.
    return refusal(400, "The request ended in the middle.")


async def _failed(_: Request, error: Exception) -> Response:
    # Its text may name this machine's files, which are nobody else's business.
    _log.error("cannot answer: %s", error)
    return refusal(500, "The source fails at the moment.")
