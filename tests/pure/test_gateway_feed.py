"""What a client is shown of a run, by its caps and by the session's settings."""

from typing import Any

import pytest

from bot.errors import StoreError
from bot.events import (
    Compacted,
    Delta,
    Finished,
    Note,
    RunEvent,
    Signal,
    Started,
    Thought,
    ToolEnded,
    ToolStarted,
    ToolUpdated,
)
from bot.gateway.feed import Feed, View

PLAIN = View()
TOOLS = [
    ToolStarted("c", "read", {"path": "p"}),
    ToolUpdated("c", "read", "half"),
    ToolEnded("c", "read", "whole", False),
]


async def shown(
    body: Any, caps: frozenset[str] = frozenset(), view: View = PLAIN
) -> dict[str, Any] | None:
    async def views(session: str) -> View:
        return view

    payload = await Feed(caps, views).payload(RunEvent("r", "k", 3, 0.0, body))
    if payload is None:
        return None
    assert payload[0] == "agent"
    assert payload[1]["stream"] == body.stream
    assert payload[1]["ts"] == "1970-01-01T00:00:00+00:00"
    return dict(payload[1]["data"])


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (Started(0.0), {"phase": "start", "startedAt": "1970-01-01T00:00:00+00:00"}),
        (Delta("b", "ab"), {"text": "ab", "delta": "b"}),
        (Compacted("end", True), {"phase": "end", "willRetry": True}),
        (Note("LOOP", "again"), {"code": "LOOP", "message": "again"}),
        (
            Finished("ok", 0.0, 1.0, "x", usage={"inputTokens": 1, "outputTokens": 2}),
            {
                "phase": "end",
                "startedAt": "1970-01-01T00:00:00+00:00",
                "endedAt": "1970-01-01T00:00:01+00:00",
                "usage": {"inputTokens": 1, "outputTokens": 2},
            },
        ),
        (
            Finished("aborted", 0.0, 1.0, ""),
            {
                "phase": "end",
                "startedAt": "1970-01-01T00:00:00+00:00",
                "endedAt": "1970-01-01T00:00:01+00:00",
                "aborted": True,
            },
        ),
        (
            Finished("error", 0.0, 1.0, "", error={"code": "MODEL_AUTH", "message": "m"}),
            {
                "phase": "error",
                "startedAt": "1970-01-01T00:00:00+00:00",
                "endedAt": "1970-01-01T00:00:01+00:00",
                "error": {"code": "MODEL_AUTH", "message": "m"},
            },
        ),
    ],
)
async def test_what_everybody_is_shown(body: Any, data: dict[str, Any]):
    assert await shown(body) == data


@pytest.mark.parametrize("body", TOOLS)
async def test_tools_are_for_those_who_asked(body: Any):
    assert await shown(body) is None
    assert await shown(body, view=View(verbose="full")) is None
    for verbose in ("off", "on"):
        data = await shown(body, frozenset({"tool-events"}), View(verbose=verbose))
        assert data is not None and data["toolCallId"] == "c" and data["name"] == "read"
        assert not {"args", "text", "result"} & data.keys()
    data = await shown(body, frozenset({"tool-events"}), View(verbose="full"))
    assert data is not None and {"args", "text", "result"} & data.keys()


@pytest.mark.parametrize("reasoning", ["off", "on", "stream"])
async def test_thoughts_that_a_run_tells_of_are_shown(reasoning: str):
    """Whether it tells of any is its own matter: a message may ask for that by itself."""
    data = await shown(Thought("b", "ab"), view=View(reasoning=reasoning))
    assert data == {"text": "ab", "delta": "b"}


async def test_a_run_keeps_the_view_it_began_with():
    view = View()

    async def views(session: str) -> View:
        return view

    async def result(run: str) -> object:
        told = await feed.payload(RunEvent(run, "k", 2, 0.0, ToolEnded("c", "read", "text", False)))
        assert told is not None
        return told[1]["data"].get("result")

    feed = Feed(frozenset({"tool-events"}), views)
    assert await feed.payload(RunEvent("r", "k", 1, 0.0, Started(0.0))) is not None
    view = View(verbose="full")
    assert await result("r") is None
    assert await result("s") == "text"


async def test_a_store_that_fails_hides_what_it_cannot_allow():
    async def views(session: str) -> View:
        raise StoreError("away")

    feed = Feed(frozenset({"tool-events"}), views)
    payload = await feed.payload(RunEvent("r", "k", 1, 0.0, TOOLS[0]))
    assert payload is not None and "args" not in payload[1]["data"]


async def test_signals_pass_as_they_are():
    async def views(session: str) -> View:
        raise AssertionError("not asked")

    data = {"a": 1}
    assert await Feed(frozenset(), views).payload(Signal("tick", data)) == ("tick", data)
