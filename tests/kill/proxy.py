"""A network between the program and its database that can be cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Proxy:
    """Passes connections on while it is open; closing it cuts those that are there."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        user = f"{self._to.username}@" if self._to.username else ""
        return self._to._replace(netloc=f"{user}127.0.0.1:{self._port}").geturl()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _connected(self, read: asyncio.StreamReader, write: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            there = await asyncio.open_connection(self._to.hostname, self._to.port)
            ways = [_pass(read, there[1]), _pass(there[0], write)]
            try:
                await asyncio.wait(
                    [asyncio.create_task(way, name="way") for way in ways],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                there[1].transport.abort()
        except asyncio.CancelledError:
            pass
        finally:
            write.transport.abort()
            self._passing.discard(task)


async def _pass(read: asyncio.StreamReader, write: asyncio.StreamWriter) -> None:
    try:
        while data := await read.read(65536):
            write.write(data)
            await write.drain()
    except ConnectionError:
        pass


@asynccontextmanager
async def between(url: str) -> AsyncIterator[Proxy]:
    """A network to this database."""
    proxy = Proxy(url)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
