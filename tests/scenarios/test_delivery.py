"""What goes out: each part once and in order, whatever the platform does."""

from pathlib import Path
from typing import Any

import pytest

from bot.delivery import AGAIN
from bot.ending import commit
from bot.engine.port import Script
from bot.errors import StoreFull
from bot.testing.clock import VirtualClock
from bot.testing.platform import Fault, Platform
from bot.testing.running import CONFIG, Bench, running

KINDS = ("idempotent", "readable", "keyless")
MARK = f"\n\n{AGAIN}"


async def one(bench: Bench, sql: str) -> str:
    [row] = await bench.rows(sql)
    return str(row[0])


async def told(bench: Bench, platform: Platform, clock: VirtualClock, count: int) -> list[str]:
    """What is visible once nothing more is to be sent."""
    await platform.all_taken()
    await clock.advance(600)
    await bench.app.engine.idle()
    assert len(platform.visible()) == count
    return platform.visible()


@pytest.mark.parametrize("account", KINDS)
@pytest.mark.parametrize("shown", [True, False])
async def test_an_unknown_outcome_is_settled_by_the_platforms_rule(
    bench: Bench, clock: VirtualClock, account: str, shown: bool
):
    """Only where nothing tells is it said twice, and then it says so."""
    platform = bench.platform(account)
    platform.fail("send", Fault("uncertain", shown=shown))
    platform.say("a")
    platform.say("b")
    expected = ["echo a", "echo b"]
    if account == "keyless":
        expected = [*(["echo a"] if shown else []), f"echo a{MARK}", "echo b"]
    assert await told(bench, platform, clock, len(expected)) == expected
    again = [row["again"] for row in await bench.rows("SELECT again FROM outbox ORDER BY id")]
    assert again == [int(account == "keyless"), 0]


async def test_without_keys_a_part_is_sent_again_only_once(bench: Bench, clock: VirtualClock):
    platform = bench.platform("keyless")
    platform.fail("send", *[Fault("uncertain", shown=True)] * 5)
    platform.say("a")
    assert await told(bench, platform, clock, 2) == ["echo a", f"echo a{MARK}"]
    assert await one(bench, "SELECT state FROM outbox") == "uncertain"
    platform.heal()
    platform.say("b")
    assert (await told(bench, platform, clock, 3))[-1] == "echo b"


async def test_an_account_may_hold_what_is_uncertain(tmp_path: Path, clock: VirtualClock):
    config = CONFIG.replace("*open", "{on_uncertain: hold, dm_policy: open, allow_from: ['*']}")
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform("keyless")
        platform.fail("send", Fault("uncertain", shown=True))
        platform.say("a")
        platform.say("b")
        assert await told(bench, platform, clock, 2) == ["echo a", "echo b"]
        assert await one(bench, "SELECT state FROM outbox ORDER BY id LIMIT 1") == "held"


@pytest.mark.parametrize("account", KINDS)
async def test_an_adapters_bug_is_an_unknown_outcome_and_stops_nobody(
    bench: Bench, clock: VirtualClock, account: str
):
    platform = bench.platform(account)
    platform.fail("send", Fault("broken", shown=True))
    platform.say("a")
    platform.say("b")
    doubled = account == "keyless"
    seen = await told(bench, platform, clock, 3 if doubled else 2)
    assert seen == ["echo a", *([f"echo a{MARK}"] if doubled else []), "echo b"]


@pytest.mark.parametrize("account", KINDS)
async def test_what_was_certainly_not_sent_is_sent_again_unmarked_and_in_order(
    bench: Bench, clock: VirtualClock, account: str
):
    platform = bench.platform(account)
    platform.fail("send", *[Fault("not-sent")] * 4)
    for text in "abc":
        platform.say(text)
    assert await told(bench, platform, clock, 3) == ["echo a", "echo b", "echo c"]


async def test_a_limit_is_waited_for_and_no_call_is_made_before(bench: Bench, clock: VirtualClock):
    platform = bench.platform()
    platform.fail("send", Fault("limited", retry_after=30.0))
    platform.say("a")
    platform.say("b")
    platform.say("elsewhere", "bob")
    await platform.shows("echo elsewhere", to="bob")
    await clock.advance(29)
    assert platform.visible() == []
    assert platform.count("send") == 2
    await clock.advance(2)
    await platform.shows("echo a", "echo b")
    [row] = await bench.rows("SELECT kind, name, wait FROM slowdowns")
    assert tuple(row) == ("channel", "idempotent", 30.0)


async def test_what_is_refused_is_recorded_and_the_next_goes_on(bench: Bench, clock: VirtualClock):
    platform = bench.platform()
    platform.fail("send", Fault("refused"))
    platform.say("a")
    platform.say("b")
    assert await told(bench, platform, clock, 1) == ["echo b"]
    rows = await bench.rows("SELECT state, error FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [("failed", "the platform says no"), ("sent", None)]


async def test_a_long_answer_comes_in_parts_in_order_with_its_fence_closed(
    bench: Bench, clock: VirtualClock
):
    platform = bench.platform("keyless")
    lines = "\n".join(f"line {number} of the program" for number in range(600))
    assert bench.model is not None
    bench.model.on("code", [f"Here:\n\n```python\n{lines}\n```\n\nDone."])
    platform.fail("send", Fault("not-sent"), Fault("uncertain"), Fault("not-sent"))
    platform.say("code")
    platform.say("next")
    await platform.all_taken()
    await clock.advance(600)
    seen = platform.visible()
    assert seen[-1] == "echo next"
    parts = seen[:-1]
    assert len(parts) > 3
    assert all(part.count("```") % 2 == 0 for part in parts)
    assert all(len(part) <= 4000 for part in parts), "a mark fits as well"
    numbers = [
        int(line.split()[1]) for part in parts for line in part.split("\n") if line[:5] == "line "
    ]
    assert numbers == list(range(600))


async def test_a_channel_that_is_gone_fails_the_delivery_and_keeps_the_answer(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, clock=clock, scripted=True) as bench:
        bench.platform().fail("send", Fault("not-sent"))
        bench.platform().say("a")
        await bench.platform().wait_for(lambda one: one.count("send") == 1)
    config = 'channels: {keyless: {dm_policy: open, allow_from: ["*"]}}'
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        await clock.advance(60)
        [row] = await bench.rows("SELECT state, error FROM outbox")
        assert row["state"] == "failed"
        assert "not configured" in row["error"]
        [run] = await bench.rows("SELECT reply FROM runs")
        assert run["reply"] == "echo a"


async def test_a_full_disk_at_the_end_of_a_run_costs_nothing_but_time(
    bench: Bench, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
):
    """The final transaction fails once: the answer is made again, and shown once."""
    platform, working, full = bench.platform(), bench.app.engine.tx, []

    async def tx(script: Script[Any], **how: bool) -> Any:
        if script.__qualname__ == commit.__qualname__ and not full:
            full.append(script)
            script.close()
            raise StoreFull("the disk is full")
        return await working(script, **how)

    monkeypatch.setattr(bench.app.engine, "tx", tx)
    platform.say("a")
    platform.say("b")
    await clock.until(platform.shows("echo a", "echo b"))
    assert full
