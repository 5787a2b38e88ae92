"""A committee member over HTTP: ``POST /sign``.

Answers are JSON: 200 with the signature; 400 for a malformed request, 401 for one that no
coordinator signed, 409 for a report the member refuses (naming the feedback that alone is the
reason, if one is), 503 where its own chain or store fails.
"""

from __future__ import annotations

import hmac
import logging

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
from chainrep.protocol.sign_request import MAX_HEAD_BYTES, parse_request
from chainrep.service.server import ServerLimits

MEMBER_LIMITS = ServerLimits(body_bytes=MAX_HEAD_BYTES + MAX_FILE_BYTES, connections=8)

_log = logging.getLogger(__name__)


def member_app(member: Member) -> Starlette:
    """The application that lets coordinators ask one member."""

    async def sign(request: Request) -> JSONResponse:
        try:
            authorization = parse_authorization(request.headers.get("authorization", ""))
            await run_in_threadpool(member.admit, authorization)
            body = await request.body()
            return await run_in_threadpool(_answer, member, body, authorization.body)
        except NotAuthorized as error:
            _log.warning("turned away: %s", error.summary)
            return _refusal(401, str(error))

    return Starlette(routes=[Route("/sign", sign, methods=["POST"])])


def _answer(member: Member, body: bytes, authorized: bytes) -> JSONResponse:
    try:
        if not hmac.compare_digest(body_digest(body), authorized):
            raise NotAuthorized("The request's body is not the one that was signed.")
        request = parse_request(body)
        records = parse_evidence(request.evidence)
        signature = member.sign(request.report, request.domain, records)
    except InputError as error:
        _log.warning("malformed request: %s", error.summary)
        return _refusal(400, str(error))
    except SigningRefused as error:
        _log.warning("refused: %s", error.summary)
        return _refusal(409, str(error), error.feedback)
    except (ChainError, StoreError) as error:
        # Its text names this machine's paths and servers, which are nobody else's business.
        _log.error("cannot sign: %s", error)
        part = "store" if isinstance(error, StoreError) else "connection to the chain"
        return _refusal(503, f"The member's {part} fails at the moment.")
    report = request.report
    _log.info("signed nonce %d, evidence 0x%s", report.nonce, report.evidence_root.hex())
    return JSONResponse({"signature": "0x" + signature.hex()})


def _refusal(status: int, reason: str, feedback: bytes | None = None) -> JSONResponse:
    named = {} if feedback is None else {"feedback": "0x" + feedback.hex()}
    return JSONResponse({"refused": reason} | named, status)
