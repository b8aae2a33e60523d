"""Checks of a connection's life: beginning, breaking, coming back, ending, losing nothing."""

from __future__ import annotations

import asyncio

from bot.contract import Reply
from bot.errors import ChannelRefused, SendError
from bot.testing.conformance.core import PATIENCE, Core
from bot.testing.conformance.parsing import NOT_EVENTS, mutations
from bot.testing.conformance.stage import Stage, expect, patiently
from bot.testing.conformance.suite import check

SECRET_WORDS = ("token", "secret", "password", "key")


@check("up")
async def up(stage: Stage) -> None:
    """It says `up` once it receives."""
    _, core = await stage.online()
    expect(all(error is None for state, error in core.states if state == "up"), "up with an error")
    await stage.hears(stage.place(), "hello")


@check("wrong-token", "token")
async def wrong_token(stage: Stage) -> None:
    """With a wrong secret, receiving ends with ChannelRefused that names what to change."""
    adapter = stage.adapter(valid=False)
    try:
        await adapter.start()
        await patiently(stage.receiving(adapter))
    except ChannelRefused as error:
        said = str(error)
        expect(any(word in said.lower() for word in SECRET_WORDS), f"it only says {said!r}")
        expect("first" in said, f"it does not name the account: {said!r}")
        _no_secret(stage, said, "the error")
        return
    raise AssertionError("it was not refused")


@check("check-live", "token")
async def check_live(stage: Stage) -> None:
    """A live check answers with the bot's name, and refuses a wrong secret."""
    name = await stage.adapter().check()
    expect(stage.world.bot_name.lstrip("@") in name, f"it answers {name!r}")
    try:
        await stage.adapter(valid=False).check()
    except ChannelRefused as error:
        return _no_secret(stage, str(error), "the error")
    raise AssertionError("a wrong secret was accepted")


@check("secrets-kept", "token")
async def secrets(stage: Stage) -> None:
    """No secret stands in what the adapter and its options look like."""
    adapter = stage.adapter()
    _no_secret(stage, repr(adapter.options) + repr(adapter), "their repr")


def _no_secret(stage: Stage, said: str, where: str) -> None:
    options = stage.adapter().options
    for name in getattr(options, "__dataclass_fields__", {}):
        value = getattr(options, name)
        if any(word in name for word in SECRET_WORDS) and isinstance(value, str) and len(value) > 5:
            expect(value not in said, f"{where} shows {name}")


@check("stop-twice")
async def stop_twice(stage: Stage) -> None:
    """Stopping before starting, and twice, is harmless; it can be started again."""
    adapter = stage.adapter()
    await adapter.stop()
    await adapter.start()
    await adapter.start()
    await adapter.stop()
    await adapter.stop()
    await adapter.start()
    await stage.shows(adapter, stage.place(), "here again")


@check("run-again")
async def run_again(stage: Stage) -> None:
    """After its end, receiving can begin again with the same adapter."""
    adapter, _ = await stage.online()
    await stage.offline(adapter)
    core = Core(stage.core.marks)
    await adapter.start()
    stage.receiving(adapter, core)
    await core.until("state `up`", lambda: core.now == "up")
    await stage.world.say(stage.place(), "hello again")
    await core.heard("hello again")


@check("stop-while-receiving")
async def stop_receiving(stage: Stage) -> None:
    """Cancelled while a message is being stored, receiving ends at once."""
    adapter, core = await stage.online()
    core.gate = asyncio.Event()
    await stage.world.say(stage.place(), "hello")
    await core.until("storing", lambda: core.waiting)
    await stage.offline(adapter)


@check("stop-while-sending", "faults")
async def stop_sending(stage: Stage) -> None:
    """Stopped while a send hangs, the stop ends and the send fails as a SendError."""
    adapter, _ = await stage.online()
    stage.world.fail("send", "hang")
    send = adapter.send(stage.place(), Reply("hello"), "hanging")
    sending = asyncio.create_task(send, name="a send that hangs")
    await asyncio.sleep(0.05)
    await stage.offline(adapter)
    await asyncio.wait([sending], timeout=PATIENCE)
    expect(sending.done(), "the send hangs for ever")
    error = None if sending.cancelled() else sending.exception()
    expect(isinstance(error, SendError), f"the send ended with {error!r}")


@check("nothing-left")
async def nothing_left(stage: Stage) -> None:
    """After a stop none of its tasks is left."""
    before = asyncio.all_tasks()
    adapter, _ = await stage.online()
    await stage.hears(stage.place(), "hello")
    await adapter.send(stage.place(), Reply("hello"), "hello")
    mine = {task for task in asyncio.all_tasks() - before if _is_of(adapter, task)}
    await stage.offline(adapter)
    await asyncio.sleep(1)
    left = [task.get_name() for task in mine if not task.done()]
    expect(not left, f"still there: {', '.join(left)}")


def _is_of(adapter: object, task: asyncio.Task[object]) -> bool:
    """Not a task of the server, which lives in the same loop; its tasks are aiohttp's own."""
    name = getattr(task.get_coro(), "__qualname__", "")
    return not name.startswith(("RequestHandler.", "BaseRequestHandler"))


@check("two-accounts", "accounts")
async def two_accounts(stage: Stage) -> None:
    """Two accounts side by side hear and answer each on its own."""
    first, one = await stage.online("first")
    second, two = await stage.online("second", Core())
    here, there = stage.world.place("group", "first"), stage.world.place("group", "second")
    await stage.world.say(here, "to the first")
    await stage.world.say(there, "to the second")
    heard = await one.heard("to the first"), await two.heard("to the second")
    accounts = [message.address.account for message in heard]
    expect(accounts == ["first", "second"], f"they came to {accounts}")
    await first.send(here, Reply("from the first"), "a")
    await second.send(there, Reply("from the second"), "b")
    expect([seen.text for seen in stage.seen(here)] == ["from the first"], "they are mixed up")
    expect([seen.text for seen in stage.seen(there)] == ["from the second"], "they are mixed up")


@check("poison", "poison")
async def poison(stage: Stage) -> None:
    """Events that nobody understands are put aside with a reason, and the next good one comes."""
    _, core = await stage.online()
    await stage.hears(stage.place(), "before")
    for event in NOT_EVENTS:
        await stage.world.push(event)
    await stage.hears(stage.place(), "good")
    for _, reason in core.quarantined:
        expect(reason.strip(), "an event was put aside without a reason")


@check("poison-fields", "poison")
async def poison_fields(stage: Stage) -> None:
    """Events with a broken field, one after the other: the connection stays, the good one comes."""
    _, core = await stage.online()
    await stage.hears(stage.place(), "before")
    broken = list(mutations(stage.world.event("broken")))
    for event in broken[:: max(1, len(broken) // 150)]:
        await stage.world.push(event)
    await stage.hears(stage.place(), "good")
    expect(core.now == "up", f"the state is {core.states[-1]}")


@check("store-full", "unconfirmed")
async def store_full(stage: Stage) -> None:
    """What could not be stored stays unconfirmed, and comes again when there is room."""
    _, core = await stage.online()
    core.full = 1
    await stage.world.say(stage.place(), "precious")
    await core.until("the refusal", lambda: core.refused)
    await core.heard("precious")


@check("store-full-order", "unconfirmed")
async def store_full_order(stage: Stage) -> None:
    """Nothing of the same conversation overtakes a message that could not be stored."""
    _, core = await stage.online()
    core.full = 1
    said = ["first", "second", "third"]
    for text in said:
        await stage.world.say(stage.place(), text)
    await core.until("all three", lambda: set(core.texts) >= {*said})
    texts = [message.text for message in core.stored()]
    expect(texts == said, f"they are stored as {texts}")


@check("store-full-poison", "unconfirmed", "poison")
async def store_full_poison(stage: Stage) -> None:
    """While not even the quarantine has room, nothing is lost and nothing ends."""
    _, core = await stage.online()
    await stage.hears(stage.place(), "before")
    core.full = 2
    await stage.world.push({"x": 1})
    await stage.world.say(stage.place(), "precious")
    await core.heard("precious")


@check("killed-before-stored", "unconfirmed")
async def killed(stage: Stage) -> None:
    """A process that dies before a message is stored leaves it for the next process."""
    adapter, core = await stage.online()
    await stage.hears(stage.place(), "stored before")
    core.gate = asyncio.Event()
    await stage.world.say(stage.place(), "in flight")
    await core.until("storing", lambda: core.waiting)
    # Time enough to confirm too early.
    await asyncio.sleep(5)
    await stage.offline(adapter)
    _, later = await stage.online(core=Core(core.marks))
    await later.heard("in flight")


@check("missed-while-away", "missed")
async def missed(stage: Stage) -> None:
    """What was said while no process ran is heard by the next one, in order."""
    adapter, core = await stage.online()
    await stage.hears(stage.place(), "before")
    await stage.offline(adapter)
    said = [f"missed {number}" for number in range(5)]
    for text in said:
        await stage.world.say(stage.place(), text)
    _, later = await stage.online(core=Core(core.marks))
    await later.heard(said[-1])
    texts = [message.text for message in later.stored() if message.text in said]
    expect(texts == said, f"they came as {texts}")


async def _reconnects(stage: Stage, *, forget: bool) -> None:
    _, core = await stage.online()
    said = []
    for number in range(4):
        said += [f"before {number}", f"after {number}"]
        await stage.hears(stage.place(), f"before {number}")
        stage.world.cut(forget=forget)
        await stage.world.say(stage.place(), f"after {number}")
        await core.heard(f"after {number}")
    texts = [message.text for message in core.stored()]
    expect(texts == said, f"they came as {texts}")
    await core.until("state `up`", lambda: core.now == "up")


@check("reconnect", "missed")
async def reconnect(stage: Stage) -> None:
    """After each break of the connection what was missed comes, once and in order."""
    await _reconnects(stage, forget=False)


@check("reconnect-forgotten", "missed", "forgotten")
async def reconnect_forgotten(stage: Stage) -> None:
    """So it does when the platform forgot the connection and what it missed."""
    await _reconnects(stage, forget=True)


@check("half-open", "silent")
async def half_open(stage: Stage) -> None:
    """A connection that looks alive and is deaf is noticed, and what was missed comes."""
    _, core = await stage.online()
    await stage.hears(stage.place(), "before")
    stage.world.silence()
    await stage.world.say(stage.place(), "into the silence")
    await core.heard("into the silence")
    await core.until("state `up`", lambda: core.now == "up")


async def _receive_fails(stage: Stage, how: str, wait: object = None) -> None:
    _, core = await stage.online()
    await stage.hears(stage.place(), "before")
    stage.world.fail("receive", how, wait, times=3)  # type: ignore[arg-type]
    stage.world.cut()
    await stage.world.say(stage.place(), "meanwhile")
    await core.heard("meanwhile")
    await core.until("state `up`", lambda: core.now == "up")


@check("receive-broken", "receive-faults")
async def receive_broken(stage: Stage) -> None:
    """Server errors while receiving are outlived."""
    await _receive_fails(stage, "broken")


@check("receive-garbage", "receive-faults")
async def receive_garbage(stage: Stage) -> None:
    """Unreadable answers while receiving are outlived."""
    await _receive_fails(stage, "garbage")


@check("receive-limited", "receive-faults", "limited")
async def receive_limited(stage: Stage) -> None:
    """Being asked to wait while receiving is outlived."""
    await _receive_fails(stage, "limited", 2)


@check("receive-hangs", "receive-faults")
async def receive_hangs(stage: Stage) -> None:
    """A receiving call that is never answered is given up and made again."""
    await _receive_fails(stage, "hang")


@check("down-said", "receive-faults")
async def down_said(stage: Stage) -> None:
    """A connection that does not come back is told with its reason, and its return as `up`."""
    _, core = await stage.online()
    stage.world.fail("receive", "broken", times=10_000)
    stage.world.cut()
    await core.until("another state than `up`", lambda: core.now != "up")
    await core.until("a reason", lambda: any(error for _, error in core.states))
    stage.world.heal()
    await core.until("state `up`", lambda: core.now == "up")
