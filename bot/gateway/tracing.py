"""OpenTelemetry (extra `otel`): one trace for each run, made from its rows when it has ended.

Nothing is imported and nobody listens unless a standard `OTEL_*` variable asks for traces. The
path of a message pays nothing: all times are in rows already, and those are read afterwards.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import structlog
from aiohttp import web

from bot import __version__, lazy
from bot.errors import MissingExtra, StoreError
from bot.events import Compacted, Event, Finished, RunEvent, Signal
from bot.gateway import tracing_story
from bot.gateway.auth import Auth
from bot.gateway.services import Core
from bot.gateway.tracing_story import Span, Story

log = structlog.get_logger("tracing")

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# How long receipts are waited for, in seconds; a part that takes longer is told as it is then.
_PAUSES = (0.1, 0.4, 1.0, 3.0, 10.0)
_FLUSH = 5.0
_MOST = 1000
_NAMED = "service.name"


def wanted(env: Mapping[str, str]) -> bool:
    """Do the standard variables ask for traces?"""
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = env.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporter:
        return exporter == "otlp"
    return any(env.get(name, "").strip() for name in _ENDPOINTS)


def trace_id(run: str) -> int:
    """The id of a run's trace, the same wherever it is asked for."""
    return int.from_bytes(sha256(run.encode()).digest()[:16], "big")


class _Ids:
    """The ids of spans: a trace's comes from its run."""

    def __init__(self) -> None:
        self.trace = 1

    def generate_span_id(self) -> int:
        return random.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self.trace

    def is_trace_id_random(self) -> bool:
        return True


class _Exporter:
    """Spans of ours through the library. Raises MissingExtra without it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._api = lazy.optional("opentelemetry.trace")
        self._nothing = lazy.optional("opentelemetry.context").Context()
        sdk = lazy.optional("opentelemetry.sdk.trace")
        batches = lazy.optional("opentelemetry.sdk.trace.export")
        otlp = lazy.optional("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources = lazy.optional("opentelemetry.sdk.resources")
        about = {"service.version": __version__}
        if not env.get("OTEL_SERVICE_NAME") and _NAMED not in env.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        ):
            about[_NAMED] = "trunkline"
        self._ids = _Ids()
        self._provider = sdk.TracerProvider(
            resource=resources.Resource.create(about),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(batches.BatchSpanProcessor(otlp.OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("trunkline", __version__)

    def export(self, run: str, root: Span) -> None:
        """Hand a whole trace over; it is sent later, from a thread."""
        self._ids.trace = trace_id(run)
        self._put(root, self._nothing)

    def _put(self, span: Span, context: Any) -> None:
        api = self._api
        made = self._tracer.start_span(
            span.name,
            context=context,
            kind=api.SpanKind[span.kind.upper()],
            attributes=span.about,
            start_time=_ns(span.start),
        )
        if span.error is not None:
            made.set_attribute("error.type", span.error)
            made.set_status(api.Status(api.StatusCode.ERROR))
        inside = api.set_span_in_context(made, context)
        for child in span.children:
            self._put(child, inside)
        made.end(_ns(max(span.start, span.end)))

    def close(self) -> None:
        """Send what is left. Blocks, but not for as long as the library would wait."""
        sender = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        sender.start()
        sender.join(_FLUSH)
        if sender.is_alive():
            log.warning("traces were not sent: the collector does not answer")


class Tracing:
    """Hears which runs end in this process and tells of each. Raises MissingExtra."""

    def __init__(self, core: Core, env: Mapping[str, str]) -> None:
        self._core = core
        self._exporter = _Exporter(env)
        self._folding: OrderedDict[str, list[list[float]]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        core.hub.listen_own(self._hear)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Signal):
            if event.name == "run.joined":
                self._follow(str(event.data.get("runId")))
        elif isinstance(event.body, Compacted):
            self._folded(event, event.body)
        elif isinstance(event.body, Finished):
            self._follow(event.run)

    def _folded(self, event: RunEvent, body: Compacted) -> None:
        """No row has the times of a compaction: they are kept from its events."""
        times = self._folding.setdefault(event.run, [])
        if body.phase == "start":
            times.append([event.at, event.at])
        elif times:
            times[-1][1] = event.at
        if len(self._folding) > _MOST:
            self._folding.popitem(last=False)

    def _follow(self, run: str) -> None:
        folded = [(start, end) for start, end in self._folding.pop(run, [])]
        if len(self._tasks) >= _MOST:
            log.warning("a trace was left out: too many wait for receipts", run=run)
            return
        task = asyncio.create_task(self._tell(run, folded), name=f"trace:{run}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, run: str, folded: list[tuple[float, float]]) -> None:
        """Wait for the receipts, not for ever; what is known then is the trace."""
        told: Story | None = None
        try:
            for pause in _PAUSES:
                told = await self._core.engine.read(tracing_story.read(run)) or told
                if told is None or told.settled:
                    break
                await self._core.clock.sleep(pause)
        except (StoreError, asyncio.CancelledError):
            # The process stops: what was seen last is told.
            log.debug("a trace is told early", run=run)
        if told is not None:
            now = self._core.clock.now()
            self._exporter.export(run, tracing_story.trace(told, folded, now))

    async def stop(self) -> None:
        """Tell what is known, and send it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._exporter.close)


def add(app: web.Application, core: Core, auth: Auth) -> None:
    """Trace runs while the gateway serves, if the environment asks for it."""
    if not wanted(os.environ):
        return
    if os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip().lower() == "grpc":
        log.warning("no traces", reason="OTLP goes over HTTP: set http/protobuf, port 4318")
        return
    try:
        tracing = Tracing(core, os.environ)
    except MissingExtra as error:
        log.warning("no traces", reason=str(error))
        return

    async def stop(_: web.Application) -> None:
        await tracing.stop()

    app.on_cleanup.append(stop)


def _ns(at: float) -> int:
    return round(at * 1_000_000_000)
