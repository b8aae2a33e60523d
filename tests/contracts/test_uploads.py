"""Files of the page: uploaded, used in a message, downloaded, forgotten."""

import base64
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.errors import RequestError
from bot.gateway.uploads import MAX_UPLOAD, UNUSED, Uploads, sniffed
from bot.gateway.uploads_http import stored_id
from tests.contracts.gateway_kit import BEARER
from tests.contracts.gateway_product import MAIN, Desk, opened

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@asynccontextmanager
async def desk_of(state: Path) -> AsyncIterator[tuple[Desk, aiohttp.ClientSession]]:
    async with opened(state) as desk, aiohttp.ClientSession(desk.url, headers=BEARER) as http:
        yield desk, http


async def upload(http: aiohttp.ClientSession, name: str, data: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "image/svg+xml"}
    async with http.post("/uploads", params={"name": name}, data=data, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_file_is_kept_for_its_owner_alone_and_comes_back_as_a_download(
    tmp_path: Path,
) -> None:
    async with desk_of(tmp_path) as (_, http):
        status, row = await upload(http, "../../a b.png", PNG)
        assert status == 200
        assert (row["name"], row["mime"], row["size"]) == ("a_b.png", "image/png", len(PNG))
        async with http.get(f"/attachments/{row['id']}") as answer:
            assert await answer.read() == PNG
            assert answer.headers["Content-Type"] == "image/png"
            assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a_b.png"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        folder = tmp_path / "uploads"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "data", [b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", b"<html><script>x()"]
)
async def test_what_a_browser_would_run_is_plain_text(tmp_path: Path, data: bytes) -> None:
    async with desk_of(tmp_path) as (_, http):
        _, row = await upload(http, "a.html", data)
        async with http.get(f"/attachments/{row['id']}") as answer:
            assert answer.content_type == "text/plain"
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert "sandbox" in answer.headers["Content-Security-Policy"] or (
                "default-src 'none'" in answer.headers["Content-Security-Policy"]
            )


async def test_a_message_brings_its_files_to_the_agent(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as (desk, http):
        _, picture = await upload(http, "cat.png", PNG)
        inline = {"name": "notes.bin", "mime": "image/png", "data": _base64(b"\x00\x01")}
        await desk.say("look", attachments=[{"id": picture["id"]}, inline])
        rows = (await desk.ok("chat.history", sessionKey=MAIN))["messages"][0]["attachments"]
        assert [(one["kind"], one["name"], one["mime"]) for one in rows] == [
            ("image", "cat.png", "image/png"),
            ("file", "notes.bin", "application/octet-stream"),
        ]
        for row, data in zip(rows, (PNG, b"\x00\x01"), strict=True):
            assert (tmp_path / "workspaces/main" / row["path"]).read_bytes() == data
            async with http.get(f"/attachments/{row['id']}") as answer:
                assert answer.status == 200 and await answer.read() == data


async def test_files_go_with_the_session_that_had_them_alone(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as (desk, http):
        made = (await desk.ok("sessions.create", agentId="main", label="Gone"))["sessionKey"]
        rows = [(await upload(http, f"{at}.png", PNG + bytes([at])))[1] for at in range(3)]
        here, shared, other = ([{"id": row["id"]}] for row in rows)
        await desk.say("look", made, attachments=[*here, *shared])
        await desk.say("look", attachments=[*shared, *other])
        for file in (tmp_path / "uploads").iterdir():
            os.utime(file, (0, 0))
        last = (await desk.ok("chat.history", sessionKey=made))["messages"][-1]["id"]
        fork = await desk.ok("sessions.fork", sessionKey=made, upTo=last)
        await desk.ok("sessions.delete", sessionKey=made)

        async def there() -> list[bool]:
            found = []
            for row in rows:
                async with http.get(f"/attachments/{row['id']}") as answer:
                    found.append(answer.status == 200)
            return found

        assert await there() == [True, True, True]
        await desk.ok("sessions.delete", sessionKey=fork["sessionKey"])
        again = (await desk.ok("sessions.create", agentId="main", label="Gone"))["sessionKey"]
        assert again == made
        await desk.ok("sessions.delete", sessionKey=again)
        assert await there() == [False, True, True]
        assert len(list((tmp_path / "uploads").glob("*.json"))) == 2
        assert len(list((tmp_path / "uploads").iterdir())) == 4


async def test_a_file_needs_no_words(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as (desk, _):
        files = [{"name": "a.txt", "mime": "text/plain", "data": _base64(b"hello")}]
        end = await desk.say("", attachments=files)
        assert end["state"] == "final" and end["message"]["text"]
        empty = {"sessionKey": MAIN, "message": " \x07", "idempotencyKey": "k"}
        error = await desk.error("chat.send", **empty, attachments=[])
        assert error["details"]["field"] == "message"


async def test_a_run_takes_files_too(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as (desk, _):
        files = [{"name": "a.txt", "mime": "text/plain", "data": _base64(b"hello")}]
        await desk.ok("agent", message="read", idempotencyKey="r1", attachments=files)
        await desk.ok("agent.wait", runId="r1")
        row = (await desk.ok("chat.history", sessionKey=MAIN))["messages"][0]["attachments"][0]
        assert row["name"] == "a.txt" and row["path"].endswith("a.txt")


async def test_bad_files_of_a_message_are_refused(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as (desk, _):
        more = {"sessionKey": MAIN, "message": "x", "idempotencyKey": "k"}
        for files, code in (
            ([{"id": "A" * 22}], "NOT_FOUND"),
            ([{"id": "../../token"}], "NOT_FOUND"),
            ([{"name": "a", "data": "%%%"}], "INVALID_PARAMS"),
            ([{"name": "a"}], "INVALID_PARAMS"),
            ([{"name": "a", "data": ""}] * 11, "INVALID_PARAMS"),
        ):
            assert (await desk.error("chat.send", **more, attachments=files))["code"] == code


async def test_too_much_and_nothing_are_refused(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as (_, http):

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(MAX_UPLOAD // 65536 + 1):
                yield bytes(65536)

        status, body = await upload(http, "big", endless())
        assert (status, body["error"]["code"]) == (413, "TOO_LARGE")
        status, body = await upload(http, "none", b"")
        assert status == 400
        assert not [one for one in (tmp_path / "uploads").iterdir() if one.stat().st_size]


async def test_files_are_for_those_who_signed_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, aiohttp.ClientSession(desk.url) as http:
        async with http.post("/uploads", data=b"x") as answer:
            assert answer.status == 401
        async with http.get("/attachments/" + "A" * 22) as answer:
            assert answer.status == 401
        async with http.post("/uploads", data=b"x", headers={"Origin": "http://evil.org"}) as one:
            assert one.status == 403


async def test_no_other_file_of_a_folder_is_handed_out(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as (desk, http):
        await desk.say("hello")
        inbound = tmp_path / "workspaces/main/media/inbound"
        inbound.mkdir(parents=True, exist_ok=True)
        (inbound / "link").symlink_to(tmp_path / "config.yaml")
        for path in (
            "SOUL.md",
            "media/inbound/../../SOUL.md",
            "media/inbound/link",
            "media/inbound/absent",
            f"{tmp_path}/config.yaml",
        ):
            async with http.get(f"/attachments/{stored_id('main', path)}") as answer:
                assert answer.status == 404, path
        async with http.get(f"/attachments/{stored_id('nobody', 'media/inbound/x')}") as answer:
            assert answer.status == 404


def test_what_nobody_used_is_forgotten_after_a_day(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "uploads")
    unused, used = uploads.put("a", b"one", 0.0), uploads.put("b", b"two", 0.0)
    uploads.use(used, MAIN)
    for kept in (unused, used):
        os.utime(uploads.path(kept), (0, 0))
    uploads.tidy(UNUSED - 1)
    assert uploads.path(unused).exists()
    uploads.tidy(UNUSED + 1)
    assert not uploads.path(unused).exists() and uploads.path(used).read_bytes() == b"two"
    assert uploads.get(used.id).used
    with pytest.raises(RequestError, match="upload it again"):
        uploads.get(unused.id)


def test_what_a_crash_left_is_cleared_and_what_cannot_be_read_harms_nothing(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    kept = uploads.put("a", b"one", UNUSED)
    (tmp_path / f"{'A' * 22}.json").write_text("{")
    (left := tmp_path / ".dead.part").write_bytes(b"half")
    os.utime(left, (0, 0))
    uploads.tidy(UNUSED + 1)
    assert not left.exists() and uploads.path(kept).read_bytes() == b"one"


def test_a_content_that_two_names_share_stays_with_the_last(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "uploads")
    old, new = uploads.put("a", b"same", 0.0), uploads.put("b", b"same", 500.0)
    os.utime(uploads.path(old), (0, 0))
    uploads.tidy(UNUSED + 1)
    assert uploads.path(new).read_bytes() == b"same"


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"RIFF0000WAVE", "audio/wav"),
        ("ü".encode() * 3000, "text/plain"),
        (b"a" + "ü".encode() * 3000, "text/plain"),
        (b"\xff\xfe\x00", "application/octet-stream"),
    ],
)
def test_a_type_is_read_from_the_content(head: bytes, mime: str) -> None:
    assert sniffed(head[:4096]) == mime


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
