"""Runs and chat on the whole product: started once, streamed, waited for, stopped, read again."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.gateway.local import Local
from bot.gateway.methods import table
from tests.contracts.gateway_product import MAIN, Desk, opened


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path) as desk:
        yield desk


async def test_036_a_message_is_answered_streamed_and_ends_once(desk: Desk):
    end = await desk.say("[[demo text Hello there friend]]")
    assert end["state"] == "final"
    assert end["message"]["text"] == "Hello there friend"
    run = end["runId"]
    streams = [one["stream"] for one in desk.of(run, "agent")]
    assert streams[0] == "lifecycle" and "assistant" in streams
    seqs = [one["seq"] for one in desk.of(run, "agent")]
    assert seqs == sorted(set(seqs))
    pieces = [one["data"] for one in desk.of(run, "agent") if one["stream"] == "assistant"]
    assert "".join(piece["delta"] for piece in pieces) == "Hello there friend"
    assert pieces[-1]["text"] == "Hello there friend"
    chats = desk.of(run, "chat")
    assert [one["state"] for one in chats if one["state"] != "delta"] == ["final"]
    history = await desk.ok("chat.history", sessionKey=MAIN)
    assert [row["role"] for row in history["messages"]] == ["user", "assistant"]
    assert history["messages"][1]["id"] == end["message"]["id"]
    assert history["messages"][1]["usage"] == end["message"]["usage"]
    assert history["activeRun"] is None and history["hasMore"] is False


async def test_081_the_same_key_never_starts_a_second_run(desk: Desk):
    message = {"sessionKey": MAIN, "message": "[[demo text one]]", "idempotencyKey": "same"}
    first = await desk.ok("chat.send", **message)
    assert first == {"runId": "same", "status": "started"}
    await desk.end("same")
    assert (await desk.ok("chat.send", **message))["status"] == "ok"
    accepted = await desk.ok("agent", message="x", idempotencyKey="same")
    assert accepted["runId"] == "same" and accepted["sessionKey"] == MAIN
    assert len((await desk.ok("chat.history", sessionKey=MAIN))["messages"]) == 2


async def test_074_agent_answers_at_once_and_wait_gives_the_result(desk: Desk):
    accepted = await desk.ok(
        "agent", message="[[demo stream 5 20]]", idempotencyKey="r1", agentId="other"
    )
    assert set(accepted) == {"runId", "status", "acceptedAt", "sessionKey"}
    assert accepted["status"] == "accepted" and accepted["sessionKey"] == "agent:other:main"
    assert accepted["acceptedAt"].endswith("+00:00")
    asked = await desk.ok("agent.wait", runId="r1", timeoutMs=0)
    assert asked["status"] == "timeout" and asked["endedAt"] is None
    result = await desk.ok("agent.wait", runId="r1")
    assert result["status"] == "ok" and result["reply"]
    assert set(result) == {"status", "startedAt", "endedAt", "reply", "usage"}
    assert set(result["usage"]) >= {"inputTokens", "outputTokens"}
    assert await desk.ok("agent.wait", runId="r1") == result
    assert (await desk.error("agent.wait", runId="nobody"))["code"] == "NOT_FOUND"


async def test_092_a_failed_run_says_so(desk: Desk):
    end = await desk.say("[[demo error 500]]")
    assert end["state"] == "error" and end["error"]["code"]
    result = await desk.ok("agent.wait", runId=end["runId"])
    assert result["status"] == "error" and result["error"]["code"] == end["error"]["code"]


@pytest.mark.parametrize(
    ("params", "code", "field"),
    [
        ({"message": "", "idempotencyKey": "k"}, "INVALID_PARAMS", "message"),
        ({"message": " \n\x07", "idempotencyKey": "k"}, "INVALID_PARAMS", None),
        ({"message": "x"}, "INVALID_PARAMS", "idempotencyKey"),
        ({"message": "x", "idempotencyKey": ""}, "INVALID_PARAMS", "idempotencyKey"),
        ({"message": "x", "idempotencyKey": "k", "nope": 1}, "INVALID_PARAMS", "nope"),
        ({"message": "x", "idempotencyKey": "k", "timeoutMs": -1}, "INVALID_PARAMS", "timeoutMs"),
        ({"message": "x", "idempotencyKey": "k", "thinking": "x"}, "INVALID_PARAMS", "thinking"),
        ({"message": "x", "idempotencyKey": "k", "sessionKey": "a:b"}, "INVALID_PARAMS", None),
        ({"message": "x", "idempotencyKey": "k", "sessionKey": "agent::x"}, "INVALID_PARAMS", None),
        ({"message": "x", "idempotencyKey": "k", "sessionKey": "agent:no:main"}, "NOT_FOUND", None),
        ({"message": "x", "idempotencyKey": "k", "agentId": "no"}, "NOT_FOUND", None),
        ({"message": "x", "idempotencyKey": "k", "sessionId": "no"}, "NOT_FOUND", None),
        (
            {"message": "x", "idempotencyKey": "k", "agentId": "other", "sessionKey": MAIN},
            *("INVALID_PARAMS", None),
        ),
        ({"message": "x", "idempotencyKey": "k", "deliver": True}, "NO_TARGET", None),
        (
            {"message": "x", "idempotencyKey": "k", "deliver": True, "channel": "no", "to": "1"},
            *("NOT_FOUND", None),
        ),
        (
            {"message": "x", "idempotencyKey": "k", "attachments": [{"name": "1"}]},
            "INVALID_PARAMS",
            None,
        ),
    ],
)
async def test_078_wrong_parameters_start_no_run(
    desk: Desk, params: dict[str, Any], code: str, field: str | None
):
    error = await desk.error("agent", **params)
    assert error["code"] == code
    if field is not None:
        assert error["details"]["field"] == field
    assert (await desk.ok("sessions.list"))["sessions"] == []


async def test_079_key_and_id_are_one_transcript(desk: Desk):
    await desk.say("[[demo text one]]")
    history = await desk.ok("chat.history", sessionKey="main")
    id = history["sessionId"]
    accepted = await desk.ok("agent", message="[[demo text two]]", idempotencyKey="a", sessionId=id)
    assert accepted["sessionKey"] == MAIN
    await desk.end("a")
    messages = (await desk.ok("chat.history", sessionKey=MAIN))["messages"]
    assert [row["text"] for row in messages if row["role"] == "assistant"] == ["one", "two"]
    clash = await desk.error(
        "agent", message="x", idempotencyKey="b", sessionId=id, sessionKey="agent:other:main"
    )
    assert clash["code"] == "INVALID_PARAMS"


async def test_a_command_is_answered_by_one_chat_final_and_no_agent_events(desk: Desk):
    end = await desk.say("/whoami")
    assert end["state"] == "final" and end["message"]["text"]
    assert desk.of(end["runId"], "agent") == []
    result = await desk.ok("agent.wait", runId=end["runId"], timeoutMs=5000)
    assert result["status"] == "ok" and result["reply"] == end["message"]["text"]


async def test_140_silence_is_a_final_without_a_message_and_leaves_no_trace(desk: Desk):
    end = await desk.say("[[demo text NO_REPLY]]")
    assert end["state"] == "final" and end["message"] is None
    assert [one for one in desk.of(end["runId"], "agent") if one["stream"] == "assistant"] == []
    assert (await desk.ok("agent.wait", runId=end["runId"]))["reply"] == ""
    messages = (await desk.ok("chat.history", sessionKey=MAIN))["messages"]
    assert [row["role"] for row in messages] == ["user"]


async def test_an_abort_keeps_what_was_said_and_withdraws_what_waits(desk: Desk):
    on = await desk.send("[[demo stream 500 20]]")
    await desk.growing(on["runId"])
    waiting = await desk.send("[[demo text later]]")
    assert (on["status"], waiting["status"]) == ("started", "queued")
    history = await desk.ok("chat.history", sessionKey=MAIN)
    assert history["activeRun"]["runId"] == on["runId"]
    assert history["activeRun"]["seq"] > 0 and history["activeRun"]["text"]
    assert history["queued"] == 1
    assert history["messages"][-1]["state"] == "queued"
    assert history["messages"][-1]["runId"] == waiting["runId"]
    stopped = await desk.ok("chat.abort", sessionKey=MAIN)
    assert stopped == {"aborted": [on["runId"]], "withdrawn": [waiting["runId"]]}
    ends = [await desk.end(one["runId"]) for one in (on, waiting)]
    assert [end["state"] for end in ends] == ["aborted", "aborted"]
    assert ends[0]["message"]["text"]
    for run in (on["runId"], waiting["runId"]):
        result = await desk.ok("agent.wait", runId=run)
        assert result["status"] == "error" and result["error"]["code"] == "ABORTED"
    [last] = [one["data"] for one in desk.of(on["runId"], "agent") if one["data"].get("endedAt")]
    assert last["phase"] == "end" and last["aborted"] is True
    assert (await desk.ok("chat.abort", sessionKey=MAIN)) == {"aborted": [], "withdrawn": []}


async def test_one_queued_run_can_be_withdrawn_alone(desk: Desk):
    on = await desk.send("[[demo stream 500 20]]")
    await desk.growing(on["runId"])
    waiting = await desk.send("[[demo text later]]")
    stopped = await desk.ok("chat.abort", sessionKey=MAIN, runId=waiting["runId"])
    assert stopped == {"aborted": [], "withdrawn": [waiting["runId"]]}
    await desk.ok("chat.abort", sessionKey=MAIN)


async def test_091_a_run_over_its_time_ends_with_its_code(desk: Desk):
    await desk.ok("agent", message="[[demo stream 500 20]]", idempotencyKey="r", timeoutMs=60)
    result = await desk.ok("agent.wait", runId="r")
    assert result["status"] == "error" and result["error"]["code"] == "RUN_TIMEOUT"
    assert (await desk.say("[[demo text free again]]"))["message"]["text"] == "free again"


async def test_a_page_of_history_and_the_one_before(desk: Desk):
    for number in range(4):
        await desk.say(f"[[demo text {number}]]")
    last = await desk.ok("chat.history", sessionKey=MAIN, limit=3)
    assert [row["text"] for row in last["messages"]] == ["2", "[[demo text 3]]", "3"]
    assert last["hasMore"] is True
    before = last["messages"][0]["id"]
    earlier = await desk.ok("chat.history", sessionKey=MAIN, limit=100, before=before)
    assert len(earlier["messages"]) == 5 and earlier["hasMore"] is False
    assert (await desk.error("chat.history", sessionKey=MAIN, before="x"))[
        "code"
    ] == "INVALID_PARAMS"
    empty = await desk.ok("chat.history", sessionKey="agent:main:chat:nothing")
    assert empty["messages"] == [] and empty["sessionId"] is None


async def test_an_injected_note_is_shown_and_runs_nothing(desk: Desk):
    note = await desk.ok("chat.inject", sessionKey=MAIN, text="remember")
    messages = (await desk.ok("chat.history", sessionKey=MAIN))["messages"]
    assert [(row["id"], row["role"], row["text"]) for row in messages] == [
        (note["id"], "note", "remember")
    ]
    assert (await desk.say("[[demo text on]]"))["state"] == "final"


async def test_097_thoughts_are_shown_where_reasoning_streams(desk: Desk):
    end = await desk.say("[[demo think deep]][[demo text done]]")
    assert "thinking" not in {one["stream"] for one in desk.of(end["runId"], "agent")}
    messages = (await desk.ok("chat.history", sessionKey=MAIN))["messages"]
    assert messages[-1]["thinking"] is None
    await desk.ok("sessions.patch", sessionKey=MAIN, reasoning="stream")
    end = await desk.say("[[demo think deep]][[demo text done]]")
    assert "thinking" in {one["stream"] for one in desk.of(end["runId"], "agent")}
    messages = (await desk.ok("chat.history", sessionKey=MAIN))["messages"]
    assert messages[-1]["thinking"] == "deep"


async def test_147_tool_events_follow_caps_and_verbose(tmp_path: Path):
    async with opened(tmp_path, caps=["tool-events"]) as desk:
        ask = "[[demo tool session_status {}]]"
        end = await desk.say(ask)
        tools = [one["data"] for one in desk.of(end["runId"], "agent") if one["stream"] == "tool"]
        assert [one["phase"] for one in tools] == ["start", "result"]
        assert len({one["toolCallId"] for one in tools}) == 1
        assert "result" not in tools[1]
        await desk.ok("sessions.patch", sessionKey=MAIN, verbose="full")
        end = await desk.say(ask)
        tools = [one["data"] for one in desk.of(end["runId"], "agent") if one["stream"] == "tool"]
        assert tools[-1]["result"]


async def test_071_runs_of_one_session_never_overlap(desk: Desk):
    await desk.ok("sessions.patch", sessionKey="main", queue="followup")
    sent = [await desk.send(f"[[demo stream 3 5]][[demo text {n}]]") for n in range(5)]
    ends = [await desk.end(one["runId"]) for one in sent]
    assert [end["state"] for end in ends] == ["final"] * 5
    spans = []
    for one in sent:
        data = [event["data"] for event in desk.of(one["runId"], "agent")]
        [ended] = [each for each in data if each.get("endedAt")]
        spans.append((ended["startedAt"], ended["endedAt"]))
    assert spans == sorted(spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


async def test_the_terminal_has_the_same_methods_without_a_socket(desk: Desk):
    local = Local(table(desk.core), desk.app.hub, desk.core.view)
    sent = await local.request(
        "chat.send", {"sessionKey": "main", "message": "[[demo text hi]]", "idempotencyKey": "l"}
    )
    assert sent["status"] == "started"
    async with asyncio.timeout(30):
        async for name, payload in local.events():
            if name == "chat" and payload["state"] == "final":
                assert payload["message"]["text"] == "hi"
                local.close()
