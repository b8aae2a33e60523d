"""The `chat` events: an answer's text so far, now and then, and exactly one end for each run."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from bot.clock import Clock
from bot.events import Delta, Event, Finished, Hub, RunEvent, Signal, Started
from bot.gateway.rows import error_row, message_row, text_row
from bot.types import Entry

EVERY = 0.15
_ENDED = 4096
_STATES = {"ok": "final", "aborted": "aborted", "error": "error"}

Json = Mapping[str, Any]


class _Run:
    """A run that is on: its newest text, and the task that shows it."""

    def __init__(self) -> None:
        self.newest: RunEvent | None = None
        self.shower: asyncio.Task[None] | None = None


class ChatEvents:
    """Reads runs from the hub and gives their `chat` events back to it, once for all watchers."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        hub.listen(self._heard)
        self._runs: dict[str, _Run] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    async def stop(self) -> None:
        tasks = [run.shower for run in self._runs.values() if run.shower]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def answered(self, run: str, session: str, text: str, files: Sequence[Json] = ()) -> None:
        """A whole answer was delivered: the end of a run that has no other, such as a command's."""
        if run not in self._runs and run not in self._ended:
            row = text_row(run, text, self._clock.now(), "done") | {"attachments": list(files)}
            self._hub.publish(Signal("run.answered", _line(run, session, row)))

    def said(self, session: str, entry: Entry) -> None:
        """A line came into a session from beside it: the result of a scheduled run."""
        row = message_row(entry, reasoning=False)
        self._hub.publish(Signal("session.said", _line(str(entry.run), session, row)))
        self._hub.publish(Signal("sessions.changed", {"sessionKey": session}))

    async def ended(self, run: str) -> None:
        """Wait until a run ends here; one that ended before, or ends elsewhere, is waited for."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run, []).append(waiter)
        try:
            await waiter
        finally:
            if waiter in (others := self._waiting.get(run, [])):
                others.remove(waiter)
                if not others:
                    del self._waiting[run]

    def _heard(self, event: Event) -> None:
        if isinstance(event, Signal):
            self._signalled(event)
        elif event.run in self._ended:
            return
        elif isinstance(event.body, Started):
            self._runs.setdefault(event.run, _Run())
        elif isinstance(event.body, Delta):
            if self._hub.watched:
                self._grown(event)
        elif isinstance(event.body, Finished):
            self._finished(event, event.body)

    def _signalled(self, signal: Signal) -> None:
        """A run ends too that was taken back before it began, or is answered with another."""
        data = signal.data
        run = str(data.get("runId"))
        if signal.name == "session.said":
            self._publish(run, data["sessionKey"], 1, "final", data["message"])
        if run in self._ended:
            return
        if signal.name == "run.withdrawn":
            self._end(run, data["sessionKey"], 1, "aborted", None)
        elif signal.name == "run.joined":
            joined = {"joined": data["joined"]}
            self._end(run, data["sessionKey"], 1, "final", None, more=joined)
        elif signal.name == "run.answered" and run not in self._runs:
            self._end(run, data["sessionKey"], 1, "final", data["message"])

    def _grown(self, event: RunEvent) -> None:
        run = self._runs.setdefault(event.run, _Run())
        run.newest = event
        if run.shower is None or run.shower.done():
            run.shower = asyncio.create_task(self._show(run), name=f"chat:{event.run}")

    async def _show(self, run: _Run) -> None:
        """Show at once, then at most every so often, until nothing is new."""
        while (event := run.newest) is not None:
            run.newest = None
            assert isinstance(event.body, Delta)
            row = text_row(event.run, event.body.text, event.at, "streaming")
            self._publish(event.run, event.session, event.seq, "delta", row)
            await self._clock.sleep(EVERY)

    def _finished(self, event: RunEvent, body: Finished) -> None:
        run = self._runs.pop(event.run, None)
        if run is not None and run.shower is not None:
            run.shower.cancel()
        error = error_row(body.error) if body.status == "error" else None
        state = _STATES[body.status]
        self._end(event.run, event.session, event.seq, state, self._row(event, body), error)

    def _row(self, event: RunEvent, body: Finished) -> Json | None:
        """The answer's line; None when the run says nothing."""
        if not body.reply:
            return None
        if body.entry is not None:
            return message_row(body.entry, reasoning=False) | {"text": body.reply}
        state = "done" if body.status == "ok" else body.status
        return text_row(event.run, body.reply, body.ended_at, state)

    def _end(
        self,
        run: str,
        session: str,
        seq: int,
        state: str,
        row: Json | None,
        error: Json | None = None,
        more: Json | None = None,
    ) -> None:
        self._ended[run] = None
        if len(self._ended) > _ENDED:
            self._ended.popitem(last=False)
        self._publish(run, session, seq, state, row, error, more)
        for waiter in self._waiting.pop(run, ()):
            if not waiter.done():
                waiter.set_result(None)

    def _publish(
        self,
        run: str,
        session: str,
        seq: int,
        state: str,
        row: Json | None,
        error: Json | None = None,
        more: Json | None = None,
    ) -> None:
        payload = {"runId": run, "sessionKey": session, "seq": seq, "state": state, "message": row}
        payload.update(more or {})
        if error is not None:
            payload["error"] = error
        self._hub.publish(Signal("chat", payload))


def _line(run: str, session: str, row: Json) -> Json:
    return {"runId": run, "sessionKey": session, "message": row}
