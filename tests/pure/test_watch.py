"""Whether files and folders are still what they were."""

import os
import time
from pathlib import Path

import pytest

from bot.context.watch import SETTLED, Watch, listing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "note.md").write_text("one")
    return tmp_path


def over(folder: Path) -> Watch:
    names = ("note.md", "absent.md")
    return Watch.over([listing(folder), *(f"{folder}/{name}" for name in names)])


def test_nothing_has_changed(folder: Path):
    assert over(folder).unchanged()


@pytest.mark.parametrize("change", ["write", "again", "remove", "add", "link", "pipe", "folder"])
def test_a_change_is_seen(folder: Path, change: str):
    watch, note = over(folder), folder / "note.md"
    if change == "write":
        note.write_text("another")
    elif change == "again":
        # The same length, and the time of the former: only the time of the change itself tells.
        about = note.stat()
        while note.stat().st_ctime_ns == about.st_ctime_ns:
            note.write_text("two")
            os.utime(note, ns=(about.st_atime_ns, about.st_mtime_ns))
    elif change == "add":
        (folder / "absent.md").touch()
    else:
        note.unlink()
        if change == "link":
            note.symlink_to("/etc/hostname")
        elif change == "pipe":
            os.mkfifo(note)
        elif change == "folder":
            note.mkdir()
    assert not watch.unchanged()


def test_what_was_changed_just_now_is_not_settled(folder: Path):
    watch, now = over(folder), time.time_ns()
    assert not watch.settled(now)
    assert watch.settled(now + SETTLED + 60_000_000_000)


def test_nothing_at_all_is_settled(tmp_path: Path):
    assert Watch.over([str(tmp_path / "absent"), "a\0b"]).settled(0)
