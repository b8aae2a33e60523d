"""Unpacks what servers send packed, never to more than was asked for."""

from __future__ import annotations

import zlib

from bot.errors import FetchError

_GZIP = 16 + zlib.MAX_WBITS


class Unpacker:
    """Takes a body piece by piece, and at most `limit` bytes of what is in it.

    `cut` is set when there is more; a small packed body may hold gigabytes. Raises FetchError for
    a packing other than gzip and deflate, and for a damaged one.
    """

    def __init__(self, packing: str, limit: int) -> None:
        self._packing = packing.strip().lower()
        if self._packing not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise FetchError(f"the server packs its answer as {self._packing[:20]!r}, not as gzip")
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._packed = self._packing not in ("", "identity")
        self._stream: zlib._Decompress | None = None
        self.cut = False

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        if not self._packed:
            self._take(data)
            return
        try:
            while data and not self.cut:
                data = self._unpack(data)
        except zlib.error:
            raise FetchError("the server's answer is packed wrongly") from None

    def taken(self) -> bytes:
        return b"".join(self._parts)

    def _unpack(self, data: bytes) -> bytes:
        """Unpack what there is room for, and what is left to be unpacked."""
        if self._stream is None:
            self._stream = zlib.decompressobj(self._kind(data))
        # One byte more than there is room for tells whether there is more.
        self._take(self._stream.decompress(data, self._limit - self._size + 1))
        left = self._stream.unconsumed_tail
        if self._stream.eof:
            left = self._stream.unused_data
            # gzip allows several files behind each other; anything else there is padding.
            self._stream = None
            if not left.startswith(b"\x1f\x8b"):
                return b""
        return left

    def _kind(self, data: bytes) -> int:
        if self._packing != "deflate":
            return _GZIP
        # The name stands for zlib's frame, and many servers send the bare stream.
        framed = data[0] & 0x0F == 8 and data[0] >> 4 <= 7
        return zlib.MAX_WBITS if framed else -zlib.MAX_WBITS

    def _take(self, data: bytes) -> None:
        room = self._limit - self._size
        self.cut = self.cut or len(data) > room
        self._parts.append(data[:room])
        self._size += min(len(data), room)
