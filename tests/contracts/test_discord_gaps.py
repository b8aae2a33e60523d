"""Gaps in the connection to Discord: what was missed is read, once and in order."""

import asyncio
import random

import pytest

from adapters.discord import intake
from adapters.fakes.discord import FakeDiscord
from tests.contracts.discord_support import Core, connected


@pytest.fixture
async def fake():
    async with FakeDiscord() as server:
        yield server


@pytest.fixture
def core():
    return Core()


async def up(core: Core) -> None:
    await core.until(lambda: core.now == "up")


async def test_a_broken_socket_is_resumed_and_nothing_is_missed_or_doubled(fake, core):
    async with connected(fake, core):
        await up(core)
        fake.say("one")
        await core.until(lambda: core.messages)
        fake.gateway.drop()
        await fake.wait_for(lambda: not fake.gateway.sockets)
        fake.say("two")
        await core.until(lambda: len(core.messages) == 2)
        assert (len(fake.gateway.ops(2)), len(fake.gateway.ops(6))) == (1, 1)
    assert core.texts == ["one", "two"]
    assert fake.called("history") == []


async def test_a_lost_session_begins_anew_and_reads_what_was_missed(fake, core):
    thread = fake.thread("side")
    async with connected(fake, core):
        await up(core)
        for where in (fake.room, thread, fake.direct):
            fake.say("before", where)
        await core.until(lambda: len(core.messages) == 3)
        fake.gateway.forget()
        for number in range(3):
            fake.say(f"missed {number}")
        fake.say("missed in a thread", thread)
        fake.say("missed in a direct chat", fake.direct)
        fake.gateway.drop()
        await core.until(lambda: len(core.messages) == 8)
        fake.say("after")
        await core.until(lambda: "after" in core.texts)
    assert len(fake.gateway.ops(2)) == 2
    assert [t for t in core.texts if t[-1].isdigit()] == ["missed 0", "missed 1", "missed 2"]
    found = {m.text: m.address.key for m in core.messages}
    assert found["missed in a thread"] == f"discord:discord:{fake.room}:{thread}"
    assert found["missed in a direct chat"] == f"discord:discord:{fake.direct}"
    assert len(core.messages) == 9


async def test_long_silence_is_read_page_by_page_in_order(fake, core):
    async with connected(fake, core):
        await up(core)
        fake.say("before")
        await core.until(lambda: core.messages)
        fake.gateway.forget()
        for number in range(250):
            fake.say(str(number))
        fake.gateway.drop()
        await core.until(lambda: len(core.messages) == 251)
    assert core.texts == ["before", *map(str, range(250))]
    assert len(fake.called("history")) == 3


async def test_a_restart_reads_on_from_the_mark_that_was_kept(fake):
    first, second = Core(), Core()
    second.marks = first.marks
    async with connected(fake, first):
        await up(first)
        fake.say("before", fake.direct)
        await first.until(lambda: first.messages)
    fake.gateway.forget()
    fake.say("while it was down")
    fake.say("in private", fake.direct)
    async with connected(fake, second):
        await second.until(lambda: "while it was down" in second.texts)
    assert "in private" in second.texts


async def test_the_first_start_ever_answers_nothing_old(fake, core):
    fake.say("old")
    async with connected(fake, core):
        await up(core)
        fake.say("new")
        await core.until(lambda: core.messages)
    assert core.texts == ["new"]
    assert fake.called("history") == []


async def test_a_room_that_may_not_be_read_is_left_alone(fake, core):
    hidden = fake.rooms.open(0, "hidden")
    async with connected(fake, core):
        await up(core)
        fake.say("before")
        await core.until(lambda: core.messages)
        for _ in range(2):
            fake.gateway.forget()
            fake.rooms.closed.discard(hidden)
            fake.say("secret", hidden)
            fake.rooms.closed.add(hidden)
            fake.say("missed")
            count = len(core.messages)
            fake.gateway.drop()
            await core.until(lambda count=count: len(core.messages) > count)
    assert "secret" not in core.texts
    asked = [call.parts for call in fake.calls if call.name == "history"]
    assert asked.count((hidden,)) == 1


async def test_what_does_not_fit_into_the_queue_is_read_from_the_history(fake, core, monkeypatch):
    monkeypatch.setattr(intake, "MOST_WAITING", 5)
    async with connected(fake, core):
        await up(core)
        fake.say("first")
        await core.until(lambda: core.messages)
        core.gate = asyncio.Event()
        for number in range(20):
            fake.say(str(number))
        await core.until(lambda: core.now == "down")
        core.gate.set()
        await core.until(lambda: len(core.messages) == 21)
    assert core.texts == ["first", *map(str, range(20))]


async def test_a_rough_day_loses_nothing_doubles_nothing_and_keeps_the_order(fake, core):
    """Sockets break, sessions are lost, events come twice, junk lies between, calls are refused."""
    dice = random.Random(7)
    thread = fake.thread("side")
    rooms = [fake.room, thread, fake.direct]
    said: dict[str, list[str]] = {room: [] for room in rooms}
    async with connected(fake, core):
        await up(core)
        for room in rooms:
            said[room].append("first")
            fake.say("first", room)
        await core.until(lambda: len(core.messages) == 3)
        for number in range(600):
            room = dice.choice(rooms)
            said[room].append(str(number))
            shown = fake.say(str(number), room)
            event = fake.rooms.message(shown, as_event=True)
            match dice.randrange(30):
                case 0:
                    fake.gateway.drop()
                case 1:
                    fake.gateway.forget()
                    fake.gateway.drop()
                case 2:
                    fake.gateway.raw("[" * 5000)
                case 3:
                    fake.fail("history", retry_after=0.01)
                case 4 | 5 | 6:
                    fake.gateway.dispatch("MESSAGE_CREATE", event)
                case 7:
                    fake.gateway.dispatch("MESSAGE_CREATE", {**event, "author": None})
            if number % 10 == 0:
                await core.until(lambda number=number: len(core.messages) > number - 10)
        await core.until(lambda: len(core.messages) == 603)
    heard: dict[str, list[str]] = {room: [] for room in rooms}
    for message in core.messages:
        heard[message.address.thread or message.address.conversation].append(message.text)
    assert heard == said
    assert core.refused
