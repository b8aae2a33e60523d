"""The adapter against a Slack that others wrote, where it is installed.

`npm pack local-slack-linux-x64@0.1.8` brings an archive; its `package/bin/local-slack` goes on the
PATH. It has neither streams, assistant threads nor message metadata: those are tried on our own.
"""

import asyncio
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.contract import Button, File, HttpRequest, Reply
from bot.errors import Unsupported
from tests.contracts.slack_support import Core, connected, place

PROGRAM = shutil.which("local-slack")
INSTALLED_IN_CI = "local-slack" in (Path(__file__).parents[2] / ".ci" / "run").read_text("utf-8")

pytestmark = pytest.mark.skipif(
    PROGRAM is None and not (os.environ.get("CI") == "true" and INSTALLED_IN_CI),
    reason="needs local-slack on the PATH, see the top of this file",
)

APP = {
    "appId": "A01APP",
    "botUserId": "U0BOT",
    "botName": "testbot",
    "botToken": "xoxb-test-token",
    "appToken": "xapp-test-token",
    "signingSecret": "test-signing-secret",
}
WORKSPACE = {
    "workspace": {"name": "Test", "domain": "test", "teamId": "T01TEST"},
    "users": [{"id": "U01ADA", "name": "ada", "real_name": "Ada Lovelace"}],
    "channels": [
        {"id": "C01GEN", "name": "general", "members": ["U01ADA", "U0BOT"]},
        {"id": "D01ADA", "name": "dm", "is_im": True, "members": ["U01ADA", "U0BOT"]},
    ],
}


class Independent:
    """A running server, spoken to through its control interface."""

    def __init__(self, url: str, client: aiohttp.ClientSession) -> None:
        self.token, self.app_token = APP["botToken"], APP["appToken"]
        self.base_url = f"{url}/api/"
        self._url = url
        self._client = client

    async def do(self, verb: str, **fields: Any) -> Any:
        async with self._client.post(f"{self._url}/_control/{verb}", json=fields) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def say(self, text: str, channel: str = "C01GEN", **more: Any) -> str:
        answer = await self.do("message", channel=channel, user="U01ADA", text=text, **more)
        return str(answer["message"]["ts"])

    async def messages(self, channel: str = "C01GEN") -> list[dict[str, Any]]:
        async with self._client.get(f"{self._url}/_control/messages/{channel}") as response:
            return list((await response.json())["messages"])


@asynccontextmanager
async def running(folder: Path, **app: str) -> AsyncIterator[Independent]:
    """Start the server on a free port."""
    assert PROGRAM is not None, "the server is not installed, see the top of this file"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "slack.json"
    config.write_text(json.dumps({**WORKSPACE, "apps": [{**APP, **app}]}))
    args = ["--config", str(config), "--port", str(port), "--base-host", "127.0.0.1"]
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *args, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            while "running" not in (await process.stdout.readline()).decode():
                assert process.returncode is None
        async with aiohttp.ClientSession() as client:
            yield Independent(f"http://127.0.0.1:{port}", client)
    finally:
        process.terminate()
        await process.communicate()


async def test_a_conversation_over_its_socket(tmp_path):
    core = Core()
    async with running(tmp_path, mode="socket") as server, connected(server, core) as bot:
        assert await bot.check() == "@testbot"
        await core.until(lambda: core.now == "up")
        ts = await server.say("<@U0BOT> hello *you* &amp; <https://e.org|me>")
        await core.until(lambda: len(core.messages) == 2)
        (message,) = core.once.values()
        assert (message.ref.id, message.mentioned) == (ts, True)
        assert message.text == "hello **you** & [me](https://e.org)"
        await server.say("in a thread", thread_ts=ts)
        await server.say("direct", "D01ADA")
        await server.do("command", channel="C01GEN", user="U01ADA", command="/task", text="list")
        await core.until(lambda: len(core.once) == 4)
        thread, direct, command = list(core.once.values())[1:]
        assert (thread.address.thread, direct.kind) == (ts, "direct")
        assert (command.command.name, command.command.args) == ("task", "list")
        await server.do("edit-message", channel="C01GEN", ts=ts, user="U01ADA", text="edited")
        await server.do("delete-message", channel="C01GEN", ts=ts, user="U01ADA")
        await core.until(lambda: len(core.once) == 6)
        edited, deleted = list(core.once.values())[4:]
        assert (edited.change, edited.text, edited.ref.id) == ("edited", "edited", ts)
        assert (deleted.change, deleted.ref.id) == ("deleted", ts)
        assert core.refused == []


async def test_what_it_shows_of_a_reply(tmp_path):
    core = Core()
    async with running(tmp_path, mode="socket") as server, connected(server, core) as bot:
        await core.until(lambda: core.now == "up")
        source = "# Head\n\n**b**\n\n|a|b|\n|-|-|\n|1|2|\n\n- x\n  - y\n\n```py\nz\n```"
        ref = await bot.send(place("C01GEN"), Reply(source, buttons=(Button("Yes", "y:1"),)), "k")
        (message,) = await server.messages()
        kinds = [block["type"] for block in message["blocks"]]
        assert kinds == ["rich_text", "table", "rich_text", "actions"]
        action = {"type": "button", "action_id": "button-0", "value": "y:1"}
        press = {"channel": "C01GEN", "messageTs": ref.id, "user": "U01ADA", "action": action}
        await server.do("interact", **press)
        await core.until(lambda: core.messages)
        assert (core.messages[0].action.value, core.messages[0].ref.id) == ("y:1", ref.id)
        await bot.edit(ref, Reply("edited"))
        await bot.react(ref, "👀")
        (message,) = await server.messages()
        assert (message["text"], message["reactions"][0]["name"]) == ("edited", "eyes")
        await server.do("reaction", channel="C01GEN", ts=ref.id, user="U01ADA", name="thumbsup")
        await core.until(lambda: len(core.messages) == 2)
        assert (core.messages[1].change, core.messages[1].action.value) == ("reaction", "👍")
        await bot.delete(ref)
        await bot.delete(ref)
        assert await server.messages() == []
        assert await bot.find(place("C01GEN"), "k") is None


async def test_files_both_ways(tmp_path):
    core = Core()
    async with running(tmp_path, mode="socket") as server, connected(server, core) as bot:
        await core.until(lambda: core.now == "up")
        reply = Reply("here", (File("a.txt", "text/plain", b"some words"),))
        await bot.send(place("C01GEN"), reply, "k")
        _, shared = await server.messages()
        assert shared["files"][0]["name"] == "a.txt"
        event = {**shared, "channel": "C01GEN", "channel_type": "channel", "user": "U01ADA"}
        kept = {k: v for k, v in event.items() if k not in ("bot_id", "app_id")}
        (message,) = bot.parse({"type": "event_callback", "event": kept}, account="slack")
        got = b"".join([piece async for piece in bot.fetch(message.attachments[0], 100)])
        assert got == b"some words"


async def test_it_has_no_streams_and_says_so(tmp_path):
    core = Core()
    async with running(tmp_path, mode="socket") as server, connected(server, core) as bot:
        await core.until(lambda: core.now == "up")
        root = await server.say("begin", "D01ADA")
        with pytest.raises(Unsupported):
            await bot.stream(place("D01ADA", root), "k", "one ", None)
        await bot.typing(place("D01ADA", root))
        assert len(await server.messages("D01ADA")) == 1


async def test_a_conversation_over_signed_requests(tmp_path):
    core = Core()
    options = {"app_token": "", "signing_secret": APP["signingSecret"]}
    statuses: list[int] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        given = HttpRequest(request.method, request.path, dict(request.query), headers, body)
        found = await bot.handle(given, core)
        statuses.append(found.status)
        return web.Response(status=found.status, body=found.body)

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook = f"http://127.0.0.1:{runner.addresses[0][1]}/channels/slack"
    try:
        async with (
            running(tmp_path, mode="events", requestUrl=hook) as server,
            connected(server, core, **options) as bot,
        ):
            await core.until(lambda: core.now == "up")
            await server.say("<@U0BOT> hello")
            command = {"channel": "C01GEN", "user": "U01ADA", "command": "/trunkline"}
            await server.do("command", **command, text="task list my payload")
            await core.until(lambda: len(core.once) == 2)
            await bot.send(place("C01GEN"), Reply("hello"), "k")
            assert [m["text"] for m in await server.messages()] == ["<@U0BOT> hello", "hello"]
    finally:
        await runner.cleanup()
    assert set(statuses) == {200}
    assert list(core.once.values())[1].command.args == "list my payload"
    assert core.refused == []
