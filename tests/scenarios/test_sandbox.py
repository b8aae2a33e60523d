"""The sandbox with the real bubblewrap: what can be reached from inside, and who may leave it.

Without bubblewrap these fail and do not skip: a sandbox that was never tried is none.
"""

import re
from pathlib import Path

import pytest

from bot.testing.running import Bench
from bot.tools.approval import OPERATOR
from tests.scenarios.exec_kit import Ends, asked, folder, house

BOXED = "tools: {{sandbox: {{mode: {mode}, workspace: {access}}}, elevated: {elevated}}}"


def boxed(mode: str = "all", access: str = "rw", elevated: str = "{enabled: false}") -> str:
    return BOXED.format(mode=mode, access=access, elevated=elevated)


async def run(bench: Bench, command: str, key: str = "main", **more: object) -> str:
    return await Ends(bench).call("exec", key, command=command, **more)


async def test_the_workspace_is_the_only_place_to_write(tmp_path: Path):
    async with house(tmp_path, more=boxed()) as bench:
        said = await run(bench, "echo here > made; cat made; pwd")
        assert "here" in said and str(folder(bench)) in said
        assert (folder(bench) / "made").read_text() == "here\n"
        for place in ("/usr", "/etc", "/", "/usr/bin", "/var", "/home"):
            assert "exit code 0" not in await run(bench, f"echo x > {place}/made"), place
        for place in (bench.app.state, tmp_path.parent):
            await run(bench, f"echo x > {place}/made")
            assert not (place / "made").exists(), place
        assert "private" in await run(bench, "echo private > /tmp/canary; cat /tmp/canary")
        assert not Path("/tmp/canary").exists()


async def test_nothing_of_ours_is_seen_inside(tmp_path: Path):
    async with house(tmp_path, more=boxed()) as bench:
        hidden = [bench.app.state / "trunkline.db", Path.home(), Path("/root"), Path("/etc/shadow")]
        for path in hidden:
            assert "exit code 0" not in await run(bench, f"ls {path}"), path
        (tmp_path / "other").mkdir()
        assert "exit code 0" not in await run(bench, f"ls {tmp_path}/other")
        assert "exit code 0" not in await run(bench, f"kill -0 {1 << 15} || cat /proc/{1 << 15}/x")
        processes = await run(bench, "ls /proc | grep -c '^[0-9]'")
        assert int(processes.split()[0]) < 10


async def test_there_is_no_network(tmp_path: Path):
    async with house(tmp_path, more=boxed()) as bench:
        said = await run(bench, "cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d ' '")
        assert said.splitlines()[0] == "lo" and said.splitlines()[1].startswith("[exit")


@pytest.mark.parametrize(
    ("access", "reads", "writes"), [("ro", True, False), ("none", False, False)]
)
async def test_less_of_the_workspace(tmp_path: Path, access: str, reads: bool, writes: bool):
    async with house(tmp_path, more=boxed(access=access)) as bench:
        (folder(bench) / "note").write_text("seen\n")
        assert ("seen" in await run(bench, f"cat {folder(bench)}/note")) is reads
        await run(bench, f"echo x > {folder(bench)}/made")
        assert (folder(bench) / "made").exists() is writes


async def test_limits_hold_inside(tmp_path: Path):
    async with house(tmp_path, more=boxed()) as bench:
        said = await run(bench, "cat /proc/self/limits")
        for name, limit in (("processes", 256), ("data size", 1 << 30), ("file size", 1 << 30)):
            assert re.search(rf"Max {name} +{limit} +{limit} ", said), name


async def test_only_other_sessions_than_the_main_one(tmp_path: Path):
    async with house(tmp_path, more=boxed("non-main")) as bench:
        assert "exit code 0" in await run(bench, f"ls {bench.app.state}/trunkline.db")
        inside = await run(bench, f"ls {bench.app.state}/trunkline.db", "agent:main:direct:ada")
        assert "exit code 0" not in inside


async def test_without_the_package_nothing_runs_and_it_is_named(tmp_path: Path):
    more = "tools: {sandbox: {mode: all, backend: /nowhere/bwrap}}"
    async with house(tmp_path, more=more) as bench:
        said = await run(bench, "touch made")
        assert "apt install bubblewrap" in said
        assert not (folder(bench) / "made").exists()


async def test_a_stop_ends_what_is_inside(tmp_path: Path):
    async with house(tmp_path, timeout="1s", more=boxed()) as bench:
        said = await run(bench, "sleep 4321 & setsid sleep 4321")
        assert "took longer than 1 s" in said
        for one in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                assert b"4321" not in one.read_bytes().split(b"\0")
            except OSError:
                continue


LEAVE = '{{enabled: {on}, allow_from: ["webchat:{who}"]}}'


@pytest.mark.parametrize(
    ("mode", "on", "who"),
    [("off", "true", "operator"), ("all", "false", "operator"), ("all", "true", "ada")],
)
async def test_elevated_is_refused(tmp_path: Path, mode: str, on: str, who: str):
    """Outside the sandbox, switched off, and for somebody else; the default is off."""
    more = boxed(mode, elevated=LEAVE.format(on=on, who=who))
    async with house(tmp_path, more=more) as bench:
        said = await run(bench, "touch made", elevated=True)
        assert "elevated" in said and not (folder(bench) / "made").exists()


async def test_elevated_leaves_the_sandbox_only_after_a_yes(tmp_path: Path):
    more = boxed(elevated=LEAVE.format(on="true", who="operator"))
    async with house(tmp_path, more=more) as bench:
        ends, command = Ends(bench), f"ls {bench.app.state}/trunkline.db"
        run = await ends.begin("exec", command=command, elevated=True)
        [row] = await asked(bench)
        assert "outside the sandbox" in row["reason"]
        await bench.app.approvals.resolve(row["id"], "allow-session", OPERATOR)
        assert "exit code 0" in await ends.of(run)
        assert "exit code 0" in await ends.call("exec", command=command, elevated=True)
        assert "exit code 0" not in await ends.call("exec", command=command)
