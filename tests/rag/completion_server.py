"""An OpenAI-compatible endpoint around a real model, and some that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.causal_model import CausalModel, chat_prompt
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import generate

KEY = "sk-secret-of-the-test"


def serving(model: CausalModel, *, chat_key: str | None = None) -> Starlette:
    """Greedy answers of ``model`` on both paths; texts, and chats with a key, for who sends it."""

    def answer(prompt: list[int], max_tokens: int) -> tuple[str, str]:
        spec = DecodeSpec(0, max_tokens=max_tokens, end_tokens=model.end_tokens)
        tokens = generate(model, [prompt], spec, [bytes(32)])[0].tokens
        stopped = tokens[-1] in model.end_tokens
        return model.text(tokens), "stop" if stopped else "length"

    async def complete(request: Request) -> Response:
        asked = await request.json()
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"message": "no key"}}, 401)
        assert (asked["temperature"], asked["n"]) == (0, 1)
        text, finish = answer(model.tokens(asked["prompt"]), asked["max_tokens"])
        return JSONResponse({"choices": [{"index": 0, "text": text, "finish_reason": finish}]})

    async def chat(request: Request) -> Response:
        if chat_key and request.headers.get("Authorization") != f"Bearer {chat_key}":
            return JSONResponse({"error": {"message": "no key"}}, 401)
        asked = await request.json()
        text, finish = answer(chat_prompt(model, asked["messages"]), asked["max_tokens"])
        message = {"role": "assistant", "content": text}
        return JSONResponse({"choices": [{"message": message, "finish_reason": finish}]})

    return Starlette(
        routes=[
            Route("/v1/completions", complete, methods=["POST"]),
            Route("/v1/chat/completions", chat, methods=["POST"]),
        ]
    )


def saying(content: bytes) -> Starlette:
    """Answers every request with the same bytes."""

    async def complete(_: Request) -> Response:
        return Response(content, media_type="application/json")

    return Starlette(routes=[Route("/v1/completions", complete, methods=["POST"])])


def endless(pause: float) -> Starlette:
    """Sends 64 KiB after every pause, for ever."""

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 16)
            await asyncio.sleep(pause)

    async def complete(_: Request) -> Response:
        return StreamingResponse(pieces())

    return Starlette(routes=[Route("/v1/completions", complete, methods=["POST"])])


def overhearing(heard: list[tuple[str, dict[str, str]]]) -> ASGIApp:
    """A proxy that passes nothing on, and tells ``heard`` the method and headers of all it got."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        heard.append((request.method, dict(request.headers)))
        await Response(status_code=502)(scope, receive, send)

    return app


def redirecting(url: str) -> Starlette:
    """Points at another server."""

    async def complete(_: Request) -> Response:
        return RedirectResponse(url, 307)

    return Starlette(routes=[Route("/v1/completions", complete, methods=["POST"])])
