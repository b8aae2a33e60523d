"""Hundreds of ways to lead a path out of the workspace, on a real file system: none does."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.files_kit import SECRET, Place


def upwards() -> Iterator[str]:
    """Dot-dot in every place and spelling."""
    for up in ("..", "../..", "../../..", "../" * 10 + ".."):
        for head in ("", "./", "sub/", "sub/deeper/", "nothing/", "a.txt/", "to-sub/", "sub/../"):
            for tail in ("outside/secret", "state/token", "config.yaml", "etc/passwd"):
                yield f"{head}{up}/{tail}"
    dots = ("..\\", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%252f", "..%c0%af", "..;/", ".. /", " ../")
    odd = ("．．/", "․․/", "‥/", "..／", "..∕", "..⁄", "..⧸", "..\u200b/", "\u202e../", ".\u00ad./")
    for one in (*dots, *odd, "...//", "....//", "..../", "../\t", "..\n/", "..\r/"):
        for times in (1, 2, 4):
            yield f"{one * times}outside/secret"
            yield f"sub/{one * times}outside/secret"


def absolute(place: Place) -> Iterator[str]:
    """Whole paths, of secrets and of the system."""
    targets = (
        *(place.outside / "secret", place.outside / "deep/secret", place.state / "token"),
        *(place.file, place.state / "workspaces/other/secret", place.top / "third", place.top),
        *map(Path, ("/etc/passwd", "/etc/shadow", "/proc/self/environ", "/proc/self/cwd/a")),
        *map(Path, ("/proc/self/root/etc/passwd", "/proc/1/environ", "/dev/null", "/dev/stdin")),
        *map(Path, ("/dev/fd/0", "/dev/zero", "/sys/kernel/hostname", "/", "/tmp", "/root")),
    )
    for target in targets:
        for form in ("{}", "/{}", "//{}", "{}/.", "{}//", "file://{}", "file:{}", "\\{}", " {}"):
            yield form.format(target)
        yield f"{place.root}/../../..{target}"
        yield f"{place.root}/sub/up{target}"
        yield f"{place.root}{target}/../secret"
    yield from (f"{place.root}x/secret", f"{place.root}/../other/secret", f"{place.root}/..")
    yield from (f"/proc/self/root{place.root}/to-file", f"{place.root}/to-folder/secret")


def links() -> Iterator[str]:
    """What the workspace is laid with, and what is behind it."""
    for link in ("to-folder", "to-parent", "to-root", "to-state", "sub/up", "sub/deeper/chain"):
        for tail in ("", "/", "/secret", "/deep/secret", "/outside/secret", "/token", "/new"):
            yield f"{link}{tail}"
        yield f"./{link}/./secret"
    yield from ("to-file", "to-token", "to-config", "to-itself", "to-nothing", "sub/to-file")
    yield from ("to-file/", "to-proc/a.txt", "to-proc", "to-fd/0", "to-fd/1", "to-nothing/new")
    yield from ("hard", "sub/hard", "./hard", "sub/./hard", "pipe", "sock", "pipe/x", "sock/x")
    yield from ("to-sub/hard", "to-sub/up/secret", "to-inside/x", "a.txt/x", "a.txt/../hard")


def elsewhere() -> Iterator[str]:
    """Names that mean something else on another system, or that cannot be seen."""
    devices = (
        "CON",
        "con",
        "NUL",
        "nul.txt",
        "AUX.md",
        "PRN",
        "COM1",
        "com9.log",
        "LPT1",
        "CONIN$",
    )
    yield from devices
    yield from (f"sub/{one}" for one in devices)
    yield from ("C:", "C:\\secret", "c:secret", "C:/secret", "\\\\host\\share", "\\\\?\\C:\\x")
    yield from ("a.txt::$DATA", "a.txt:stream:", "sub\\..\\..\\outside\\secret", "..\\secret")
    yield from ("~", "~/secret", "~root/x", "~/../x", "http://x/y", "file:///etc/passwd", "data:")
    yield from ("a.txt.", "a.txt..", "a.txt ", " a.txt", "sub./b.txt", "sub /b.txt", "...", ". .")
    yield from ("", "\0", "a.txt\0.png", "\0/etc/passwd", "sub\0/../../outside/secret", "a\x00b")
    for sign in (
        "\n",
        "\r",
        "\t",
        "\x1b",
        "\x7f",
        "\u200b",
        "\u200e",
        "\u202e",
        "\ufeff",
        "\u2028",
    ):
        yield f"a{sign}.txt"
        yield f"sub/{sign}/b.txt"
    yield from (
        "\ud800",
        "a\udfff.txt",
        "x" * 256,
        "é" * 200,
        "x/" * 40 + "y",
        "/" * 5000,
        "a" * 5000,
    )
    yield from ("＼＼host", "sub／..／secret", "Ｃ：\\x", "A.TXT", "a.TXT", "SUB/new", "Sub/b.txt")


def tricks(place: Place) -> list[str]:
    every = (*upwards(), *absolute(place), *links(), *elsewhere())
    return list(dict.fromkeys(every))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.furnish()
    yield place
    place.close()


async def tried(place: Place, path: str) -> list[str]:
    """What each tool says to a path; a hang would be an escape of its own kind."""
    patch = f"*** Begin Patch\n*** Update File: {path}\n@@\n-inside\n+owned\n*** End Patch"
    made = f"*** Begin Patch\n*** Add File: {path}\n+owned\n*** End Patch"
    moved = patch.replace(f"File: {path}\n", f"File: a.txt\n*** Move to: {path}\n")
    gone = f"*** Begin Patch\n*** Delete File: {path}\n*** End Patch"
    calls = [
        ("read", {"path": path}),
        ("edit", {"path": path, "old": SECRET, "new": "owned"}),
        ("write", {"path": path, "content": "owned"}),
        *(("apply_patch", {"patch": one}) for one in (patch, made, moved, gone)),
    ]
    async with asyncio.timeout(30):
        return [(await place.call(tool, args)).text for tool, args in calls]


async def test_no_trick_reads_or_changes_anything_outside(place: Place):
    """The text of no answer holds a secret, and nothing outside the workspace differs after."""
    before, paths = place.snapshot(), tricks(place)
    assert len(paths) >= 300
    assert sum(SECRET.encode() in data for _, _, data in before.values()) >= 4
    escapes = []
    for path in paths:
        answers = await tried(place, path)
        if any(SECRET in one or "root:" in one for one in answers):
            escapes.append(path)
        if place.snapshot() != before:
            escapes.append(path)
            break
    print(f"{len(paths)} paths, {7 * len(paths)} calls, {len(escapes)} escapes")
    assert escapes == []


@pytest.mark.parametrize("kind", [upwards, links, elsewhere])
async def test_what_is_refused_is_refused_with_a_sentence(place: Place, kind):
    """Nothing of these is written, not even inside: the answer says why."""
    for path in kind():
        answer = await place.call("write", {"path": path, "content": "x"})
        # Nobody decodes these: they are odd names inside the workspace.
        if not path.removeprefix("sub/").startswith(("..%", "%2e", "..;")):
            assert answer.is_error, path
        assert answer.text.endswith(".") and "\n" not in answer.text, path
        assert "Errno" not in answer.text and "Traceback" not in answer.text, path


async def test_the_way_to_a_secret_is_open_without_the_guard(place: Place):
    """The tricks are real: plain opening follows them."""
    assert (place.root / "to-folder" / "secret").read_text() == SECRET
    assert (place.root / "hard").read_text() == SECRET
    assert (place.root / "sub/deeper/chain/outside/secret").resolve()
    assert (place.root / "to-proc").resolve() == Path.cwd()


async def test_027_a_relative_path_lands_in_the_agents_own_workspace(place: Place):
    other = place.workspaces.ensure("other")
    before = sorted(one.name for one in other.iterdir())
    told = await place.call("write", {"path": "notes/today.md", "content": "hello"})
    assert not told.is_error
    assert (place.root / "notes/today.md").read_text() == "hello"
    assert sorted(one.name for one in other.iterdir()) == before
    inside = str(place.root / "notes/today.md")
    assert (await place.call("read", {"path": inside})).text == "hello"


def lie_at(place: Place, path: Path) -> None:
    """The operator gives the agent another folder."""
    first, *others = place.config.agents
    moved = first.model_copy(update={"workspace": str(path)})
    place.config = place.config.model_copy(update={"agents": (moved, *others)})


async def test_secrets_are_refused_by_what_they_are_wherever_the_workspace_lies(tmp_path: Path):
    """An operator gave the agent a folder that holds the state directory."""
    place = Place(tmp_path)
    lie_at(place, tmp_path)
    for path in ("state/token", "state", "config.yaml", "state/workspaces/other/secret", "third/x"):
        place.workspaces.ensure("third")
        for tool, args in (("read", {}), ("write", {"content": "x"})):
            answer = await place.call(tool, {"path": path, **args})
            assert answer.is_error and SECRET not in answer.text, path
    assert (await place.call("read", {"path": "outside/secret"})).text == SECRET
    assert (place.state / "token").read_text() == SECRET


async def test_another_file_system_below_the_workspace_is_refused(place: Place):
    """Where mounts cannot be made, /proc below a workspace that is the root stands for one."""
    lie_at(place, Path("/"))
    apart = Path("/proc").stat().st_dev != Path("/").stat().st_dev
    for path in ("proc/self/environ", "/proc/1/status", "proc/self/root/etc/passwd"):
        answer = await place.call("read", {"path": path})
        assert answer.is_error and (not apart or "another file system" in answer.text)
