"""The socket over real connections: the first frame, requests, events, limits, slow clients."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot import __version__
from bot.events import Delta, Finished, RunEvent, Signal, Started, ToolEnded, ToolStarted
from bot.gateway.feed import View
from bot.gateway.frames import MAX_FIRST_FRAME, MAX_FRAME
from tests.contracts.gateway_kit import BEARER, TOKEN, Rig, running, settle

GOOD = {"protocol": 1, "client": {"id": "t", "version": "1"}, "caps": [], "auth": {"token": TOKEN}}
WRONG_CREDENTIALS: list[Any] = [
    *({}, {"token": ""}, {"token": None}, {"token": "wrong"}, {"token": 5}, {"token": [TOKEN]}),
    *({"token": TOKEN + " "}, {"token": TOKEN[:-1]}, {"token": True}, {"token": {"token": TOKEN}}),
    *({"password": TOKEN}, TOKEN, [TOKEN], 7),
]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running() as rig:
        yield rig


def run_event(seq: int, body: Any, run: str = "r1") -> RunEvent:
    return RunEvent(run, "agent:main:main", seq, 1_700_000_000.0 + seq, body)


async def test_connect_answers_with_the_hello(rig: Rig):
    async with rig.socket() as socket:
        hello = socket.hello
        assert hello["type"] == "res" and hello["ok"] is True and hello["id"] == "1"
        payload = hello["payload"]
        assert payload["protocol"] == 1
        assert payload["server"] == {"version": __version__}
        assert payload["policy"] == {"maxPayload": 2 << 20, "tickIntervalMs": 15000}
        assert "echo" in payload["methods"] and "agent" in payload["events"]


async def test_the_credential_may_be_a_header_or_the_cookie(rig: Rig):
    nothing: dict[str, Any] = {"auth": {}}
    async with rig.socket(nothing, headers=BEARER) as socket:
        assert socket.hello["ok"] is True
    cookie = {"Cookie": await rig.signed_in_cookie(), **rig.origin}
    async with rig.socket(nothing, headers=cookie) as socket:
        assert socket.hello["ok"] is True


@pytest.mark.parametrize("auth", WRONG_CREDENTIALS)
async def test_a_wrong_credential_closes_with_1008(rig: Rig, auth: Any):
    async with rig.socket({"auth": auth}) as socket:
        assert socket.hello["ok"] is False
        assert socket.hello["error"]["code"] in ("UNAUTHORIZED", "INVALID_PARAMS")
        assert TOKEN not in json.dumps(socket.hello)
        code, reason = await socket.closed()
        assert code == 1008 and reason


async def test_a_wrong_token_is_not_saved_by_a_good_cookie_or_header(rig: Rig):
    cookie = {"Cookie": await rig.signed_in_cookie(), **rig.origin}
    wrong = {"auth": {"token": "wrong"}}
    for headers in (cookie, BEARER):
        async with rig.socket(wrong, headers=headers) as socket:
            assert socket.hello["ok"] is False
    async with rig.socket(headers={"Authorization": "Bearer wrong"}) as socket:
        assert socket.hello["ok"] is False


async def test_a_spent_or_foreign_cookie_closes_with_1008(rig: Rig):
    cookie = await rig.signed_in_cookie()
    code = rig.gateway.login_url().partition("code=")[2]
    name = cookie.partition("=")[0]
    await rig.clock.step(31 * 86400.0)
    for value in (cookie, f"{name}={code}", f"{name}={TOKEN}", f"{name}="):
        async with rig.socket({"auth": {}}, headers={"Cookie": value, **rig.origin}) as socket:
            assert socket.hello["error"]["code"] == "UNAUTHORIZED"
            assert (await socket.closed())[0] == 1008


@pytest.mark.parametrize(
    "first",
    [
        *("", "hello", "[]", "null", "{", '{"type":"req"}', "NaN", "[" * 5000),
        json.dumps({"type": "req", "id": "1", "method": "echo", "params": {"text": "x"}}),
        json.dumps({"type": "res", "id": "1", "method": "connect", "params": GOOD}),
        json.dumps(
            {"type": "req", "id": "1", "method": "connect", "params": {**GOOD, "protocol": 2}}
        ),
        json.dumps(
            {"type": "req", "id": "1", "method": "connect", "params": {**GOOD, "protocol": "1"}}
        ),
        json.dumps(
            {"type": "req", "id": "1", "method": "connect", "params": {"auth": GOOD["auth"]}}
        ),
        json.dumps(
            {"type": "req", "id": "1", "method": "connect", "params": {**GOOD, "role": "node"}}
        ),
        json.dumps(
            {"type": "req", "id": "1", "method": "connect", "params": {**GOOD, "admin": True}}
        ),
        json.dumps({"type": "req", "id": {}, "method": "connect", "params": GOOD}),
    ],
)
async def test_anything_else_first_closes_with_1008_and_a_reason(rig: Rig, first: str):
    async with rig.socket(connect={}) as socket:
        await socket.ws.send_str(first)
        code, reason = await socket.closed()
        assert code == 1008 and reason
        assert TOKEN not in reason


async def test_a_binary_first_frame_closes_with_1008(rig: Rig):
    async with rig.socket(connect={}) as socket:
        await socket.ws.send_bytes(json.dumps(GOOD).encode())
        assert (await socket.closed())[0] == 1008


async def test_a_client_that_says_nothing_is_closed_after_ten_seconds(rig: Rig):
    async with rig.socket(connect={}) as socket:
        await rig.clock.asked(10.0)
        await rig.clock.step(10.0)
        assert await socket.closed() == (1008, "no connect request in 10 seconds")


async def test_later_frames_may_be_larger_than_the_first(rig: Rig):
    async with rig.socket() as socket:
        answer = await socket.request("echo", {"text": "x" * (MAX_FRAME - 200)})
        assert answer["ok"] is True


@pytest.mark.parametrize("size", [MAX_FIRST_FRAME + 1, MAX_FRAME + 1])
async def test_a_large_first_frame_closes_with_1009(rig: Rig, size: int):
    async with rig.socket(connect={}) as socket:
        await socket.ws.send_str("x" * size)
        assert (await socket.closed())[0] == 1009


async def test_a_later_frame_over_the_limit_closes_with_1009(rig: Rig):
    async with rig.socket() as socket:
        await socket.ws.send_str("x" * (MAX_FRAME + 1))
        assert (await socket.closed())[0] == 1009


async def test_requests_are_answered_once_and_in_order(rig: Rig):
    async with rig.socket() as socket:
        sent = [await socket.send("echo", {"text": str(number)}) for number in range(20)]
        answers = [await socket.response(id) for id in sent]
        assert [answer["payload"]["text"] for answer in answers] == [str(n) for n in range(20)]


async def test_a_waiting_request_holds_nobody_up(rig: Rig):
    async with rig.socket() as socket:
        slow = await socket.send("wait")
        assert (await socket.request("echo", {"text": "now"}))["payload"] == {"text": "now"}
        rig.until.set()
        assert (await socket.response(slow))["payload"] == {"done": True}


@pytest.mark.parametrize(
    ("frame", "id", "code", "said"),
    [
        ({"id": "a", "method": "nope"}, "a", "UNKNOWN_METHOD", "nope"),
        ({"id": "a", "method": "ecko"}, "a", "UNKNOWN_METHOD", "did you mean echo"),
        ({"id": "a", "method": "echo"}, "a", "INVALID_PARAMS", "text is required"),
        (
            {"id": "a", "method": "echo", "params": {"text": 5}},
            "a",
            "INVALID_PARAMS",
            "text must be",
        ),
        (
            {"id": "a", "method": "echo", "params": {"text": "x", "sesionKey": "k"}},
            *("a", "INVALID_PARAMS", "sesionKey is not a parameter; did you mean sessionKey?"),
        ),
        ({"id": "a", "method": "echo", "params": []}, "a", "INVALID_PARAMS", "params"),
        ({"id": "a", "method": 5}, "a", "INVALID_PARAMS", "method"),
        ({"id": "a", "method": "echo", "extra": 1}, "a", "INVALID_PARAMS", "extra"),
        ({"method": "echo"}, None, "INVALID_PARAMS", "id must be"),
        ({"id": ["a"], "method": "echo"}, None, "INVALID_PARAMS", "id must be"),
        ({"id": "a", "method": "connect", "params": GOOD}, "a", "CONFLICT", "connected already"),
        ({"id": "a", "method": "fail"}, "a", "INTERNAL", "the log has it"),
    ],
)
async def test_a_bad_request_gets_one_error_that_names_what_is_wrong(
    rig: Rig, frame: dict[str, Any], id: str | None, code: str, said: str
):
    async with rig.socket() as socket:
        await socket.ws.send_json({"type": "req", **frame})
        answer = await socket.response(id)
        assert answer["ok"] is False
        assert answer["error"]["code"] == code
        assert said in answer["error"]["message"]
        assert "internal detail" not in json.dumps(answer)
        assert (await socket.request("echo", {"text": "still here"}))["ok"] is True


async def test_junk_after_the_hello_is_answered_and_the_socket_stays(rig: Rig):
    async with rig.socket() as socket:
        for junk in ("", "{", "[1]", '{"a":1,"a":2}', '{"id":NaN}', "[" * 1000):
            await socket.ws.send_str(junk)
            answer = await socket.response(None)
            assert answer["error"]["code"] == "INVALID_PARAMS"
        await socket.ws.send_bytes(b"x")
        assert (await socket.closed())[0] == 1003


async def test_D09_a_hundred_messages_at_once_then_ten_a_second(rig: Rig):
    async with rig.socket() as socket:
        answers = [await socket.request("echo", {"text": "x"}) for _ in range(105)]
        assert [answer["ok"] for answer in answers] == [True] * 100 + [False] * 5
        assert answers[-1]["error"]["code"] == "RATE_LIMITED"
        assert answers[-1]["error"]["retryable"] is True
        await rig.clock.step(1.0)
        later = [(await socket.request("echo", {"text": "x"}))["ok"] for _ in range(11)]
        assert later == [True] * 10 + [False]
        async with rig.socket() as other:
            assert (await other.request("echo", {"text": "x"}))["ok"] is True


async def test_a_client_that_floods_on_is_closed(rig: Rig):
    async with rig.socket() as socket:
        for _ in range(400):
            await socket.send("echo", {"text": "x"})
        assert await socket.closed() == (1008, "too many messages")


async def test_events_are_numbered_for_the_client_and_for_the_run(rig: Rig):
    async with rig.socket() as socket:
        rig.hub.publish(run_event(1, Started(1_700_000_000.0)))
        rig.hub.publish(run_event(2, Delta("Hel", "Hel")))
        rig.hub.publish(Signal("sessions.changed", {"sessionKey": "agent:main:main"}))
        rig.hub.publish(run_event(3, Delta("lo", "Hello")))
        frames = [await socket.frame() for _ in range(4)]
        assert [frame["seq"] for frame in frames] == [1, 2, 3, 4]
        assert [frame["event"] for frame in frames] == [
            "agent",
            "agent",
            "sessions.changed",
            "agent",
        ]
        assert frames[0]["payload"] == {
            "runId": "r1",
            "sessionKey": "agent:main:main",
            "seq": 1,
            "stream": "lifecycle",
            "ts": "2023-11-14T22:13:21+00:00",
            "data": {"phase": "start", "startedAt": "2023-11-14T22:13:20+00:00"},
        }
        assert frames[3]["payload"]["seq"] == 3
        assert frames[3]["payload"]["data"] == {"text": "Hello", "delta": "lo"}


async def test_tool_events_go_only_to_those_who_asked(rig: Rig):
    async with rig.socket() as plain, rig.socket({**GOOD, "caps": ["tool-events"]}) as capable:
        rig.hub.publish(run_event(1, ToolStarted("c1", "read", {"path": "a"})))
        rig.hub.publish(run_event(2, ToolEnded("c1", "read", "secret result", False)))
        rig.hub.publish(Signal("tasks.changed", {}))
        assert (await plain.frame())["event"] == "tasks.changed"
        shown = [(await capable.frame())["payload"]["data"] for _ in range(2)]
        assert shown == [
            {"phase": "start", "toolCallId": "c1", "name": "read"},
            {"phase": "result", "toolCallId": "c1", "name": "read", "isError": False},
        ]


async def test_what_went_in_and_came_out_is_shown_where_the_session_is_fully_verbose(rig: Rig):
    rig.view[0] = View(verbose="full")
    async with rig.socket({**GOOD, "caps": ["tool-events"]}) as socket:
        rig.hub.publish(run_event(1, ToolStarted("c1", "read", {"path": "a"})))
        rig.hub.publish(run_event(2, ToolEnded("c1", "read", "text", True)))
        shown = [(await socket.frame())["payload"]["data"] for _ in range(2)]
        assert shown[0]["args"] == {"path": "a"}
        assert shown[1]["result"] == "text" and shown[1]["isError"] is True


async def test_what_happens_right_after_the_hello_is_not_missed(rig: Rig):
    async with rig.socket(connect={}) as socket:
        id = await socket.send("connect", GOOD)
        rig.hub.publish(Signal("tasks.changed", {"before": True}))
        assert (await socket.response(id))["ok"] is True
        rig.hub.publish(Signal("tasks.changed", {"before": False}))
        events = [frame["payload"] for frame in socket.events]
        events.append((await socket.event("tasks.changed"))["payload"])
        assert events[-1] == {"before": False}


async def test_the_tick_comes_every_fifteen_seconds(rig: Rig):
    async with rig.socket() as socket:
        await rig.clock.asked(15.0)
        for _ in range(2):
            await rig.clock.step(15.0)
            assert "ts" in (await socket.event("tick"))["payload"]


async def test_a_client_that_leaves_stops_nothing(rig: Rig):
    async with rig.socket() as socket:
        await socket.send("wait")
        await socket.send("echo", {"text": "x"})
    await settle()
    rig.until.set()
    rig.hub.publish(run_event(1, Finished("ok", 1.0, 2.0, "done")))
    async with rig.socket() as socket:
        assert (await socket.request("echo", {"text": "x"}))["ok"] is True


async def test_R14_a_slow_client_is_cut_and_nobody_else(rig: Rig):
    text = "x" * 100_000
    async with rig.socket() as slow, rig.socket() as quick:
        assert slow.ws._response.connection is not None
        slow.ws._response.connection.transport.pause_reading()  # type: ignore[union-attr]
        seen = 0
        for number in range(2500):
            rig.hub.publish(run_event(number, Delta("x", text)))
            if number % 500 == 0:
                await settle()
            await quick.event("agent")
            seen += 1
        assert seen == 2500
        assert (await quick.request("echo", {"text": "well"}))["ok"] is True
        await rig.clock.asked(15.0)
        await rig.clock.step(15.0)
        slow.ws._response.connection.transport.resume_reading()  # type: ignore[union-attr]
        code, _ = await slow.closed()
        assert code in (1006, None)


async def test_no_more_clients_than_the_limit(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.gateway.socket.CLIENTS", 2)
    async with rig.socket(), rig.socket(connect={}):
        answer = await rig.get("/ws", Upgrade="websocket", Connection="Upgrade")
        assert answer.status == 503
        assert (await answer.json())["error"]["code"] == "UNAVAILABLE"


async def test_a_method_may_make_a_sign_in_link(rig: Rig):
    async with rig.socket() as socket:
        url = (await socket.request("link"))["payload"]["url"]
        answer = await rig.http.get(url, allow_redirects=False)
        assert answer.status == 303 and "Set-Cookie" in answer.headers


async def test_a_stop_says_goodbye_after_what_is_still_queued():
    async with running() as rig, rig.socket() as socket:
        for number in range(50):
            rig.hub.publish(run_event(number + 1, Delta("x", "x")))
        stopping = asyncio.create_task(rig.gateway.stop(), name="stopping")
        await socket.event("shutdown")
        assert len([one for one in socket.events if one["event"] == "agent"]) == 50
        assert (await socket.closed())[0] == 1001
        await stopping
