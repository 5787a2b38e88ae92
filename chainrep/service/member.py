"""A committee member over HTTP: ``POST /sign``, and ``POST /settle`` where it keeps an index.

Answers are JSON: 200 with the signature; 400 for a malformed request, 401 for one that no
coordinator signed, 409 for a report the member refuses (naming the feedback that alone is the
reason, if one is), 503 where its own chain or store fails.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from chainrep.errors import (
    ChainError,
    InputError,
    NotAuthorized,
    SigningRefused,
    StoreError,
)
from chainrep.node.member import Member
from chainrep.protocol.authorization import body_digest, parse_authorization
from chainrep.protocol.evidence_file import MAX_FILE_BYTES, parse_evidence
from chainrep.protocol.settle_request import parse_settle_request
from chainrep.protocol.sign_request import MAX_HEAD_BYTES, parse_request
from chainrep.service.refusal import refusal
from chainrep.service.server import ServerLimits

if TYPE_CHECKING:
    from chainrep.node.settling_member import SettlingMember

MEMBER_LIMITS = ServerLimits(body_bytes=MAX_HEAD_BYTES + MAX_FILE_BYTES, connections=8)

_log = logging.getLogger(__name__)


def member_app(member: Member, settling: SettlingMember | None = None) -> Starlette:
    """The application that lets coordinators ask one member, also to settle if it can."""

    def route(path: str, sign: Callable[[bytes], bytes]) -> Route:
        async def answer(request: Request) -> JSONResponse:
            try:
                authorization = parse_authorization(request.headers.get("authorization", ""))
                await run_in_threadpool(member.admit, authorization)
                body = await request.body()
                return await run_in_threadpool(_answer, sign, body, authorization.body)
            except NotAuthorized as error:
                _log.warning("turned away: %s", error.summary)
                return refusal(401, str(error))

        return Route(path, answer, methods=["POST"])

    routes = [route("/sign", partial(_sign_report, member))]
    if settling is not None:
        routes.append(route("/settle", partial(_settle, settling)))
    return Starlette(routes=routes)


def _sign_report(member: Member, body: bytes) -> bytes:
    request = parse_request(body)
    report, records = request.report, parse_evidence(request.evidence)
    signature = member.sign(report, request.domain, records)
    _log.info("signed nonce %d, evidence 0x%s", report.nonce, report.evidence_root.hex())
    return signature


def _settle(member: SettlingMember, body: bytes) -> bytes:
    request = parse_settle_request(body)
    settlement = request.settlement
    signature = member.sign(settlement, request.domain)
    _log.info("signed epoch %d, root 0x%s", settlement.epoch, settlement.root.hex())
    return signature


def _answer(sign: Callable[[bytes], bytes], body: bytes, authorized: bytes) -> JSONResponse:
    try:
        if not hmac.compare_digest(body_digest(body), authorized):
            raise NotAuthorized("The request's body is not the one that was signed.")
        signature = sign(body)
    except InputError as error:
        _log.warning("malformed request: %s", error.summary)
        return refusal(400, str(error))
    except SigningRefused as error:
        _log.warning("refused: %s", error.summary)
        named = {"feedback": "0x" + error.feedback.hex()} if error.feedback else {}
        return refusal(409, str(error), **named)
    except (ChainError, StoreError) as error:
        # Its text names this machine's paths and servers, which are nobody else's business.
        _log.error("cannot sign: %s", error)
        part = "store" if isinstance(error, StoreError) else "connection to the chain"
        return refusal(503, f"The member's {part} fails at the moment.")
    return JSONResponse({"signature": "0x" + signature.hex()})
