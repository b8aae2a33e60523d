"""What is offered while a command is typed, and to whom."""

from pathlib import Path

import pytest

from bot.contract import Address, Author
from bot.testing.clock import VirtualClock
from bot.testing.running import Bench, running

CONFIG = """
limits: {per_sender: null}
agents: [{id: main, name: Assistant}, {id: support}]
models: {demo/demo: {alias: best}, demo/other: {}}
channels:
  idempotent: {dm_policy: allowlist, allow_from: ["ada"], groups: {"room": {}}}
"""


async def offered(bench: Bench, command: str, typed: str, who: str = "ada", at: str = "ada"):
    address = Address("idempotent", "idempotent", at)
    return await bench.app.inbound.complete(address, Author(who), command, typed)


async def test_sub_commands_sessions_models_and_agents_are_offered(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        platform.say("/session new Trip to Rome")
        platform.say("/session new Taxes")
        await platform.wait_for(lambda one: len(one.visible()) == 2)
        subs = [value for _, value in await offered(bench, "session", "")]
        assert subs == ["new", "list", "switch", "main", "current", "rename", "close"]
        assert await offered(bench, "session", "sw") == [("switch", "switch")]
        here = await offered(bench, "session", "switch ")
        assert sorted(here) == [
            ("Main", "switch main"),
            ("Taxes", "switch taxes"),
            ("Trip to Rome", "switch trip-to-rome"),
        ]
        assert await offered(bench, "session", "switch ROME") == [
            ("Trip to Rome", "switch trip-to-rome")
        ]
        models = await offered(bench, "model", "demo")
        assert models == [("demo/demo (best)", "demo/demo"), ("demo/other", "demo/other")]
        agents = await offered(bench, "agent", "switch ")
        assert agents == [("Assistant (main)", "switch main"), ("support", "switch support")]
        assert ("status", "status") in await offered(bench, "help", "stat")
        assert await offered(bench, "sessoin", "") == []


async def test_at_most_25_are_offered(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        for number in range(30):
            platform.say(f"/session new Plan {number}")
        await platform.wait_for(lambda one: len(one.visible()) == 30)
        assert len(await offered(bench, "session", "switch pl")) == 25


@pytest.mark.parametrize(("who", "at"), [("eve", "eve"), ("eve", "room"), ("ada", "elsewhere")])
async def test_those_who_may_not_speak_there_are_offered_nothing(
    tmp_path: Path, clock: VirtualClock, who: str, at: str
):
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        assert await offered(bench, "model", "", who, at) == []
        kind = "direct" if at == who else "group"
        bench.platform().say("hello", at, author=who, kind=kind)
        await bench.platform().all_taken()
        assert await offered(bench, "model", "", who, at) == []


async def test_a_group_has_the_sessions_of_the_group(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        platform.say("/session new Private")
        platform.say("/session new Shared", "room", author="ada", kind="group")
        await platform.wait_for(lambda one: one.visible() and one.visible("room"))
        shown = await offered(bench, "session", "switch ", at="room")
        assert [label for label, _ in shown] == ["Main", "Shared"]
