"""A small Bot API server that also makes the load: updates out, answers with a nonce back.

`POST /control/run` with `{chats, messages, window}` sends that many messages and answers with the
latencies; `window` is how many may be unanswered at once (0: all).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import time
from collections import deque
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

# How a program says that a message may be there twice, as it stands in a form.
MARK = b"sent+again"
NONCE = re.compile(rb"m(\d+)z")
TOKEN = "1:bench"
_ME = {"id": 1, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}


class Load:
    """The messages of one measurement, and when each was answered."""

    def __init__(self, chats: int, messages: int, window: int, first: int) -> None:
        self.window = window or messages
        self.first = first
        self.total = messages
        self.chats = chats
        self.sent: dict[int, float] = {}
        self.answered: dict[int, list[float]] = {}
        self.marked: set[int] = set()
        self.done = asyncio.Event()

    @property
    def open(self) -> int:
        return len(self.sent) - len(self.answered)


class Platform:
    """All connections share this state."""

    def __init__(self) -> None:
        self.pending: deque[dict[str, Any]] = deque()
        self.unconfirmed: list[dict[str, Any]] = []
        self.update_id = 1000
        self.message_id = 1
        self.nonce = 0
        self.load: Load | None = None
        self.fed = asyncio.Event()
        self.first_poll = asyncio.Event()
        self.first_poll_at = 0.0

    def feed(self) -> None:
        """Send as many messages as the window lets."""
        load = self.load
        while load and len(load.sent) < load.total and load.open < load.window:
            number = self.nonce
            self.nonce += 1
            load.sent[number] = time.perf_counter()
            self._push(number % load.chats + 10, f"please answer m{number}z")
        self.fed.set()

    def _push(self, chat: int, text: str) -> None:
        self.update_id += 1
        self.message_id += 1
        person = {"id": chat, "is_bot": False, "first_name": f"Person {chat}"}
        message = {
            "message_id": self.message_id,
            "date": 1767225600,
            "from": person,
            "chat": {"id": chat, "type": "private", "first_name": f"Person {chat}"},
            "text": text,
        }
        self.pending.append({"update_id": self.update_id, "message": message})

    async def poll(self, offset: int | None, wait: float) -> list[dict[str, Any]]:
        """Confirm what is below the offset, then answer with what waits."""
        if not self.first_poll.is_set():
            self.first_poll_at = time.time()
            self.first_poll.set()
        if offset is not None:
            self.unconfirmed = [one for one in self.unconfirmed if one["update_id"] >= offset]
        if not (self.unconfirmed or self.pending) and wait > 0:
            self.fed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.fed.wait(), wait)
        while self.pending and len(self.unconfirmed) < 100:
            self.unconfirmed.append(self.pending.popleft())
        return self.unconfirmed[:100]

    def shown(self, body: bytes) -> None:
        """A message or edit with a nonce answers it."""
        found = NONCE.search(body)
        load = self.load
        if found is None or load is None:
            return
        number = int(found[1])
        if number in load.sent:
            load.answered.setdefault(number, []).append(time.perf_counter())
            if MARK in body:
                load.marked.add(number)
            if len(load.answered) == load.total:
                load.done.set()
            self.feed()

    async def run(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One measurement. `limit` is in seconds: after it, what is missing is counted."""
        load = self.load = Load(
            asked["chats"], asked["messages"], asked.get("window", 0), self.nonce
        )
        began = time.perf_counter()
        self.feed()
        try:
            async with asyncio.timeout(asked.get("limit", 120)):
                await load.done.wait()
        except TimeoutError:
            pass
        took = time.perf_counter() - began
        latencies = [at[0] - load.sent[number] for number, at in load.answered.items()]
        return {
            "seconds": took,
            "answered": len(load.answered),
            "missing": load.total - len(load.answered),
            "twice": sum(
                1
                for number, at in load.answered.items()
                if len(at) > 1 and number not in load.marked
            ),
            "marked": len(load.marked),
            "latencies": sorted(latencies),
        }


class Service:
    """The Bot API methods over HTTP, as far as a measurement needs them."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def handle(self, request: web.Request) -> web.Response:
        method = request.path.rpartition("/")[2]
        body = await request.read()
        result = await self._call(method, body)
        return web.Response(
            body=json.dumps({"ok": True, "result": result}).encode(),
            content_type="application/json",
        )

    async def _call(self, method: str, body: bytes) -> Any:
        platform = self._platform
        if method == "getUpdates":
            fields = _fields(body)
            offset = fields.get("offset")
            wait = float(fields.get("timeout") or 0)
            return await platform.poll(None if offset is None else int(offset), wait)
        if method in ("sendMessage", "editMessageText"):
            platform.message_id += 1
            platform.shown(body)
            chat = {"id": 10, "type": "private"}
            return {"message_id": platform.message_id, "date": 1, "chat": chat, "text": "x"}
        if method == "getMe":
            return _ME
        if method == "run":
            return await platform.run(json.loads(body))
        if method == "answered":
            return {"count": len(platform.load.answered) if platform.load else 0}
        if method == "polled":
            if json.loads(body).get("again"):
                platform.first_poll.clear()
            await platform.first_poll.wait()
            return {"at": platform.first_poll_at}
        return [] if method.startswith("get") else True


def _fields(body: bytes) -> dict[str, Any]:
    if body[:1] == b"{":
        found: dict[str, Any] = json.loads(body)
        return found
    return {name: values[-1] for name, values in parse_qs(body.decode()).items()}


async def serve() -> None:
    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{path:.*}", Service(Platform()).handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    asyncio.run(serve())


if __name__ == "__main__":
    main()
