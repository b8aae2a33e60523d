"""The local Discord itself: it is worth as much as it does what the platform does."""

import asyncio
import json
import sys
import zlib

import aiohttp
import pytest

from adapters.fakes.discord import FakeDiscord


@pytest.fixture
async def fake():
    async with FakeDiscord() as server:
        yield server


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def call(fake, http):
    async def ask(method, path, token=True, **body):
        headers = {"Authorization": f"Bot {fake.token}"} if token else {}
        url = fake.base_url + path
        async with http.request(method, url, json=body or None, headers=headers) as answer:
            return answer.status, json.loads(await answer.read() or b"null"), answer.headers

    return ask


class Line:
    """A socket to the gateway, spoken to by hand."""

    def __init__(self, ws):
        self.ws = ws
        self.stream = zlib.decompressobj()

    async def hear(self):
        message = await self.ws.receive(timeout=30)
        if message.type is not aiohttp.WSMsgType.BINARY:
            return message.data
        return json.loads(self.stream.decompress(message.data))

    async def say(self, op, **data):
        await self.ws.send_json({"op": op, "d": data or None})


@pytest.fixture
async def line(fake, http):
    url = f"{fake.gateway.url}/?v=10&encoding=json&compress=zlib-stream".replace("/?", "?")
    async with http.ws_connect(url) as ws:
        yield Line(ws)


async def test_a_session_begins_with_hello_then_ready_then_the_guilds(fake, line):
    assert (await line.hear())["d"] == {"heartbeat_interval": 41250}
    await line.say(2, token=fake.token, intents=1 << 15)
    ready, guild = await line.hear(), await line.hear()
    assert (ready["t"], ready["s"], guild["t"], guild["s"]) == ("READY", 1, "GUILD_CREATE", 2)
    await line.say(1)
    assert (await line.hear())["op"] == 11


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"op": 2, "d": {"token": "wrong", "intents": 0}}, 4004),
        ({"op": 3, "d": {}}, 4003),
    ],
)
async def test_what_the_gateway_does_not_bear_closes_the_socket(line, frame, code):
    await line.hear()
    await line.ws.send_json(frame)
    await line.ws.receive(timeout=30)
    assert line.ws.close_code == code


async def test_a_session_may_be_resumed_from_any_number_and_a_lost_one_not(fake, line, http):
    await line.hear()
    await line.say(2, token=fake.token, intents=1 << 15)
    session = (await line.hear())["d"]["session_id"]
    fake.gateway.drop()
    fake.say("missed")
    async with http.ws_connect(fake.gateway.url) as ws:
        await ws.receive_json()
        resume = {"token": fake.token, "session_id": session, "seq": 2}
        await ws.send_json({"op": 6, "d": resume})
        assert [(await ws.receive_json())["t"] for _ in range(2)] == ["MESSAGE_CREATE", "RESUMED"]
    fake.gateway.forget()
    async with http.ws_connect(fake.gateway.url) as ws:
        await ws.receive_json()
        await ws.send_json({"op": 6, "d": resume})
        assert await ws.receive_json() == {"op": 9, "d": False, "s": None, "t": None}


async def test_without_the_content_intent_only_what_is_meant_for_the_bot_is_shown(fake, line):
    await line.hear()
    await line.say(2, token=fake.token, intents=1 << 9)
    await line.hear()
    await line.hear()
    fake.say("secret")
    fake.say(f"<@{fake.me['id']}> open")
    fake.say("private", fake.direct)
    found = [(await line.hear())["d"]["content"] for _ in range(3)]
    assert found == ["", f"<@{fake.me['id']}> open", "private"]


async def test_history_is_newest_first_and_next_to_where_it_was_asked(fake, call):
    ids = [fake.say(str(n)).id for n in range(5)]
    path = f"/channels/{fake.room}/messages"
    _, newest, _ = await call("GET", f"{path}?limit=2")
    _, after, _ = await call("GET", f"{path}?limit=2&after={ids[0]}")
    assert [m["content"] for m in newest] == ["4", "3"]
    assert [m["content"] for m in after] == ["2", "1"]
    assert (await call("GET", f"{path}?limit=101"))[1]["code"] == 50035


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"content": "x" * 2001}, 50035),
        ({"content": " "}, 50006),
        ({"content": "x", "nonce": "n" * 26}, 50035),
        ({"content": "x", "message_reference": {"message_id": "9"}}, 50035),
        (
            {
                "content": "x",
                "components": [{"components": [{"custom_id": "a", "label": "x"}] * 2}],
            },
            50035,
        ),
        ({"content": "x", "components": [{"components": []}] * 6}, 50035),
    ],
)
async def test_what_the_platform_refuses_is_refused(fake, call, body, code):
    status, answer, _ = await call("POST", f"/channels/{fake.room}/messages", **body)
    assert (status, answer["code"]) == (400, code)


async def test_an_enforced_nonce_gives_the_first_message_again(fake, call):
    path = f"/channels/{fake.room}/messages"
    body = {"content": "x", "nonce": "n", "enforce_nonce": True}
    first, again = [(await call("POST", path, **body))[1]["id"] for _ in range(2)]
    loose = (await call("POST", path, content="x", nonce="n"))[1]["id"]
    assert (first == again, first == loose) == (True, False)


async def test_others_messages_closed_rooms_and_wrong_tokens(fake, call):
    path = f"/channels/{fake.room}/messages/{fake.say('x').id}"
    assert (await call("PATCH", path, content="y"))[1]["code"] == 50005
    assert (await call("GET", "/users/@me", token=False))[0] == 401
    assert (await call("GET", "/channels/1"))[1]["code"] == 10003
    assert (await call("GET", "/teapot"))[0] == 404
    fake.rooms.closed.add(fake.room)
    assert (await call("GET", path))[1]["code"] == 50001


async def test_a_bucket_tells_how_full_it_is_and_then_refuses(fake, call):
    fake.limit("typing", 1, 60.0)
    path = f"/channels/{fake.room}/typing"
    await call("POST", path)
    status, answer, headers = await call("POST", path)
    assert (status, headers["X-RateLimit-Remaining"]) == (429, "0")
    assert 0 < answer["retry_after"] <= 60
    assert (await call("POST", f"/channels/{fake.direct}/typing"))[0] == 204


async def test_an_interaction_is_answered_once_and_edited_only_behind_that(fake, call):
    asked = fake.slash("status")
    original = f"/webhooks/{fake.me['id']}/{asked.token}/messages/@original"
    callback = f"/interactions/{asked.id}/{asked.token}/callback"
    assert (await call("PATCH", original, token=False, content="x"))[1]["code"] == 10015
    assert (await call("POST", callback, token=False, type=5))[0] == 204
    assert (await call("POST", callback, token=False, type=5))[1]["code"] == 40060
    assert (await call("PATCH", original, token=False, content="x"))[1]["content"] == "x"
    assert fake.visible() == ["x"]


async def test_commands_are_checked_as_the_platform_checks_them(fake, call):
    async def publish(*commands):
        headers = {"Authorization": f"Bot {fake.token}"}
        url = f"{fake.base_url}/applications/{fake.me['id']}/commands"
        async with aiohttp.request("PUT", url, json=commands, headers=headers) as answer:
            return answer.status

    good = {"name": "status", "description": "x", "type": 1}
    assert await publish(good) == 200
    assert await publish(good, good) == 400
    assert await publish({**good, "name": "Status"}) == 400
    assert await publish({**good, "description": ""}) == 400


async def test_another_process_can_run_it_and_steer_it():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "adapters.fakes.discord", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        word, base, gateway = (await process.stdout.readline()).decode().split()
        control = base.removesuffix("/api/v10") + "/_control"
        async with aiohttp.ClientSession() as session:

            async def ask(verb, **body):
                async with session.post(f"{control}/{verb}", json=body) as answer:
                    return await answer.json()

            rooms = await ask("forget")
            said = await ask("say", text="hello", channel=rooms["room"])
            asked = await ask("slash", name="status")
            await ask("dispatch", t="TYPING_START", d={})
            async with session.get(f"{control}/rooms") as answer:
                shown = (await answer.json())[rooms["room"]]
            async with session.get(f"{control}/wait?count=9&timeout=0.01") as answer:
                waited = await answer.json()
    finally:
        process.terminate()
        await process.wait()
    assert (word, gateway.startswith("ws://"), bool(asked["token"])) == ("ready", True, True)
    assert [(one["id"], one["content"]) for one in shown] == [(said["id"], "hello")]
    assert waited == {"reached": False, "count": 0}
