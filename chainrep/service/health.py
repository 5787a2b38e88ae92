"""``GET /healthz``: is every part of the node at work?

200 or 503, and as JSON what is wrong. An error is shown by its kind alone: its own text may name
paths of this machine, and stands in the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chainrep.errors import ChainrepError
from chainrep.node.part import Doing, PartState
from chainrep.service.metrics import NodeMetrics

UNWELL_SECONDS = 120.0
OK, UNWELL = "ok", "unwell"


def find_problems(states: Sequence[PartState], now: float, limit: float) -> Sequence[str]:
    """A sentence for each part that has stopped, or did nothing well for more than ``limit`` s."""
    problems = []
    for state in states:
        silent = state.silent_for(now)
        if state.doing is Doing.STOPPED:
            problems.append(f"The {state.name} has stopped.")
        elif silent > limit:
            why = f": {_kind(state.failure)}" if state.failure is not None else "."
            problems.append(f"The {state.name} has done nothing well for {silent:.0f} s{why}")
    return problems


def health_route(
    metrics: NodeMetrics,
    states: Callable[[], Sequence[PartState]],
    limit: float = UNWELL_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Route:
    """``GET /healthz``; ``clock`` is the monotonic one of the states."""

    async def health(request: Request) -> Response:  # noqa: ARG001 (starlette's signature)
        now, known = clock(), states()
        problems = find_problems(known, now, limit)
        content: dict[str, object] = {
            "status": UNWELL if problems else OK,
            "problems": problems,
            "parts": {state.name: _shown(state, now) for state in known},
        }
        if metrics.indexed is not None:
            content["index"] = {"block": metrics.indexed.block, "head": metrics.indexed.target}
        if metrics.relayed is not None:
            content["outbox"] = {
                "pending": metrics.relayed.pending,
                "open_batches": metrics.relayed.open,
                "waits_for": metrics.relayed.waits_for,
            }
        status = 503 if problems else 200
        return JSONResponse(content, status, headers={"Cache-Control": "no-store"})

    return Route("/healthz", health)


def _shown(state: PartState, now: float) -> dict[str, object]:
    return {
        "doing": state.doing.value,
        "last_success": state.last_success_time,
        "silent_for": round(state.silent_for(now), 1),
        "failures": state.failures,
        "failure": "" if state.failure is None else _kind(state.failure),
    }


def _kind(failure: BaseException) -> str:
    """What kind of error it is, in the words of `chainrep.errors`, which name nothing."""
    if not isinstance(failure, ChainrepError):
        return "an error in the program; its log says which."
    meaning = (type(failure).__doc__ or type(failure).__name__).splitlines()[0]
    return meaning[:1].lower() + meaning[1:]
