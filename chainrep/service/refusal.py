"""What a service answers instead of what was asked for: a status, and the reason as JSON."""

from __future__ import annotations

from starlette.responses import JSONResponse

from chainrep.errors import NotAuthorized


def refusal(status: int, reason: str, **named: str) -> JSONResponse:
    """``{"refused": reason}`` with a status of 400 or above, and more fields where they help."""
    return JSONResponse({"refused": reason} | named, status)


def refused(error: Exception) -> JSONResponse:
    """What an asker's own mistake is answered: 401 for NotAuthorized, else 400, in its words."""
    return refusal(401 if isinstance(error, NotAuthorized) else 400, str(error))
