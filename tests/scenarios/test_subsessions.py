"""Helpers: started at once, reported once, bounded, and stopped with whoever started them."""

import asyncio
from pathlib import Path

from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import CONFIG, running
from tests.scenarios.kit import scripted
from tests.scenarios.subsessions_kit import AGENTS, REPORT, busy, idle, results

DIG = call("sessions_spawn", task="dig", label="Digger")


async def test_167_a_spawn_returns_at_once_and_the_chat_stays_responsive(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        gate, here = asyncio.Event(), bench.platform()
        scripted(bench).on("go", [DIG], ["started"])
        scripted(bench).on("dig", [gate, "gold"])
        scripted(bench).on(REPORT, ["the helper found gold"])
        here.say("go")
        await here.shows("started")
        [spawned] = results(bench, "sessions_spawn")
        assert spawned["status"] == "accepted"
        assert spawned["childSessionKey"].startswith("agent:main:subagent:")
        here.say("hello")
        await here.shows("started", "echo hello")
        gate.set()
        await here.shows("started", "echo hello", "the helper found gold")
        await idle(bench)
        assert await bench.transcript(spawned["childSessionKey"]) == [
            ("user", "dig"),
            ("assistant", "gold"),
        ]
        [row] = [one for one in await bench.app.sessions.listing() if one["kind"] == "subagent"]
        assert (row["label"], row["key"]) == ("Digger", spawned["childSessionKey"])


async def test_166_a_helper_knows_nothing_of_the_chat_and_has_its_own_prompt(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        scripted(bench).on("go", [DIG], ["started"])
        bench.platform().say("a secret of the chat")
        bench.platform().say("go")
        await bench.platform().wait_for(lambda one: len(one.visible()) == 3)
        [asked] = [one for one in scripted(bench).requests if one.entries[0].text.endswith("dig")]
        assert len(asked.entries) == 1 and "secret" not in asked.entries[0].text
        offered = {spec.name for spec in asked.tools}
        assert "sessions_spawn" in offered and "sessions_send" not in offered
        assert len(asked.system) < len(scripted(bench).requests[0].system)


async def test_168_a_report_says_how_it_went_and_comes_to_where_it_was_asked_for(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        scripted(bench).on("go", [DIG], ["started"])
        scripted(bench).on("dig", [RuntimeError("broken")])
        bench.platform().say("go", thread="t1")
        await bench.platform().wait_for(lambda one: len(one.visible(thread="t1")) == 2)
        report = scripted(bench).requests[-1].entries[-1].text
        assert '"status": "error"' in report and '"label": "Digger"' in report
        assert report.endswith(REPORT)


async def test_168_silence_is_not_reported_and_not_shown(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        here, model = bench.platform(), scripted(bench)
        again = call("sessions_spawn", task="bake")
        model.on("go", [DIG], ["started"])
        model.on("dig", ["ANNOUNCE_SKIP"])
        model.on("again", [again], ["started too"])
        model.on("bake", ["bread"])
        model.on(REPORT, ["ANNOUNCE_SKIP"])
        here.say("go")
        here.say("again")
        await here.shows("started", "started too")
        await idle(bench)
        assert here.visible() == ["started", "started too"]
        asked = [one for one in model.requests if one.entries[-1].text.endswith(REPORT)]
        assert len(asked) == 1 and "bread" in asked[0].entries[-1].text
        states = await bench.rows("SELECT task, state FROM children ORDER BY task")
        assert [tuple(row) for row in states] == [("bake", "ok"), ("dig", "silent")]


async def test_limits_of_number_depth_and_agents_are_told(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        gate, model = asyncio.Event(), scripted(bench)
        calls = [call("sessions_spawn", f"c{n}", task="dig") for n in range(3)]
        calls += [call("sessions_spawn", "c3", task="dig", agentId="third")]
        calls += [call("sessions_spawn", "c4", task="dig", agentId="nobody")]
        model.on("go", calls, ["started"])
        model.on("dig", [call("sessions_spawn", task="deeper"), gate], [gate, "dug"])
        model.on("deeper", [call("sessions_spawn", task="too deep")], [gate, "deep"])
        bench.platform().say("go")
        await bench.platform().shows("started")
        told = results(bench, "sessions_spawn")
        assert [one["status"] for one in told if isinstance(one, dict)][:2] == ["accepted"] * 2
        assert "2 helpers are at work here already; wait until one has reported." in told
        assert "main may not start third: its subagents.allow_agents does not name it." in told
        assert "There is no agent nobody." in told
        gate.set()
        await idle(bench)
        deepest = [row["key"] for row in await bench.rows("SELECT key FROM children")]
        assert max(key.count(":subagent:") for key in deepest) == 2
        refused = [one for one in results(bench, "sessions_spawn") if "not allowed" in str(one)]
        assert len(refused) == 1, "a helper's helper has no such tool"


async def test_without_helpers_none_is_started(tmp_path: Path, clock: VirtualClock):
    text = CONFIG + "agents: [{id: main, tools: {profile: full}, subagents: {max_depth: 0}}]\n"
    async with running(tmp_path, text, clock=clock, scripted=True) as bench:
        scripted(bench).on("go", [DIG], ["no"])
        bench.platform().say("go")
        await bench.platform().shows("no")
        assert results(bench, "sessions_spawn") == [
            "Helpers may not be started from here: subagents.max_depth is 0."
        ]


async def test_another_agent_and_another_model_are_used_or_said_to_be_missing(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        ask = call("sessions_spawn", task="dig", agentId="other", model="nobody/none")
        scripted(bench).on("go", [ask, call("agents_list", "c2")], ["started"])
        bench.platform().say("go")
        await bench.platform().wait_for(lambda one: len(one.visible()) == 2)
        [spawned] = results(bench, "sessions_spawn")
        assert spawned["childSessionKey"].startswith("agent:other:subagent:")
        assert "The agent's own model is used." in spawned["warning"]
        [agents] = results(bench, "agents_list")
        assert [one["id"] for one in agents["agents"]] == ["main", "other"]


async def test_stop_ends_children_and_grandchildren_without_a_report(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        here, model = bench.platform(), scripted(bench)
        model.on("go", [DIG], ["started"])
        model.on("dig", [call("sessions_spawn", task="deeper")], [asyncio.Event(), "never"])
        model.on("deeper", [asyncio.Event(), "never"])
        here.say("go")
        await here.shows("started")
        await busy(bench, 2)
        here.say("/stop")
        await here.shows("started", "Stopped 2 runs.")
        await idle(bench)
        assert model.running == 0
        states = await bench.rows("SELECT state FROM children")
        assert [row["state"] for row in states] == ["stopped", "stopped"]
        assert here.visible() == ["started", "Stopped 2 runs."]
        here.say("/subagents")
        await here.wait_for(lambda one: "`Digger` stopped" in one.visible()[-1])


async def test_one_helper_is_told_something_and_killed_from_the_chat(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        here, model = bench.platform(), scripted(bench)
        model.on("go", [DIG], ["started"])
        model.on("dig", ["gold"])
        model.on("where?", ["in the river"])
        model.on(REPORT, ["first"], ["second"])
        here.say("go")
        await here.shows("started", "first")
        here.say("/subagents send Digger where?")
        await here.wait_for(lambda one: len(one.visible()) == 4)
        assert sorted(here.visible()[2:]) == ["Told `Digger`. Its answer comes here.", "second"]
        assert "in the river" in model.requests[-1].entries[-1].text
        model.on("wait", [asyncio.Event(), "never"])
        here.say("/subagents send 1 wait")
        await busy(bench)
        here.say("/subagents kill all")
        await here.wait_for(lambda one: one.visible()[-1] == "Stopped 1 helper.")
        here.say("/subagents log 1")
        await here.wait_for(lambda one: "in the river" in one.visible()[-1])


async def test_a_result_that_was_not_told_is_seen_in_the_list(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        here, gate = bench.platform(), asyncio.Event()
        scripted(bench).on("go", [DIG], ["started"])
        scripted(bench).on("dig", ["gold"])
        scripted(bench).on(REPORT, [gate, "never"])
        here.say("go")
        await here.shows("started")
        await busy(bench)
        here.say("/stop")
        await here.wait_for(lambda one: "Stopped." in one.visible())
        await idle(bench)
        here.say("/subagents info 1")
        await here.wait_for(lambda one: "result undelivered" in one.visible()[-1])
        assert here.visible()[-1].endswith("gold")
