"""HTTP mode: nothing unsigned, late, repeated or malformed gets in, and nothing signed is lost."""

import json
import time
from urllib.parse import urlencode

import pytest

from adapters.fakes.slack import FakeSlack, signed
from bot.contract import HttpRequest
from tests.contracts.slack_support import Core, connected, raw, request, said

FORM = "application/x-www-form-urlencoded"
COMMAND = {
    "command": "/trunkline",
    "text": "task list the payload",
    "user_id": "U1",
    "user_name": "ada",
    "channel_id": "C1",
    "channel_name": "general",
    "team_id": "T1",
    "trigger_id": "1.2.abc",
}


@pytest.fixture
async def fake():
    async with FakeSlack() as server:
        yield server


@pytest.fixture
def core():
    return Core()


@pytest.fixture
async def bot(fake, core):
    async with connected(fake, core, app_token="", signing_secret="fake-signing-secret") as found:
        await core.until(lambda: core.now == "up")
        yield found


async def test_a_signed_event_is_stored_and_answered(bot, core):
    answer = await bot.handle(request(raw(said("hello")), time.time()), core)
    assert (answer.status, core.texts) == (200, ["hello"])


async def test_an_event_is_kept_while_slack_does_not_know_the_bot(fake, core):
    """The library alone would answer 200 and drop it: auth.test says no."""
    fake.fail("auth.test", error="fatal_error", times=1000)
    options = {"app_token": "", "signing_secret": "fake-signing-secret"}
    async with connected(fake, core, **options) as bot:
        answer = await bot.handle(request(raw(said("<@U0BOT> hi")), time.time()), core)
    assert (answer.status, core.texts, core.messages[0].mentioned) == (200, ["hi"], True)


async def test_what_cannot_be_stored_is_refused_and_may_come_again_as_it_was(bot, core):
    core.full = ["hello"]
    again = request(raw(said("hello")), time.time())
    assert [(await bot.handle(again, core)).status for _ in range(3)] == [503, 200, 401]
    assert core.texts == ["hello"]


async def test_slack_may_check_the_address(bot, core):
    body = raw({"type": "url_verification", "challenge": "3eZbrw1a", "token": "x"})
    answer = await bot.handle(request(body, time.time()), core)
    assert (answer.status, answer.body) == (200, b"3eZbrw1a")


async def test_a_slash_command_and_a_button_come_as_forms(bot, core):
    """The library would lose a command in whose text "payload" is said."""
    press = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "ada"},
        "channel": {"id": "C1", "name": "general"},
        "message": {"ts": "1767323045.000100"},
        "actions": [{"type": "button", "value": "a:1", "action_ts": "1767323046.1"}],
    }
    forms = [urlencode(COMMAND).encode(), urlencode({"payload": json.dumps(press)}).encode()]
    for form in forms:
        answer = await bot.handle(request(form, time.time(), FORM), core)
        assert (answer.status, answer.body) == (200, b"")
    command, action = core.messages
    assert (command.command.name, command.command.args) == ("task", "list the payload")
    assert (action.change, action.action.value) == ("action", "a:1")


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"{", "application/json"), (b"[1]", "application/json"), (b"", "application/json"),
     (b"payload=%7B", FORM), (b"payload=5", FORM), (b"[" * 9000, "application/json")],
)  # fmt: skip
async def test_a_signed_body_that_is_no_event_is_put_aside(bot, core, body, kind):
    answer = await bot.handle(request(body, time.time(), kind), core)
    assert (answer.status, core.messages, len(core.refused)) == (200, [], 1)


GOOD = raw(said("hello"))


def forged(**headers: str | None) -> HttpRequest:
    """A well signed request with some headers changed or taken away."""
    found = request(GOOD, time.time()).headers | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    kept = {k: v for k, v in found.items() if v is not None}
    return HttpRequest("POST", "/channels/slack", {}, kept, GOOD)


SIGNATURE, STAMP = "x_slack_signature", "x_slack_request_timestamp"


@pytest.mark.parametrize(
    "headers",
    [
        {SIGNATURE: None},
        {STAMP: None},
        {SIGNATURE: ""},
        {SIGNATURE: "v0="},
        {SIGNATURE: "v0=" + "0" * 64},
        {SIGNATURE: "v1=" + "0" * 64},
        {SIGNATURE: "é" * 67},
        {SIGNATURE: "\ud800"},
        {SIGNATURE: "v0=" + "f" * 100_000},
        {STAMP: ""},
        {STAMP: "now"},
        {STAMP: "1e9"},
        {STAMP: "9" * 5000},
        {STAMP: "nan"},
        {STAMP: "-1"},
        {STAMP: "٣٤٥"},
        {STAMP: "1767323045.5"},
        {STAMP: " "},
        {STAMP: "0x10"},
    ],
)
async def test_a_malformed_signature_is_not_let_in(bot, core, headers):
    answer = await bot.handle(forged(**headers), core)
    assert (answer.status, answer.body, core.messages, core.refused) == (401, b"", [], [])


@pytest.mark.parametrize("age", [-301, 301, -86400, 86400, 10**9])
async def test_a_request_of_another_time_is_not_let_in(bot, core, age):
    answer = await bot.handle(request(GOOD, time.time() + age), core)
    assert (answer.status, core.messages) == (401, [])


@pytest.mark.parametrize("at", range(0, len(GOOD), 7))
async def test_a_changed_body_is_not_let_in(bot, core, at):
    changed = bytes([*GOOD[:at], GOOD[at] ^ 1, *GOOD[at + 1 :]])
    headers = signed(GOOD, time.time())
    answer = await bot.handle(HttpRequest("POST", "/", {}, headers, changed), core)
    assert (answer.status, core.messages) == (401, [])


async def test_bytes_that_are_no_text_are_not_let_in(bot, core):
    answer = await bot.handle(request(b"\xff\xfe", time.time()), core)
    assert (answer.status, core.refused) == (401, [])


async def test_a_signature_of_another_secret_is_not_let_in(bot, core):
    headers = signed(GOOD, time.time(), "another secret")
    assert (await bot.handle(HttpRequest("POST", "/", {}, headers, GOOD), core)).status == 401


async def test_a_repeated_request_is_let_in_once_for_as_long_as_it_is_valid(bot, core, monkeypatch):
    clock = [time.time()]
    bot._receiver.signatures = type(bot._receiver.signatures)(
        "fake-signing-secret", lambda: clock[0]
    )
    first = request(GOOD, clock[0] + 290)
    statuses = []
    for wait in (0, 1, 299, 280):
        clock[0] += wait
        statuses.append((await bot.handle(first, core)).status)
    assert (statuses, core.texts) == ([200, 401, 401, 401], ["hello"])


async def test_a_socket_mode_account_takes_no_requests(fake, core):
    async with connected(fake, core) as bot:
        assert (await bot.handle(request(GOOD, time.time()), core)).status == 404


async def test_slack_out_of_reach_is_told_and_requests_still_count(fake, core):
    fake.fail("auth.test", status=500, times=2)
    options = {"app_token": "", "signing_secret": "fake-signing-secret"}
    async with connected(fake, core, **options) as bot:
        await core.until(lambda: core.now == "up")
        assert [state for state, _ in core.states] == ["down", "up"]
        assert bot.waits == [0.5, 1.0]
