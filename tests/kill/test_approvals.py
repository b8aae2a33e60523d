"""Killed while somebody is asked: the question stays, the answer counts, nothing starts twice."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from bot.testing.running import running
from bot.tools.approval import OPERATOR
from tests.rules.source import ROOT
from tests.scenarios.exec_kit import CONFIG, PATIENCE, asked, directive, folder

pytestmark = pytest.mark.kill

COMMAND = "sh -c 'echo ran >> ran.txt; wc -l < ran.txt'"
TEXT = CONFIG.format(security="allowlist", ask="on-miss", allow="[]", timeout="5m", more="")
PROGRAM = """
import asyncio, sys
from pathlib import Path
from bot.testing.running import running
from tests.scenarios.exec_kit import asked
from tests.kill.test_approvals import TEXT, say
async def main(state, step):
    async with running(state, TEXT) as bench:
        await say(bench)
        await asked(bench)
        if step == "asked":
            print("asked", flush=True)
            await asyncio.Event().wait()
        from bot.tools.approval import OPERATOR
        [row] = await bench.app.approvals.listed()
        await bench.app.approvals.resolve(row["id"], "allow-once", OPERATOR)
        await asyncio.Event().wait()
asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


async def say(bench) -> None:
    await bench.ask(directive("exec", {"command": COMMAND}), "the-run")


async def killed(state: Path, step: str) -> None:
    """Run the program until it waits, or until it dies at a named step behind the decision."""
    env = dict(os.environ, TRUNKLINE_TEST="1", PYTHONPATH=str(ROOT))
    if step != "asked":
        env["TRUNKLINE_CRASH_AT"] = step
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(state), step,
        cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE):
            if step == "asked":
                while b"asked" not in await program.stdout.readline():
                    pass
                program.kill()
            assert await program.wait() == -signal.SIGKILL
    finally:
        if program.returncode is None:
            program.kill()


async def reply(bench) -> str:
    async with asyncio.timeout(PATIENCE):
        while True:
            [row] = await bench.rows("SELECT * FROM runs WHERE id = 'the-run'")
            if row["ended_at"] is not None:
                return row["reply"]
            await bench.app.clock.sleep(0.02)


async def test_a_question_survives_the_kill_and_its_answer_counts(tmp_path: Path):
    await killed(tmp_path, "asked")
    async with running(tmp_path, TEXT) as bench:
        [row] = await asked(bench)
        assert not (folder(bench) / "ran.txt").exists()
        await bench.app.approvals.resolve(row["code"], "allow-once", OPERATOR)
        assert "1\n[exit code 0" in await reply(bench)
        assert len(await bench.rows("SELECT * FROM approvals")) == 1


async def test_an_answer_given_while_nobody_ran_counts(tmp_path: Path):
    await killed(tmp_path, "asked")
    async with running(tmp_path, TEXT) as bench:
        [row] = await asked(bench)
        await bench.app.approvals.resolve(row["code"], "deny", OPERATOR)
        assert "denied by operator" in await reply(bench)
        assert not (folder(bench) / "ran.txt").exists()


async def test_what_had_started_is_not_started_again(tmp_path: Path):
    """Killed between the program's end and the record of its result: the outcome is unknown."""
    await killed(tmp_path, "tool.ran")
    async with running(tmp_path, TEXT) as bench:
        assert "outcome of this call is unknown" in await reply(bench)
        assert (folder(bench) / "ran.txt").read_text() == "ran\n"
