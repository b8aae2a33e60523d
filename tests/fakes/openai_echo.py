"""An instant model server for benchmarks: streams `echo: <last user message>` and costs little.

Its own small HTTP reader on asyncio: what it spends is taken from the program under test.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
)
MODELS = json.dumps({"object": "list", "data": [{"id": "echo", "object": "model"}]}).encode()
NOT_FOUND = json.dumps({"error": {"message": "no such path", "type": "invalid_request_error"}})
_CHUNK = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,'
_CHUNK += b'"model":"echo","choices":[{"index":0,"delta":%b,"finish_reason":%b}]}\n\n'
_USAGE = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,'
_USAGE += b'"model":"echo","choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d,'
_USAGE += b'"total_tokens":%d}}\n\n'


def last_user_text(body: dict[str, Any]) -> str:
    """The text of the last user message, its parts joined."""
    for message in reversed(body["messages"]):
        if message["role"] == "user":
            content = message["content"]
            if isinstance(content, str):
                return content
            return "".join(part.get("text", "") for part in content)
    return ""


def echo(body: dict[str, Any]) -> bytes:
    """A whole streamed answer as one piece: a few words in each delta."""
    text = "echo: " + last_user_text(body)
    words = text.split(" ")
    pieces = [" ".join(words[at : at + 4]) for at in range(0, len(words), 4)]
    deltas = ['{"role":"assistant","content":""}']
    for number, piece in enumerate(pieces):
        deltas.append(json.dumps({"content": piece if number == 0 else " " + piece}))
    answer = b"".join(_CHUNK % (delta.encode(), b"null") for delta in deltas)
    asked = len(body["messages"])
    counts = _USAGE % (asked, len(words), asked + len(words))
    return answer + _CHUNK % (b"{}", b'"stop"') + counts + b"data: [DONE]\n\n"


class Echo(asyncio.Protocol):
    """One connection, requests one after the other."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._buffer = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).decode("latin-1")
            size = length(head)
            if len(self._buffer) < end + 4 + size:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + size])
            del self._buffer[: end + 4 + size]
            self._serve(head.partition("\r\n")[0], body)

    def _serve(self, line: str, body: bytes) -> None:
        method, path, _ = line.split(" ", 2)
        if method == "GET" and path.endswith("/models"):
            self._whole("200 OK", MODELS)
        elif method == "POST" and path.endswith("/chat/completions"):
            answer = echo(json.loads(body))
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._stream, answer)
            else:
                self._stream(answer)
        else:
            self._whole("404 Not Found", NOT_FOUND.encode())

    def _stream(self, answer: bytes) -> None:
        self._transport.write(b"%b%x\r\n%b\r\n0\r\n\r\n" % (HEAD, len(answer), answer))

    def _whole(self, status: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self._transport.write(head.encode() + b"\r\n\r\n" + body)


def length(head: str) -> int:
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


async def start(port: int = 0, delay: float = 0.0, host: str = "127.0.0.1") -> asyncio.Server:
    """Listen; `delay` is in seconds, before each answer."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Echo(delay), host, port, backlog=1024)


async def serve(port: int, delay: float) -> None:
    server = await start(port, delay)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Run until killed; the first line on stdout is the port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.delay))
