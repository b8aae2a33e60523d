"""Backups by the real program: whole while it runs, refused when damaged, back in a fresh place."""

import hashlib
import json
import os
import shutil
import sqlite3
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.backup.archive import BackupError
from bot.backup.restoring import restore
from tests.contracts.cli_support import Trunkline
from tests.contracts.cluster_kit import ask
from tests.contracts.postgres_kit import database

SECRET = "sk-4711-not-for-others"
CONFIG = f"""
gateway: {{token: {SECRET}-token}}
agents:
  - id: main
    workspace: FOLDER
providers:
  cloud: {{api: openai, base_url: http://127.0.0.1:1/v1, api_key: {SECRET}}}
  other: {{api: openai, base_url: http://127.0.0.1:1/v1, api_key: "${{OTHER_KEY}}"}}
"""


@pytest.fixture
def trunkline(tmp_path: Path) -> Trunkline:
    return Trunkline(tmp_path / "home")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small installation and its backup; each test has copies."""
    trunkline = Trunkline(tmp_path_factory.mktemp("first") / "home")
    trunkline.ok("chat", "-m", "hello")
    file = trunkline.home.with_name("made.zip")
    assert trunkline.json("backup", "create", str(file))["file"] == str(file)
    return trunkline.home, file


@pytest.fixture
def made(first: tuple[Path, Path], trunkline: Trunkline, tmp_path: Path) -> Path:
    """The backup of a small installation, which `trunkline` is."""
    home, file = first
    shutil.copytree(home, trunkline.home)
    return shutil.copy(file, tmp_path / "made.zip")


def roles(trunkline: Trunkline) -> list[str]:
    return [line["role"] for line in trunkline.json("sessions", "show", "main")["messages"]]


def test_a_backup_made_while_it_answers_comes_back_in_a_fresh_directory(
    trunkline: Trunkline, tmp_path: Path
):
    file, outside = tmp_path / "today.zip", tmp_path / "folder"
    outside.mkdir()
    (outside / "notes.md").write_text("mine")
    (outside / "run.sh").write_text("#!/bin/sh\n")
    (outside / "run.sh").chmod(0o755)
    (outside / "out").symlink_to("/etc/passwd")
    trunkline.env["OTHER_KEY"] = "other"
    trunkline.config(CONFIG.replace("FOLDER", str(outside)))
    with trunkline.up():
        # One that answers all the time, and a backup beside it.
        done = threading.Event()
        answers: list[str] = []

        def talk() -> None:
            while not done.is_set():
                answers.append(trunkline.ok("agent", "--message", "[[demo text still]]"))

        talker = threading.Thread(target=talk)
        trunkline.ok("chat", "-m", "hello")
        talker.start()
        try:
            told = trunkline.json("backup", "create", str(file))
        finally:
            done.set()
            talker.join()
        assert answers and all("still" in one for one in answers)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert told["leftOut"] == [
        {"key": "providers.cloud.api_key", "variable": "PROVIDERS_CLOUD_API_KEY"}
    ]
    assert told["skipped"] == ["workspaces/main/out: a link"]
    with zipfile.ZipFile(file) as archive:
        assert all(SECRET.encode() not in archive.read(name) for name in archive.namelist())

    again = Trunkline(tmp_path / "again")
    again.env["OTHER_KEY"] = "other"
    trunkline.ok("backup", "restore", str(file), str(again.home))
    paths = [again.home, *again.home.rglob("*")]
    assert all(not stat.S_IMODE(one.stat().st_mode) & 0o077 for one in paths)
    assert os.access(again.home / "workspaces/main/run.sh", os.X_OK)
    assert (again.home / "workspaces/main/notes.md").read_text() == "mine"
    assert "${OTHER_KEY}" in (again.home / "config.yaml").read_text()
    missing = again.run("config", "check")
    assert "set PROVIDERS_CLOUD_API_KEY" in missing.stdout + missing.stderr
    again.env["PROVIDERS_CLOUD_API_KEY"] = SECRET
    old = roles(trunkline)
    with again.up():
        new = roles(again)
        assert new == old[: len(new)] and len(new) >= 2
        assert "hello again" in again.ok("chat", "-m", "hello again")
        assert SECRET not in (again.home / "token").read_text()


def test_what_lets_somebody_in_does_not_come_back(trunkline: Trunkline, tmp_path: Path):
    trunkline.ok("chat", "-m", "hello")
    with trunkline.up():
        pass
    token = (trunkline.home / "token").read_text()
    with closing(sqlite3.connect(trunkline.home / "trunkline.db")) as store:
        store.execute(
            "INSERT INTO browsers(hash, created_at, expires_at, seen_at) VALUES('h', 1, 9e9, 1)"
        )
        store.execute(
            "INSERT INTO pairings VALUES('p', 'sender', 'c', 'a', 'b', 'n', 'CODE', 'x', "
            "'pending', 1, 9e9)"
        )
        store.execute(
            "INSERT INTO approvals(id, code, run, call, tool, command, session, session_key, "
            "agent, requester, reason, digest, remember, cards, state, created_at, expires_at) "
            "VALUES('a', 'K', 'r', 'c', 't', 'x', 's', 'k', 'main', 'q', 'w', 'd', '[]', '[]', "
            "'pending', 1, 9e9)"
        )
        store.commit()
    trunkline.ok("backup", "create", str(tmp_path / "b.zip"))
    restore(tmp_path / "b.zip", tmp_path / "again")
    assert not (tmp_path / "again" / "token").exists() and token
    with closing(sqlite3.connect(tmp_path / "again" / "trunkline.db")) as store:
        assert store.execute("SELECT count(*) FROM browsers").fetchone() == (0,)
        assert store.execute("SELECT state FROM pairings").fetchall() == [("expired",)]
        assert store.execute("SELECT state FROM approvals").fetchall() == [("expired",)]


def test_a_directory_that_is_used_and_a_file_that_is_there_are_left_alone(
    trunkline: Trunkline, made: Path
):
    before = made.read_bytes()
    refused = trunkline.run("backup", "create", str(made))
    assert refused.returncode == 1 and "exists already" in refused.stderr
    refused = trunkline.run("backup", "restore", str(made), str(trunkline.home))
    assert refused.returncode == 1 and "is not empty; name a directory" in refused.stderr
    assert made.read_bytes() == before and roles(trunkline) == ["user", "assistant"]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-500])


def flipped(file: Path) -> None:
    """One bit in the middle of the store."""
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 4] ^= 1
    file.write_bytes(raw)


def foreign(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("holiday.jpg", "sea")


def no_archive(file: Path) -> None:
    file.write_text("Dear diary")


def gone(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("damage", [cut, flipped, foreign, no_archive, gone])
def test_a_file_that_is_no_whole_backup_is_one_line(
    trunkline: Trunkline, made: Path, damage: Callable[[Path], None]
):
    damage(made)
    target = made.parent / "again"
    for words in (("verify", str(made)), ("restore", str(made), str(target))):
        refused = trunkline.run("backup", *words)
        assert refused.returncode == 1, words
        assert refused.stderr.count("\n") == 1 and str(made) in refused.stderr
        assert "unexpected" not in refused.stderr
    assert not target.exists() and not list(made.parent.glob(".again*"))


def rewritten(file: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> None:
    """The same backup with another manifest and other files, correct in itself."""
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(content.pop("manifest.json"))
    change(manifest, content)
    with zipfile.ZipFile(file, "w") as archive:
        for name, raw in content.items():
            archive.writestr(name, raw)
        archive.writestr("manifest.json", json.dumps(manifest))


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "a/../../evil", "a\\..\\evil", "a//b", "d/"]
)
def test_a_name_that_leads_elsewhere_is_refused(made: Path, name: str):
    def add(manifest: dict[str, Any], content: dict[str, bytes]) -> None:
        content[name] = b"x"
        digest = hashlib.sha256(b"x").hexdigest()
        manifest["files"].append({"path": name, "size": 1, "sha256": digest})

    rewritten(made, add)
    with pytest.raises(BackupError, match="no plain file inside a directory"):
        restore(made, made.parent / "again")
    assert not (made.parent / "evil").exists() and not (made.parent / "again").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_are_refused(made: Path, kind: int):
    with zipfile.ZipFile(made, "a") as archive:
        about = zipfile.ZipInfo("workspaces/main/trick")
        about.external_attr = (kind | 0o777) << 16
        archive.writestr(about, "/etc/passwd")
    with pytest.raises(BackupError, match="no plain file inside a directory"):
        restore(made, made.parent / "again")


def test_a_file_beside_the_manifest_and_a_newer_store_are_refused(made: Path):
    kept = made.read_bytes()
    rewritten(made, lambda manifest, content: content.update(extra=b"x"))
    with pytest.raises(BackupError, match="not those of its manifest"):
        restore(made, made.parent / "again")
    made.write_bytes(kept)
    rewritten(made, lambda manifest, content: manifest["store"]["steps"].append("wings"))
    with pytest.raises(BackupError, match=r"newer Trunkline \(it knows wings\); restore it with"):
        restore(made, made.parent / "again")


@pytest.mark.kill
def test_a_backup_killed_in_the_middle_has_no_name(trunkline: Trunkline, tmp_path: Path):
    trunkline.ok("chat", "-m", "hello")
    pipe = trunkline.home / "workspaces" / "main" / "big"
    with pipe.open("wb") as big:
        big.truncate(4 * 1024**3)  # long to read, and no room on the disk
    file = tmp_path / "never.zip"
    with trunkline.start("backup", "create", str(file)) as process:
        while not list(tmp_path.glob(".never.zip.*/backup.zip")):
            assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
    assert not file.exists()
    pipe.unlink()
    assert trunkline.json("backup", "create", str(file))["files"] > 3


@pytest.fixture
def empty() -> Iterator[str]:
    with database(empty=True) as made:
        yield made


def test_a_store_on_postgresql_is_backed_up_while_it_answers_and_starts_on_sqlite(
    trunkline: Trunkline, tmp_path: Path, empty: str
):
    trunkline.config(f'store: {{url: "{empty}"}}\n')
    with trunkline.up():
        trunkline.ok("chat", "-m", "hello")
        told = trunkline.json("backup", "create", str(tmp_path / "b.zip"))
    assert told["store"]["engine"] == "postgresql" and told["store"]["rows"]["entries"] == 2
    assert trunkline.json("backup", "verify", str(tmp_path / "b.zip"))["files"] == told["files"]
    again = Trunkline(tmp_path / "again")
    again.ok("backup", "restore", str(tmp_path / "b.zip"), str(again.home))
    ask(empty, "DELETE FROM entries")
    assert roles(again) == ["user", "assistant"]
    assert "hello again" in again.ok("chat", "-m", "hello again")
