"""`/exec` makes a session stricter than its agent; `/elevated` lets commands leave the sandbox."""

import asyncio
from pathlib import Path

import pytest

from bot.testing.model import call
from bot.testing.running import Bench
from bot.tools.approval import OPERATOR
from tests.scenarios.exec_kit import PATIENCE, asked, folder, house

BOXED = (
    "tools: {sandbox: {mode: all, workspace: rw}, "
    "elevated: {enabled: true, allow_from: ['idempotent:boss']}}"
)


async def says(bench: Bench, text: str, who: str = "ada") -> str:
    """What somebody is answered to a message of theirs."""
    platform = bench.platform()
    before = len(platform.visible(who))
    platform.say(text, who)
    await platform.wait_for(lambda one: len(one.visible(who)) == before + 1, PATIENCE)
    return platform.visible(who)[-1]


def obeys(bench: Bench) -> None:
    assert bench.model is not None
    bench.model.on("make it", [call("exec", command="mkdir made")], ["done"])


@pytest.mark.parametrize(
    ("word", "made"),
    [
        ("/exec", True),
        ("/exec security=deny", False),
        ("/exec security=allowlist ask=off", False),
        ("/exec host=sandbox", False),
        ("/exec host=gateway security=full", True),
        ("/exec security=all", True),
        ("/exec colour=red", True),
    ],
)
async def test_a_session_may_be_stricter_than_its_agent(tmp_path: Path, word: str, made: bool):
    async with house(tmp_path, scripted=True) as bench:
        obeys(bench)
        await says(bench, word)
        assert await says(bench, "make it") == "done"
        assert (folder(bench) / "made").is_dir() is made
        assert "configuration says" in await says(bench, "/exec default")


async def test_a_session_is_never_freer_than_its_agent(tmp_path: Path):
    async with house(tmp_path, "allowlist", "off", scripted=True) as bench:
        obeys(bench)
        assert "not stricter" in await says(bench, "/exec security=full ask=off")
        assert await says(bench, "make it") == "done"
        assert not (folder(bench) / "made").exists()


async def test_elevated_is_for_those_who_are_named_in_a_sandbox(tmp_path: Path):
    async with house(tmp_path / "a", scripted=True) as bench:
        assert "not in a sandbox" in await says(bench, "/elevated on", "boss")
    async with house(tmp_path / "b", more=BOXED, scripted=True) as bench:
        assert "not for you" in await says(bench, "/elevated on")
        assert "no level" in await says(bench, "/elevated up", "boss")
        assert "`off`" in await says(bench, "/elevated", "boss")


@pytest.mark.parametrize("level", ["on", "full"])
async def test_elevated_lets_commands_leave_the_sandbox(tmp_path: Path, level: str):
    """`on` asks before each; `full` leaves it to the agent's policy, here to run everything."""
    async with house(tmp_path, more=BOXED, scripted=True) as bench:
        obeys(bench)
        assert f"`{level}`" in await says(bench, f"/elevated {level}", "boss")
        making = asyncio.create_task(says(bench, "make it", "boss"), name="makes")
        if level == "on":
            [row] = await asked(bench)
            assert "outside the sandbox" in row["reason"]
            assert not (folder(bench) / "made").exists()
            await bench.app.approvals.resolve(row["code"], "allow-once", OPERATOR)
            await bench.platform().wait_for(lambda one: "done" in one.visible("boss"), PATIENCE)
            making.cancel()
        else:
            assert await making == "done"
        assert (folder(bench) / "made").is_dir()
