"""Killed between a helper's start, its end and its report: exactly one report."""

import asyncio
from pathlib import Path

import pytest

from tests.kill.house import House, house

pytestmark = pytest.mark.kill

STEPS = ("tool.intended", "tool.ran", "tool.recorded", "turn.committing", "turn.committed")
STEPS += ("lane.claimed", "turn.streamed", "out.sending", "out.sent", "out.receipt")
SPAWN = '[[demo tool sessions_spawn {"task": "dig for gold"}]][[demo text started]]'
ENDED = "SELECT state FROM children"
REPORTS = "SELECT id, state, reply FROM runs WHERE id LIKE 'report-%'"


def told(home: House, kind: str) -> list[str]:
    """What people saw of reports: the demo model repeats what it was told of."""
    return [text for text in home.platforms[kind].visible() if "helper that you started" in text]


async def killed_at(step: str, kind: str, state: Path) -> None:
    async with house(state, kind) as home:
        home.platforms[kind].say(SPAWN)
        await home.start(crash_at=step)
        assert await home.died(), f"{step} was never reached on {kind}"
        await home.start()
        await home.quiet()
        assert [row["state"] for row in home.rows(ENDED)] == ["ok"], home.log()
        [report] = home.rows(REPORTS)
        assert report["state"] == "ok"
        seen = told(home, kind)
        assert len(seen) == 1 or (kind == "keyless" and "sent again" in seen[-1]), seen
        heard = home.rows("SELECT body FROM entries WHERE role = 'user' AND run LIKE 'report-%'")
        assert len(heard) == 1 and "dig for gold" in heard[0]["body"]


@pytest.mark.parametrize("step", STEPS)
async def test_168_a_kill_anywhere_leaves_one_helper_and_one_report(step: str, tmp_path: Path):
    kinds = ("idempotent", "keyless")
    ended = await asyncio.gather(
        *(killed_at(step, kind, tmp_path / kind) for kind in kinds), return_exceptions=True
    )
    failures = [error for error in ended if isinstance(error, Exception)]
    if failures:
        raise ExceptionGroup(step, failures)


async def test_168_reports_survive_kills_again_and_again(tmp_path: Path):
    """The helper's own last transaction, the report's run and its delivery, each killed."""
    async with house(tmp_path, "idempotent") as home:
        home.platforms["idempotent"].say(SPAWN)
        for step in ("turn.committing", "turn.committed", "turn.committed", "turn.streaming"):
            await home.start(crash_at=step)
            await home.died()
            await home.kill()
        await home.start()
        await home.quiet()
        assert len(home.rows(REPORTS)) == 1
        assert len(told(home, "idempotent")) == 1


@pytest.mark.parametrize("step", ["tool.intended", "out.sending", "out.sent", "tool.ran"])
async def test_a_message_of_a_tool_is_sent_once_and_its_outcome_is_known(step: str, tmp_path: Path):
    async with house(tmp_path, "idempotent") as home:
        said = '[[demo tool message {"action": "send", "message": "only once"}]]'
        home.platforms["idempotent"].say(said)
        await home.start(crash_at=step)
        assert await home.died(), f"{step} was never reached"
        await home.start()
        await home.quiet()
        seen = home.platforms["idempotent"].visible()
        assert seen.count("only once") == 1, seen
        [answer] = [text for text in seen if text != "only once"]
        assert '"status": "done"' in answer
