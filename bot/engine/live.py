"""Live events between processes, by LISTEN and NOTIFY: told at once, or lost, never kept."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException

from bot.engine.port import HEARING
from bot.engine.postgres import LIVELY, LIVELY_THERE

log = structlog.get_logger("engine")

CHANNEL = "trunkline_live"
# PostgreSQL takes 8,000 bytes at most; a larger event is put into a table and told by its number.
MAX_TOLD = 7_900
KEPT = 60.0  # seconds that a large event waits for those who are told of it
_TELL = "SELECT pg_notify(%(channel)s, %(told)s)"
_PUT = "INSERT INTO engine_events(body) VALUES(%(body)s) RETURNING id"
_TAKE = "SELECT body FROM engine_events WHERE id = %(id)s"
_FORGET = "DELETE FROM engine_events WHERE at < now() - %(kept)s::double precision * interval '1 s'"
_AGAIN = 0.5

Callback = Callable[[dict[str, Any]], None]


class Live:
    """Tells the other processes, and hears what they tell."""

    def __init__(self, url: str, connector: PsycopgConnector) -> None:
        self._url = url
        self._connector = connector
        self._me = secrets.token_hex(8)
        self._subscribers: dict[str, list[Callback]] = {}
        self.listening = asyncio.Event()

    def subscribe(self, topic: str, callback: Callback) -> None:
        self._subscribers.setdefault(topic, []).append(callback)

    async def publish(self, topic: str, event: dict[str, Any]) -> None:
        """Tell this process now and the others as soon as may be. Raises nothing."""
        self._hand_on(topic, event)
        told = json.dumps({"from": self._me, "topic": topic, "event": event})
        try:
            if len(told) > MAX_TOLD:
                await self._connector.execute_query_async(_FORGET, kept=KEPT)
                row = await self._connector.execute_query_one_async(_PUT, body=told)
                told = json.dumps({"from": self._me, "at": row["id"]})
            await self._connector.execute_query_async(_TELL, channel=CHANNEL, told=told)
        except ConnectorException as error:
            log.warning("others are not told", topic=topic, error=str(error))

    async def listen(self) -> None:
        """Hear the others until cancelled; a connection that breaks is made again."""
        while True:
            try:
                await self._hear()
            except psycopg.Error as error:
                log.warning("not told of live events", error=str(error).strip())
            self.listening.clear()
            await asyncio.sleep(_AGAIN)

    async def _hear(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            application_name="trunkline live",
            options=LIVELY_THERE,
            **LIVELY,
        ) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self.listening.set()
            self._hand_on(HEARING, {})
            async for told in connection.notifies():
                data = json.loads(told.payload)
                if data["from"] != self._me:
                    await self._received(data)

    async def _received(self, data: dict[str, Any]) -> None:
        if "at" in data:
            try:
                # On another connection: this one only listens.
                row = await self._connector.execute_query_one_async(_TAKE, id=data["at"])
            except ConnectorException as error:
                log.warning("a large live event is lost", error=str(error))
                return
            data = json.loads(row["body"])
        self._hand_on(data["topic"], data["event"])

    def _hand_on(self, topic: str, event: dict[str, Any]) -> None:
        for callback in self._subscribers.get(topic, ()):
            callback(event)
