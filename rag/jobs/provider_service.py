"""A provider over HTTP: what it offers, orders, and what a job's parties may see of it.

``GET /offer`` is for everybody. ``POST /jobs/<id>`` hands over an order and
``GET /jobs/<id>/answer|disclosure`` shows a part; both are signed (``provider_call``).
Answers: 200 or 202; 400 malformed or refused; 401 not signed by whoever may ask; 404 nothing to
show yet; 503 where the provider's own chain or disk fails.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chainrep.errors import ChainError, InputError, NotAuthorized, StoreError
from chainrep.protocol.authorization import (
    MAX_LIFETIME_SECONDS,
    Authorization,
    body_digest,
    parse_authorization,
    recover_coordinator,
)
from chainrep.protocol.typed_data import LedgerDomain
from chainrep.service.refusal import refusal, refused
from chainrep.service.server import ServerLimits
from rag.jobs.offer import dump_offer
from rag.jobs.order import MAX_ORDER_BYTES, load_order
from rag.jobs.provider import Provider
from rag.jobs.provider_call import ANSWER, DISCLOSURE, signed_part

PROVIDER_LIMITS = ServerLimits(body_bytes=MAX_ORDER_BYTES, connections=16)

_log = logging.getLogger(__name__)


def provider_app(provider: Provider, clock: Callable[[], float] = time.time) -> Starlette:
    """The application of one provider."""
    offer = dump_offer(provider.offer)
    domain = jobs_domain(provider)

    def asker(request: Request) -> tuple[str, Authorization]:
        found = parse_authorization(request.headers.get("authorization", ""))
        if not 0 <= found.expires - clock() <= MAX_LIFETIME_SECONDS:
            raise NotAuthorized("The request's signature has expired, or is good for too long.")
        return recover_coordinator(found, provider.address, domain), found

    async def take(request: Request) -> Response:
        job, (who, found) = _job(request), asker(request)
        body = await request.body()
        _require_signed(found, "POST", request.url.path, body)
        await run_in_threadpool(provider.accept, job, load_order(body), who)
        return JSONResponse({"state": "accepted"}, 202)

    async def show(request: Request) -> Response:
        job, (who, found) = _job(request), asker(request)
        _require_signed(found, "GET", request.url.path, b"")
        part = request.path_params["part"]
        content = None
        if part in {ANSWER, DISCLOSURE}:
            content = await run_in_threadpool(provider.show, job, part, who)
        if content is None:
            return refusal(404, "There is nothing to show yet.")
        return Response(content, media_type="application/json")

    async def tell(_: Request) -> Response:
        return Response(offer, media_type="application/json")

    return Starlette(
        routes=[
            Route("/offer", tell, methods=["GET"]),
            Route("/jobs/{job}", take, methods=["POST"]),
            Route("/jobs/{job}/{part}", show, methods=["GET"]),
        ],
        exception_handlers={
            InputError: _refused,
            NotAuthorized: _refused,
            ChainError: _failed,
            StoreError: _failed,
        },
    )


def jobs_domain(provider: Provider) -> LedgerDomain:
    """What requests to a provider are signed for."""
    found = provider.jobs.domain
    return LedgerDomain(found.chain_id, found.contract)


def _job(request: Request) -> int:
    text = request.path_params["job"]
    try:
        if len(text) != 66 or not text.startswith("0x"):
            raise ValueError(text)
        return int(text[2:], 16)
    except ValueError as error:
        raise InputError("A job is named by 0x and 64 hexadecimal digits.") from error


def _require_signed(found: Authorization, method: str, path: str, body: bytes) -> None:
    if not hmac.compare_digest(body_digest(signed_part(method, path, body)), found.body):
        raise NotAuthorized("The request is not the one that was signed.")


async def _refused(_: Request, error: Exception) -> Response:
    answer = refused(error)
    _log.warning("refused (%d): %s", answer.status_code, error)
    return answer


async def _failed(_: Request, error: Exception) -> Response:
    # Its text names this machine's paths and servers, which are nobody else's business.
    _log.error("cannot answer: %s", error)
    return refusal(503, "The provider's chain or disk fails at the moment.")
