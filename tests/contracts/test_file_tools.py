"""What read, write, edit and apply_patch do with files that they may have."""

import errno
import os
from pathlib import Path

import pytest

from bot.context.memory import Scope
from bot.folder import MAX_FILE
from bot.tools.files import MAX_LINES
from tests.contracts.files_kit import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def put(place: Place, name: str, text: str | bytes) -> Path:
    path = place.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


async def fails(place: Place, tool: str, **args: object) -> str:
    answer = await place.call(tool, args)
    assert answer.is_error, answer
    return answer.text


async def works(place: Place, tool: str, **args: object) -> str:
    answer = await place.call(tool, args)
    assert not answer.is_error, answer
    return answer.text


async def test_173_a_text_comes_back_as_it_was_written(place: Place):
    for text in ("one\ntwo\n", "one\ntwo", "ünï ✓\r\ntwo\r\n", "\n", "\n\n", " ", "\ufefftext"):
        await works(place, "write", path="a/b/c.txt", content=text)
        assert (place.root / "a/b/c.txt").read_bytes() == text.encode()
        assert await works(place, "read", path="a/b/c.txt") == text
    assert await works(place, "write", path="a/b/c.txt", content="") == (
        "Wrote a/b/c.txt (0 characters)."
    )
    assert await works(place, "read", path="a/b/c.txt") == "(an empty file)"
    assert (place.root / "a/b/c.txt").stat().st_mode & 0o777 == 0o600
    assert (place.root / "a").stat().st_mode & 0o777 == 0o700
    assert place.root.stat().st_mode & 0o777 == 0o700


async def test_read_gives_parts_and_says_where_to_go_on(place: Place):
    put(place, "long", "".join(f"line {n}\n" for n in range(1, 5001)))
    first = await works(place, "read", path="long")
    assert first.startswith("line 1\nline 2\n")
    assert first.endswith(f"line {MAX_LINES}\n[lines 1 to 2000 of 5000; go on with from: 2001]")
    some = await works(place, "read", path="long", **{"from": 4999, "lines": 1})
    assert some == "line 4999\n[lines 4999 to 4999 of 5000; go on with from: 5000]"
    assert await works(place, "read", path="long", **{"from": 5000}) == "line 5000\n"
    assert "5000 lines, none from 5001 on" in await fails(
        place, "read", path="long", **{"from": 5001}
    )
    put(place, "wide", "x" * 200_000 + "\nend")
    wide = await works(place, "read", path="wide")
    assert len(wide) < 50_000 and "[... the line goes on]\n[lines 1 to 1 of 2" in wide


async def test_read_lists_folders_and_refuses_what_is_no_text(place: Place):
    put(place, "sub/a.txt", "x")
    (place.root / "sub" / "folder").mkdir()
    assert await works(place, "read", path="sub") == "a.txt\nfolder/"
    assert "sub/" in await works(place, "read", path=".")
    assert await works(place, "read", path="sub/folder") == "(an empty folder)"
    put(place, "binary", b"\x89PNG\r\n\x1a\n\0\0")
    put(place, "latin", "é".encode("latin-1"))
    assert "no text in UTF-8 (10 bytes)" in await fails(place, "read", path="binary")
    assert "no text in UTF-8" in await fails(place, "read", path="latin")
    assert await fails(place, "read", path="nothing/here") == "There is no `nothing/here`."
    with (place.root / "huge").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    assert "larger than 8 MiB" in await fails(place, "read", path="huge")
    assert "larger than 8 MiB" in await fails(
        place, "write", path="h", content="x" * (MAX_FILE + 1)
    )


async def test_173_edit_fails_when_the_text_is_absent_or_ambiguous(place: Place):
    path = put(place, "a.txt", "one two one\n")
    assert "0 times" in await fails(place, "edit", path="a.txt", old="three", new="x")
    assert "2 times" in await fails(place, "edit", path="a.txt", old="one", new="x")
    assert "empty" in await fails(place, "edit", path="a.txt", old="", new="x")
    assert "the same" in await fails(place, "edit", path="a.txt", old="two", new="two")
    assert path.read_text() == "one two one\n"
    await works(place, "edit", path="a.txt", old="two", new="2")
    assert await works(place, "edit", path="a.txt", old="one", new="1", all=True) == (
        "Replaced it 2 times."
    )
    assert path.read_text() == "1 2 1\n"
    assert "There is no `b.txt`" in await fails(place, "edit", path="b.txt", old="a", new="b")


async def test_edit_keeps_mode_and_line_ends(place: Place):
    path = put(place, "run.sh", "#!/bin/sh\r\necho one\r\necho two\r\n")
    path.chmod(0o755)
    await works(place, "edit", path="run.sh", old="echo one\necho two", new="echo 1\necho 2")
    assert path.read_bytes() == b"#!/bin/sh\r\necho 1\r\necho 2\r\n"
    assert path.stat().st_mode & 0o777 == 0o755


async def test_173_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """The disk is full at each stage in turn."""
    path = put(place, "a.txt", "old")
    for name in ("fsync", "rename", "fchmod"):

        def full(*args: object, **more: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            answer = await fails(place, "write", path="a.txt", content="new")
        assert answer == "`a.txt` cannot be used: No space left on device."
        assert path.read_text() == "old"
        assert [one.name for one in place.root.iterdir()] == ["a.txt"]


async def test_a_name_that_differs_only_by_its_letters_is_not_made(place: Place):
    put(place, "Notes/README.md", "x")
    assert "differs only by its letters from README.md" in await fails(
        place, "write", path="Notes/readme.md", content="y"
    )
    assert "differs only" in await fails(place, "write", path="notes/new.md", content="y")
    put(place, "caf\u00e9.txt", "x")
    assert "differs only" in await fails(place, "write", path="cafe\u0301.txt", content="y")
    await works(place, "write", path="Notes/README.md", content="y")


async def test_a_patch_changes_all_of_its_files_or_none(place: Place):
    put(place, "a.txt", "one\ntwo\nthree\n")
    put(place, "b.txt", "gone\n")
    put(place, "c.txt", "move me\n")
    patch = """*** Begin Patch
*** Add File: new/d.txt
+fresh
+lines
*** Update File: a.txt
@@
 one
-two
+2
*** Delete File: b.txt
*** Update File: c.txt
*** Move to: moved/c.txt
@@
-move me
+moved
*** End Patch"""
    told = await works(place, "apply_patch", patch=patch)
    assert told.split("\n") == [
        "Added new/d.txt",
        "Updated a.txt",
        "Deleted b.txt",
        "Updated c.txt, now moved/c.txt",
    ]
    found = {str(p.relative_to(place.root)): p.read_text() for p in place.root.rglob("*.txt")}
    assert found == {
        "a.txt": "one\n2\nthree\n",
        "new/d.txt": "fresh\nlines\n",
        "moved/c.txt": "moved\n",
    }
    before = dict(found)
    wrong = patch.replace("new/d.txt", "x/y.txt").replace("-two", "-2").replace("+2", "+two")
    assert "There is no `b.txt`" in await fails(place, "apply_patch", patch=wrong)
    found = {str(p.relative_to(place.root)): p.read_text() for p in place.root.rglob("*.txt")}
    assert found == before and not (place.root / "x").exists()


async def test_a_patch_whose_last_file_cannot_be_put_undoes_the_others(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    names = ["a.txt", "b.txt", "c.txt"]
    for name in names:
        put(place, name, f"old {name}\n")
    parts = [f"*** Update File: {n}\n@@\n-old {n}\n+new {n}\n" for n in names]
    patch = f"*** Begin Patch\n*** Add File: d/e.txt\n+x\n{''.join(parts)}*** End Patch"
    real, count = os.rename, 0

    def failing(*args: object, **more: object) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise OSError(errno.EIO, "Input/output error")
        real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "rename", failing)
    assert "Input/output error" in await fails(place, "apply_patch", patch=patch)
    monkeypatch.undo()
    assert sorted(str(one.relative_to(place.root)) for one in place.root.rglob("*")) == names
    assert [(place.root / name).read_text() for name in names] == [f"old {n}\n" for n in names]
    await works(place, "apply_patch", patch=patch)
    assert (place.root / "d/e.txt").read_text() == "x\n"


async def test_the_workspace_of_a_skill_is_read_and_never_written(place: Place, tmp_path: Path):
    skill = tmp_path / "skills" / "weather"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text("how to look")
    os.link(skill / "SKILL.md", tmp_path / "installed-twice")
    place.skills = [skill]
    for more in ({}, {"skills_only": True}):
        read = await place.call("read", {"path": str(skill / "SKILL.md")}, **more)
        assert read.text == "how to look"
        up = await place.call("read", {"path": f"{skill}/../../outside/secret"}, **more)
        assert up.is_error
    assert "outside the workspace" in await fails(
        place, "write", path=str(skill / "SKILL.md"), content="x"
    )
    put(place, "notes.md", "mine")
    own = place.root / "skills" / "own"
    put(place, "skills/own/SKILL.md", "own words")
    place.skills = [skill, own]
    only = {"skills_only": True}
    assert (await place.call("read", {"path": "skills/own/SKILL.md"}, **only)).text == "own words"
    refused = await place.call("read", {"path": "notes.md"}, **only)
    assert refused.text == "`notes.md` is not a file of an attached skill."
    assert (await place.call("read", {"path": "."}, **only)).is_error


async def test_memory_is_for_whom_it_belongs_to(place: Place):
    put(place, "memory/2026-01-01.md", "the owner's")
    put(place, "memory/people/demo-ada/2026-01-01.md", "ada's")
    put(place, "memory/people/demo-bob/2026-01-01.md", "bob's")
    place.scope = Scope("memory/people/demo-ada")
    assert await works(place, "read", path="memory/people/demo-ada/2026-01-01.md") == "ada's"
    for path in ("memory/2026-01-01.md", "memory/people/demo-bob/2026-01-01.md", "memory/people"):
        assert "not for who asks" in await fails(place, "read", path=path)
    for path in ("AGENTS.md", "skills/x/SKILL.md", "memory/2026-01-01.md"):
        assert "not for who asks" in await fails(place, "write", path=path, content="obey me")
        patch = f"*** Begin Patch\n*** Add File: {path}\n+obey\n*** End Patch"
        assert "not for who asks" in await fails(place, "apply_patch", patch=patch)
