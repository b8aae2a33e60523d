"""Images of tools: from the web into the workspace, from there to the model, on every wire."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.context.files import with_images
from bot.providers import anthropic_wire, ollama_wire, openai_wire
from bot.testing.model import call
from bot.tools.image import Image
from bot.tools.web_client import WebClient
from bot.types import Entry
from tests.contracts.files_kit import Place, context

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 100


@pytest.fixture
async def site() -> AsyncIterator[str]:
    async def serve(request: web.Request) -> web.Response:
        body = PNG if request.path == "/a.png" else b"<html>"
        return web.Response(body=body, content_type="image/png")

    app = web.Application()
    app.router.add_get("/{any:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def test_an_image_of_the_web_is_kept_in_the_workspace(tmp_path: Path, site: str):
    place, client = Place(tmp_path), WebClient(lambda: ["127.0.0.1"])
    tool = Image(place.files, client.fetch)
    for _ in range(2):
        answer = await tool.run({"url": f"{site}/a.png", "prompt": "look"}, context())
        assert not answer.is_error, answer
    [row] = answer.attachments
    assert row["path"].startswith("media/fetched/") and row["path"].endswith(".png")
    assert (place.root / row["path"]).read_bytes() == PNG
    assert len(list((place.root / "media/fetched").iterdir())) == 1
    refused = await tool.run({"url": f"{site}/b.png", "prompt": "look"}, context())
    assert refused.is_error and "is no image" in refused.text
    guarded = Image(place.files, WebClient(list).fetch)
    refused = await guarded.run({"url": f"{site}/a.png", "prompt": "look"}, context())
    assert refused.is_error and refused.attachments == ()
    alone = await Image(place.files).run({"url": f"{site}/a.png", "prompt": "x"}, context())
    assert alone.text == "Images of the web cannot be fetched here."
    both = await tool.run({"url": "http://x", "path": "a", "prompt": "x"}, context())
    assert both.text == "Give either path or url."


def talk(folder: Path) -> list[Entry]:
    """Two results with images, one without, and what follows."""
    (folder / "a.png").write_bytes(PNG)
    row = {"kind": "image", "name": "a.png", "mime": "image/png", "path": "a.png"}
    calls = tuple(call("image", f"c{n}", path="a.png") for n in (1, 2, 3))
    results = [
        Entry("tool", f"image {n}", 0.0, call_id=f"c{n}", name="image", attachments=shown)
        for n, shown in ((1, (row,)), (2, ()), (3, (row,)))
    ]
    entries = [Entry("user", "look", 0.0), Entry("assistant", "", 0.0, calls=calls, stop="tools")]
    return with_images([*entries, *results, Entry("assistant", "Cats.", 0.0)], folder)


def test_157_every_wire_shows_the_images_of_tools(tmp_path: Path):
    entries = talk(tmp_path)
    openai = openai_wire.wire_messages(entries)
    assert [one["role"] for one in openai] == [
        *("user", "assistant", "tool", "tool", "tool", "user", "assistant"),
    ]
    assert pictures(openai[5]) == 2 and all(pictures(one) == 0 for one in openai[2:5])
    assert openai_wire.wire_messages(entries[:-1]) == openai[:-1], "also at the end"
    anthropic = anthropic_wire.wire_messages(entries, "x")
    results = [one for one in anthropic[2]["content"] if one["type"] == "tool_result"]
    assert [str(one).count("image/png") for one in results] == [1, 0, 1]
    ollama = ollama_wire.wire_messages(entries)
    assert [len(one.get("images", ())) for one in ollama if one["role"] == "tool"] == [1, 0, 1]


def pictures(message: dict[str, Any]) -> int:
    return str(message["content"]).count("'type': 'image_url'")
