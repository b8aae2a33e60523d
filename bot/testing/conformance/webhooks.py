"""Checks of events that come by HTTP requests: proved, stored, and only then answered."""

from __future__ import annotations

import asyncio

from bot.contract import Adapter, HttpRequest
from bot.testing.conformance.core import Core
from bot.testing.conformance.parsing import NOT_EVENTS
from bot.testing.conformance.stage import Stage, expect
from bot.testing.conformance.suite import check


async def _open(stage: Stage) -> tuple[Adapter, Core]:
    return await stage.online(webhook=True)


async def _status(adapter: Adapter, request: HttpRequest, core: Core) -> int:
    """Raises AssertionError when the call raises."""
    try:
        return (await adapter.handle(request, core)).status
    except Exception as error:
        raise AssertionError(f"handle raised {type(error).__name__}: {error}") from None


@check("webhook-stored", "webhook")
async def stored(stage: Stage) -> None:
    """A proved call is stored, then answered with 2xx."""
    adapter, core = await _open(stage)
    status = await _status(adapter, stage.world.request(stage.world.event("hi"), "right"), core)
    expect(200 <= status < 300, f"it answers {status}")
    expect(len(core.messages) == 1, f"{len(core.messages)} messages were stored before the answer")


@check("webhook-forged", "webhook")
async def forged(stage: Stage) -> None:
    """A call with a wrong, missing or odd proof gets 401, and nothing is stored."""
    adapter, core = await _open(stage)
    for proof in ("wrong", "none", "odd"):
        request = stage.world.request(stage.world.event("hi"), proof)
        status = await _status(adapter, request, core)
        expect(status == 401, f"with a proof that is {proof} it answers {status}")
    expect(not core.messages and not core.quarantined, "something was stored")


@check("webhook-store-full", "webhook")
async def store_full(stage: Stage) -> None:
    """A call that cannot be stored is not answered with 2xx, so that the platform repeats it."""
    adapter, core = await _open(stage)
    core.full = 1
    request = stage.world.request(stage.world.event("hi"), "right")
    status = await _status(adapter, request, core)
    expect(status >= 500, f"it answers {status}")
    status = await _status(adapter, stage.world.request(stage.world.event("hi"), "right"), core)
    expect(200 <= status < 300 and core.messages, f"the repeat gets {status}")


@check("webhook-waits", "webhook")
async def waits(stage: Stage) -> None:
    """A call is not answered before its event is stored."""
    adapter, core = await _open(stage)
    core.gate = asyncio.Event()
    request = stage.world.request(stage.world.event("hi"), "right")
    call = asyncio.create_task(adapter.handle(request, core), name="a call")
    await core.until("storing", lambda: core.waiting)
    expect(not call.done(), "it was answered before")
    core.gate.set()
    expect(200 <= (await call).status < 300, "it was not accepted")


@check("webhook-poison", "webhook")
async def poison(stage: Stage) -> None:
    """Proved calls that nobody understands do no harm, and the next good one is stored."""
    adapter, core = await _open(stage)
    for event in NOT_EVENTS:
        status = await _status(adapter, stage.world.request(event, "right"), core)
        expect(status < 500, f"{event!r} is answered with {status}, and will be repeated")
    status = await _status(adapter, stage.world.request(stage.world.event("hi"), "right"), core)
    expect(200 <= status < 300 and core.messages, f"the good one gets {status}")


@check("webhook-any-request")
async def any_request(stage: Stage) -> None:
    """Whatever request comes, with a webhook or without, it is answered and nothing is stored."""
    adapter, core = await stage.online()
    for body in (b"", b"\xff\0", b"[" * 100_000, b"payload=%00", b'{"a":1}'):
        for method in ("GET", "POST"):
            headers = {"content-type": "application/json"}
            request = HttpRequest(method, "/channels/first", {}, headers, body)
            status = await _status(adapter, request, core)
            expect(400 <= status < 500, f"{method} {body[:9]!r} is answered with {status}")
    expect(not core.messages and not core.quarantined, "something was stored")
