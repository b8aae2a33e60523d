"""Where task runs end early: failures, limits, stops, cancelling, and words of others."""

import asyncio
import json
from pathlib import Path

from bot.testing.clock import START, VirtualClock
from bot.testing.model import call
from bot.testing.running import CONFIG, Bench, running
from bot.tools.approval import OPERATOR
from bot.types import Failure
from tests.scenarios.kit import Probe, scripted
from tests.scenarios.subsessions_kit import busy
from tests.scenarios.tasks_kit import (
    ADA,
    EVERY,
    MODELS,
    passes,
    row_of,
    runs_of,
    scheduled,
)

AGENT = {"mode": "agent"}
BROKEN = Failure("MODEL_OVERLOADED", "The model is overloaded")


async def test_a_missing_key_blocks_the_task_and_says_what_to_do(
    tmp_path: Path, clock: VirtualClock
):
    keyless = (
        CONFIG + "agents: [{id: main, model: {primary: openai/gpt}}]\nproviders: {openai: {}}\n"
    )
    async with running(tmp_path, keyless, clock=clock) as bench:
        await scheduled(bench, policy=AGENT)
        await passes(bench, clock, EVERY)
        [row], task = await runs_of(bench), await row_of(bench)
        assert row["status"] == "blocked" and "Agent > Models" in row["reason"]
        assert (task["enabled"], task["next_at"], task["because"]) == (0, None, row["reason"])
        [shown] = bench.platform().visible()
        assert "Watch" in shown and "Agent > Models" in shown
        await passes(bench, clock, 2 * EVERY)
        assert len(await runs_of(bench)) == 1


async def test_failures_let_the_schedule_wait_and_the_third_in_a_row_is_told_once(
    bench: Bench, clock: VirtualClock
):
    scripted(bench).on("look", [BROKEN], [BROKEN], [BROKEN], [BROKEN], ["fine again"])
    await scheduled(bench, policy=AGENT)
    await passes(bench, clock, EVERY)
    [row] = await runs_of(bench)
    assert row["status"] == "error" and "overloaded" in row["reason"]
    assert row["delivery"] == "not-requested"
    assert json.loads((await row_of(bench))["state"])["errors"] == 1
    await passes(bench, clock, 2 * EVERY)
    third = (await runs_of(bench))[-1]
    assert third["status"] == "error" and len(bench.platform().visible()) == 1
    # Five minutes after the third failure, which is behind the next two due times.
    assert (await row_of(bench))["next_at"] == third["ended_at"] + 300
    await passes(bench, clock, 1300)
    assert bench.platform().visible()[1:] == ["fine again"] * (len(bench.platform().visible()) - 1)
    assert json.loads((await row_of(bench))["state"])["errors"] == 0


async def test_a_failed_check_never_escalates(bench: Bench, clock: VirtualClock):
    scripted(bench).on("look", ["Needs deeper analysis: yes\nDown.", BROKEN])
    await scheduled(bench)
    await passes(bench, clock, EVERY + 10)
    assert [(row["cause"], row["status"]) for row in await runs_of(bench)] == [("due", "error")]


async def test_a_single_run_that_fails_is_told_because_nothing_follows(
    bench: Bench, clock: VirtualClock
):
    scripted(bench).on("look", [BROKEN])
    await scheduled(bench, policy=AGENT, at=60.0)
    await passes(bench, clock, 60)
    [shown] = bench.platform().visible()
    assert shown.startswith("The task “Watch” failed. The model is overloaded")
    assert (await row_of(bench))["enabled"] == 0


async def test_a_run_ends_at_its_time_limit(tmp_path: Path, clock: VirtualClock):
    config = CONFIG + "tasks: {run_timeout: 50ms}\n"
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        scripted(bench).on("look", [asyncio.Event()])
        await scheduled(bench, policy=AGENT)
        await clock.advance(EVERY)
        async with asyncio.timeout(20):
            while (await runs_of(bench))[0]["settled_at"] is None:
                await bench.settle()
        [row] = await runs_of(bench)
        assert row["status"] == "error" and "RUN_TIMEOUT" in row["reason"]


async def test_so_many_runs_at_once_and_the_chat_has_its_place(tmp_path: Path, clock: VirtualClock):
    config = CONFIG.replace("cap: 1000}", "cap: 1000}, max_concurrent: 3")
    config += "tasks: {max_concurrent: 2}\n"
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        gate, model = asyncio.Event(), scripted(bench)
        model.on("look", [gate, "done"])
        for number in range(5):
            await scheduled(bench, policy=AGENT, id=f"task-w-00000{number}", at=EVERY)
        await clock.advance(EVERY)
        await busy(bench, 2)
        await bench.settle()
        assert model.running == 2
        bench.platform().say("hello")
        await bench.platform().shows("echo hello")
        gate.set()
        await bench.platform().wait_for(lambda one: one.visible().count("done") == 5)
        assert model.most_running == 3


async def test_a_run_may_use_so_many_tokens(tmp_path: Path, clock: VirtualClock):
    probe = Probe()
    async with running(tmp_path, MODELS, clock=clock, scripted=True, tools=[probe]) as bench:
        calls = [[call("probe", id=f"c{number}", what=str(number))] for number in range(9)]
        scripted(bench).on("look", *calls, ["never"])
        await scheduled(bench, policy={**AGENT, "maxTokens": 40})
        await passes(bench, clock, EVERY)
        [row] = await runs_of(bench)
        # Each answer of the scripted model has 15 tokens.
        assert row["status"] == "error" and "BUDGET" in row["reason"], row["reason"]
        assert (row["input_tokens"], row["output_tokens"]) == (30, 15)
        assert len(probe.calls) == 3 and scripted(bench).requests[0].max_tokens == 40


async def test_what_a_task_stops_for_ends_it(bench: Bench, clock: VirtualClock):
    scripted(bench).on("look", ["not yet"], ["The parcel is DELIVERED."])
    stop = {"outputIncludes": ["delivered"]}
    await scheduled(bench, policy={**AGENT, "stop": stop})
    await scheduled(bench, "two", policy={**AGENT, "stop": {"maxRuns": 2}}, id="task-two-000002")
    await passes(bench, clock, 3 * EVERY)
    assert len(await runs_of(bench)) == 2
    assert (await row_of(bench))["because"] == "Done: the answer says 'delivered'"
    assert len(await runs_of(bench, "task-two-000002")) == 2
    assert (await row_of(bench, "task-two-000002"))["enabled"] == 0


async def test_a_cancelled_run_is_an_error_that_says_so_and_tells_nobody(
    bench: Bench, clock: VirtualClock
):
    scripted(bench).on("look", ["begun", asyncio.Event()])
    await scheduled(bench, policy=AGENT)
    await clock.advance(EVERY)
    await busy(bench)
    [row] = await runs_of(bench)
    await bench.app.lanes.stop(row["session_key"])
    await passes(bench, clock, 1)
    [row], task = await runs_of(bench), await row_of(bench)
    assert (row["status"], row["reason"]) == ("error", "cancelled")
    assert bench.platform().visible() == []
    assert (task["enabled"], task["next_at"]) == (1, START + 2 * EVERY)


async def test_a_prompt_of_a_model_or_of_others_keeps_its_taint_and_names_its_author(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, MODELS, clock=clock, scripted=True) as bench:
        write = call("write", path="MEMORY.md", content="obey")
        for number, more in enumerate(({"author": "model"}, {"foreign": "a page"}, {})):
            scripted(bench).on(f"look {number}", [write], ["done"])
            id = f"task-w-00000{number}"
            await scheduled(bench, f"look {number}", policy=AGENT, id=id, at=60.0 + number, **more)
        await clock.advance(70)
        async with asyncio.timeout(20):
            while len(await bench.rows("SELECT * FROM approvals WHERE state = 'pending'")) < 2:
                await bench.settle()
        asked = await bench.rows("SELECT reason FROM approvals")
        reasons = sorted(row["reason"] for row in asked)
        assert len(reasons) == 2
        assert "a scheduled task that a model wrote" in reasons[0]
        assert "a scheduled task with words of others: a page" in reasons[1]
        first = scripted(bench).requests[0].entries[0].text
        assert '"writtenBy": "model"' in first
        # Who made the task is asked where its results go.
        cards = [text for text in bench.platform().visible() if text != "done"]
        assert len(cards) == 2 and all("MEMORY.md" in text for text in cards)


async def test_the_sessions_of_runs_are_forgotten_after_a_day(bench: Bench, clock: VirtualClock):
    await scheduled(bench, policy=AGENT, at=60.0)
    await passes(bench, clock, 60)
    [row] = await runs_of(bench)
    count = "SELECT count(*) AS n FROM sessions WHERE kind = 'task'"
    assert (await bench.rows(count))[0]["n"] == 1
    clock.jump(90_000)
    await passes(bench, clock, 61)
    assert (await bench.rows(count))[0]["n"] == 0
    assert await bench.rows("SELECT * FROM lanes WHERE key = ?", row["session_key"]) == []
    assert len(await runs_of(bench)) == 1
    assert len(await bench.transcript(ADA)) == 1


async def test_a_run_that_waits_for_a_person_gives_its_place_among_tasks_back(
    tmp_path: Path, clock: VirtualClock
):
    config = MODELS + "tasks: {max_concurrent: 1}\n"
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        write = call("write", path="MEMORY.md", content="obey")
        scripted(bench).on("ask first", [write], ["written"])
        await scheduled(bench, "ask first", policy=AGENT, at=5.0, author="model")
        await scheduled(bench, "look", policy=AGENT, at=7.0, id="task-two-000002")
        await clock.advance(8.0)
        await bench.platform().wait_for(lambda one: "echo look" in one.visible())
        first, second = await runs_of(bench), await runs_of(bench, "task-two-000002")
        assert (first[0]["status"], second[0]["status"]) == ("running", "ok")
        [asked] = await bench.app.approvals.listed()
        await bench.app.approvals.resolve(asked["id"], "allow-once", OPERATOR)
        await bench.platform().wait_for(lambda one: "written" in one.visible())
