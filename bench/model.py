"""An instant model server that streams as real ones do: a few words in each piece, one by one."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json

from aiohttp import web

FILLER = "This is what a short answer of a model looks like when it comes piece by piece."


class Model:
    """Answers with the last user message, after `delay` seconds."""

    def __init__(self, delay: float) -> None:
        self._delay = delay

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        asked = next(one for one in reversed(body["messages"]) if one["role"] == "user")
        await asyncio.sleep(self._delay)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        with contextlib.suppress(ConnectionResetError):  # whoever asked was killed
            await answer.prepare(request)
            await _write(answer, f"echo: {asked['content']} {FILLER}".split(" "))
        return answer


async def _write(answer: web.StreamResponse, words: list[str]) -> None:
    for at in range(0, len(words), 3):
        await answer.write(_piece({"content": " ".join(words[at : at + 3]) + " "}, None))
    await answer.write(_piece({}, "stop"))
    usage = {"prompt_tokens": 10, "completion_tokens": len(words), "total_tokens": 30}
    await answer.write(_event({"id": "c", "choices": [], "usage": usage}))
    await answer.write(b"data: [DONE]\n\n")
    await answer.write_eof()


def _piece(delta: dict[str, str], finish: str | None) -> bytes:
    return _event({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _event(data: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


async def serve(delay: float) -> None:
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/chat/completions", Model(delay).handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    given = parser.parse_args()
    asyncio.run(serve(given.delay))


if __name__ == "__main__":
    main()
