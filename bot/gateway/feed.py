"""What one client is shown of what happens: runs as `agent` events, and signals as they are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import StoreError
from bot.events import (
    Compacted,
    Delta,
    Event,
    Finished,
    Note,
    RunEvent,
    Signal,
    Started,
    Thought,
    ToolEnded,
    ToolStarted,
    ToolUpdated,
)
from bot.gateway.frames import EVENTS
from bot.gateway.rows import error_row, when

Json = dict[str, Any]
_RUNS = 512


@dataclass(frozen=True, slots=True)
class View:
    """What a session lets its watchers see: tool results under `full`, thoughts in its history."""

    verbose: str = "off"
    reasoning: str = "off"


Views = Callable[[str], Awaitable[View]]


class Feed:
    """Turns events into named payloads for a client; a run keeps the view it began with.

    `names` are the events that it may see at all.
    """

    def __init__(self, caps: frozenset[str], views: Views, names: Collection[str] = EVENTS) -> None:
        self._caps = caps
        self._names = names
        self._views = views
        self._runs: OrderedDict[str, View] = OrderedDict()

    async def payload(self, event: Event) -> tuple[str, Mapping[str, Any]] | None:
        """The event's name and payload, None when it is not for this client."""
        if isinstance(event, Signal):
            return (event.name, event.data) if event.name in self._names else None
        if "agent" not in self._names:
            return None
        data = self._data(event, await self._view(event))
        if data is None:
            return None
        return "agent", {
            "runId": event.run,
            "sessionKey": event.session,
            "seq": event.seq,
            "stream": event.body.stream,
            "ts": when(event.at),
            "data": data,
        }

    def _data(self, event: RunEvent, view: View) -> Json | None:
        body = event.body
        if isinstance(body, ToolStarted | ToolUpdated | ToolEnded):
            return tool_data(body, view) if "tool-events" in self._caps else None
        if isinstance(body, Thought):
            # A run that shows none of its reasoning tells of none.
            return _pieces(body)
        return plain_data(body)

    async def _view(self, event: RunEvent) -> View:
        if event.run not in self._runs:
            self._runs[event.run] = await self._looked_up(event.session)
            if len(self._runs) > _RUNS:
                self._runs.popitem(last=False)
        view = self._runs[event.run]
        if isinstance(event.body, Finished):
            del self._runs[event.run]
        return view

    async def _looked_up(self, session: str) -> View:
        try:
            return await self._views(session)
        except StoreError:
            return View()


def plain_data(body: Started | Delta | Compacted | Note | Finished) -> Json:
    """The data of what every client is shown."""
    if isinstance(body, Started):
        return {"phase": "start", "startedAt": when(body.started_at)}
    if isinstance(body, Delta):
        return _pieces(body)
    if isinstance(body, Compacted):
        return {"phase": body.phase, "willRetry": body.will_retry}
    if isinstance(body, Note):
        return {"code": body.code, "message": body.text}
    times = {"startedAt": when(body.started_at), "endedAt": when(body.ended_at)}
    if body.status == "error":
        return {"phase": "error", **times, "error": error_row(body.error)}
    data: Json = {"phase": "end", **times}
    if body.status == "aborted":
        data["aborted"] = True
    if body.usage is not None:
        data["usage"] = {name: value for name, value in body.usage.items() if value is not None}
    return data


def tool_data(body: ToolStarted | ToolUpdated | ToolEnded, view: View) -> Json:
    """Name and state always; what went in and came out only where the session is fully verbose."""
    data: Json = {"toolCallId": body.call_id, "name": body.name}
    full = view.verbose == "full"
    if isinstance(body, ToolStarted):
        return {"phase": "start", **data, **({"args": dict(body.args)} if full else {})}
    if isinstance(body, ToolUpdated):
        return {"phase": "update", **data, **({"text": body.text} if full else {})}
    data["isError"] = body.is_error
    return {"phase": "result", **data, **({"result": body.text} if full else {})}


def _pieces(body: Delta | Thought) -> Json:
    return {"text": body.text, "delta": body.delta}
