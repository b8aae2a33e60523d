"""The one event-stream parser: bytes in, cut anywhere, whole events out. Pure.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from typing import NamedTuple

MAX_EVENT = 8 << 20

_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One dispatched event; `id` is the last one the stream has given."""

    data: str
    type: str = "message"
    id: str = ""


class Parser:
    """Feed it what arrives. An event that the stream does not end with a blank line never comes.

    `retry` is the reconnection time in milliseconds that the stream asked for, if it did. `whole`:
    a server may answer with one JSON document instead of a stream.
    """

    whole = True

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self.retry: int | None = None
        self._max = max_event
        self._buffer = bytearray()
        self._started = False
        self._after_cr = False
        self._id = ""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes. Raises ValueError above `max_event` bytes."""
        if b"\r" in chunk or self._after_cr:
            chunk = self._only_line_feeds(chunk)
        buffer = self._buffer
        seen = max(0, len(buffer) - 1)
        buffer += chunk
        if not self._started and not self._start():
            return []
        events: list[Event] = []
        begin = 0
        while (end := buffer.find(b"\n\n", max(begin, seen))) >= 0:
            self._check(end - begin)
            if event := self._event(buffer[begin:end]):
                events.append(event)
            begin = end + 2
        del buffer[:begin]
        self._check(len(buffer))
        return events

    def end(self) -> list[Event]:
        """None: an event without its blank line is dropped."""
        return []

    def _check(self, size: int) -> None:
        if size > self._max:
            raise ValueError(f"one event of the stream is larger than {self._max} bytes")

    def _only_line_feeds(self, chunk: bytes) -> bytes:
        """CR and CRLF end a line too; a CRLF may be cut in the middle."""
        if not chunk:
            return chunk
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
            if not chunk:
                return chunk
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _start(self) -> bool:
        """Drop one byte order mark, as soon as it is clear whether there is one."""
        if len(self._buffer) < len(_BOM) and _BOM.startswith(self._buffer):
            return False
        if self._buffer.startswith(_BOM):
            del self._buffer[: len(_BOM)]
        self._started = True
        return True

    def _event(self, block: bytearray) -> Event | None:
        if block.startswith(b"data: ") and b"\n" not in block:
            return Event(block[6:].decode("utf-8", "replace"), "message", self._id)
        data: list[str] = []
        kind = ""
        for line in block.decode("utf-8", "replace").split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                data.append(value)
            elif name == "event":
                kind = value
            elif name == "id" and "\0" not in value:
                self._id = value
            elif name == "retry" and value.isascii() and value.isdecimal():
                self.retry = int(value[:9])
        return Event("\n".join(data), kind or "message", self._id) if data else None
