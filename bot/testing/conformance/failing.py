"""Checks of calls that fail: what the outbox is told decides between a loss and a double."""

from __future__ import annotations

import asyncio
import contextlib
import math

from bot.contract import Reply
from bot.errors import NotSent, RateLimited, Refused, SendError, Uncertain
from bot.testing.conformance.stage import Stage, expect, failure
from bot.testing.conformance.suite import NotClaimed, check

# Longer waits than a day are a mistake of the platform or of the reading.
LONGEST = 86_400.0


async def _fails(stage: Stage, how: str, wait: object = None) -> SendError:
    """The error of a send that meets a fault."""
    adapter, _ = await stage.online()
    stage.world.fail("send", how, wait)  # type: ignore[arg-type]
    return await failure(adapter.send(stage.place(), Reply("hello"), "failing"))


def _is(error: SendError, *kinds: type[SendError]) -> None:
    names = " or ".join(kind.__name__ for kind in kinds)
    expect(isinstance(error, kinds), f"it is {type(error).__name__}, not {names}: {error}")
    expect(str(error).strip(), "the error says nothing")


@check("limited", "faults", "limited")
async def limited(stage: Stage) -> None:
    """Asked to wait 7 seconds, it says RateLimited with those 7 seconds, and nothing appeared."""
    error = await _fails(stage, "limited", 7)
    _is(error, RateLimited)
    assert isinstance(error, RateLimited)
    expect(6.5 <= error.retry_after <= 9, f"it would wait {error.retry_after} s")
    expect(not stage.seen(stage.place()), "something appeared")


@check("limited-odd", "faults", "limited", "limited-odd")
async def limited_odd(stage: Stage) -> None:
    """Fractions are kept; an absurd or missing wait becomes one that is possible."""
    adapter, _ = await stage.online()
    for wait in (0.25, 0, -5, 10**12, "soon", None):
        stage.world.fail("send", "limited", wait)
        error = await failure(adapter.send(stage.place(), Reply("hello"), "odd"))
        _is(error, RateLimited)
        assert isinstance(error, RateLimited)
        after = error.retry_after
        expect(math.isfinite(after) and 0 <= after <= LONGEST, f"{wait!r} became {after} s")
        expect(wait != 0.25 or after >= 0.25, f"a quarter second became {after} s")


@check("limited-edit", "faults", "limited")
async def limited_edit(stage: Stage) -> None:
    """An edit that is limited says RateLimited, so that previews stop."""
    adapter, _ = await stage.online()
    if not adapter.caps.edit:
        raise NotClaimed("edit")
    ref = await adapter.send(stage.place(), Reply("first"), "edited")
    stage.world.fail("edit", "limited", 3)
    _is(await failure(adapter.edit(ref, Reply("second"))), RateLimited)


@check("limited-then-fine", "faults", "limited")
async def limited_then_fine(stage: Stage) -> None:
    """After the wait that was asked for, the same send succeeds and shows the answer once."""
    adapter, _ = await stage.online()
    stage.world.fail("send", "limited", 0.3)
    _is(await failure(adapter.send(stage.place(), Reply("hello"), "again")), RateLimited)
    # Where an adapter counts by another clock than the loop's, it may ask more than once.
    for _ in range(100):
        try:
            await adapter.send(stage.place(), Reply("hello"), "again")
            break
        except RateLimited as error:
            await asyncio.sleep(error.retry_after)
    expect(len(stage.seen(stage.place())) == 1, "it appeared otherwise than once")


@check("no-answer", "faults")
async def no_answer(stage: Stage) -> None:
    """A send that is never answered ends, and its outcome is Uncertain."""
    _is(await _fails(stage, "hang"), Uncertain)


@check("cut-before", "faults")
async def cut_before(stage: Stage) -> None:
    """A connection that breaks before the platform acted is Uncertain, or NotSent if known."""
    _is(await _fails(stage, "cut-before"), Uncertain, NotSent)


@check("cut-after", "faults")
async def cut_after(stage: Stage) -> None:
    """A connection that breaks after the platform acted is Uncertain, nothing else."""
    _is(await _fails(stage, "cut-after"), Uncertain)
    expect(len(stage.seen(stage.place())) == 1, "the adapter itself sent it again")


@check("cut-then-settled", "faults")
async def settled(stage: Stage) -> None:
    """After an unknown outcome, what is claimed for it works: the key repeated, or looked up."""
    adapter, _ = await stage.online()
    if not (adapter.caps.idempotent_send or adapter.caps.find):
        raise NotClaimed("idempotent_send or find")
    to = stage.place()
    stage.world.fail("send", "cut-after")
    await failure(adapter.send(to, Reply("hello"), "cut-key"))
    (seen,) = stage.seen(to)
    if adapter.caps.idempotent_send:
        ref = await adapter.send(to, Reply("hello"), "cut-key")
        expect(len(stage.seen(to)) == 1, "the repeat showed it twice")
    else:
        found = await adapter.find(to, "cut-key")
        expect(found is not None, "it was not found")
        assert found is not None
        ref = found
    expect(ref.id == seen.id, f"it is said to be {ref.id}, and is {seen.id}")


@check("refused", "faults", "refused")
async def refused(stage: Stage) -> None:
    """What the platform will never accept is Refused."""
    _is(await _fails(stage, "refused"), Refused)


@check("server-error", "faults")
async def server_error(stage: Stage) -> None:
    """A server error is not taken for a refusal: the answer stays to be sent."""
    _is(await _fails(stage, "broken"), Uncertain, NotSent)


@check("garbage", "faults")
async def garbage(stage: Stage) -> None:
    """An answer that cannot be read leaves the outcome Uncertain."""
    _is(await _fails(stage, "garbage"), Uncertain)


@check("unreachable", "nowhere")
async def unreachable(stage: Stage) -> None:
    """Where nobody listens, it is NotSent: to send again is safe."""
    adapter = stage.adapter(reachable=False)
    await adapter.start()
    _is(await failure(adapter.send(stage.place(), Reply("hello"), "nobody")), NotSent)


@check("wrong-token-send", "token")
async def wrong_token(stage: Stage) -> None:
    """With a wrong secret nothing is sent, and it is not Uncertain."""
    adapter = await stage.started(valid=False)
    error = await failure(adapter.send(stage.place(), Reply("hello"), "nobody"))
    _is(error, NotSent, Refused)


@check("edit-fails", "faults")
async def edit_fails(stage: Stage) -> None:
    """An edit that is cut or never answered is a SendError, and the next one succeeds."""
    adapter, _ = await stage.online()
    if not adapter.caps.edit:
        raise NotClaimed("edit")
    ref = await adapter.send(stage.place(), Reply("first"), "edited")
    for how in ("cut-before", "cut-after", "hang", "broken"):
        stage.world.fail("edit", how)
        await failure(adapter.edit(ref, Reply(f"after {how}")))
    await adapter.edit(ref, Reply("last"))
    expect(stage.seen(stage.place())[-1].text == "last", "the last edit is not shown")


@check("delete-fails", "faults")
async def delete_fails(stage: Stage) -> None:
    """A deletion whose answer was lost can be repeated, and is then a success."""
    adapter, _ = await stage.online()
    if not adapter.caps.delete:
        raise NotClaimed("delete")
    ref = await adapter.send(stage.place(), Reply("a slip"), "slip")
    stage.world.fail("delete", "cut-after")
    with contextlib.suppress(SendError):
        await adapter.delete(ref)
    await adapter.delete(ref)
    expect(not stage.seen(stage.place()), "it is still there")


@check("recovers", "faults")
async def recovers(stage: Stage) -> None:
    """After every kind of failure the next send works."""
    adapter, _ = await stage.online()
    for how in ("hang", "cut-before", "broken", "garbage"):
        stage.world.fail("send", how)
        await failure(adapter.send(stage.place(), Reply("lost"), how))
    await stage.shows(adapter, stage.place(), "here again")
