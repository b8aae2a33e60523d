"""JSON documents on lines of their own: bytes in, cut anywhere, whole lines out. Pure."""

from __future__ import annotations

from bot.providers.sse import MAX_EVENT, Event


class Lines:
    """Feed it what arrives. The last line needs no end. `whole`: nothing but lines is expected."""

    whole = False

    def __init__(self, max_line: int = MAX_EVENT) -> None:
        self._max = max_line
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[Event]:
        """The lines that this chunk completes. Raises ValueError above `max_line` bytes."""
        seen = len(self._buffer)
        self._buffer += chunk
        if self._buffer.find(b"\n", seen) < 0:
            self._check(len(self._buffer))
            return []
        *lines, rest = bytes(self._buffer).split(b"\n")
        self._check(max(map(len, (*lines, rest))))
        self._buffer = bytearray(rest)
        return [event for line in lines if (event := _event(line))]

    def end(self) -> list[Event]:
        """The line that was not ended."""
        rest = _event(bytes(self._buffer))
        self._buffer.clear()
        return [rest] if rest else []

    def _check(self, size: int) -> None:
        if size > self._max:
            raise ValueError(f"one line of the stream is larger than {self._max} bytes")


def _event(line: bytes) -> Event | None:
    text = line.strip().decode("utf-8", "replace")
    return Event(text) if text else None
