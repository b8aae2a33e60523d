"""`GET /metrics`: figures for Prometheus, from the hub's events and the store's rows.

Labels are names of the configuration and of our own states, never of people or conversations.
Rows are counted once each: those of the time since the last look.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, NamedTuple

from aiohttp import web

from bot import __version__, lazy
from bot.engine.port import Row, Script, q
from bot.errors import MissingExtra, RequestError
from bot.events import Delta, Event, Finished, Note, RunEvent, Started, ToolEnded
from bot.gateway.auth import Auth, bearer
from bot.gateway.figures import LIMITED, channel_of
from bot.gateway.services import Core
from bot.store import slowdowns

_LATENCY = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_WAITS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300)
_MOST_RUNS = 10_000
_MOST_NAMES = 200
_OTHER = "other"


class _Names:
    """Values of a label, so many and no more; the rest is one."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, name: str | None) -> str:
        if name is None:
            return "none"
        if name not in self._known and len(self._known) >= _MOST_NAMES:
            return _OTHER
        self._known.add(name)
        return name


class Metrics:
    """Counts what happens in this process. Raises MissingExtra without the library."""

    def __init__(self, core: Core) -> None:
        library = lazy.optional("prometheus_client")
        self._core = core
        self._library = library
        self._begun: OrderedDict[str, tuple[float, bool]] = OrderedDict()
        self._since = core.clock.now()
        self._looking = asyncio.Lock()
        self._tools, self._codes, self._models = _Names(), _Names(), _Names()
        self.registry = library.CollectorRegistry()
        self._make()
        # What another process did is counted there.
        core.hub.listen_own(self.hear)

    def _counter(self, name: str, help: str, *labels: str) -> Any:
        return self._library.Counter(f"trunkline_{name}", help, labels, registry=self.registry)

    def _gauge(self, name: str, help: str, *labels: str) -> Any:
        return self._library.Gauge(f"trunkline_{name}", help, labels, registry=self.registry)

    def _histogram(self, name: str, help: str, buckets: tuple[float, ...]) -> Any:
        return self._library.Histogram(
            f"trunkline_{name}", help, buckets=buckets, registry=self.registry
        )

    def _make(self) -> None:
        self._gauge("info", "The version that runs", "version").labels(__version__).set(1)
        self._messages = self._counter(
            "messages", "Messages that came, by channel", "channel", "state"
        )
        self._runs = self._counter("runs", "Runs that ended, by state", "state")
        self._active = self._gauge("runs_active", "Runs by state, not ended", "state")
        self._errors = self._counter("run_errors", "Runs that failed, by code", "code")
        self._notes = self._counter("notes", "Warnings of runs, by code", "code")
        self._limited = self._counter(
            "rate_limited", "Runs that failed because the provider asked to wait (429)"
        )
        self._waits = self._counter(
            "waits_asked", "Times that a channel's account or a model asked to wait", "kind", "name"
        )
        self._first = self._histogram(
            "first_token_seconds", "From a run's start to its first visible text", _LATENCY
        )
        self._whole = self._histogram(
            "reply_seconds", "From a run's start to its end, those that ended well", _LATENCY
        )
        self._waited = self._histogram(
            "queue_wait_seconds", "From acceptance to a run's start", _WAITS
        )
        self._calls = self._counter("tool_calls", "Tool calls, by outcome", "tool", "outcome")
        self._tokens = self._counter("model_tokens", "Tokens, by model", "model", "direction")
        self._cost = self._counter("model_cost_dollars", "Cost in US dollars, by model", "model")
        self._outbox = self._gauge("outbox_open", "Parts that wait or are being sent", "state")
        self._tasks = self._gauge("tasks", "Scheduled tasks", "state")
        self._task_runs = self._counter("task_runs", "Runs of tasks that ended", "status")

    def hear(self, event: Event) -> None:
        if not isinstance(event, RunEvent):
            return
        body = event.body
        if isinstance(body, Started):
            self._begun[event.run] = (event.at, False)
            if len(self._begun) > _MOST_RUNS:
                self._begun.popitem(last=False)
        elif isinstance(body, Delta):
            began, spoken = self._begun.get(event.run, (event.at, True))
            if not spoken:
                self._first.observe(max(0.0, event.at - began))
                self._begun[event.run] = (began, True)
        elif isinstance(body, ToolEnded):
            outcome = "error" if body.is_error else "ok"
            self._calls.labels(self._tools(body.name), outcome).inc()
        elif isinstance(body, Note):
            self._notes.labels(self._codes(body.code)).inc()
        elif isinstance(body, Finished):
            self._finished(event.run, body)

    def _finished(self, run: str, body: Finished) -> None:
        self._begun.pop(run, None)
        self._runs.labels(body.status).inc()
        if body.status == "ok":
            self._whole.observe(max(0.0, body.ended_at - body.started_at))
        if body.status == "error":
            code = (body.error or {}).get("code", "INTERNAL")
            self._errors.labels(self._codes(code)).inc()
            if code == LIMITED:
                self._limited.inc()

    async def text(self) -> bytes:
        """All figures in Prometheus' text form."""
        async with self._looking:
            # A moment ago: what is being committed now is counted the next time.
            now = self._core.clock.now() - 1.0
            found = await self._core.engine.read(_look(self._since, now))
            self._since = max(now, self._since)
            self._count(found)
        made: bytes = self._library.generate_latest(self.registry)
        return made

    def _count(self, found: _Found) -> None:
        for row in found.came:
            channel = channel_of(row["address"])
            state = "refused" if row["kind"] == "refused" else "accepted"
            self._messages.labels(self._codes(channel), state).inc(row["n"])
        for row in found.ended:
            if row["started_at"] is not None:
                self._waited.observe(max(0.0, row["started_at"] - row["accepted_at"]))
            model = self._models(row["model"])
            self._tokens.labels(model, "input").inc(row["input_tokens"] or 0)
            self._tokens.labels(model, "output").inc(row["output_tokens"] or 0)
            self._cost.labels(model).inc(row["cost"] or 0.0)
        for row in found.waits:
            self._waits.labels(row["kind"], self._models(row["name"])).inc()
        for gauge, name in ((self._active, "runs"), (self._outbox, "outbox"), (self._tasks, "on")):
            gauge.clear()
            for row in found.open[name]:
                gauge.labels(str(row["state"])).set(row["n"])
        for row in found.tasks:
            self._task_runs.labels(self._codes(row["status"])).inc(row["n"])


class _Found(NamedTuple):
    """What came, ended and asked to wait in a time, and what is open now, counted by state."""

    came: list[Row]
    ended: list[Row]
    tasks: list[Row]
    waits: list[Row]
    open: dict[str, list[Row]]


def _look(since: float, until: float) -> Script[_Found]:
    came = yield q(
        "SELECT address, kind, count(*) AS n FROM inbox "
        "WHERE accepted_at > ? AND accepted_at <= ? GROUP BY address, kind",
        since,
        until,
    )
    ended = yield q(
        "SELECT accepted_at, started_at, model, input_tokens, output_tokens, cost FROM runs "
        "WHERE ended_at > ? AND ended_at <= ? AND joined IS NULL",
        since,
        until,
    )
    active = yield q("SELECT state, count(*) AS n FROM runs WHERE ended_at IS NULL GROUP BY state")
    outbox = yield q(
        "SELECT state, count(*) AS n FROM outbox "
        "WHERE state IN ('pending', 'sending') GROUP BY state"
    )
    on = yield q("SELECT state, count(*) AS n FROM tasks GROUP BY state")
    tasks = yield q(
        "SELECT status, count(*) AS n FROM task_runs "
        "WHERE ended_at > ? AND ended_at <= ? GROUP BY status",
        since,
        until,
    )
    waits = yield from slowdowns.between(since, until)
    open = {"runs": active, "outbox": outbox, "on": on}
    return _Found(came, ended, tasks, waits, open)


def add(app: web.Application, core: Core, auth: Auth) -> None:
    """Register the route; without the library it says what to install."""
    metrics: Metrics | None = None
    missing = ""
    try:
        metrics = Metrics(core)
    except MissingExtra as error:
        missing = str(error)

    async def serve(request: web.Request) -> web.Response:
        await auth.check_token(request, bearer(request))
        if metrics is None:
            raise RequestError("UNAVAILABLE", missing)
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=await metrics.text(), headers=headers)

    app.router.add_get("/metrics", serve)
