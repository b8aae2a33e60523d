"""A server for embeddings, OpenAI's and Ollama's way: texts of one meaning lie near each other."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

# Words of one meaning share an axis.
MEANINGS = (
    {"car", "automobile", "vehicle", "drive"},
    {"doctor", "physician", "dentist", "appointment"},
    {"bread", "loaf", "baking", "sourdough"},
    {"safe", "vault", "code", "combination"},
)


def vector(text: str) -> list[float]:
    found = set(re.findall(r"\w+", text.lower()))
    return [float(len(found & words)) for words in MEANINGS] + [0.1]


@dataclass
class Embeddings:
    """What was asked, and how to answer: `status` and `body` replace the true answer."""

    url: str = ""
    texts: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    status: int = 200
    body: Any = None

    async def openai(self, request: web.Request) -> web.Response:
        given = await self._note(request)
        rows = [
            {"object": "embedding", "index": at, "embedding": vector(text)}
            for at, text in enumerate(given)
        ]
        # A server may answer in any order: the index counts.
        return self._answer({"object": "list", "data": rows[::-1], "model": "m"})

    async def ollama(self, request: web.Request) -> web.Response:
        given = await self._note(request)
        return self._answer({"model": "m", "embeddings": [vector(text) for text in given]})

    async def _note(self, request: web.Request) -> list[str]:
        given: list[str] = (await request.json())["input"]
        self.texts += given
        self.keys.append(request.headers.get("Authorization"))
        return given

    def _answer(self, truth: Any) -> web.Response:
        body = truth if self.body is None else self.body
        if isinstance(body, str):
            return web.Response(text=body, status=self.status, content_type="application/json")
        return web.json_response(body, status=self.status)


@asynccontextmanager
async def embeddings_server() -> AsyncIterator[Embeddings]:
    fake = Embeddings()
    app = web.Application()
    app.router.add_post("/v1/embeddings", fake.openai)
    app.router.add_post("/api/embed", fake.ollama)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()
