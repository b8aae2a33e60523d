"""What people see of a run: reasoning, tools, replies, each where it is wanted and only once."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.events import Thought
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import Bench, running
from bot.types import Failure, Risk, ThinkDelta, ToolContext, ToolResult
from tests.scenarios.kit import TOOLS, Probe, Watch, scripted

WORDS = "'{Identity.Name} on {model} {nope}:'"
PREFIX = TOOLS.replace("messages: {", f"messages: {{response_prefix: {WORDS}, ")
SECRET = "sk-the-one-and-only-key"
KEYED = TOOLS + f"providers: {{other: {{api: openai, api_key: {SECRET}}}}}\n"


class Messenger:
    """A tool that says something in the run's own conversation."""

    name = "probe"
    description = "Says."
    schema: Mapping[str, Any] = {"type": "object"}
    risk: Risk = "send"
    repeatable = False
    tags = ()

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        return ToolResult("sent", is_error=bool(args.get("fail")), said=(str(args["text"]),))


async def shown(bench: Bench, clock: VirtualClock, text: str, count: int) -> list[str]:
    platform = bench.platform()
    platform.say(text)
    await clock.until(platform.wait_for(lambda one: len(one.visible()) >= count))
    await clock.until(bench.app.engine.idle())
    return platform.visible()


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [("off", ["42"]), ("on", ["Reasoning:\n\nsix times seven", "42"]), ("stream", ["42"])],
)
async def test_reasoning_is_shown_as_the_session_says(
    bench: Bench, clock: VirtualClock, reasoning: str, expected: list[str]
):
    watch = Watch(bench)
    scripted(bench).on("what?", [ThinkDelta("six times "), ThinkDelta("seven"), "42"])
    assert len(await shown(bench, clock, f"/reasoning {reasoning}", 1)) == 1
    seen = await shown(bench, clock, "what?", 1 + len(expected))
    assert seen[1:] == expected
    thoughts = [one.body for one in watch.events if isinstance(one.body, Thought)]
    assert bool(thoughts) == (reasoning == "stream")
    [entry] = await bench.rows("SELECT body FROM entries WHERE role = 'assistant'")
    assert "six times seven" in entry["body"], "the transcript keeps it"


async def test_a_stream_of_reasoning_is_in_the_preview_only(bench: Bench, clock: VirtualClock):
    platform, gate = bench.platform(), asyncio.Event()
    scripted(bench).on("what?", [ThinkDelta("six times seven"), gate, "42"])
    platform.say("/reasoning stream what?")
    await clock.until(platform.wait_for(lambda one: one.visible()))
    assert platform.visible() == ["Reasoning:\n\nsix times seven"]
    gate.set()
    await clock.until(platform.shows("42"))


@pytest.mark.parametrize("verbose", ["off", "on", "full"])
async def test_tools_are_shown_as_the_session_says(
    tmp_path: Path, clock: VirtualClock, verbose: str
):
    async with running(tmp_path, TOOLS, clock=clock, scripted=True, tools=[Probe()]) as bench:
        calls = [call("probe", "c1", what="a"), call("probe", "c2", what="b")]
        scripted(bench).on("look", calls, ["Seen."])
        await shown(bench, clock, f"/verbose {verbose}", 1)
        count = {"off": 1, "on": 3, "full": 5}[verbose]
        seen = (await shown(bench, clock, "look", 1 + count))[1:]
        lines = [line for line in seen if line != "Seen."]
        assert len(seen) == count and seen[-1] == "Seen."
        assert sum('"what": "a"' in line for line in lines) == (verbose != "off")
        assert sum("saw b" in line for line in lines) == (verbose == "full")


async def test_a_directive_in_a_text_counts_for_it_alone_and_is_not_in_it(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, TOOLS, clock=clock, scripted=True, tools=[Probe()]) as bench:
        model = scripted(bench)
        model.on("look", [call("probe", what="a")], ["Seen."])
        seen = await shown(bench, clock, "/verbose on look", 2)
        assert len(seen) == 2
        assert (await shown(bench, clock, "look", 3))[2:] == ["Seen."]
        await shown(bench, clock, "please /think high answer", 4)
        await shown(bench, clock, "and now", 5)
        asked = [(one.entries[-1].text, one.thinking) for one in model.requests[-2:]]
        assert asked == [("please answer", "high"), ("and now", "off")]
        rows = await bench.rows("SELECT settings FROM sessions")
        assert {row["settings"] for row in rows} == {"{}"}


async def test_think_alone_is_kept_and_a_wrong_level_changes_nothing(
    bench: Bench, clock: VirtualClock
):
    await shown(bench, clock, "/think high", 1)
    await shown(bench, clock, "/think enormously", 2)
    await shown(bench, clock, "well?", 3)
    assert "nothing was changed" in bench.platform().visible()[1]
    assert scripted(bench).requests[-1].thinking == "high"


async def test_what_a_tool_has_said_is_not_said_again(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, TOOLS, clock=clock, scripted=True, tools=[Messenger()]) as bench:
        scripted(bench).on("tell", [call("probe", text="The bus is late.")], ["the bus  is LATE."])
        scripted(bench).on("fail", [call("probe", text="Hm.", fail=True)], ["NO_REPLY"])
        for run, text in (("r1", "tell"), ("r2", "fail")):
            await bench.ask(text, run)
            await bench.app.engine.idle()
        rows = await bench.rows("SELECT reply FROM runs ORDER BY rowid")
        assert [row["reply"] for row in rows] == ["", ""]


async def test_a_failed_tool_is_told_when_nothing_else_is(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, TOOLS, clock=clock, scripted=True, tools=[Probe()]) as bench:
        scripted(bench).on("look", [call("probe", fail=True)], [""])
        [line] = await shown(bench, clock, "look", 1)
        assert line.startswith("A tool failed and there is no answer")


async def test_what_two_calls_say_alike_is_said_once(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, TOOLS, clock=clock, scripted=True, tools=[Probe()]) as bench:
        scripted(bench).on("look", ["On it.", call("probe")], ["On it."])
        assert await shown(bench, clock, "look", 1) == ["On it."]


async def test_secrets_tags_and_calls_never_leave(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, KEYED, clock=clock, scripted=True) as bench:
        watch = Watch(bench)
        leaks = [
            *(
                "The key is sk-the-one-",
                "and-only-key, ",
                '<quoted>{"a": 1}</quoted>so <tool_call>',
            ),
            *('{"name": "x"}</tool_call>there', " [[reply_to_current]]you are."),
        ]
        scripted(bench).on("leak", leaks)
        [text] = await shown(bench, clock, "leak", 1)
        assert text == "The key is [secret], so there you are."
        assert SECRET not in repr(watch.events)
        rows = await bench.rows("SELECT body FROM entries UNION ALL SELECT reply FROM runs")
        assert not any(SECRET in str(row["body"]) for row in rows)
        assert bench.platform().messages["b1"].reply_to == "u1"


@pytest.mark.parametrize(("tag", "quoted"), [("u1", "u1"), ("u999", None)])
async def test_only_a_message_of_the_session_can_be_quoted(
    bench: Bench, clock: VirtualClock, tag: str, quoted: str | None
):
    scripted(bench).on("hi", [f"[[reply_to:{tag}]] Hello."])
    assert await shown(bench, clock, "hi", 1) == ["Hello."]
    assert bench.platform().messages["b1"].reply_to == quoted


async def test_a_prefix_names_who_answers(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, PREFIX, clock=clock, scripted=True) as bench:
        assert await shown(bench, clock, "hi", 1) == ["main on demo {nope}: echo hi"]


async def test_a_failed_model_after_some_text_keeps_what_came_once(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, TOOLS, clock=clock, scripted=True, tools=[Probe()]) as bench:
        failure = Failure("MODEL_OVERLOADED", "busy", 500)
        scripted(bench).on("look", ["First.", call("probe")], ["Sec", failure])
        [text] = await shown(bench, clock, "look", 1)
        assert text.startswith("First.\n\nSec\n\nThe model cannot answer at the moment.")
        assert (await bench.transcript(next(iter(await keys(bench)))))[-1] == ("assistant", "Sec")


async def keys(bench: Bench) -> list[str]:
    return [row["key"] for row in await bench.rows("SELECT key FROM sessions")]
