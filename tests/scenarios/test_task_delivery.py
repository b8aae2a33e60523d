"""What becomes of the results of tasks on their way to people, on the whole app."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.cli.inside import core_of
from bot.contract import Address
from bot.engine.port import Script, q
from bot.errors import RequestError
from bot.gateway.local import Local
from bot.gateway.methods import table
from bot.schedule.recipients import announced
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.platform import Fault
from bot.testing.running import CONFIG, Bench, running
from tests.scenarios.kit import scripted
from tests.scenarios.surfaces import everywhere, surfaces
from tests.scenarios.tasks_kit import (
    ADA,
    EVERY,
    HERE,
    ID,
    MODELS,
    passes,
    row_of,
    runs_of,
    scheduled,
    until,
)

PROMPT = "look"
AGENT = {"mode": "agent"}
TEAM = announced(Address("readable", "readable", "team"))
REFUSED = Fault("refused")


async def shown(bench: Bench) -> dict[str, Any]:
    """The task as the operator sees it in a list."""
    core = core_of(bench.app)
    [row] = (await Local(table(core), bench.app.hub, core.view).request("tasks.list", {}))["tasks"]
    return dict(row)


def fates(rows: list[Any]) -> list[tuple[str, str, str | None]]:
    return [(row["status"], row["delivery"], row["error"]) for row in rows]


async def test_a_result_is_delivered_when_each_part_has_an_id_of_its_platform(
    bench: Bench, clock: VirtualClock
):
    scripted(bench).on(PROMPT, ["word " * 2000])
    await scheduled(bench, PROMPT, policy=AGENT)
    await passes(bench, clock, EVERY)
    [row] = await runs_of(bench)
    parts = await bench.rows("SELECT ref FROM outbox WHERE run = ?", row["id"])
    assert len(parts) > 1 and all(part["ref"] for part in parts)
    assert fates([row]) == [("ok", "delivered", None)] and row["target"] == HERE.key


async def test_on_its_way_it_is_unknown_and_one_refused_part_loses_it(
    bench: Bench, clock: VirtualClock
):
    platform = bench.platform()
    scripted(bench).on(PROMPT, ["word " * 2000])
    await scheduled(bench, PROMPT, policy=AGENT, at=5.0)
    platform.fail("send", Fault("not-sent"), REFUSED)
    await clock.advance(5.0)
    await bench.settle()
    [row] = await runs_of(bench)
    assert (row["status"], row["delivery"]) == ("ok", "unknown") and row["error"]
    await passes(bench, clock, 30)
    [row] = await runs_of(bench)
    assert (row["status"], row["delivery"]) == ("ok", "not-delivered")
    assert row["error"] == "the platform says no"


async def test_06_a_removed_channel_loses_deliveries_and_neither_task_nor_history(
    bench: Bench, clock: VirtualClock
):
    scripted(bench).on(PROMPT, ["one"], ["two"])
    await scheduled(bench, PROMPT, policy=AGENT, delivery=TEAM)
    await passes(bench, clock, EVERY)
    before = await row_of(bench)
    channels = {k: v for k, v in bench.app.config.channels.items() if k != "readable"}
    await bench.app.adopt(bench.app.config.model_copy(update={"channels": channels}), "readable")
    await passes(bench, clock, EVERY)
    after = await row_of(bench)
    first, second = await runs_of(bench)
    assert (first["delivery"], second["delivery"]) == ("delivered", "not-delivered")
    assert first["status"] == second["status"] == "ok" and "not configured" in second["error"]
    same = ("id", "session_key", "schedule", "delivery", "enabled", "requester")
    assert [before[name] for name in same] == [after[name] for name in same]
    assert after["next_at"] == before["next_at"] + EVERY
    assert [text for _, text in (await bench.transcript(ADA))[:2]] == ["one", "two"]
    row = await shown(bench)
    assert row["lastDelivery"] == "not-delivered" and "readable" in row["because"]


async def test_a_lost_result_is_told_once_until_one_arrives_again(
    bench: Bench, clock: VirtualClock
):
    scripted(bench).on(PROMPT, ["news"])
    await scheduled(bench, PROMPT, policy=AGENT, delivery=TEAM)
    far, home = bench.platform("readable"), bench.platform()
    far.fail("send", REFUSED, REFUSED)
    await passes(bench, clock, 2 * EVERY)
    [alert] = home.visible()
    assert "“Watch” was not delivered to readable team" in alert and ID in alert
    lines = [text for _, text in await bench.transcript(ADA)]
    assert lines == ["news", alert, "news"], "the alert and each result are in the session"
    row = await shown(bench)
    assert row["lastDelivery"] == "not-delivered" and "says no" in row["lastDeliveryError"]
    await passes(bench, clock, EVERY)
    assert far.visible("team") == ["news"] and (await shown(bench))["lastDelivery"] is None
    far.fail("send", REFUSED)
    await passes(bench, clock, EVERY)
    assert home.visible() == [alert, alert], "after one arrived, a loss is news"
    assert [one for _, one, _ in fates(await runs_of(bench))] == [
        "not-delivered",
        "not-delivered",
        "delivered",
        "not-delivered",
    ]


async def test_a_loss_is_told_again_after_a_day_and_best_effort_never(
    bench: Bench, clock: VirtualClock
):
    scripted(bench).on(PROMPT, ["news"])
    await scheduled(bench, PROMPT, policy=AGENT, delivery=TEAM)
    await scheduled(
        bench, PROMPT, policy=AGENT, delivery={**TEAM, "bestEffort": True}, id="task-easy-0a1b2c"
    )
    bench.platform("readable").fail("send", *[REFUSED] * 6)
    await passes(bench, clock, 2 * EVERY)
    assert len(bench.platform().visible()) == 1
    await bench.app.engine.tx(_a_day_older())
    await passes(bench, clock, EVERY)
    assert len(bench.platform().visible()) == 2
    assert {one for _, one, _ in fates(await runs_of(bench, "task-easy-0a1b2c"))} == {
        "not-delivered"
    }


def _a_day_older() -> Script[None]:
    yield q("UPDATE task_runs SET alerted_at = alerted_at - 86400")


async def test_the_room_that_cannot_be_written_to_is_not_told_so(bench: Bench, clock: VirtualClock):
    scripted(bench).on(PROMPT, ["news"])
    await scheduled(bench, PROMPT, policy=AGENT, at=5.0)
    bench.platform().fail("send", REFUSED)
    await passes(bench, clock, 10)
    assert bench.platform().visible() == []
    assert "was not delivered" in (await bench.transcript(ADA))[-1][1]


async def test_what_a_run_has_said_there_itself_is_not_said_again(
    tmp_path: Path, clock: VirtualClock
):
    rule = "session: {send_policy: [{action: allow}]}\n"
    async with running(tmp_path, MODELS + rule, clock=clock, scripted=True) as bench:
        said = call("message", action="send", channel="idempotent", target="ada", message="found")
        scripted(bench).on(PROMPT, [said], ["I have told you."])
        await scheduled(bench, PROMPT, policy=AGENT)
        await passes(bench, clock, EVERY)
        assert bench.platform().visible() == ["found"]
        assert fates(await runs_of(bench)) == [("ok", "delivered", None)]


async def test_an_answer_in_the_session_itself_has_its_receipt_too(
    bench: Bench, clock: VirtualClock
):
    scripted(bench).on(PROMPT, ["as we said"])
    await scheduled(bench, PROMPT, policy={"mode": "agent", "target": "main"})
    await passes(bench, clock, EVERY)
    assert bench.platform().visible() == ["as we said"]
    assert fates(await runs_of(bench)) == [("ok", "delivered", None)]


async def test_a_run_that_failed_and_whose_failure_was_told_is_both(
    bench: Bench, clock: VirtualClock
):
    scripted(bench).on(PROMPT, [ZeroDivisionError("x")])
    await scheduled(bench, PROMPT, policy=AGENT, at=5.0)
    await passes(bench, clock, 30)
    [row] = await runs_of(bench)
    assert (row["status"], row["delivery"]) == ("error", "delivered")
    assert "failed" in bench.platform().visible()[0]


async def test_a_receipt_that_came_before_a_restart_is_known_after_it(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        scripted(bench).on(PROMPT, ["news"])
        await scheduled(bench, PROMPT, policy=AGENT)
        bench.platform().fail("send", *[Fault("not-sent")] * 3)
        await clock.advance(EVERY)
        await bench.settle()
        [row] = await runs_of(bench)
        assert (row["status"], row["delivery"]) == ("ok", "unknown")
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        await passes(bench, clock, 60)
        assert fates(await runs_of(bench)) == [("ok", "delivered", None)]
        assert bench.platform().visible() == ["news"]


async def test_49_another_delivery_leaves_id_owner_and_history(bench: Bench, clock: VirtualClock):
    scripted(bench).on(PROMPT, ["one"], ["two"])
    await scheduled(bench, PROMPT, policy=AGENT)
    await passes(bench, clock, EVERY)
    before, old = await row_of(bench), await runs_of(bench)
    core = core_of(bench.app)
    wire = Local(table(core), bench.app.hub, core.view)
    to = {"mode": "announce", "channel": "readable", "to": "team"}
    await wire.request("tasks.update", {"id": ID, "delivery": to})
    await passes(bench, clock, EVERY)
    after, runs = await row_of(bench), await runs_of(bench)
    assert {name for name in dict(before) if before[name] != after[name]} <= {
        *("delivery", "updated_at", "next_at", "state"),
        *("last_run_at", "runs", "last_status"),
    }
    assert [dict(row) for row in runs[:1]] == [dict(row) for row in old]
    assert bench.platform().visible() == ["one"]
    assert bench.platform("readable").visible("team") == ["two"]
    assert runs[1]["target"] == "readable:readable:team"


async def test_62_42_telegram_threads_get_it_and_the_receipt_is_telegrams_own_id(tmp_path: Path):
    async with surfaces() as found:
        [there] = [one for one in found if one.adapter == "telegram"]
        async with everywhere(tmp_path, [there]) as bench:
            scripted(bench).on(PROMPT, ["here it is"])
            await there.say("thread", "/task new every 1h Watch: look --mode agent")
            await there.until(lambda: len(there.shown("thread")) == 1)
            [row] = await bench.rows("SELECT id, delivery FROM tasks")
            to = json.loads(row["delivery"])
            assert (to["mode"], to["channel"]) == ("announce", "telegram") and to["threadId"]
            await there.say("thread", f"/task run {row['id']}")
            await there.until(lambda: "here it is" in there.shown("thread"))
            # The command's own answer stands behind the result, so both are done then.
            await there.until(lambda: len(there.shown("thread")) == 3)
            run = await until(bench, lambda one: one["delivery"] == "delivered", row["id"])
            [sent] = await bench.rows("SELECT ref FROM outbox WHERE run = ?", run["id"])
            assert sent["ref"] and run["target"] == to["address"]
            core = core_of(bench.app)
            wire = Local(table(core), bench.app.hub, core.view)
            [told] = (await wire.request("tasks.runs", {"id": row["id"]}))["runs"]
            assert (told["status"], told["delivery"]) == ("ok", "delivered")


async def test_42_back_to_the_chat_exists_where_a_session_came_from_one(
    bench: Bench, clock: VirtualClock
):
    core, here = core_of(bench.app), bench.platform()
    wire = Local(table(core), bench.app.hub, core.view)
    here.say("hello")
    await here.shows("echo hello")
    wanted = {"text": "in 1m", "prompt": PROMPT, "delivery": {"mode": "announce"}}
    scripted(bench).on(PROMPT, ["found"])
    made = await wire.request("tasks.add", {**wanted, "sessionKey": ADA, "idempotencyKey": "k1"})
    assert (made["delivery"]["channel"], made["delivery"]["to"]) == ("idempotent", "ada")
    with pytest.raises(RequestError) as refused:
        page = {"sessionKey": "agent:main:main", "idempotencyKey": "k2"}
        await wire.request("tasks.add", {**wanted, **page})
    assert refused.value.code == "NO_TARGET"
    await passes(bench, clock, 70)
    assert here.visible()[1:] == ["found"]
