"""What one process tells the others: everything once, in order, gathered, and only where wanted."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.bridge import EVERY, TOPIC, Bridge
from bot.clock import Clock, SystemClock
from bot.crossing import SHORT, WHOLE_EVERY
from bot.engine.embedded import Embedded
from bot.engine.port import Engine, q
from bot.events import (
    Body,
    Compacted,
    Delta,
    Event,
    Finished,
    Hub,
    Note,
    RunEvent,
    Signal,
    Started,
    Thought,
    ToolEnded,
    ToolStarted,
    ToolUpdated,
    Watcher,
)
from bot.store.migrations import open_store
from bot.types import Entry, ToolCall, Usage
from tests.contracts.cluster_kit import PATIENCE, ask, cluster, url
from tests.contracts.gateway_kit import StepClock, settle
from tests.contracts.gateway_product import opened

__all__ = ["url"]

KEY = "agent:main:main"


class Side:
    """One process: its hub, its bridge, what its watcher sees and what it is told."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine, self.clock, self.hub = engine, clock, Hub()
        self.growing: list[RunEvent] = []
        self.bridge = Bridge(engine, clock, self.hub, lambda: self.growing)
        self.told: list[dict[str, Any]] = []
        self.seen: list[Event] = []
        self.watcher: Watcher | None = None
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self.bridge.start()
        engine.subscribe(TOPIC, self._heard)

    def _heard(self, message: dict[str, Any]) -> None:
        self.told += [one | {"from": message["from"]} for one in message["events"]]
        self._changed.set()

    def watch(self) -> None:
        self.watcher = self.hub.watch()
        self._reader = asyncio.create_task(self._read(self.watcher))

    async def _read(self, watcher: Watcher) -> None:
        async for event in watcher:
            self.seen.append(event)
            self._changed.set()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def runs(self, run: str = "r") -> list[RunEvent]:
        return [one for one in self.seen if isinstance(one, RunEvent) and one.run == run]

    def bodies(self, run: str = "r") -> list[Body]:
        return [event.body for event in self.runs(run)]

    def say(self, seq: int, body: Body, run: str = "r") -> None:
        self.hub.publish(RunEvent(run, KEY, seq, self.clock.now(), body))

    async def close(self) -> None:
        await self.bridge.stop()
        if self.watcher is not None and self._reader is not None:
            self.watcher.close()
            await self._reader


def said(message: dict[str, Any]) -> bool:
    """Is it more than that somebody is there, or gone?"""
    return not {"here", "gone"} & message.keys()


@asynccontextmanager
async def two(url: str) -> AsyncIterator[tuple[Side, Side]]:
    """Two processes on PostgreSQL, both watched, which know of each other."""
    async with cluster(url, start=False) as first, cluster(url, start=False) as second:
        sides = Side(first, SystemClock()), Side(second, SystemClock())
        for side in sides:
            side.watch()
            await side.engine.start(_nothing)
        for side in sides:
            await side.until(lambda side=side: any(one.get("here") for one in _theirs(side)))
        try:
            yield sides
        finally:
            for side in sides:
                await side.close()


def _theirs(side: Side) -> list[dict[str, Any]]:
    return [one for one in side.told if one["from"] != side.bridge.name]


def _nothing(now: float) -> Any:
    yield from ()


class House:
    """Processes that share a store by an engine in this one, and a clock that is stepped."""

    def __init__(self, state: Path) -> None:
        self.clock = StepClock(instant=EVERY / 2)
        path = state / "trunkline.db"
        open_store(path)
        self.engine = Embedded(path, self.clock)
        self.sides: list[Side] = []

    async def side(self, *, watched: bool = True) -> Side:
        made = Side(self.engine, self.clock)
        if watched:
            made.watch()
        else:
            made.bridge.announce()
        self.sides.append(made)
        await settle()
        return made

    async def close(self) -> None:
        for side in self.sides:
            await side.close()
        await self.engine.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    yield made
    await made.close()


ENTRY = Entry(
    role="assistant",
    text="hi ü",
    at=5.0,
    seq=7,
    run="r",
    calls=(ToolCall("c", "exec", '{"command": "ls"}', {"command": "ls"}),),
    usage=Usage(3, 4, 0.5),
)
BODIES: tuple[Body, ...] = (
    Started(4.0),
    Thought("hm", "hm"),
    ToolStarted("c", "exec", {"command": "ls"}),
    ToolUpdated("c", "exec", "a"),
    ToolEnded("c", "exec", "b" * 20_000, False),
    Compacted("start", False),
    Note("code", "text"),
    Delta("hi ü", "hi ü"),
    Finished("ok", 4.0, 6.0, "hi ü", {"inputTokens": 3}, None, ENTRY),
)


async def test_a_run_of_one_process_is_seen_at_the_other_as_it_is(url: str):
    """All six streams, each once; what crossed is not sent back."""
    async with two(url) as (one, other):
        for seq, body in enumerate(BODIES, 1):
            one.say(seq, body)
        one.hub.publish(Signal("sessions.changed", {"sessionKey": KEY}))
        await other.until(lambda: any(isinstance(event, Signal) for event in other.seen))
        assert other.bodies() == list(BODIES)
        assert [event.seq for event in other.runs()] == list(range(1, len(BODIES) + 1))
        assert other.seen == one.seen
        other.hub.publish(Signal("sessions.changed", {"sessionKey": "end"}))
        await one.until(lambda: len(one.seen) > len(BODIES) + 1)
        assert [m for m in _theirs(one) if said(m)] == [
            {"name": "sessions.changed", "data": {"sessionKey": "end"}, "from": other.bridge.name}
        ]


async def test_a_long_answer_crosses_in_pieces(url: str):
    """The whole of it is told now and then, and put down only then."""
    async with two(url) as (one, other):
        one.say(1, Started(1.0))
        word, count = "ü" * 50, 200
        for number in range(1, count + 1):
            one.say(number + 1, Delta(word, word * number))
            await one.clock.sleep(0.01)
        one.say(count + 2, Finished("ok", 1.0, 2.0, "x"))
        await other.until(lambda: isinstance(other.bodies()[-1:] and other.bodies()[-1], Finished))
        grown = [body for body in other.bodies() if isinstance(body, Delta)]
        assert grown[-1].text == word * count
        assert "".join(body.delta for body in grown) == word * count
        assert len(grown) < count / 4
        assert len(ask(url, "SELECT * FROM engine_events")) <= len(grown) * EVERY / WHOLE_EVERY + 3


async def test_a_growing_text_is_told_ten_times_a_second(house: House):
    one, other = await house.side(), await house.side()
    one.say(1, Started(1.0))
    for number in range(100):
        one.say(number + 2, Delta("x", "x" * (number + 1)))
        if number % 10 == 9:
            await house.clock.step(EVERY / 2)
    await house.clock.step(EVERY)
    grown = [body for body in other.bodies() if isinstance(body, Delta)]
    assert len(grown) <= 7, "in half a second, and the first and the last"
    assert grown[-1].text == "x" * 100
    assert other.bridge.elsewhere("r") == (101, "x" * 100)
    assert one.bridge.elsewhere("r") is None, "its own runs are known better"


async def test_what_is_said_together_crosses_in_order(house: House):
    """A growing text is told before what follows it, not after the pause."""
    one, other = await house.side(), await house.side()
    bodies: list[Body] = [Started(1.0), Delta("a", "a"), Delta("b", "ab"), Note("n", "n")]
    bodies += [Delta("c", "abc"), Finished("ok", 1.0, 2.0, "abc")]
    for seq, body in enumerate(bodies, 1):
        one.say(seq, body)
    await settle()
    assert [type(body).__name__ for body in other.bodies()] == [
        *("Started", "Delta", "Note", "Delta", "Finished")
    ]
    assert [event.seq for event in other.runs()] == [1, 3, 4, 5, 6]


async def test_where_nobody_watches_only_what_is_waited_for_is_told(house: House):
    one = await house.side()
    one.say(1, Started(1.0), "alone")
    await settle()
    assert not [message for message in one.told if said(message)], "nobody is there"
    other = await house.side(watched=False)
    assert other.bridge.peers == 1
    for seq, body in enumerate(BODIES, 1):
        one.say(seq, body)
    one.hub.publish(Signal("sessions.changed", {"sessionKey": KEY}))
    one.hub.publish(Signal("tasks.changed", {"taskId": "t"}))
    await settle()
    told = [message.get("kind") or message["name"] for message in one.told if said(message)]
    assert told == ["Started", "Finished", "tasks.changed"]


async def test_what_each_process_sees_for_itself_stays_there(house: House):
    one, other = await house.side(), await house.side()
    for name in ("tick", "shutdown", "chat"):
        one.hub.publish(Signal(name, {}))
    one.hub.publish(Signal("approval.requested", {"id": "a"}))
    await settle()
    assert other.seen == [Signal("approval.requested", {"id": "a"})]


async def test_who_begins_to_watch_is_shown_how_far_the_runs_are(house: House):
    one, other = await house.side(), await house.side(watched=False)
    one.say(1, Started(1.0))
    one.say(9, Delta("b", "ab"))
    await settle()
    assert other.bridge.elsewhere("r") == (1, "")
    one.growing = [RunEvent("r", KEY, 9, 0.0, Delta("", "ab"))]
    other.watch()
    await settle()
    assert other.bridge.elsewhere("r") == (9, "ab")
    assert other.bodies() == [Delta("ab", "ab")]


async def test_a_run_that_is_taken_over_goes_on_with_its_numbers(house: House):
    """The former process is not heard any more, should it come to again."""
    one, other, third = await house.side(), await house.side(), await house.side()
    one.say(1, Started(1.0))
    one.say(40, Delta("ab", "ab"))
    await settle()
    assert other.bridge.elsewhere("r") == (40, "ab")
    other.say(2, Started(2.0))
    await settle()
    one.say(41, Note("late", "late"))
    await house.clock.step(EVERY)
    other.say(3, Delta("x", "x"))
    other.say(4, Finished("ok", 2.0, 3.0, "x"))
    one.say(42, Note("later", "later"))
    await settle()
    assert [event.seq for event in third.runs()] == [1, 40, 41, 42, 43]
    assert [type(body).__name__ for body in third.bodies()] == [
        *("Started", "Delta", "Started", "Delta", "Finished")
    ]
    assert [type(body).__name__ for body in other.bodies()].count("Finished") == 1
    assert other.bridge.elsewhere("r") is None


async def test_an_end_that_was_not_heard_is_found_in_the_store(house: House):
    one, other = await house.side(), await house.side()
    one.say(1, Started(1.0))
    await settle()
    await house.engine.tx(_ended("r"))
    await house.clock.step(2.0)
    await house.clock.step(2.0)
    await other.until(lambda: len(other.runs()) == 2)
    [_, end] = other.runs()
    error = {"code": "INTERNAL", "message": "broken"}
    assert end.body == Finished("error", 1.0, 2.0, "sorry", error=error)
    assert end.seq == 2
    one.say(2, Finished("error", 1.0, 2.0, "sorry"))
    await settle()
    assert len(other.runs()) == 2, "its end is told once"


def _ended(run: str) -> Any:
    yield q(
        "INSERT INTO runs(id, session_key, agent, lane, state, accepted_at, started_at, ended_at, "
        "reply, error) VALUES(?, ?, 'main', ?, 'error', 0, 1, 2, 'sorry', ?)",
        *(run, KEY, KEY, json.dumps({"code": "INTERNAL", "message": "broken"})),
    )


async def test_a_piece_without_its_beginning_waits_for_the_whole(house: House):
    one, other = await house.side(), await house.side()
    long = "x" * SHORT
    one.say(1, Started(1.0))
    one.say(2, Delta("", long))
    await settle()
    third = await house.side()
    await settle()
    for number in range(3, 30):
        one.say(number, Delta("y", long + "y" * (number - 2)))
        await house.clock.step(EVERY)
    for side in (other, third):
        assert side.bodies()[-1] == Delta("y", long + "y" * 27)
    grown = [body.text for body in third.bodies() if isinstance(body, Delta)]
    assert all(text.startswith(long) for text in grown)


async def test_one_process_alone_with_its_store_has_no_bridge(tmp_path: Path):
    async with opened(tmp_path / "state") as desk:
        assert desk.app.bridge is None


async def test_what_cannot_be_understood_is_left_out(house: House):
    """Another version of the program may tell something else."""
    one, other = await house.side(), await house.side()
    odd = [{"kind": "Sung", "run": "r", "session": KEY}, {"odd": 1}, {"name": "n", "data": {}}]
    await house.engine.publish(TOPIC, {"from": one.bridge.name, "events": odd})
    await other.until(lambda: other.seen)
    assert other.seen == [Signal("n", {})]


async def test_a_process_that_leaves_is_told_nothing_more(house: House):
    one, other = await house.side(), await house.side()
    assert one.bridge.peers == 1
    await other.close()
    house.sides.remove(other)
    assert one.bridge.peers == 0
    one.hub.publish(Signal("tasks.changed", {"taskId": "t"}))
    await settle()
    assert not [message for message in one.told if said(message)]


async def test_a_process_that_says_nothing_is_forgotten(house: House):
    one = await house.side()
    here = {"from": "gone", "events": [{"here": True}]}
    await house.engine.publish(TOPIC, here)
    assert one.bridge.peers == 1
    for _ in range(4):
        await house.clock.step(15.0)
    assert one.bridge.peers == 0
