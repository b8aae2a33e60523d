"""An answer in blocks: sent while it is written, whole, in order, each once."""

import asyncio
from pathlib import Path

from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import running
from bot.types import Failure, ThinkDelta
from tests.scenarios.kit import Probe, scripted

CONFIG = """
limits: {{per_sender: null}}
agents: [{{id: main, tools: {{allow: [probe]}}}}]
channels:
  idempotent: {{dm_policy: open, allow_from: ["*"], streaming: block, blocks: {blocks}}}
"""
SMALL = CONFIG.format(blocks="{min_chars: 40, max_chars: 60, idle: 1s}")
WHOLE = CONFIG.format(blocks="{at: message_end, min_chars: 40, max_chars: 60}")
WORDS = [f"word{number:02} " for number in range(40)]
TEXT = "".join(WORDS).strip()


def joined(seen: list[str]) -> str:
    return " ".join(seen)


async def test_blocks_come_while_the_model_is_still_writing(tmp_path: Path, clock: VirtualClock):
    gate = asyncio.Event()
    async with running(tmp_path, SMALL, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        scripted(bench).on("go", [*WORDS[:30], gate, *WORDS[30:]])
        platform.say("go")
        await clock.until(platform.wait_for(lambda one: len(one.visible()) == 4))
        gate.set()
        await clock.until(platform.wait_for(lambda one: joined(one.visible()) == TEXT))
        seen = platform.visible()
        assert all(40 <= len(part) <= 60 for part in seen[:-1])
        assert platform.count("edit") == 0
        keys = [one.key.partition(":")[2] for one in platform.messages.values()]
        assert keys == [str(number) for number in range(len(seen))]


async def test_nothing_comes_before_the_end_where_blocks_wait_for_it(
    tmp_path: Path, clock: VirtualClock
):
    gate = asyncio.Event()
    async with running(tmp_path, WHOLE, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        scripted(bench).on("go", [*WORDS[:30], gate, *WORDS[30:]])
        platform.say("go")
        await clock.advance(30)
        assert platform.visible() == []
        gate.set()
        await clock.until(platform.wait_for(lambda one: joined(one.visible()) == TEXT))


async def test_what_is_said_before_a_tool_is_out_before_it_runs(
    tmp_path: Path, clock: VirtualClock
):
    probe = Probe()
    probe.gate = asyncio.Event()
    async with running(tmp_path, SMALL, clock=clock, scripted=True, tools=[probe]) as bench:
        platform = bench.platform()
        scripted(bench).on("go", ["Let me see.", call("probe", what="sea")], ["It is the sea."])
        platform.say("/verbose on go")
        await clock.until(platform.wait_for(lambda one: len(one.visible()) == 2))
        assert platform.visible()[0] == "Let me see." and "`probe`" in platform.visible()[1]
        probe.gate.set()
        await clock.until(platform.wait_for(lambda one: len(one.visible()) == 3))
        assert platform.visible()[2] == "It is the sea."


async def test_a_fence_is_closed_and_opened_again(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, SMALL, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        code = "```py\n" + "".join(f"line{n} = {n}\n" for n in range(20)) + "```"
        scripted(bench).on("go", list(code))
        platform.say("go")
        await clock.until(platform.wait_for(lambda one: "line19" in "".join(one.visible())))
        for part in platform.visible():
            assert part.startswith("```py\n") and part.endswith("```")
        whole = [line for part in platform.visible() for line in part.split("\n")[1:-1]]
        assert whole == [f"line{n} = {n}" for n in range(20)]


async def test_a_call_that_is_made_again_repeats_no_block(tmp_path: Path, clock: VirtualClock):
    overflow = Failure("CONTEXT_OVERFLOW", "too long", 400)
    async with running(tmp_path, SMALL, clock=clock, scripted=True) as bench:
        platform, gate = bench.platform(), asyncio.Event()
        for number in range(2):
            platform.say(f"hello {number}")
            await clock.until(platform.wait_for(lambda one, n=number: len(one.visible()) == n + 1))
        scripted(bench).on("go", [*WORDS[:20], gate, overflow], WORDS)
        platform.say("go")
        await clock.until(platform.wait_for(lambda one: len(one.visible()) == 4))
        gate.set()
        await clock.until(platform.wait_for(lambda one: joined(one.visible()[2:]) == TEXT))
        await clock.until(bench.app.engine.idle())
        assert joined(platform.visible()[2:]) == TEXT


async def test_silence_and_errors_are_as_without_blocks(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, SMALL, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        scripted(bench).on("hush", list("NO_REPLY"))
        failure = Failure("MODEL_OVERLOADED", "busy", 500)
        scripted(bench).on("fail", [*WORDS, failure])
        platform.say("hush")
        await platform.all_taken()
        await clock.until(bench.app.engine.idle())
        platform.say("fail")
        await clock.until(platform.wait_for(lambda one: "E-MODEL" in "".join(one.visible())))
        text = joined(platform.visible())
        assert text.startswith(TEXT) and text.count("word00") == 1


async def test_reasoning_goes_before_the_first_block(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, SMALL, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        scripted(bench).on("go", [ThinkDelta("Hm."), *WORDS])
        platform.say("/reasoning on go")
        await clock.until(platform.wait_for(lambda one: "word39" in "".join(one.visible())))
        assert platform.visible()[0] == "Reasoning:\n\nHm."
        assert joined(platform.visible()[1:]) == TEXT
