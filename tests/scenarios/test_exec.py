"""`exec` and `process` with real programs: what runs, how it ends, what is heard of it."""

import asyncio
import re
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.events import Finished, ToolEnded, ToolUpdated
from bot.testing.model import call
from bot.testing.running import Bench
from bot.tools.approval import OPERATOR
from bot.tools.shell import SHOWN
from bot.tools.shell_jobs import Job
from bot.tools.shell_told import MAX_HOPS, WORDS
from tests.scenarios.exec_kit import PATIENCE, Ends, asked, folder, house

ECHO = ("/bin/echo",)
# The same three commands in every mode: on the list, not on it, and one for a shell.
THREE = ("echo one", "touch two", "echo three > three")
RUNS, ASKS, REFUSES = "runs", "asks", "refuses"
MODES = [
    ("deny", "off", (REFUSES, REFUSES, REFUSES)),
    ("deny", "always", (REFUSES, REFUSES, REFUSES)),
    ("allowlist", "off", (RUNS, REFUSES, REFUSES)),
    ("allowlist", "on-miss", (RUNS, ASKS, ASKS)),
    ("allowlist", "always", (ASKS, ASKS, ASKS)),
    ("full", "off", (RUNS, RUNS, RUNS)),
    ("full", "on-miss", (RUNS, RUNS, RUNS)),
    ("full", "always", (ASKS, ASKS, ASKS)),
]


async def outcome(bench: Bench, ends: Ends, command: str) -> str:
    run = await ends.begin("exec", command=command)
    answered = asyncio.create_task(ends.of(run), name="answered")
    waits = asyncio.create_task(asked(bench), name="asked")
    done, rest = await asyncio.wait({answered, waits}, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    if answered in done:
        return RUNS if "exit code 0" in answered.result() else REFUSES
    [row] = waits.result()
    await bench.app.approvals.resolve(row["id"], "deny", OPERATOR)
    assert "denied" in await ends.of(run)
    return ASKS


@pytest.mark.parametrize(("security", "ask", "expected"), MODES)
async def test_the_decision_table(tmp_path: Path, security: str, ask: str, expected: tuple):
    async with house(tmp_path, security, ask, ECHO) as bench:
        ends = Ends(bench)
        assert tuple([await outcome(bench, ends, one) for one in THREE]) == expected
        made = {one.name for one in folder(bench).iterdir() if one.suffix == ""}
        ran = expected[1] == RUNS
        assert ({"two", "three"} <= made) is ran


async def test_output_and_exit_code_are_told(tmp_path: Path):
    async with house(tmp_path) as bench:
        ends = Ends(bench)
        assert re.fullmatch(
            r"a\nb\n\[exit code 0, .* s\]", await ends.call("exec", command="echo a; echo b >&2")
        )
        assert "[exit code 3," in await ends.call("exec", command="exit 3")
        assert "ended by signal 9" in await ends.call("exec", command="kill -9 $$")
        assert "exit code 127" in await ends.call("exec", command="no-such-program")


async def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path: Path):
    async with house(tmp_path, timeout="1s") as bench:
        said = await Ends(bench).call(
            "exec", command="(sleep 300; touch late) & echo $!; sleep 300"
        )
        assert "ended: it took longer than 1 s" in said
        await gone(int(said.split()[0]))


async def gone(pid: int) -> None:
    """Wait until a process is no more."""
    async with asyncio.timeout(PATIENCE):
        while alive(pid):
            await SystemClock().sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("leave", ["", "setsid ", "nohup "])
async def test_a_stop_ends_the_program_and_what_left_its_group(tmp_path: Path, leave: str):
    async with house(tmp_path) as bench:
        ends = Ends(bench)
        run = await ends.begin("exec", command=f"{leave}sleep 300 & echo $! > pid; sleep 300")
        file = folder(bench) / "pid"
        async with asyncio.timeout(PATIENCE):
            while not (file.exists() and file.read_text().strip()):
                await bench.app.clock.sleep(0.02)
        await bench.app.lanes.stop("agent:main:main", run)
        await ends.of(run)
        await gone(int(file.read_text()))


async def test_a_long_command_goes_on_in_the_background_and_tells_its_end(tmp_path: Path):
    async with house(tmp_path) as bench:
        told: asyncio.Queue[tuple[Job, str]] = asyncio.Queue()

        async def notify(job: Job, output: str) -> None:
            told.put_nowait((job, output))

        bench.app.jobs.notify = notify
        ends = Ends(bench)
        said = await ends.call("exec", command="read line; echo got $line; exit 4", yieldMs=50)
        assert "now in the background as exec-" in said
        name = re.search(r"exec-\w+", said).group()
        assert f"{name}  running" in await ends.call("process", action="list")
        assert "nothing new" in await ends.call("process", action="poll", id=name)
        assert "Written" in await ends.call("process", action="submit", id=name, text="hello")
        async with asyncio.timeout(PATIENCE):
            job, text = await told.get()
        assert (job.session_key, job.state) == ("agent:main:main", "exit code 4")
        assert "got hello" in text
        assert "got hello" in await ends.call("process", action="log", id=name)
        assert "forgotten" in await ends.call("process", action="clear", id=name)
        assert "Nothing was started" in await ends.call("process", action="list")


async def test_a_background_program_is_killed_on_demand(tmp_path: Path):
    async with house(tmp_path) as bench:
        ends = Ends(bench)
        said = await ends.call("exec", command="echo up; sleep 300", background=True)
        name = re.search(r"exec-\w+", said).group()
        assert "still runs" in await ends.call("process", action="clear", id=name)
        assert "ended: killed" in await ends.call("process", action="kill", id=name)
        said = await ends.call("exec", command="echo up; exec sleep 300", background=True)
        name = re.search(r"exec-\w+", said).group()
        while "up" not in await ends.call("process", action="log", id=name):
            pass  # a shell that has only begun to start may not hear a signal yet
        assert "Written" in await ends.call("process", action="send-keys", id=name, keys=["C-c"])
        said = await ends.call("process", action="poll", id=name, timeout=PATIENCE)
        assert "ended by signal 2" in said


async def test_a_process_belongs_to_its_agent(tmp_path: Path):
    async with house(tmp_path) as bench:
        ends = Ends(bench)
        said = await ends.call("exec", command="sleep 300", background=True)
        name = re.search(r"exec-\w+", said).group()
        assert bench.app.jobs.get("main", name) is not None
        assert bench.app.jobs.get("other", name) is None
        assert bench.app.jobs.of("other") == []
        assert "There is no command" in await ends.call("process", action="poll", id="exec-0")


async def test_what_runs_ends_with_the_program(tmp_path: Path):
    async with house(tmp_path) as bench:
        said = await Ends(bench).call("exec", command="echo $$; exec sleep 300", yieldMs=500)
        pid = int(said.split()[0])
        assert alive(pid)
    await gone(pid)


async def test_a_long_command_tells_how_it_goes(tmp_path: Path):
    async with house(tmp_path) as bench:
        ends = Ends(bench)
        run = await ends.begin("exec", command="echo first; read x", yieldMs=60_000)
        while not any(isinstance(one.body, ToolUpdated) for one in ends.events):
            await ends.change()
        assert not any(isinstance(one.body, ToolEnded) for one in ends.events)
        await bench.app.lanes.stop("agent:main:main", run)
        await ends.of(run)


async def test_a_flood_and_a_picture_stay_small(tmp_path: Path):
    async with house(tmp_path) as bench:
        ends = Ends(bench)
        flood = await ends.call("exec", command="yes 0123456789 | head -c 10000000")
        assert len(flood) < SHOWN + 1000 and "left out" in flood
        png = await ends.call("exec", command=r"printf '\211PNG\r\n\032\n\0\0\0\rIHDR'")
        assert re.search(r"\[\d+ bytes that are not text\]", png) and "IHDR" not in png
        for event in ends.events:
            if isinstance(event.body, ToolUpdated | ToolEnded):
                assert len(event.body.text) < SHOWN + 1000


async def test_nothing_of_our_secrets_is_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("TRUNKLINE_TOKEN", "OPENAI_API_KEY", "TELEGRAM_BOT_TOKEN", "AWS_SECRET_KEY"):
        monkeypatch.setenv(name, "canary-secret")
    async with house(tmp_path) as bench:
        said = await Ends(bench).call("exec", command="env; cat /proc/self/environ | tr '\\0' ' '")
        assert "PATH=" in said and "canary-secret" not in said


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "BASH_ENV"])
async def test_variables_that_change_what_runs_are_refused(tmp_path: Path, name: str):
    async with house(tmp_path) as bench:
        said = await Ends(bench).call("exec", command="touch made", env={name: "x"})
        assert said.startswith(f"Refused: the variable {name} may not be set")
        assert not (folder(bench) / "made").exists()


async def test_the_folder_is_the_workspace_or_inside(tmp_path: Path):
    async with house(tmp_path) as bench:
        ends = Ends(bench)
        (folder(bench) / "sub").mkdir()
        (folder(bench) / "out").symlink_to("/tmp")
        assert str(folder(bench)) in await ends.call("exec", command="pwd")
        assert f"{folder(bench)}/sub" in await ends.call("exec", command="pwd", workdir="sub")
        for bad in ("..", "/etc", "out", "sub/../..", "missing"):
            said = await ends.call("exec", command="touch made", workdir=bad)
            assert "workdir" in said, bad
        assert not list(folder(bench).rglob("made"))


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"command": ""},
        {"command": 5},
        {"command": "ls", "x": 1},
        {"command": "ls", "timeout": -1},
        {"command": "ls", "env": {"A": 1}},
    ],
)
async def test_wrong_arguments_get_a_sentence(tmp_path: Path, args: dict):
    async with house(tmp_path) as bench:
        said = await Ends(bench).call("exec", **args)
        assert said and "Traceback" not in said and "exit code" not in said


async def test_the_end_of_a_background_command_wakes_its_session_once(tmp_path: Path):
    """The model is told with the output quoted; what it answers goes where it was asked."""
    more = "messages: {queue: {mode: followup}}"
    async with house(tmp_path, more=more, scripted=True) as bench:
        model, platform = bench.model, bench.platform()
        assert model is not None
        command = call("exec", command="read line; echo got $line; exit 4", yieldMs=0)
        model.on("build it", [command], ["It builds."])
        model.on(WORDS, ["It failed."])
        platform.say("build it")
        await platform.shows("It builds.")
        [job] = bench.app.jobs.of("main")
        assert job.process.stdin is not None
        job.process.stdin.write(b"hello\n")
        await platform.shows("It builds.", "It failed.")
        told = model.requests[-1].entries[-1].text
        assert "got hello" in told and "exit code 4" in told
        [row] = await bench.rows("SELECT requester FROM inbox WHERE kind = 'internal'")
        assert row["requester"] == "idempotent:ada"


async def test_ends_do_not_wake_a_session_for_ever(tmp_path: Path):
    """A model that starts a command at every end is not woken any more after five in a row."""
    async with house(tmp_path, scripted=True) as bench:
        model = bench.model
        assert model is not None
        again = [call("exec", command="true", yieldMs=0)]
        model.on("go", again, ["begun"])
        model.on(WORDS, *([again, ["NO_REPLY"]] * 20))
        ends = Ends(bench)
        await bench.ask("go", "first")
        async with asyncio.timeout(PATIENCE):
            while sum(isinstance(one.body, Finished) for one in ends.events) <= MAX_HOPS:
                await ends.change()
        while not all(job.over.is_set() for job in bench.app.jobs.of("main")):
            await bench.app.clock.sleep(0.02)
        await bench.settle()
        rows = await bench.rows("SELECT run FROM inbox WHERE kind = 'internal'")
        assert len(rows) == MAX_HOPS
        assert len(bench.app.jobs.of("main")) == MAX_HOPS + 1


async def test_who_stops_a_run_is_not_told_that_its_commands_ended(tmp_path: Path):
    async with house(tmp_path, scripted=True) as bench:
        model = bench.model
        assert model is not None
        model.on("go", [call("exec", command="sleep 300", yieldMs=0)], [asyncio.Event()])
        await bench.ask("go", "first")
        async with asyncio.timeout(PATIENCE):
            while not (len(model.requests) == 2 and model.running):
                await bench.app.clock.sleep(0.02)
        [job] = bench.app.jobs.of("main")
        await bench.app.lanes.stop("agent:main:main", "first")
        async with asyncio.timeout(PATIENCE):
            await job.over.wait()
        await bench.settle()
        assert await bench.rows("SELECT run FROM inbox WHERE kind = 'internal'") == []
