"""Files in the page's conversations: those that the agent sends, and those that its model sees."""

import asyncio
import base64
import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.contract import Address, File, Reply
from bot.errors import Refused
from bot.gateway.uploads import MAX_UPLOAD
from tests.contracts.gateway_kit import BEARER
from tests.contracts.gateway_product import MAIN, Desk, opened
from tests.fakes.openai_server import FakeOpenAI, call_piece, stream_of, text_stream

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def config(server: FakeOpenAI, sight: str = "text, image") -> str:
    return f"""
agents: [{{id: main, model: x/m, tools: {{profile: full}}}}]
providers:
  x: {{api: openai, base_url: "{server.url}", api_key: k, models: [{{id: m, input: [{sight}]}}]}}
"""


def sends(server: FakeOpenAI, *calls: dict[str, Any]) -> None:
    """The model calls the message tool, then says the rest."""
    pieces = [
        call_piece(number, f"c{number}", "message", json.dumps({"action": "send", **one}))
        for number, one in enumerate(calls)
    ]
    server.answer(*stream_of({"tool_calls": pieces}, finish="tool_calls"))
    server.answer(*text_stream("That was all."))


def put(state: Path, name: str, data: bytes) -> None:
    folder = state / "workspaces" / "main"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


async def messages(desk: Desk) -> list[dict[str, Any]]:
    return list((await desk.ok("chat.history", sessionKey=MAIN))["messages"])


def shown(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["role"], one["text"]) for one in rows if one["role"] != "tool" and one["text"]]


async def live(desk: Desk, run: str) -> list[dict[str, Any]]:
    """The rows of the `chat` events of what a run sent on its way."""
    await desk.end(run)
    events = [one["payload"] for one in desk.socket.events if one["event"] == "chat"]
    finals = [one for one in events if one["state"] == "final"]
    return [one["message"] for one in finals if one["runId"].startswith(f"message:{run}:")]


async def test_what_a_run_sends_is_in_the_history_with_its_files(tmp_path: Path) -> None:
    async with FakeOpenAI() as server, opened(tmp_path, config(server)) as desk:
        put(tmp_path, "cat.png", PNG)
        put(tmp_path, "notes.txt", b"hello")
        sends(server, {"message": "A cat.", "media": ["cat.png", "notes.txt"]}, {"message": "Two."})
        run = (await desk.send("go"))["runId"]
        sent = await live(desk, run)
        rows = await messages(desk)
        assert shown(rows) == [
            ("user", "go"),
            ("assistant", "A cat."),
            ("assistant", "Two."),
            ("assistant", "That was all."),
        ]
        kept = [one for one in rows if one["runId"].startswith("message:")]
        ids = [(one["id"], one["runId"], one["text"], one["attachments"]) for one in kept]
        told = [(one["id"], one["runId"], one["text"], one["attachments"]) for one in sent]
        assert ids == told, "what is seen live is what a reload finds"
        picture, notes = kept[0]["attachments"]
        assert picture == {
            "kind": "image",
            "name": "cat.png",
            "mime": "image/png",
            "size": len(PNG),
            "id": picture["id"],
        }
        assert (notes["kind"], notes["name"], notes["mime"]) == ("file", "notes.txt", "text/plain")
        async with aiohttp.ClientSession(desk.url, headers=BEARER) as http:
            for row, data in ((picture, PNG), (notes, b"hello")):
                async with http.get(f"/attachments/{row['id']}") as answer:
                    assert answer.status == 200 and await answer.read() == data
                    assert answer.headers["Content-Disposition"].startswith("attachment")


async def test_files_without_words_are_shown_too(tmp_path: Path) -> None:
    async with FakeOpenAI() as server, opened(tmp_path, config(server)) as desk:
        put(tmp_path, "cat.png", PNG)
        sends(server, {"media": ["cat.png"]})
        await desk.say("go")
        [row] = [one for one in await messages(desk) if one["runId"].startswith("message:")]
        assert row["text"] == ""
        assert [one["name"] for one in row["attachments"]] == ["cat.png"]


async def test_what_stands_there_already_is_not_shown_again(tmp_path: Path) -> None:
    async with FakeOpenAI() as server, opened(tmp_path, config(server)) as desk:
        sends(server, {"message": "Once."})
        server.script.pop()
        sends(server, {"message": "Once."})
        await desk.say("go")
        assert [text for _, text in shown(await messages(desk))].count("Once.") == 1


async def test_what_was_sent_outlives_a_restart(tmp_path: Path) -> None:
    async with FakeOpenAI() as server:
        async with opened(tmp_path, config(server)) as desk:
            put(tmp_path, "cat.png", PNG)
            sends(server, {"message": "A cat.", "media": ["cat.png"]})
            await desk.say("go")
            before = await messages(desk)
        async with opened(tmp_path, config(server)) as desk:
            assert await messages(desk) == before


async def test_a_part_that_is_sent_again_is_the_same_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        channel = desk.app.channels.serving(Address("webchat", "webchat", MAIN))
        assert channel is not None
        reply = Reply("see", (File("a.txt", "text/plain", b"one"),))
        to = Address("webchat", "webchat", MAIN)
        for _ in range(2):
            await channel.adapter.send(to, reply, "message:r:c:0")
        folder = tmp_path / "uploads"
        assert len(list(folder.glob("*.json"))) == 1
        large = Reply("", (File("b", "application/octet-stream", bytes(MAX_UPLOAD + 1)),))
        with pytest.raises(Refused, match="at most 25 MiB"):
            await channel.adapter.send(to, large, "message:r:d:0")


async def upload(desk: Desk, name: str, data: bytes) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession(desk.url, headers=BEARER) as http,
        http.post("/uploads", params={"name": name}, data=io.BytesIO(data)) as answer,
    ):
        return dict(await answer.json())


def parts(server: FakeOpenAI) -> list[dict[str, Any]]:
    """What the model was asked last, part by part."""
    content = server.requests[-1].body["messages"][-1]["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


async def test_157_a_model_that_reads_images_gets_the_uploaded_one(tmp_path: Path) -> None:
    async with FakeOpenAI() as server, opened(tmp_path, config(server)) as desk:
        server.answer(*text_stream("A cat."))
        file = await upload(desk, "cat.png", PNG)
        await desk.say("what is it?", attachments=[{"id": file["id"]}])
        images = [one["image_url"]["url"] for one in parts(server) if one["type"] == "image_url"]
        assert images == ["data:image/png;base64," + base64.b64encode(PNG).decode()]


async def test_157_a_model_that_reads_none_gets_the_path(tmp_path: Path) -> None:
    async with FakeOpenAI() as server, opened(tmp_path, config(server, "text")) as desk:
        server.answer(*text_stream("A file."))
        file = await upload(desk, "cat.png", PNG)
        await desk.say("what is it?", attachments=[{"id": file["id"]}])
        [part] = parts(server)
        assert part["type"] == "text" and "cat.png" in part["text"] and '"path"' in part["text"]


async def test_157_an_image_too_large_for_the_model_is_told_in_a_note(tmp_path: Path) -> None:
    async with FakeOpenAI() as server, opened(tmp_path, config(server)) as desk:
        server.answer(*text_stream("Too large."))
        file = await upload(desk, "big.png", PNG + bytes(11 << 20))
        end = await asyncio.wait_for(desk.say("look", attachments=[{"id": file["id"]}]), 60)
        assert end["state"] == "final"
        [part] = parts(server)
        assert part["type"] == "text" and "not shown: larger than 10 MB" in part["text"]
        [row] = (await messages(desk))[0]["attachments"]
        assert "larger than 10 MB" in row["note"] and row["id"]
