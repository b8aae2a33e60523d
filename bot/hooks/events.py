"""Commands and lifecycle, as the handlers of folders hear them.

A handler gets one dict and may push texts onto its `messages`, which go to the conversation. What
it raises is logged and nothing more.
"""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from bot.contract import Address
from bot.hooks.handlers import Event, Handler, Handlers, HookFailed, failed
from bot.keys import parse_key

log = structlog.get_logger("hooks")

# Runs of pushed texts begin so; of these nobody is told that they were sent.
PUSHED = "hook:"
MOST = 10
MAX_TEXT = 4000

Push = Callable[[Address, Sequence[str]], Awaitable[None]]


async def nowhere(to: Address, texts: Sequence[str]) -> None:
    """Stands for the outbox of a process that sends nothing."""


class Events:
    """Tells handlers of folders. `push` puts their texts out, `now` is in seconds."""

    def __init__(self, handlers: Handlers) -> None:
        self.push: Push = nowhere
        self.now: Callable[[], float] = time.time
        self._handlers = handlers
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(
        self,
        name: str,
        key: str | None,
        context: Event,
        to: Address | None = None,
        agent: str | None = None,
    ) -> None:
        """Tell everybody who hears this event, and go on."""
        agent = parse_key(key).agent if key else agent
        handlers = self._handlers.at(agent, *_points(name))
        if not handlers:
            return
        event = self._event(name, key, agent, copy.deepcopy(context))
        task = asyncio.create_task(self._told(handlers, event, to), name=f"hooks:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def bootstrap(
        self, agent: str, key: str, files: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """The files of a prompt as handlers want them: rows with `name` and `content`."""
        rows = list(files)
        for handler in self._handlers.at(agent, "agent:bootstrap"):
            context = {"bootstrapFiles": copy.deepcopy(rows)}
            event = self._event("agent:bootstrap", key, agent, context)
            try:
                await self._handlers.run(handler, event)
                rows = _files(event)
            except HookFailed as error:
                failed(handler, error)
        return rows

    async def idle(self) -> None:
        """Return when everybody has been told."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _told(self, handlers: Sequence[Handler], event: Event, to: Address | None) -> None:
        for handler in handlers:
            own = copy.deepcopy(event)
            try:
                await self._handlers.run(handler, own)
                texts = _texts(own)
                if texts and to is not None:
                    await self.push(to, texts)
            except HookFailed as error:
                failed(handler, error)
            except Exception as error:
                log.error("texts of a hook not sent", hook=handler.name, exc_info=error)

    def _event(self, name: str, key: str | None, agent: str | None, context: Event) -> Event:
        kind, _, action = name.partition(":")
        return {
            "type": kind,
            "action": action,
            "sessionKey": key,
            "agentId": agent,
            "timestamp": int(self.now() * 1000),
            "context": context,
            "messages": [],
        }


def _points(name: str) -> tuple[str, ...]:
    """Whoever hears every command hears this one."""
    return (name, "command") if name.startswith("command:") else (name,)


def _texts(event: Event) -> list[str]:
    """What a handler pushed. Raises HookFailed."""
    texts = event.get("messages")
    if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        raise HookFailed("messages is no list of texts")
    if len(texts) > MOST:
        raise HookFailed(f"it pushed {len(texts)} messages; {MOST} are the most")
    return [one[:MAX_TEXT] for one in texts if one.strip()]


def _files(event: Event) -> list[dict[str, Any]]:
    """The files that a handler left. Raises HookFailed."""
    context = event.get("context")
    rows: Any = context.get("bootstrapFiles") if isinstance(context, dict) else None
    sound = isinstance(rows, list) and all(
        isinstance(row, dict)
        and isinstance(row.get("name"), str)
        and isinstance(row.get("content"), str | None)
        for row in rows
    )
    if not sound or rows is None:
        raise HookFailed("bootstrapFiles is no list of files with name and content")
    return list(rows)
