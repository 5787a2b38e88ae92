"""Reputations over HTTP, each with the proof that a contract accepts.

``GET /reputation/epochs`` lists the final epochs, ``/reputation/<epoch>/<address>`` proves an
account's score or that it has none, and ``/reputation/<epoch>/ratings`` is what the epoch was
computed from, so that a stranger can compute it anew. Nothing here has to be believed.
"""

from __future__ import annotations

import logging
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from chainrep.errors import ChainrepError, InputError
from chainrep.node.epoch_files import KEPT, EpochFiles, KeptEpoch
from chainrep.protocol.reputation_tree import MAX_EPOCH, ScoreProof, TreeDomain, address_number

MAX_LISTED = 1_000
LATEST = "latest"
_A_WHILE = {"Cache-Control": "public, max-age=60", "X-Content-Type-Options": "nosniff"}
_FOR_EVER = _A_WHILE | {"Cache-Control": "public, max-age=31536000, immutable"}

_log = logging.getLogger(__name__)


def reputation_routes(files: EpochFiles) -> list[Route]:
    """The routes that serve one deployment's epochs; GET and HEAD.

    Answers 400 for what is no epoch or address, 404 for an epoch that is not kept, 409 where
    another root became final than was computed here, 410 for a proof in an old epoch, 500 for a
    damaged file.
    """

    def epochs(request: Request) -> Response:  # noqa: ARG001 (starlette's signature)
        try:
            newest = files.epochs()[-MAX_LISTED:]
            found = [kept for epoch in reversed(newest) if (kept := files.epoch(epoch))]
        except ChainrepError as error:
            return _failed(error)
        return JSONResponse({"epochs": list(map(_shown, found))}, headers=_A_WHILE)

    def ratings(request: Request) -> Response:
        try:
            path = files.ratings(_epoch(request, files))
        except InputError as error:
            return PlainTextResponse(f"{error}\n", 400)
        if path is None:
            return PlainTextResponse(
                "The ratings of this epoch are not kept here.\n", 404, _A_WHILE
            )
        return FileResponse(path, headers=_A_WHILE, media_type="text/csv")

    def score(request: Request) -> Response:
        try:
            epoch, account = _epoch(request, files), request.path_params["account"]
            if address_number(account) == 0:
                raise InputError("The zero address has no reputation.")
        except InputError as error:
            return PlainTextResponse(f"{error}\n", 400)
        try:
            kept = files.epoch(epoch)
            refusal = _refusal(kept, files)
            if kept is None or refusal:
                return refusal or _not_final()
            tree = files.tree(kept)
        except ChainrepError as error:  # its text names this machine's paths
            return _failed(error)
        content = _shown(kept) | _proven(tree.domain, account, tree.prove(account))
        fixed = request.path_params["epoch"] != LATEST
        return JSONResponse(content, headers=_FOR_EVER if fixed else _A_WHILE)

    return [
        Route("/reputation/epochs", epochs),
        Route("/reputation/{epoch}/ratings", ratings),
        Route("/reputation/{epoch}/{account}", score),
    ]


def _epoch(request: Request, files: EpochFiles) -> int:
    text = request.path_params["epoch"]
    if text == LATEST:
        return max(files.epochs(), default=0)
    if not (text.isascii() and text.isdecimal() and len(text) <= 13 and int(text) <= MAX_EPOCH):
        raise InputError(f"An epoch is a number of 0..{MAX_EPOCH}, or `{LATEST}`.")
    return int(text)


def _refusal(kept: KeptEpoch | None, files: EpochFiles) -> Response | None:
    """Why no proof can be had; reading an old epoch's tree takes too long to do it for anybody."""
    if kept is None:
        return _not_final()
    if not kept.right:
        return PlainTextResponse(
            "Another root became final in this epoch than was computed here.\n", 409, _A_WHILE
        )
    if kept.epoch not in files.epochs()[-KEPT:]:
        return PlainTextResponse(
            f"Proofs are made in the latest {KEPT} epochs; compute this one from its ratings.\n",
            410,
            _A_WHILE,
        )
    return None


def _not_final() -> Response:
    return PlainTextResponse(
        "This epoch is not final, or not kept here.\n", 404, {"Cache-Control": "no-store"}
    )


def _failed(error: ChainrepError) -> Response:
    _log.error("cannot serve reputations: %s", error)
    return PlainTextResponse("The epoch is kept, but cannot be read.\n", 500)


def _shown(kept: KeptEpoch) -> dict[str, Any]:
    return {
        "epoch": kept.epoch,
        "root": "0x" + kept.final_root.hex(),
        "snapshot_hash": "0x" + kept.final_snapshot_hash.hex(),
        "computed_here": kept.right,
        "accounts": kept.accounts,
    }


def _proven(domain: TreeDomain, account: str, proof: ScoreProof) -> dict[str, Any]:
    present = address_number(proof.account) == address_number(account)
    return {
        "account": proof.account if present else account,
        "score": proof.score if present else 0,
        "present": present,
        "chain_id": domain.chain_id,
        "contract": domain.contract,
        "formula_hash": "0x" + domain.formula_hash.hex(),
        "proof": {
            "account": proof.account,
            "score": proof.score,
            "next": proof.next,
            "siblings": "0x" + proof.siblings.hex(),
        },
    }
