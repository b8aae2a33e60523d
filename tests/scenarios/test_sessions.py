"""Named sessions over a channel, as a person uses them."""

from pathlib import Path
from typing import Any

import pytest

from bot.engine.port import Script
from bot.errors import StoreFull
from bot.testing.clock import VirtualClock
from bot.testing.running import CONFIG, Bench, running

ADA = "agent:main:idempotent:idempotent:direct:ada"


async def say(bench: Bench, text: str, chat: str = "ada", **more: Any) -> str:
    """Say something and read the answer."""
    platform, thread = bench.platform(), more.get("thread")
    before = len(platform.visible(chat, thread))
    platform.say(text, chat, **more)
    await platform.wait_for(lambda one: len(one.visible(chat, thread)) > before)
    await bench.app.engine.idle()
    return platform.visible(chat, thread)[-1]


def asked(bench: Bench) -> list[str]:
    """What people had said in the last request to the model."""
    assert bench.model is not None
    return [entry.text for entry in bench.model.requests[-1].entries if entry.role == "user"]


async def test_a_new_session_has_a_name_and_no_history(bench: Bench):
    await say(bench, "one")
    assert "Foo" in await say(bench, "/session new Foo")
    await say(bench, "two")
    assert asked(bench) == ["two"]
    assert await bench.transcript(ADA) == [("user", "one"), ("assistant", "echo one")]


async def test_unnamed_sessions_take_the_lowest_free_number(bench: Bench):
    assert "`Chat 1`" in await say(bench, "/session new")
    assert "`Chat 2`" in await say(bench, "/session new")
    await say(bench, "/session switch Chat 1")
    await say(bench, "/session rename Harbour")
    assert "`Chat 1`" in await say(bench, "/session new")
    assert "`Chat 3`" in await say(bench, "/session new")


async def test_the_list_has_main_first_marks_one_and_names_the_rest(
    bench: Bench, clock: VirtualClock
):
    for number in range(25):
        await say(bench, f"/session new S{number}")
        await clock.advance(1)
    listed = [one for one in (await say(bench, "/session list")).split("\n") if one]
    newest = [f"- `S{number}`" for number in range(24, 4, -1)]
    newest[0] += " (active)"
    assert listed == ["- `Main`", *newest, "… and 5 more."]


@pytest.mark.parametrize("name", ["Foo Bar", "foo-bar", "FOO BAR", f"{ADA}:chat:foo-bar"])
async def test_switching_by_label_slug_or_key_brings_the_history_back(bench: Bench, name: str):
    await say(bench, "in main")
    await say(bench, "/session new Foo Bar")
    await say(bench, "in foo")
    await say(bench, "/session switch main")
    await say(bench, "main again")
    assert asked(bench) == ["in main", "main again"]
    await say(bench, f"/session switch {name}")
    await say(bench, "foo again")
    assert asked(bench) == ["in foo", "foo again"]


async def test_an_unknown_name_changes_nothing(bench: Bench):
    await say(bench, "/session new Foo")
    answer = await say(bench, "/session switch Fop")
    assert "Fop" in answer or "No session" in answer
    await say(bench, "still here")
    assert ("user", "still here") in await bench.transcript(f"{ADA}:chat:foo")


async def test_a_switch_stays_in_its_conversation(tmp_path: Path, clock: VirtualClock):
    config = CONFIG.replace("*open", "{dm_policy: open, allow_from: ['*'], groups: {'*': {}}}")
    config = config.replace("&open {", "{groups: {'*': {}}, ")
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        room = {"kind": "group", "author": "ada", "mentioned": True}
        await say(bench, "/session new Foo")
        await say(bench, "hello", "bob")
        assert asked(bench) == ["hello"]
        await say(bench, "topic", "room", thread="t1", **room)
        await say(bench, "/session new Bar", "room", thread="t1", **room)
        await say(bench, "other topic", "room", thread="t2", **room)
        rows = await bench.rows("SELECT base, key FROM pointers ORDER BY base")
        assert [row["key"].rpartition(":")[2] for row in rows] == ["foo", "bar"]
        assert "other topic" in asked(bench)[-1]


async def test_reset_begins_afresh_under_the_same_name(bench: Bench):
    await say(bench, "/session new Foo")
    await say(bench, "before")
    await say(bench, "/reset")
    await say(bench, "after")
    assert "before" not in asked(bench)
    rows = await bench.rows(
        "SELECT label, archived_at IS NULL AS live FROM sessions WHERE key LIKE '%:chat:foo' "
        "ORDER BY created_at"
    )
    assert [(row["label"], row["live"]) for row in rows] == [("Foo", 0), ("Foo", 1)]


async def test_labels_are_unique_within_the_agent(bench: Bench):
    await say(bench, "/session new Foo")
    await say(bench, "/session new Foo", "bob")
    labels = [row["label"] for row in await bench.rows("SELECT label FROM sessions")]
    assert len(labels) == len(set(labels))


async def test_a_session_is_listed_before_the_platform_is_told(bench: Bench):
    """Its row is part of the transaction that accepts the first message."""
    seen: list[int] = []

    async def look() -> None:
        await bench.platform().all_taken()
        seen.append(len(await bench.rows("SELECT 1 FROM sessions WHERE updated_at > 0")))

    bench.platform().say("hello")
    await look()
    assert seen == [1]


def failing_once(bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str) -> list[int]:
    """The next transaction of a script with this name fails as on a full disk.

    What was confirmed when it did.
    """
    working, failed = bench.app.engine.tx, list[int]()

    async def tx(script: Script[Any], **how: bool) -> Any:
        if script.__qualname__.endswith(name) and not failed:
            failed.append(bench.platform().confirmed)
            script.close()
            raise StoreFull("the disk is full")
        return await working(script, **how)

    monkeypatch.setattr(bench.app.engine, "tx", tx)
    return failed


async def test_a_command_that_is_run_again_does_its_work_once(
    bench: Bench, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
):
    """Its session is made, then its answer cannot be stored, and all of it happens again."""
    failed = failing_once(bench, monkeypatch, "._record")
    platform = bench.platform()
    platform.say("/session new Foo")
    await clock.until(platform.wait_for(lambda one: one.visible()))
    await clock.advance(5)
    assert failed
    assert len(platform.visible()) == 1
    labels = [row["label"] for row in await bench.rows("SELECT label FROM sessions")]
    assert sorted(labels) == ["Ada", "Foo"]


async def test_a_message_that_cannot_be_stored_is_not_confirmed_and_comes_again(
    bench: Bench, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
):
    states: list[str] = []
    bench.app.hub.listen(lambda event: states.append(str(getattr(event, "data", ""))))
    confirmed = failing_once(bench, monkeypatch, "._accept")
    platform = bench.platform()
    platform.say("hello")
    await clock.until(platform.shows("echo hello"))
    await platform.all_taken()
    assert confirmed == [0]
    assert any("the disk is full" in state for state in states)


async def test_a_stop_word_reaches_a_run_at_once(bench: Bench, clock: VirtualClock):
    assert bench.model is not None
    bench.model.on("long", ["begun", 600.0])
    bench.platform().say("long")
    await bench.platform().all_taken()
    bench.platform().say("stop")
    await clock.advance(3)
    await bench.app.engine.idle()
    rows = await bench.rows("SELECT state FROM runs ORDER BY accepted_at LIMIT 1")
    assert rows[0]["state"] == "aborted"
