"""Sole holders: an advisory lock of PostgreSQL, waited for and held on a connection of its own.

Waiting costs nothing, and the lock moves the moment its holder's connection ends. A holder that
freezes says nothing on it, so PostgreSQL ends it after a few seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
import structlog

from bot.engine.postgres import LIVELY, LIVELY_THERE

log = structlog.get_logger("engine")

PING = 2.0  # seconds
SILENT_AT_MOST = "6s"
_AGAIN = 1.0


def number_of(resource: str) -> int:
    """The number that PostgreSQL knows a resource by: 63 bits of its name's hash."""
    return int.from_bytes(hashlib.sha256(resource.encode()).digest()[:8]) >> 1


@asynccontextmanager
async def own(
    url: str, resource: str, waiting: Callable[[], None] | None = None
) -> AsyncIterator[asyncio.Event]:
    """Wait until the resource is ours; the event is set when it may be somebody else's.

    `waiting` is called when another process has it.
    """
    connection = await _taken(url, resource, waiting)
    lost = asyncio.Event()
    keeping = asyncio.create_task(_keep(connection, resource, lost), name=f"own:{resource}")
    try:
        yield lost
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        await connection.close()


async def _taken(
    url: str, resource: str, waiting: Callable[[], None] | None
) -> psycopg.AsyncConnection[Any]:
    while True:
        connection: psycopg.AsyncConnection[Any] | None = None
        try:
            connection = await psycopg.AsyncConnection.connect(
                url,
                autocommit=True,
                application_name="trunkline owner",
                options=LIVELY_THERE,
                **LIVELY,
            )
            # Before it waits: it may be cut off then, and get the lock all the same.
            await connection.execute(f"SET idle_session_timeout = '{SILENT_AT_MOST}'")
            # Who dies while it waits is not to stay in the queue.
            with suppress(psycopg.errors.InvalidParameterValue):
                await connection.execute("SET client_connection_check_interval = '2s'")
            number = [number_of(resource)]
            asked = await connection.execute("SELECT pg_try_advisory_lock(%s)", number)
            if await asked.fetchone() != (True,):
                if waiting is not None:
                    waiting()
                await connection.execute("SELECT pg_advisory_lock(%s)", number)
            return connection
        except psycopg.Error as error:
            log.warning("not the owner yet", resource=resource, error=str(error).strip())
        except asyncio.CancelledError:
            if connection is not None:
                await connection.close()
            raise
        if connection is not None:
            await connection.close()
        await asyncio.sleep(_AGAIN)


async def _keep(
    connection: psycopg.AsyncConnection[Any], resource: str, lost: asyncio.Event
) -> None:
    loop = asyncio.get_running_loop()
    try:
        while True:
            await asyncio.sleep(PING)
            # Said at once: to give up the question itself can take longer than the lock is ours.
            late = loop.call_later(PING, lost.set)
            try:
                await connection.execute("SELECT 1")
            finally:
                late.cancel()
    except psycopg.Error as error:
        log.warning("not the owner any more", resource=resource, error=str(error).strip())
        lost.set()
