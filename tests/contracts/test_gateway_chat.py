"""The `chat` events of a run, and WebChat that delivers through them."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from bot.contract import Address, Reply
from bot.events import Delta, Event, Finished, Hub, RunEvent, Signal, Started, Watcher
from bot.gateway.chat import EVERY, ChatEvents
from bot.gateway.webchat import WebChat
from bot.types import Entry, Usage
from tests.contracts.gateway_kit import StepClock, settle

KEY = "agent:main:main"


@dataclass
class Stage:
    hub: Hub
    clock: StepClock
    chat: ChatEvents
    watcher: Watcher

    async def run(self, seq: int, body: Any, run: str = "r1") -> None:
        self.hub.publish(RunEvent(run, KEY, seq, 1_700_000_000.0, body))
        await settle()

    async def shown(self) -> list[Mapping[str, Any]]:
        """The payloads of the chat events so far."""
        await settle()
        self.hub.publish(Signal("end", {}))
        payloads: list[Mapping[str, Any]] = []
        async for event in self.watcher:
            if is_named(event, "end"):
                return payloads
            if isinstance(event, Signal) and event.name == "chat":
                payloads.append(event.data)
        raise AssertionError("cut")


def is_named(event: Event, name: str) -> bool:
    return isinstance(event, Signal) and event.name == name


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    hub, clock = Hub(), StepClock(instant=0.0)
    chat = ChatEvents(hub, clock)
    yield Stage(hub, clock, chat, hub.watch())
    await chat.stop()


async def test_deltas_are_cumulative_and_throttled(stage: Stage):
    await stage.run(1, Started(1.0))
    text = ""
    for number in range(10):
        text += str(number)
        await stage.run(2 + number, Delta(str(number), text))
    shown = await stage.shown()
    assert [(one["state"], one["seq"], one["message"]["text"]) for one in shown] == [
        ("delta", 2, "0")
    ]
    await stage.clock.step(EVERY)
    shown = await stage.shown()
    assert [(one["seq"], one["message"]["text"]) for one in shown] == [(11, "0123456789")]
    await stage.clock.step(EVERY)
    assert await stage.shown() == []
    await stage.run(12, Delta("!", text + "!"))
    assert [one["message"]["text"] for one in await stage.shown()] == [text + "!"]


async def test_a_run_ends_in_exactly_one_final_and_nothing_after_it(stage: Stage):
    entry = Entry("assistant", "Hello", 2.0, usage=Usage(3, 4), run="r1", seq=7, model="demo/demo")
    await stage.run(1, Started(1.0))
    await stage.run(2, Delta("Hel", "Hel"))
    await stage.run(3, Delta("lo", "Hello"))
    await stage.run(4, Finished("ok", 1.0, 2.0, "Hello", entry=entry))
    await stage.run(5, Delta("late", "late"))
    await stage.run(6, Finished("error", 1.0, 2.0, "", error={"code": "X", "message": "y"}))
    stage.chat.answered("r1", KEY, "Hello")
    await stage.clock.step(EVERY * 10)
    shown = await stage.shown()
    assert [one["state"] for one in shown] == ["delta", "final"]
    final = shown[-1]
    assert (final["runId"], final["sessionKey"], final["seq"]) == ("r1", KEY, 4)
    row = final["message"]
    assert (row["id"], row["role"], row["text"], row["state"]) == (
        "7",
        "assistant",
        "Hello",
        "done",
    )
    assert row["usage"] == {"inputTokens": 3, "outputTokens": 4}
    assert row["toolCalls"] == [] and row["attachments"] == [] and row["thinking"] is None


@pytest.mark.parametrize(
    ("body", "state", "text"),
    [
        (Finished("aborted", 1.0, 2.0, "half"), "aborted", "half"),
        (Finished("aborted", 1.0, 2.0, ""), "aborted", None),
        (Finished("ok", 1.0, 2.0, "", entry=Entry("assistant", "NO_REPLY", 2.0)), "final", None),
        (
            Finished("error", 1.0, 2.0, "Sorry.", error={"code": "MODEL_AUTH", "message": "no"}),
            *("error", "Sorry."),
        ),
    ],
)
async def test_each_kind_of_end(stage: Stage, body: Finished, state: str, text: str | None):
    await stage.run(1, Started(1.0))
    await stage.run(2, body)
    [end] = await stage.shown()
    assert end["state"] == state
    assert (end["message"] or {}).get("text") == text
    assert ("error" in end) == (state == "error")
    if state == "error":
        assert end["error"] == {"code": "MODEL_AUTH", "message": "no"}


async def test_two_runs_do_not_mix(stage: Stage):
    await stage.run(1, Delta("a", "a"), "r1")
    await stage.run(1, Delta("b", "b"), "r2")
    await stage.run(2, Finished("ok", 1.0, 2.0, "b"), "r2")
    shown = [(one["runId"], one["state"], one["message"]["text"]) for one in await stage.shown()]
    assert shown == [("r1", "delta", "a"), ("r2", "delta", "b"), ("r2", "final", "b")]


async def test_webchat_ends_a_run_that_had_no_events(stage: Stage):
    adapter = WebChat("webchat", stage.chat)
    to = Address("webchat", "webchat", KEY)
    ref = await adapter.send(to, Reply("3 sessions"), "cmd-1:0")
    again = await adapter.send(to, Reply("3 sessions"), "cmd-1:0")
    assert ref == again and ref.address == to
    [end] = await stage.shown()
    assert (end["runId"], end["sessionKey"], end["state"]) == ("cmd-1", KEY, "final")
    assert (end["message"]["text"], end["message"]["role"]) == ("3 sessions", "assistant")


async def test_webchat_adds_nothing_to_a_run_that_is_on_or_was_shown(stage: Stage):
    adapter = WebChat("webchat", stage.chat)
    to = Address("webchat", "webchat", KEY)
    await stage.run(1, Started(1.0))
    await adapter.send(to, Reply("Hello"), "r1:0")
    assert await stage.shown() == []
    await stage.run(2, Finished("ok", 1.0, 2.0, "Hello"))
    await adapter.send(to, Reply("Hello"), "r1:0")
    assert [one["state"] for one in await stage.shown()] == ["final"]


async def test_a_run_id_may_have_colons(stage: Stage):
    adapter = WebChat("webchat", stage.chat)
    await adapter.send(Address("webchat", "webchat", KEY), Reply("x"), "task:a@1:0")
    assert [one["runId"] for one in await stage.shown()] == ["task:a@1"]
