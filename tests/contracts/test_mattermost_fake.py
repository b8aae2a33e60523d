"""The local Mattermost keeps the platform's rules (api.mattermost.com), as seen over the wire."""

import asyncio
import json
import sys

import aiohttp
import pytest

from adapters.fakes.mattermost import API, FakeMattermost
from adapters.fakes.mattermost_socket import KEPT


@pytest.fixture
async def fake():
    async with FakeMattermost() as server:
        yield server


@pytest.fixture
async def http(fake):
    headers = {"Authorization": f"Bearer {fake.token}"}
    async with aiohttp.ClientSession(fake.base_url, headers=headers) as session:
        yield session


async def call(http, method, path, **more):
    async with http.request(method, API + path, **more) as answer:
        return answer.status, await answer.json(content_type=None)


async def post(http, fake, message, **more):
    body = {"channel_id": fake.world.town, "message": message, **more}
    return await call(http, "POST", "/posts", json=body)


async def test_errors_have_the_documented_form(fake, http):
    status, error = await call(http, "GET", "/posts/none")
    assert (status, error["status_code"]) == (404, 404)
    assert {"id", "message", "request_id"} <= error.keys()
    status, _ = await call(http, "GET", "/users/me", headers={"Authorization": "Bearer x"})
    assert status == 401


async def test_a_pending_id_makes_one_post(fake, http):
    first = await post(http, fake, "once", pending_post_id="p")
    second = await post(http, fake, "once", pending_post_id="p")
    third = await post(http, fake, "once")
    assert first[1]["id"] == second[1]["id"] != third[1]["id"]
    assert first[0] == 201


async def test_limits_and_roots_are_checked(fake, http):
    assert (await post(http, fake, "x" * 16383))[0] == 201
    assert (await post(http, fake, "x" * 16384))[0] == 400
    assert (await post(http, fake, "x", root_id="none"))[0] == 400
    root = (await post(http, fake, "root"))[1]["id"]
    answer = (await post(http, fake, "reply", root_id=root))[1]["id"]
    assert (await post(http, fake, "deeper", root_id=answer))[0] == 400
    assert (await post(http, fake, "elsewhere", channel_id="none"))[0] == 403


async def test_only_new_words_are_an_edit(fake, http):
    its_id = (await post(http, fake, "one"))[1]["id"]
    same = await call(http, "PUT", f"/posts/{its_id}/patch", json={"message": "one"})
    changed = await call(http, "PUT", f"/posts/{its_id}/patch", json={"message": "two"})
    assert (same[1]["edit_at"], changed[1]["edit_at"] > 0) == (0, True)
    theirs = fake.say(fake.world.town, "mine")
    assert (await call(http, "PUT", f"/posts/{theirs}/patch", json={"message": "x"}))[0] == 403


async def test_since_tells_new_edited_and_deleted_posts_and_grown_threads(fake, http):
    posts = [fake.say(fake.world.town, str(number)) for number in range(5)]
    mark = fake.world.now()
    fake.revise(posts[1], "new words")
    fake.retract(posts[2])
    reply = fake.say(fake.world.town, "reply", root_id=posts[3])
    path = f"/channels/{fake.world.town}/posts"
    _, found = await call(http, "GET", path, params={"since": mark})
    assert set(found["order"]) == {posts[1], posts[2], posts[3], reply}
    assert found["order"][0] == reply
    _, page = await call(http, "GET", path, params={"page": 1, "per_page": 2})
    assert page["order"] == [posts[3], posts[1]]


async def test_a_deleted_post_is_gone(fake, http):
    its_id = (await post(http, fake, "x"))[1]["id"]
    assert (await call(http, "DELETE", f"/posts/{its_id}"))[0] == 200
    assert (await call(http, "DELETE", f"/posts/{its_id}"))[0] == 404


async def dial(http, connection="", number=0):
    query = {"connection_id": connection, "sequence_number": str(number)}
    return await http.ws_connect(f"{API}/websocket", params=query)


async def test_a_connection_begins_with_a_hello_and_counts(fake, http):
    socket = await dial(http)
    hello = await socket.receive_json()
    fake.say(fake.world.town, "one")
    said = await socket.receive_json()
    assert (hello["event"], hello["seq"], said["event"], said["seq"]) == ("hello", 0, "posted", 1)
    assert json.loads(said["data"]["post"])["message"] == "one"
    assert said["data"]["sender_name"] == "@ada"
    await socket.send_json({"seq": 1, "action": "ping"})
    assert (await socket.receive_json())["seq_reply"] == 1
    await socket.close()


async def test_who_names_the_next_number_gets_what_was_missed(fake, http):
    socket = await dial(http)
    hello = await socket.receive_json()
    fake.say(fake.world.town, "one")
    await socket.receive_json()
    fake.sockets.cut()
    fake.say(fake.world.town, "two")
    await fake.told()
    again = await dial(http, hello["data"]["connection_id"], 1)
    assert [(await again.receive_json())["seq"] for _ in range(2)] == [1, 2]
    await again.close()


@pytest.mark.parametrize("case", ["unknown", "too old", "not signed in"])
async def test_who_cannot_be_resumed_begins_anew(fake, http, case):
    socket = await dial(http)
    connection = (await socket.receive_json())["data"]["connection_id"]
    for number in range(KEPT + 10):
        fake.say(fake.world.town, str(number))
    await fake.told()
    fake.sockets.cut()
    if case == "not signed in":
        async with aiohttp.ClientSession(fake.base_url) as stranger:
            again = await dial(stranger, connection, KEPT)
            challenge = {"token": fake.token}
            action = {"seq": 1, "action": "authentication_challenge", "data": challenge}
            await again.send_json(action)
            hello = await again.receive_json()
            await again.close()
    else:
        again = await dial(http, "x" if case == "unknown" else connection, 3)
        hello = await again.receive_json()
        await again.close()
    assert (hello["event"], hello["seq"]) == ("hello", 0)
    assert hello["data"]["connection_id"] != connection


async def test_a_wrong_challenge_ends_the_connection(fake):
    async with aiohttp.ClientSession(fake.base_url) as stranger:
        socket = await dial(stranger)
        data = {"token": "wrong"}
        await socket.send_json({"seq": 1, "action": "authentication_challenge", "data": data})
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_other_programs_drive_it_over_http():
    command = [sys.executable, "-m", "adapters.fakes.mattermost"]
    server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    ready = (await server.stdout.readline()).decode().split()
    try:
        async with aiohttp.ClientSession(ready[1]) as http:
            async with http.post("/_control/say", json={"text": "hello"}) as answer:
                its_id = (await answer.json())["id"]
            async with http.get("/_control/posts") as answer:
                posts = (await answer.json())["posts"]
            fault = {"name": "GetUser", "status": 418}
            await (await http.post("/_control/fail", json=fault)).read()
            for verb in ("push", "sockets"):
                body = {"do": "cut"}
                assert (await http.post(f"/_control/{verb}", json=body)).status == 200
            async with http.get("/_control/wait", params={"count": "1", "timeout": "0"}) as answer:
                waited = await answer.json()
            assert (await http.get("/_control/calls")).status == 200
    finally:
        server.terminate()
        await server.wait()
    assert (ready[0], posts[0]["id"], posts[0]["message"]) == ("ready", its_id, "hello")
    assert waited == {"reached": False, "count": 0}
