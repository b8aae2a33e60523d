"""A run: its stages in order, stopped in time, never lost, its failures told in plain words."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.events import Delta, Finished, ToolEnded, ToolStarted, ToolUpdated
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import CONFIG, Bench, running
from bot.types import Failure, ThinkDelta
from tests.scenarios.kit import ADA, TOOLS, Probe, Watch, run_row, scripted


async def test_a_turn_with_a_tool_leaves_its_events_and_lines_in_order(
    tmp_path: Path, clock: VirtualClock
):
    probe = Probe()
    async with running(tmp_path, TOOLS, clock=clock, scripted=True, tools=[probe]) as bench:
        watch, model = Watch(bench), scripted(bench)
        model.on("look", ["Let me see. ", call("probe", what="sea")], ["It is ", "the sea."])
        await bench.ask("look", "r1")
        await bench.app.engine.idle()
        assert watch.kinds("r1") == [
            *("Started", "Delta", "ToolStarted", "ToolUpdated", "ToolEnded", "Delta", "Delta"),
            "Finished",
        ]
        seqs = [event.seq for event in watch.of("r1")]
        assert seqs == sorted(set(seqs))
        assert await bench.transcript("main") == [
            ("user", "look"),
            ("assistant", "Let me see. "),
            ("tool", "saw sea"),
            ("assistant", "It is the sea."),
        ]
        tools = [one.body for one in watch.of("r1") if hasattr(one.body, "call_id")]
        assert [type(one) for one in tools] == [ToolStarted, ToolUpdated, ToolEnded]
        assert {one.call_id for one in tools} == {"c1"}
        second = model.requests[1].entries
        assert [entry.role for entry in second] == ["user", "assistant", "tool"]
        ended = watch.of("r1")[-1].body
        assert isinstance(ended, Finished)
        assert ended.reply == "Let me see.\n\nIt is the sea."
        assert ended.usage == {"inputTokens": 20, "outputTokens": 10, "cost": None}
        assert ended.ended_at >= ended.started_at
        [session] = await bench.rows("SELECT * FROM sessions WHERE key = 'agent:main:main'")
        assert (session["input_tokens"], session["output_tokens"]) == (20, 10)


async def test_deltas_joined_are_the_answer_and_hold_no_reasoning(bench: Bench):
    watch = Watch(bench)
    scripted(bench).on("hi", [ThinkDelta("hm, "), "One ", "<think>secret</think>", "two", " three"])
    await bench.ask("hi", "r1")
    await bench.app.engine.idle()
    deltas = [event.body for event in watch.of("r1") if isinstance(event.body, Delta)]
    assert "".join(delta.delta for delta in deltas) == "One two three"
    assert [delta.text for delta in deltas] == [
        "".join(one.delta for one in deltas[: number + 1]) for number in range(len(deltas))
    ]
    assert (await run_row(bench, "r1"))["reply"] == "One two three"


@pytest.mark.parametrize(
    ("allow", "name", "says"),
    [
        ("[]", "probe", "The tool probe is not allowed for this agent."),
        ("[probe]", "nothing", "There is no tool named nothing."),
        ("[probe]", "probe", "The tool probe failed."),
    ],
)
async def test_a_call_that_cannot_be_made_is_an_error_result(
    tmp_path: Path, clock: VirtualClock, allow: str, name: str, says: str
):
    probe = Probe()
    config = CONFIG + f"agents: [{{id: main, tools: {{allow: {allow}}}}}]\n"
    async with running(tmp_path, config, clock=clock, scripted=True, tools=[probe]) as bench:
        scripted(bench).on("go", [call(name, fail=True)], ["I could not."])
        await bench.ask("go", "r1")
        await bench.app.engine.idle()
        assert (await bench.transcript("main"))[2:] == [
            ("tool", says),
            ("assistant", "I could not."),
        ]
        assert scripted(bench).requests[1].entries[-1].is_error


async def test_a_stop_keeps_what_was_written_and_takes_back_what_waits(
    bench: Bench, clock: VirtualClock
):
    platform = bench.platform()
    scripted(bench).on("long", ["The first part", asyncio.Event(), " never"])
    platform.say("long")
    await clock.advance(0.1)
    platform.say("waits")
    await platform.all_taken()
    platform.say("/stop")
    await clock.until(platform.wait_for(lambda one: len(one.visible()) == 2))
    await clock.advance(5)
    assert "The first part" in platform.visible()
    assert ("echo waits" in platform.visible()) is False
    rows = await bench.rows("SELECT state FROM runs WHERE session_key = ? ORDER BY rowid", ADA)
    assert sorted(row["state"] for row in rows) == ["aborted", "aborted", "ok"]
    platform.say("on we go")
    await clock.until(platform.wait_for(lambda one: "echo on we go" in one.visible()))
    seen = [(entry.role, entry.text) for entry in scripted(bench).requests[-1].entries]
    assert seen == [("user", "long"), ("assistant", "The first part"), ("user", "on we go")]


async def test_a_stop_in_a_tool_leaves_no_call_without_a_result(
    tmp_path: Path, clock: VirtualClock
):
    probe = Probe()
    probe.gate = asyncio.Event()
    async with running(tmp_path, TOOLS, clock=clock, scripted=True, tools=[probe]) as bench:
        calls = [call("probe", "c1", what="a"), call("probe", "c2", what="b")]
        scripted(bench).on("look", calls, ["never"])
        await bench.ask("look", "r1")
        await probe.began.wait()
        stopped = await bench.app.lanes.stop("agent:main:main")
        assert stopped.aborted == ["r1"]
        await bench.app.engine.idle()
        await bench.ask("and now?", "r2")
        await bench.app.engine.idle()
        entries = scripted(bench).requests[-1].entries
        asked = {one.id for entry in entries for one in entry.calls}
        assert asked == {"c1", "c2"} == {entry.call_id for entry in entries if entry.role == "tool"}
        assert len(probe.calls) == 1


@pytest.mark.parametrize("said", [[], ["some of it "]])
async def test_a_run_that_takes_too_long_is_ended_with_a_note_and_frees_its_lane(
    bench: Bench, said: list[str]
):
    watch = Watch(bench)
    scripted(bench).on("hang", [*said, asyncio.Event()])
    await bench.ask("hang", "r1", timeout=0.05)
    await bench.ask("next", "r2")
    await bench.app.engine.idle()
    row = await run_row(bench, "r1")
    assert (row["state"], json.loads(row["error"])["code"]) == ("error", "RUN_TIMEOUT")
    assert "took too long" in row["reply"]
    assert row["reply"].startswith("".join(said).strip())
    assert watch.kinds("r1").count("Finished") == 1
    assert (await run_row(bench, "r2"))["reply"] == "echo next"


async def test_a_timeout_of_nothing_is_no_limit(bench: Bench, clock: VirtualClock):
    scripted(bench).on("slow", [86_400.0, "at last"])
    await bench.ask("slow", "r1", timeout=0)
    await clock.advance(86_500)
    await bench.app.engine.idle()
    assert (await run_row(bench, "r1"))["reply"] == "at last"


async def test_a_failed_model_is_told_in_plain_words(bench: Bench):
    platform = bench.platform()
    secret = "HTTP 401 {'key': 'sk-abcdefghijklmnopqrstuvwxyz0123456789'}"
    scripted(bench).on("hi", ["Well, ", Failure("MODEL_AUTH", secret, 401)])
    platform.say("hi")
    await platform.wait_for(lambda one: one.visible())
    [text] = platform.visible()
    assert text.startswith("Well,\n\nThe model refused the key.")
    assert "sk-" not in text


async def test_a_message_that_breaks_the_run_three_times_is_put_aside_with_one_apology(
    bench: Bench, clock: VirtualClock
):
    """The fault is outside the model and the tools, where nothing else catches it."""
    platform, watch, tries = bench.platform(), Watch(bench), 0
    live = bench.app.turns.delivery.live

    def breaking(turn: Any) -> Any:
        nonlocal tries
        if turn.message.text == "poison":
            tries += 1
            raise ZeroDivisionError
        return live(turn)

    bench.app.turns.delivery.live = breaking
    platform.say("poison")
    await platform.all_taken()
    platform.say("after")
    await clock.until(platform.wait_for(lambda one: len(one.visible()) == 2))
    await clock.advance(120)
    assert tries == 3
    assert platform.visible()[1] == "echo after"
    assert "could not be processed" in platform.visible()[0]
    [item] = await bench.rows("SELECT * FROM inbox WHERE state = 'quarantined'")
    assert item["reason"]
    assert watch.kinds(item["run"]).count("Finished") == 1
    seqs = [event.seq for event in watch.of(item["run"])]
    assert seqs == sorted(set(seqs)), "numbers go on over the attempts"
