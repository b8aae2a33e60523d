"""Messages during a run: joined, followed up, heard, interrupting; and never lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.backlog import DROPPED
from bot.errors import RequestError
from bot.events import Signal
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import Bench, running
from tests.scenarios.kit import ADA, Probe, scripted

OPEN = """
limits: {per_sender: null}
agents: [{id: main, tools: {allow: [probe]}}]
channels:
  idempotent: {dm_policy: open, allow_from: ["*"], group_policy: open, require_mention: false}
"""


@asynccontextmanager
async def queueing(
    state: Path, clock: VirtualClock, queue: str, tool: Probe | None = None, more: str = ""
) -> AsyncIterator[Bench]:
    config = f"{OPEN}messages: {{queue: {queue}{more}}}\n"
    tools = [tool] if tool else []
    async with running(state, config, clock=clock, scripted=True, tools=tools) as bench:
        yield bench


async def busy(bench: Bench, said: str = "long") -> asyncio.Event:
    """A run that is on until the event is set."""
    go = asyncio.Event()
    scripted(bench).on(said, [go, "done"])
    platform = bench.platform()
    platform.say(said)
    await platform.all_taken()
    await bench.settle()
    return go


async def test_collect_makes_one_turn_of_what_came_meanwhile(tmp_path: Path, clock: VirtualClock):
    async with queueing(tmp_path, clock, "collect") as bench:
        go, platform = await busy(bench), bench.platform()
        for text in ("one", "two", "three"):
            platform.say(text)
        await platform.all_taken()
        go.set()
        await clock.until(platform.shows("done", "echo one\ntwo\nthree"))
        assert len(scripted(bench).requests) == 2
        states = [row["state"] for row in await bench.rows("SELECT state FROM inbox ORDER BY id")]
        assert states == ["done"] * 4
        kept = [row["state"] for row in await bench.rows("SELECT state FROM runs ORDER BY rowid")]
        assert kept == ["ok", "ok", "joined", "joined"]


async def test_collect_lets_more_come_after_the_run(tmp_path: Path, clock: VirtualClock):
    async with queueing(tmp_path, clock, "{mode: collect, debounce: 10s}") as bench:
        go, platform = await busy(bench), bench.platform()
        platform.say("one")
        await platform.all_taken()
        go.set()
        await clock.until(platform.shows("done"))
        await clock.advance(5)
        platform.say("two")
        await platform.all_taken()
        await clock.advance(9)
        assert platform.visible() == ["done"]
        await clock.advance(2)
        await platform.shows("done", "echo one\ntwo")


async def test_the_first_message_to_an_idle_session_waits_for_nothing(
    tmp_path: Path, clock: VirtualClock
):
    async with queueing(tmp_path, clock, "{mode: collect, debounce: 1h}") as bench:
        platform = bench.platform()
        platform.say("hello")
        await platform.shows("echo hello")


async def test_two_people_in_one_room_keep_turns_of_their_own(tmp_path: Path, clock: VirtualClock):
    async with queueing(tmp_path, clock, "collect") as bench:
        platform, go = bench.platform(), asyncio.Event()
        scripted(bench).on("long", [go, "done"])
        platform.say("long", "room", author="ada", kind="group")
        await platform.all_taken()
        await bench.settle()
        for who, text in (("ada", "a1"), ("bob", "b1"), ("ada", "a2"), ("bob", "b2")):
            platform.say(text, "room", author=who, kind="group")
        await platform.all_taken()
        go.set()
        await clock.until(platform.shows("done", "echo a1\na2", "echo b1\nb2", to="room"))


async def test_followup_gives_each_its_own_turn(tmp_path: Path, clock: VirtualClock):
    async with queueing(tmp_path, clock, "followup") as bench:
        go, platform = await busy(bench), bench.platform()
        for text in ("one", "two", "three"):
            platform.say(text)
        await platform.all_taken()
        go.set()
        await clock.until(platform.shows("done", "echo one", "echo two", "echo three"))


async def test_a_joined_run_ends_as_the_one_that_answers_it(tmp_path: Path, clock: VirtualClock):
    async with queueing(tmp_path, clock, "collect") as bench:
        heard: list[Signal] = []
        bench.app.hub.listen(
            lambda event: heard.append(event) if isinstance(event, Signal) else None
        )
        go = asyncio.Event()
        scripted(bench).on("long", [go, "done"])
        await bench.ask("long", "r0")
        await bench.ask("one", "r1")
        await bench.ask("two", "r2")
        go.set()
        await clock.advance(5)
        chats = [one.data for one in heard if one.name == "chat" and one.data["state"] == "final"]
        ends = {data["runId"]: data for data in chats}
        assert ends["r2"]["message"] is None and ends["r2"]["joined"] == "r1"
        assert ends["r1"]["message"]["text"] == "echo one\ntwo"
        assert len(chats) == 3


async def test_calls_of_programs_are_never_joined(tmp_path: Path, clock: VirtualClock):
    async with queueing(tmp_path, clock, "collect") as bench:
        go = asyncio.Event()
        scripted(bench).on("long", [go, "done"])
        await bench.ask("long", "r0")
        await bench.ask("one", "r1", thinking="low")
        await bench.ask("two", "r2", thinking="low")
        go.set()
        await clock.advance(5)
        texts = [text for _, text in await bench.transcript("main")]
        assert texts == ["long", "done", "one", "echo one", "two", "echo two"]


async def test_interrupt_ends_the_run_for_the_newest(tmp_path: Path, clock: VirtualClock):
    async with queueing(tmp_path, clock, "interrupt") as bench:
        await busy(bench)
        platform = bench.platform()
        platform.say("one")
        platform.say("two")
        await clock.until(platform.wait_for(lambda one: "echo two" in one.visible()))
        await bench.app.engine.idle()
        rows = await bench.rows("SELECT state FROM runs ORDER BY rowid")
        assert [row["state"] for row in rows][::2] == ["aborted", "ok"]


async def test_steer_is_heard_between_two_steps_of_the_same_run(
    tmp_path: Path, clock: VirtualClock
):
    tool = Probe()
    tool.gate = asyncio.Event()
    async with queueing(tmp_path, clock, "steer", tool) as bench:
        platform = bench.platform()
        scripted(bench).on("go", [call("probe", what="x"), call("probe", "c2", what="y")])
        scripted(bench).on("stop at once", ["stopped"])
        platform.say("go")
        await tool.began.wait()
        platform.say("stop at once")
        await platform.all_taken()
        await bench.settle()
        tool.gate.set()
        await clock.until(platform.shows("stopped"))
        assert len(tool.calls) == 1, "what had not begun is skipped"
        last = scripted(bench).requests[-1].entries
        assert [one.role for one in last] == ["user", "assistant", "tool", "tool", "user"]
        assert last[3].is_error and last[-1].text.endswith("stop at once")
        kept = [row["state"] for row in await bench.rows("SELECT state FROM runs ORDER BY rowid")]
        assert kept == ["ok", "joined"]


async def test_steer_without_a_step_to_come_is_a_turn_of_its_own(
    tmp_path: Path, clock: VirtualClock
):
    async with queueing(tmp_path, clock, "steer") as bench:
        go, platform = await busy(bench), bench.platform()
        platform.say("one")
        await platform.all_taken()
        go.set()
        await clock.until(platform.shows("done", "echo one"))


async def test_steer_backlog_is_heard_and_answered_again(tmp_path: Path, clock: VirtualClock):
    tool = Probe()
    tool.gate = asyncio.Event()
    async with queueing(tmp_path, clock, "steer-backlog", tool) as bench:
        platform = bench.platform()
        scripted(bench).on("go", [call("probe", what="x")])
        scripted(bench).on("also", ["heard"], ["answered"])
        platform.say("go")
        await tool.began.wait()
        platform.say("also")
        await platform.all_taken()
        await bench.settle()
        tool.gate.set()
        await clock.until(platform.shows("heard", "answered"))


@pytest.mark.parametrize("drop", ["old", "summarize"])
async def test_beyond_the_cap_the_oldest_give_way(tmp_path: Path, clock: VirtualClock, drop: str):
    queue = f"{{mode: collect, cap: 2, drop: {drop}}}"
    async with queueing(tmp_path, clock, queue) as bench:
        go, platform = await busy(bench), bench.platform()
        for text in ("one", "two", "three"):
            platform.say(text)
        await platform.all_taken()
        await bench.settle()
        go.set()
        await clock.until(platform.wait_for(lambda shown: len(shown.visible()) == 2))
        asked = scripted(bench).requests[-1].entries[-1].text
        assert asked.endswith("two\nthree")
        assert ('"notRead"' in asked and '"one"' in asked) == (drop == "summarize")
        [row] = await bench.rows("SELECT error FROM runs WHERE state = 'aborted'")
        assert DROPPED["message"] in row["error"]


async def test_beyond_the_cap_the_new_one_is_refused_in_so_many_words(
    tmp_path: Path, clock: VirtualClock
):
    async with queueing(tmp_path, clock, "{mode: collect, cap: 1, drop: new}") as bench:
        go, platform = await busy(bench), bench.platform()
        for text in ("one", "two", "three"):
            platform.say(text)
        await platform.all_taken()
        await platform.wait_for(lambda shown: any("was not read" in one for one in shown.visible()))
        go.set()
        await clock.until(platform.wait_for(lambda shown: "echo one" in shown.visible()))
        assert sum("was not read" in one for one in platform.visible()) == 1
        with pytest.raises(RequestError, match="too many"):
            scripted(bench).on("x", [60.0, "y"])
            for number in range(3):
                await bench.ask("x", f"r{number}")


async def test_a_first_message_may_let_more_come(tmp_path: Path, clock: VirtualClock):
    async with queueing(tmp_path, clock, "followup", more=", debounce: 2s") as bench:
        platform = bench.platform()
        platform.say("one")
        await platform.all_taken()
        await clock.advance(1)
        platform.say("two")
        await platform.all_taken()
        await clock.advance(1.5)
        assert platform.visible() == []
        await clock.advance(1)
        await platform.shows("echo one\ntwo")


async def test_the_command_changes_the_mode_of_this_session_alone(
    tmp_path: Path, clock: VirtualClock
):
    async with queueing(tmp_path, clock, "collect") as bench:
        platform = bench.platform()
        platform.say("/queue followup cap:5")
        await platform.wait_for(lambda shown: "`followup`" in "".join(shown.visible()))
        go = await busy(bench)
        for text in ("one", "two"):
            platform.say(text)
        await platform.all_taken()
        go.set()
        await clock.until(platform.wait_for(lambda one: "echo two" in one.visible()))
        platform.say("/queue default")
        await platform.wait_for(lambda shown: "configuration" in shown.visible()[-1])
        platform.say("/queue nonsense")
        await platform.wait_for(lambda shown: "Nothing was changed" in shown.visible()[-1])


async def test_a_crash_between_joining_and_answering_loses_none_of_them(
    tmp_path: Path, clock: VirtualClock
):
    """The first process ends in the middle of the joined turn."""
    async with queueing(tmp_path, clock, "collect") as bench:
        go, platform = await busy(bench), bench.platform()
        scripted(bench).on("one\ntwo", [asyncio.Event(), "never"])
        platform.say("one")
        platform.say("two")
        await platform.all_taken()
        go.set()
        await clock.until(platform.shows("done"))
        await clock.advance(5)
        assert scripted(bench).running == 1
    async with queueing(tmp_path, clock, "collect") as bench:
        await bench.app.engine.idle()
        said = [text for role, text in await bench.transcript(ADA) if role == "user"]
        assert said == ["long", "one\ntwo"]
        assert (await bench.transcript(ADA))[-1] == ("assistant", "echo one\ntwo")
