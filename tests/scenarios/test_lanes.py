"""Lanes: order in a session, many sessions at once, commands beside them, stops without loss."""

import asyncio
import threading
from pathlib import Path

import pytest

from bot.engine.port import Script, Wake, q
from bot.events import Finished, Started
from bot.testing.clock import VirtualClock, loops
from bot.testing.running import CONFIG, Bench, running
from tests.scenarios.kit import ADA, Watch, scripted


async def test_ten_messages_are_answered_in_their_order(bench: Bench, clock: VirtualClock):
    """The first answers take the longest."""
    platform = bench.platform()
    for number in range(10):
        scripted(bench).on(f"n{number}", [0.5 * (10 - number), f"a{number}"])
        platform.say(f"n{number}")
    await clock.until(platform.shows(*(f"a{number}" for number in range(10))))
    expected = [(f"n{number}", f"a{number}") for number in range(10)]
    lines = [text for _, text in await bench.transcript(ADA)]
    assert list(zip(lines[::2], lines[1::2], strict=True)) == expected


@pytest.mark.parametrize(("cap", "together"), [(1, 1), (4, 4)])
async def test_the_global_cap_is_never_exceeded(
    tmp_path: Path, clock: VirtualClock, cap: int, together: int
):
    config = CONFIG.replace("messages: {", f"messages: {{max_concurrent: {cap}, ")
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        for number in range(8):
            scripted(bench).on(f"n{number}", [1.0, "done"])
            account = ("idempotent", "readable", "keyless")[number % 3]
            bench.platform(account).say(f"n{number}", f"chat{number}")
        await clock.until(bench.platform("readable").shows("done", to="chat7"))
        await clock.advance(10)
        assert len(await bench.rows("SELECT 1 FROM runs WHERE state = 'ok'")) == 8
        assert scripted(bench).most_running == together


async def test_runs_of_one_session_never_overlap_and_others_may(bench: Bench, clock: VirtualClock):
    watch = Watch(bench)
    scripted(bench).on("x", [1.0, "done"])
    for number in range(3):
        await bench.ask("x", f"a{number}", "agent:main:api:a")
    await bench.ask("x", "b", "agent:main:api:b")
    await clock.advance(5)
    spans = {}
    for run in ("a0", "a1", "a2", "b"):
        [began] = [event.at for event in watch.of(run) if isinstance(event.body, Started)]
        [ended] = [event.at for event in watch.of(run) if isinstance(event.body, Finished)]
        spans[run] = (began, ended)
    assert spans["a0"][1] <= spans["a1"][0] and spans["a1"][1] <= spans["a2"][0]
    assert spans["b"][0] < spans["a0"][1]


async def test_a_command_never_waits_behind_a_run(bench: Bench, clock: VirtualClock):
    platform = bench.platform()
    scripted(bench).on("long", [60.0, "done"])
    platform.say("long")
    await platform.all_taken()
    platform.say("/whoami")
    await platform.wait_for(lambda one: len(one.visible()) == 1)
    await clock.until(platform.wait_for(lambda one: one.visible()[-1] == "done"))


async def test_what_is_said_after_a_command_finds_it_done(bench: Bench):
    """All of it comes in one batch, as after an hour offline."""
    platform = bench.platform()
    said = ("before", "/session new Foo", "in foo", "/session main", "in main", "/reset", "fresh")
    for text in said:
        platform.say(text)
    await platform.wait_for(lambda one: "echo fresh" in one.visible())
    await bench.app.engine.idle()
    assert await bench.transcript(f"{ADA}:chat:foo") == [
        ("user", "in foo"),
        ("assistant", "echo in foo"),
    ]
    greeting, _, *rest = await bench.transcript(ADA)
    assert greeting[1].startswith("Greet me")
    assert rest == [("user", "fresh"), ("assistant", "echo fresh")]
    echoes = [text for text in platform.visible() if text.startswith("echo")]
    assert [text for text in echoes if "Greet" not in text] == [
        *("echo before", "echo in foo", "echo in main", "echo fresh")
    ]


async def test_the_same_holds_for_the_page(bench: Bench):
    for number, text in enumerate(("/session new Foo", "in foo", "/session main", "in main")):
        await bench.ask(text, f"r{number}")
    await bench.app.engine.idle()
    assert await bench.transcript("agent:main:main:chat:foo") == [
        ("user", "in foo"),
        ("assistant", "echo in foo"),
    ]
    assert await bench.transcript("main") == [("user", "in main"), ("assistant", "echo in main")]


async def test_a_graceful_stop_finishes_what_runs_sends_it_and_leaves_the_rest(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, clock=clock, scripted=True, grace=5) as bench:
        platform, go = bench.platform(), asyncio.Event()
        scripted(bench).on("first", [go, "one"])
        platform.say("first")
        await platform.all_taken()
        platform.say("second")
        await platform.all_taken()
        stopping = asyncio.create_task(bench.app.stop(5), name="stopping")
        await asyncio.sleep(0)
        go.set()
        await stopping
        assert platform.visible() == ["one"]
    async with running(tmp_path, clock=clock, scripted=True) as bench:
        await bench.platform().shows("echo second")


async def test_a_stop_without_grace_loses_nothing(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, clock=clock, scripted=True) as bench:
        scripted(bench).on("first", ["some ", asyncio.Event()])
        for text in ("first", "second"):
            bench.platform().say(text)
        await bench.platform().all_taken()
    async with running(tmp_path, clock=clock, scripted=True) as bench:
        await bench.platform().shows("echo first", "echo second")


async def test_a_message_that_meets_an_empty_drain_is_run_once(bench: Bench, clock: VirtualClock):
    """A lane is drained for nothing in the very moment in which a message begins in it."""
    watch, platform = Watch(bench), bench.platform()
    platform.say("first")
    await platform.shows("echo first")
    started, release = threading.Event(), threading.Event()
    await bench.app.engine.tx(later(ADA, clock.now() + 10))
    await clock.settle()
    blocking = asyncio.create_task(bench.app.engine.tx(held(started, release)), name="blocking")
    await asyncio.to_thread(started.wait, 30)
    platform.say("second")
    await loops()
    clock.settle = loops
    await clock.advance(10)
    release.set()
    await blocking
    await platform.shows("echo first", "echo second")
    clock.settle = bench.settle
    await clock.advance(5)
    assert len(scripted(bench).requests) == 2
    assert [type(event.body).__name__ for event in watch.events].count("Started") == 2


def later(lane: str, at: float) -> Script[None]:
    yield Wake("lane", lane, at)


def held(started: threading.Event, release: threading.Event) -> Script[None]:
    yield q("SELECT 1")
    started.set()
    release.wait(10)
