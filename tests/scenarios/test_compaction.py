"""A session that outgrows its model: summed up, nothing lost, nothing said twice, never stuck."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.events import Compacted, Delta
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import CONFIG, Bench, running
from bot.tokens import of_entries
from bot.types import Failure, ModelRequest
from tests.scenarios.kit import Probe, Watch, run_row, scripted

OVERFLOW = Failure("CONTEXT_OVERFLOW", "prompt is too long", 400)
MAIN = "agent:main:main"


def small(window: int = 4000, *, reserve: int = 500, keep: int = 300, tools: str = "[]") -> str:
    return (
        CONFIG + f"agents: [{{id: main, context_tokens: {window}, tools: {{profile: minimal, "
        f"allow: {tools}}}, compaction: {{reserve: {reserve}, keep_recent: {keep}}}}}]\n"
    )


async def said(bench: Bench, *texts: str) -> None:
    """The operator says these, each when the last is answered."""
    for number, text in enumerate(texts):
        await bench.ask(text, f"{text[:8]}-{number}")
        await bench.app.engine.idle()


async def session(bench: Bench) -> Any:
    row = await bench.app.sessions.get("main")
    assert row is not None
    return row


def answers(bench: Bench) -> list[ModelRequest]:
    return [one for one in scripted(bench).requests if one.purpose == "answer"]


def phases(watch: Watch, run: str) -> list[tuple[str, bool]]:
    bodies = (event.body for event in watch.of(run))
    return [(one.phase, one.will_retry) for one in bodies if isinstance(one, Compacted)]


async def test_an_overflow_is_summed_up_and_asked_again_with_one_answer(bench: Bench):
    watch, model = Watch(bench), scripted(bench)
    await said(bench, "my cat is called Mog", "and I live in Lund")
    model.aside["summary"] = [["The cat is Mog."]]
    model.on("go on", ["Half an ans", OVERFLOW], ["The whole answer."])
    await bench.ask("go on", "r1")
    await bench.app.engine.idle()
    row = await run_row(bench, "r1")
    assert (row["state"], row["reply"]) == ("ok", "The whole answer.")
    assert (await session(bench))["compactions"] == 1
    assert phases(watch, "r1") == [("start", True), ("end", True)]
    assert watch.kinds("r1").count("Finished") == 1
    after = [event.body for event in watch.of("r1")]
    again = after[after.index(Compacted("end", True)) + 1 :]
    assert [one.text for one in again if isinstance(one, Delta)] == ["The whole answer."]
    seen = answers(bench)[-1].entries
    assert "The cat is Mog." in seen[0].text and seen[-1].text == "go on"
    assert not any("my cat" in one.text for one in seen)
    lines = await bench.transcript("main")
    assert lines[0] == ("user", "my cat is called Mog"), "people still see everything"
    assert ("compaction", "The cat is Mog.") in lines


async def test_the_next_turns_see_the_summary_and_what_was_kept(bench: Bench):
    model = scripted(bench)
    await said(bench, "one", "two")
    model.on("three", [OVERFLOW], ["3"])
    await said(bench, "three", "four")
    roles = [(one.role, one.text) for one in answers(bench)[-1].entries]
    assert "A summary." in roles[0][1]
    assert roles[1:] == [("user", "three"), ("assistant", "3"), ("user", "four")]


async def test_what_always_overflows_ends_in_words_and_frees_the_lane(bench: Bench):
    model = scripted(bench)
    await said(bench, "one", "two", "three")
    model.on("never", [OVERFLOW])
    await bench.ask("never", "r1")
    await bench.app.engine.idle()
    row = await run_row(bench, "r1")
    assert (row["state"], json.loads(row["error"])["code"]) == ("error", "CONTEXT_OVERFLOW")
    assert "/new" in row["reply"] and "E-CONTEXT-OVERFLOW" in row["reply"]
    assert len([one for one in model.requests if one.purpose == "answer"]) <= 3 + 4
    await bench.ask("after", "r2")
    await bench.app.engine.idle()
    assert (await run_row(bench, "r2"))["reply"] == "echo after"


async def test_no_request_is_larger_than_the_window_less_its_reserve(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, small(), clock=clock, scripted=True) as bench:
        first = "The password of the gate is 4711. " + "word " * 300
        scripted(bench).aside["summary"] = [["The gate's password is 4711."]]
        await said(bench, first, *(f"{n} " + "word " * 300 for n in range(15)))
        inference = bench.app.turns.inference
        for request in answers(bench):
            size = of_entries(request.entries) + inference.overhead(request)
            assert size <= 3500
        row = await session(bench)
        assert row["compactions"] >= 2
        assert "4711" in answers(bench)[-1].entries[0].text
        runs = await bench.rows("SELECT state FROM runs")
        assert {one["state"] for one in runs} == {"ok"}


async def test_after_an_answer_that_fills_the_window_the_lane_sums_up_by_itself(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, small(), clock=clock, scripted=True) as bench:
        watch, model = Watch(bench), scripted(bench)
        model.on("long", ["word " * 2600])
        await said(bench, "hello", "long")
        assert (await session(bench))["compactions"] == 1
        [run] = await bench.rows("SELECT * FROM runs WHERE id LIKE 'compact-%'")
        assert (run["state"], run["reply"]) == ("ok", "")
        assert phases(watch, run["id"]) == [("start", False), ("end", False)]
        assert (await session(bench))["context_used"] < 3500
        await said(bench, "next")
        assert "A summary." in answers(bench)[-1].entries[0].text


async def test_a_message_larger_than_the_window_is_refused_in_words(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, small(), clock=clock, scripted=True) as bench:
        await bench.ask("word " * 6000, "r1")
        await bench.app.engine.idle()
        row = await run_row(bench, "r1")
        assert json.loads(row["error"])["code"] == "CONTEXT_OVERFLOW"
        assert "too long" in row["reply"]
        assert answers(bench) == []
        await bench.ask("small", "r2")
        await bench.app.engine.idle()
        assert (await run_row(bench, "r2"))["reply"] == "echo small"


async def test_a_call_is_never_parted_from_its_result(tmp_path: Path, clock: VirtualClock):
    probe = Probe()
    config = small(tools="[probe]")
    async with running(tmp_path, config, clock=clock, scripted=True, tools=[probe]) as bench:
        calls = [[f"{n} " + "word " * 250, call("probe", f"c{n}", what=n)] for n in range(12)]
        scripted(bench).on("work", *calls, ["done"])
        await bench.ask("work", "r1")
        await bench.app.engine.idle()
        assert (await session(bench))["compactions"] >= 1
        assert (await run_row(bench, "r1"))["reply"].endswith("done")
        assert len(probe.calls) == 12
        for request in answers(bench):
            asked = {one.id for entry in request.entries for one in entry.calls}
            assert asked == {one.call_id for one in request.entries if one.role == "tool"}
        assert answers(bench)[-1].entries[1].text == "work", "the request is not forgotten"


async def test_a_summary_that_fails_changes_nothing(bench: Bench):
    model = scripted(bench)
    await said(bench, "one", "two")
    model.aside["summary"] = [[Failure("MODEL_RATE_LIMIT", "slow down", 429)]]
    model.on("three", [OVERFLOW], ["3"])
    await bench.ask("three", "r1")
    await bench.app.engine.idle()
    row = await run_row(bench, "r1")
    assert json.loads(row["error"])["code"] == "MODEL_RATE_LIMIT"
    assert (await session(bench))["compactions"] == 0
    assert not any(role == "compaction" for role, _ in await bench.transcript("main"))


async def test_a_summary_that_overflows_itself_is_asked_with_less(bench: Bench):
    model = scripted(bench)
    await said(bench, "one", "two")
    model.aside["summary"] = [[OVERFLOW], ["Short."]]
    model.on("three", [OVERFLOW], ["3"])
    await said(bench, "three")
    assert (await session(bench))["compactions"] == 1
    assert await bench.transcript("main") != []


async def test_what_lasts_is_noted_once_before_each_summary(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        model = scripted(bench)
        await said(bench, "I am allergic to nuts", "two")
        model.aside["notes"] = [["- The operator is allergic to nuts."], ["NO_REPLY"]]
        model.on("three", [OVERFLOW], ["3"])
        model.on("five", [OVERFLOW], ["5"])
        await said(bench, "three", "four", "five")
        [note] = (tmp_path / "workspaces" / "main" / "memory").glob("*.md")
        assert note.read_text() == "- The operator is allergic to nuts.\n"
        assert len([one for one in model.requests if one.purpose == "notes"]) == 2


@pytest.mark.parametrize("said_before", [0, 2])
async def test_compact_answers_what_it_did(tmp_path: Path, clock: VirtualClock, said_before: int):
    async with running(tmp_path, small(keep=0), clock=clock, scripted=True) as bench:
        platform = bench.platform()
        for number in range(said_before):
            platform.say(f"number {number} " + "word " * 100)
            await platform.wait_for(lambda one, n=number: len(one.visible()) == n + 1)
        platform.say("/compact keep the numbers")
        await clock.until(platform.wait_for(lambda one: len(one.visible()) == said_before + 1))
        last = platform.visible()[-1]
        if said_before:
            assert last.startswith("Summed up: about")
            [asked] = [one for one in scripted(bench).requests if one.purpose == "summary"]
            assert "keep the numbers" in asked.system
        else:
            assert last == "There is nothing to sum up yet."
        rows = await bench.rows("SELECT compactions FROM sessions")
        assert [row["compactions"] for row in rows] == [1 if said_before else 0]


async def test_compact_waits_for_the_run_that_is_on(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, small(keep=0), clock=clock, scripted=True) as bench:
        platform, gate = bench.platform(), asyncio.Event()
        scripted(bench).on("slow " + "word " * 100, ["done " * 50, gate, "!"])
        platform.say("slow " + "word " * 100)
        await platform.all_taken()
        platform.say("/compact")
        platform.say("/status")
        await clock.until(platform.wait_for(lambda one: "Model" in "".join(one.visible())))
        gate.set()
        await clock.until(platform.wait_for(lambda one: "Summed up" in "".join(one.visible())))
        compactions = await bench.rows("SELECT compactions FROM sessions WHERE compactions > 0")
        assert len(compactions) == 1
