"""Files reach the agent's folder, images the model, and everything else is told in a note."""

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.context.files import clean_name, image_type
from bot.context.memory import inbound_folder
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import Bench, running
from bot.types import Entry, Failure, Session
from tests.scenarios.places import ROOM, Lively, places

LIVELY = ROOM % ("lively", "max_attachment_mb: 0.01")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
KEY = "agent:main:lively:lively:direct:ada"
HERS = inbound_folder(Session(id="", key=KEY, agent="main", label=""))


@pytest.fixture(autouse=True)
def _places() -> Iterator[None]:
    Lively.files.clear()
    Lively.files["cat.png"] = PNG
    with places():
        yield
    Lively.files.clear()


def asked(bench: Bench, number: int = -1) -> Entry:
    assert bench.model is not None
    return [one for one in bench.model.requests[number].entries if one.role == "user"][-1]


def notes(entry: Entry) -> list[dict[str, Any]]:
    lines = [line for line in entry.text.split("\n") if line.startswith('<quoted>{"attachment"')]
    found = [json.loads(line.removeprefix("<quoted>").removesuffix("</quoted>")) for line in lines]
    return [one["attachment"] for one in found]


def urls(entry: Entry) -> list[str]:
    return [one["url"] for one in entry.attachments if "url" in one]


async def test_an_image_reaches_the_model_and_is_no_part_of_the_rows(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, LIVELY, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        platform.say("what is it?", files=[["image", "cat.png", len(PNG)]])
        await platform.shows("echo what is it?")
        data = base64.b64encode(PNG).decode()
        assert urls(asked(bench)) == [f"data:image/png;base64,{data}"]
        [note] = notes(asked(bench))
        path = tmp_path / "workspaces" / "main" / note["path"]
        assert note["path"] == f"{HERS}/1-cat.png"
        assert (note["mime"], note["size"]) == ("image/png", len(PNG))
        assert path.read_bytes() == PNG
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert {stat.S_IMODE(one.stat().st_mode) for one in path.parents[:3]} == {0o700}
        rows = await bench.rows("SELECT body FROM entries")
        assert data[:40] not in str([row["body"] for row in rows])
        platform.say("and its colour?")
        await platform.shows("echo what is it?", "echo and its colour?")
        first, _ = [one for one in bench.model.requests[-1].entries if one.role == "user"]  # type: ignore[union-attr]
        assert urls(first) == [f"data:image/png;base64,{data}"], "it is still seen later"


async def test_anything_else_is_a_note_with_its_path(tmp_path: Path, clock: VirtualClock):
    Lively.files["voice.ogg"] = b"OggS" + bytes(50)
    Lively.files["page.png"] = b"<html><script>"
    async with running(tmp_path, LIVELY, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        files = [["audio", "voice.ogg", None], ["image", "page.png", 14], ["contact", "Bob", None]]
        platform.say("listen", files=files)
        await platform.shows("echo listen")
        voice, page, contact = notes(asked(bench))
        assert urls(asked(bench)) == []
        assert voice == {
            "kind": "audio",
            "name": "voice.ogg",
            "mime": "application/octet-stream",
            "size": 54,
            "path": f"{HERS}/1-voice.ogg",
        }
        assert (page["kind"], page["path"]) == ("file", f"{HERS}/1-2-page.png")
        assert "not there" in contact["note"]


@pytest.mark.parametrize(("told", "size"), [(50_000, 50_000), (None, 50_000), (10, 50_000)])
async def test_what_is_too_large_is_told_and_not_kept(
    tmp_path: Path, clock: VirtualClock, told: int | None, size: int
):
    Lively.files["big.png"] = PNG + bytes(size)
    async with running(tmp_path, LIVELY, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        platform.say("look", files=[["image", "big.png", told]])
        await platform.shows("echo look")
        [note] = notes(asked(bench))
        assert "larger than" in note["note"]
        assert "path" not in note
        kept = tmp_path / "workspaces" / "main" / "media" / "inbound"
        assert [one for one in kept.rglob("*") if one.is_file()] == []


async def test_a_file_that_cannot_be_fetched_still_delivers_the_text(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, LIVELY, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        platform.say("look", files=[["image", "gone.png", 10]])
        await platform.shows("echo look")
        assert notes(asked(bench))[0]["note"] == "not fetched: the file is not there any more"
        platform.say("hm", files=[["image", "cat.png", 10]])
        await platform.shows("echo look", "echo hm")
        assert len(urls(asked(bench))) == 1


async def test_nothing_is_fetched_for_those_who_may_not_speak(tmp_path: Path, clock: VirtualClock):
    config = "channels: {lively: {dm_policy: allowlist, allow_from: [ada]}}"
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        platform.say("see", "eve", files=[["image", "cat.png", 10]])
        platform.say("hello")
        await platform.shows("echo hello")
        assert platform.count("fetch") == 0


@pytest.mark.parametrize("sight", ["text", "text, image"])
async def test_the_model_card_says_whether_it_sees(tmp_path: Path, clock: VirtualClock, sight: str):
    cards = (
        f"{{api: openai, base_url: 'http://127.0.0.1:9', models: [{{id: m, input: [{sight}]}}]}}"
    )
    config = f"providers: {{x: {cards}}}\nagents: [{{id: main, model: x/m}}]\n{LIVELY}"
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        platform.say("look", files=[["image", "cat.png", len(PNG)]])
        await platform.shows("echo look")
        assert len(urls(asked(bench))) == ("image" in sight)
        assert notes(asked(bench))[0]["path"] == f"{HERS}/1-cat.png"


async def test_a_model_that_refuses_images_is_asked_without(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, LIVELY, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        refusal = [Failure("MODEL_BAD_REQUEST", "images are not supported")]
        assert bench.model is not None
        bench.model.on("look", refusal, ["I cannot see it"])
        platform.say("look", files=[["image", "cat.png", len(PNG)]])
        await platform.shows("I cannot see it")
        assert [len(urls(asked(bench, number))) for number in (0, 1)] == [1, 0]
        platform.say("again", files=[["image", "cat.png", len(PNG)]])
        await platform.shows("I cannot see it", "echo again")
        assert len(bench.model.requests) == 3, "it is not tried again"


async def test_a_resumed_run_has_the_file_and_fetches_it_once(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, LIVELY, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        assert bench.model is not None
        bench.model.on("look", ["so ", 60.0, "nice"])
        platform.say("look", id="m1", files=[["image", "cat.png", len(PNG)]])
        await clock.until(platform.wait_for(lambda one: one.visible()))
        assert platform.count("fetch") == 1
    async with running(tmp_path, LIVELY, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        await clock.until(platform.wait_for(lambda one: one.visible()))
        assert platform.count("fetch") == 0
        assert len(urls(asked(bench))) == 1


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("a.png", "a.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\evil.exe", "evil.exe"),
        (".bashrc", "bashrc"),
        ("Grüße aus Köln.pdf", "Grüße_aus_Köln.pdf"),
        ("a\u202egnp.exe\x00", "a_gnp.exe"),
        ("x" * 400 + ".tar.gz", "x" * 100 + ".gz"),
        ("", "file"),
        ("...", "file"),
    ],
)
def test_a_name_is_made_safe(name: str, clean: str):
    assert clean_name(name) == clean


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"RIFF....WAVE", None),
        (b"<svg", None),
        (b"", None),
    ],
)
def test_a_type_is_told_by_the_content(head: bytes, mime: str | None):
    assert image_type(head) == mime


@pytest.mark.parametrize(("asker", "sees"), [("ada", True), ("eve", False), ("boss", True)])
async def test_what_one_person_sent_is_not_for_another(
    tmp_path: Path, clock: VirtualClock, asker: str, sees: bool
):
    """Owners apart, who may look at everything in a conversation of their own."""
    Lively.files["will.txt"] = b"all to the cat"
    config = f"owners: ['lively:boss']\nagents: [{{id: main, tools: {{allow: [read]}}}}]\n{LIVELY}"
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        platform.say("keep it", files=[["file", "will.txt", 14]])
        await platform.shows("echo keep it")
        assert bench.model is not None
        bench.model.on("what is in it?", [call("read", path=f"{HERS}/1-will.txt")], ["done"])
        platform.say("what is in it?", asker)
        shown = ["echo keep it", "done"] if asker == "ada" else ["done"]
        await platform.shows(*shown, to=asker)
        [result] = [one for one in bench.model.requests[-1].entries if one.role == "tool"]
        assert ("all to the cat" in result.text) is sees
        assert sees or "not for who asks here" in result.text
