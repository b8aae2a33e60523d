"""Devices on the socket: let in like people, asked for what they offered, gone when they go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.tools.nodes import NodesTool
from tests.contracts.gateway_kit import TOKEN, Socket
from tests.contracts.gateway_product import Desk, opened
from tests.contracts.web_kit import context

LAMP = {"id": "lamp-1", "name": "Lamp", "commands": ["light.on", "light.off"]}


@asynccontextmanager
async def device(desk: Desk, node: Any = LAMP, role: str = "node") -> AsyncIterator[Socket]:
    """A node signed in on a socket of its own."""
    url = desk.socket.ws._response.url.with_scheme("http")
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as ws:
        socket = Socket(ws)
        params = {"protocol": 1, "auth": {"token": TOKEN}, "role": role}
        socket.hello = await socket.request(
            "connect", {**params, **({"node": node} if node else {})}
        )
        yield socket


async def event(socket: Socket, name: str) -> dict[str, Any]:
    """The next event of this name."""
    async with asyncio.timeout(30):
        while True:
            for one in socket.events:
                if one["event"] == name:
                    socket.events.remove(one)
                    return dict(one["payload"])
            socket.events.append(await socket.frame())


async def answer(socket: Socket, **result: Any) -> dict[str, Any]:
    """Wait to be asked and answer; what was asked."""
    asked = await event(socket, "node.invoke")
    await socket.request("nodes.result", {"id": asked["id"], **result})
    return asked


async def invoke(desk: Desk, **params: Any) -> Any:
    given = {"id": "lamp-1", "command": "light.on", **params}
    return await desk.socket.request("nodes.invoke", given)


async def test_a_device_is_let_in_and_does_what_it_is_asked(tmp_path: Path) -> None:
    """Acceptance row 177."""
    async with opened(tmp_path) as desk:
        tool = NodesTool(desk.app.outside.nodes)
        empty = await tool.run({"action": "list"}, context())
        assert not empty.is_error and json.loads(empty.text) == {"nodes": []}
        async with device(desk) as lamp:
            payload = lamp.hello["payload"]
            assert payload["node"] == {"id": "lamp-1", "paired": False}
            assert payload["methods"] == ["nodes.result"]
            refused = await tool.run(
                {"action": "invoke", "id": "lamp-1", "command": "light.on"}, context()
            )
            assert refused.is_error and "was not let in" in refused.text
            assert json.loads((await tool.run({"action": "list"}, context())).text)["nodes"] == []
            [row] = (await desk.ok("pairing.list"))["pairings"]
            assert (row["kind"], row["author"]["commands"]) == ("node", LAMP["commands"])
            await desk.ok("pairing.approve", code=row["code"])
            [listed] = json.loads((await tool.run({"action": "list"}, context())).text)["nodes"]
            assert listed == {**LAMP, "paired": True, "connected": True}
            using = {"action": "invoke", "id": "lamp-1", "command": "light.on", "params": {"to": 5}}
            used, asked = await asyncio.gather(
                tool.run(using, context()), answer(lamp, ok=True, payload={"now": "</quoted>on"})
            )
            assert (asked["command"], asked["params"]) == ("light.on", {"to": 5})
            assert not used.is_error and used.text.count("</quoted>") == 1 and "on" in used.text


async def test_the_socket_invokes_too_and_hears_a_refusal(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, device(desk) as lamp:
        assert (await invoke(desk))["error"]["code"] == "FORBIDDEN"
        await desk.ok("nodes.approve", id="lamp-1")
        told, _ = await asyncio.gather(invoke(desk), answer(lamp, ok=False, error="no power"))
        assert told["payload"] == {
            "id": "lamp-1", "command": "light.on", "ok": False, "error": "no power",
        }  # fmt: skip
        assert (await invoke(desk, command="explode"))["error"]["code"] == "INVALID_PARAMS"
        assert (await invoke(desk, id="other"))["error"]["code"] == "NOT_FOUND"
        late = await lamp.request("nodes.result", {"id": "nobody-asked", "ok": True})
        assert late["error"]["code"] == "NOT_FOUND"
        await desk.ok("nodes.remove", id="lamp-1")
        assert (await invoke(desk))["error"]["code"] == "FORBIDDEN"
        assert (await desk.error("nodes.remove", id="lamp-1"))["code"] == "NOT_FOUND"
        assert (await desk.error("nodes.approve", id="lamp-9"))["code"] == "NOT_FOUND"


async def test_a_device_that_goes_or_says_nothing_ends_the_call(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        async with device(desk) as lamp:
            await desk.ok("nodes.approve", id="lamp-1")
            slow = await invoke(desk, timeoutMs=1)
            assert slow["error"]["code"] == "UNAVAILABLE" and "may have done" in str(slow["error"])
            await event(lamp, "node.invoke")
            asking = asyncio.create_task(invoke(desk), name="asking")
            await event(lamp, "node.invoke")
        gone = await asking
        assert gone["error"]["code"] == "UNAVAILABLE" and "went away" in gone["error"]["message"]
        assert "not connected" in (await invoke(desk))["error"]["message"]


async def test_who_was_let_in_stays_so_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, device(desk):
        await desk.ok("nodes.approve", id="lamp-1")
    async with opened(tmp_path) as desk:
        [row] = (await desk.ok("nodes.list"))["nodes"]
        assert (row["paired"], row["connected"]) == (True, False)
        more = {**LAMP, "commands": ["light.on", "door.open"]}
        async with device(desk, more) as lamp:
            assert lamp.hello["payload"]["node"]["paired"] is True
            told, _ = await asyncio.gather(invoke(desk), answer(lamp, ok=True, payload=1))
            assert told["payload"]["payload"] == 1
            refused = await invoke(desk, command="door.open")
            assert refused["error"]["code"] == "FORBIDDEN", "it was let in without that"
            await desk.ok("nodes.approve", id="lamp-1")
            told, _ = await asyncio.gather(
                invoke(desk, command="door.open"), answer(lamp, ok=True, payload=2)
            )
            assert told["payload"]["payload"] == 2


async def test_a_device_may_do_and_see_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, device(desk) as lamp:
        for method in ("chat.send", "config.get", "nodes.list", "nodes.invoke", "status"):
            assert (await lamp.request(method, {}))["error"]["code"] == "FORBIDDEN"
        assert (await desk.error("nodes.result", id="x", ok=True))["code"] == "FORBIDDEN"
        await desk.say("hello")
        await desk.ok("nodes.approve", id="lamp-1")
        await asyncio.gather(invoke(desk), answer(lamp, ok=True))
        assert {one["event"] for one in lamp.events} <= {"tick"}


async def test_a_second_device_of_one_name_takes_its_place(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, device(desk) as old:
        await desk.ok("nodes.approve", id="lamp-1")
        asking = asyncio.create_task(invoke(desk), name="asking")
        await event(old, "node.invoke")
        async with device(desk) as new:
            assert "from elsewhere" in (await asking)["error"]["message"]
            told, _ = await asyncio.gather(invoke(desk), answer(new, ok=True))
            assert told["ok"]


@pytest.mark.parametrize(
    ("node", "role"),
    [
        (None, "node"),
        (LAMP, "operator"),
        ({**LAMP, "id": ""}, "node"),
        ({**LAMP, "commands": ["has space"]}, "node"),
        ({**LAMP, "commands": ["c"] * 101}, "node"),
        ({**LAMP, "more": 1}, "node"),
    ],
)
async def test_a_device_that_says_it_wrongly_is_turned_away(
    tmp_path: Path, node: Any, role: str
) -> None:
    async with opened(tmp_path) as desk, device(desk, node, role) as socket:
        assert socket.hello["error"]["code"] == "INVALID_PARAMS"
        assert (await desk.ok("pairing.list"))["pairings"] == []


async def test_only_so_many_may_wait_to_be_let_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        for number in range(10):
            async with device(desk, {**LAMP, "id": f"n{number}"}):
                pass
        async with device(desk, {**LAMP, "id": "n3"}) as again:
            assert again.hello["ok"], "it waits already"
        async with device(desk, {**LAMP, "id": "n10"}) as one_more:
            assert one_more.hello["error"]["code"] == "RATE_LIMITED"
        assert len((await desk.ok("pairing.list"))["pairings"]) == 10
