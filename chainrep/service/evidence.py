"""Evidence over HTTP, for whoever wants to audit: ``GET /evidence/<root>`` and ``/deployment``.

A root's file never changes, so that it may be cached for ever. The deployment is where a stranger
finds the ledger's address; whether it is the ledger he trusts is for him to compare.
"""

from __future__ import annotations

import logging
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from chainrep.chain.address_book import Deployment
from chainrep.errors import InputError, StoreError
from chainrep.protocol.evidence_file import parse_root
from chainrep.store.evidence import EvidenceStore

_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=60"

_log = logging.getLogger(__name__)


def evidence_routes(store: EvidenceStore, deployment: Deployment) -> list[Route]:
    """The routes that serve one ledger's evidence; GET and HEAD.

    Answers 404 for evidence that is not kept, 400 for what is no root, 500 for a damaged file.
    """

    def evidence(request: Request) -> Response:  # not async: starlette runs it on a thread
        try:
            root = parse_root(request.path_params["root"])
            path = store.find(root)
        except InputError as error:
            return PlainTextResponse(f"{error}\n", 400)
        except StoreError as error:
            _log.error("cannot serve evidence: %s", error)  # its text names this machine's paths
            return PlainTextResponse("The evidence is kept, but cannot be read.\n", 500)
        if path is None:
            return PlainTextResponse(
                f"No evidence with the root 0x{root.hex()} is kept here.\n",
                404,
                {"Cache-Control": _FOR_A_WHILE},
            )
        tag = f'"0x{root.hex()}"'
        headers = {"ETag": tag, "Cache-Control": _FOR_EVER, "X-Content-Type-Options": "nosniff"}
        if _has(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=headers)
        return FileResponse(path, headers=headers, media_type="application/json")

    def address_book(request: Request) -> Response:  # noqa: ARG001 (starlette's signature)
        return JSONResponse(asdict(deployment), headers={"Cache-Control": _FOR_A_WHILE})

    return [Route("/evidence/{root}", evidence), Route("/deployment", address_book)]


def _has(stated: str, tag: str) -> bool:
    """Whether If-None-Match names the file (RFC 9110, 13.1.2: weak comparison)."""
    tags = [one.strip().removeprefix("W/") for one in stated.split(",")]
    return tag in tags or tags == ["*"]
