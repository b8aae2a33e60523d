"""An agent's heartbeat: a small regular look around that costs little and wakes nothing."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.cli.inside import core_of
from bot.config.load import load_text
from bot.gateway.local import Local
from bot.gateway.methods import table
from bot.schedule import heartbeat
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import CONFIG, Bench, running
from tests.scenarios.kit import scripted
from tests.scenarios.tasks_kit import passes, row_of, runs_of

MAIN = "agent:main:main"
ID = "task-heartbeat-main"
HALF = 1800.0
BEATING = CONFIG + "agents: [{id: main, heartbeat: {every: 30m}, tools: {profile: full}}]\n"
LOOK = "# Regular checks\n\n- is the disk full?\n"
WORD = heartbeat.OK


def asks(state: Path, text: str = LOOK) -> None:
    """The agent's HEARTBEAT.md, in a folder that has been begun."""
    folder = state / "workspaces" / "main"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / heartbeat.FILE).write_text(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (WORD, ""),
        (f"**{WORD}**", ""),
        (f"{WORD} all is well.", ""),
        (f"All is well. {WORD}.", ""),
        (f"{WORD}\n{'x' * 300}", ""),
        (f"{WORD}\n{'x' * 301}", "x" * 301),
        (f"{'x' * 301}\n\n{WORD}", "x" * 301),
        (f"I would say {WORD} but the disk is full", f"I would say {WORD} but the disk is full"),
        ("The disk is full", "The disk is full"),
        (f"{WORD}AY is a song", f"{WORD}AY is a song"),
    ],
)
def test_the_word_counts_at_the_ends_only(text: str, left: str):
    assert heartbeat.rest(text) == left


@pytest.mark.parametrize(
    ("text", "idle"),
    [
        ("", True),
        ("# Checks\n\n## More\n", True),
        ("# Checks\n- [ ]\n*\n<!-- one\ntwo -->\n", True),
        ("# Checks\nlook at the mail\n", False),
        ("- is the disk full?", False),
    ],
)
def test_a_file_of_headings_asks_for_nothing(text: str, idle: bool):
    assert heartbeat.idle(text) is idle


async def test_it_is_off_by_default(bench: Bench, clock: VirtualClock, tmp_path: Path):
    asks(tmp_path)
    await passes(bench, clock, 7200)
    assert await bench.rows("SELECT id FROM tasks") == [] and scripted(bench).requests == []


async def test_it_looks_with_little_context_and_leaves_a_line_in_the_main_session(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, BEATING, clock=clock, scripted=True) as bench:
        asks(tmp_path)
        await bench.ask("a secret of the chat", "r1")
        await bench.app.chat.ended("r1")
        before = await bench.app.sessions.get(MAIN)
        assert before is not None
        model = scripted(bench)
        model.on(heartbeat.PROMPT, [WORD], [f"The disk is full.\n\n{'x' * 300}\n{WORD}"])
        await passes(bench, clock, HALF)
        [row] = await runs_of(bench, ID)
        assert (row["status"], row["delivery"]) == ("ok", "not-requested")
        assert row["input_tokens"] is not None and row["model"] == "demo/demo", "its cost is known"
        chat, beat = model.requests
        assert len(beat.entries) == 1 and "secret" not in beat.entries[0].text
        assert "is the disk full?" in beat.system and len(beat.system) < len(chat.system)
        assert len(await bench.transcript(MAIN)) == 2, "nothing was found, so nothing is said"
        await passes(bench, clock, HALF)
        lines = await bench.transcript(MAIN)
        assert len(lines) == 3 and lines[-1][1].startswith("The disk is full.")
        assert WORD not in lines[-1][1]
        after = await bench.app.sessions.get(MAIN)
        assert after is not None and after["updated_at"] == before["updated_at"]
        platform = bench.platform()
        assert platform.visible() == [] and platform.count("typing") == 0


async def test_it_is_passed_over_where_nothing_is_to_do_or_somebody_talks(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, BEATING, clock=clock, scripted=True) as bench:
        asks(tmp_path, "# Regular checks\n\n")
        await passes(bench, clock, HALF)
        asks(tmp_path)
        gate = asyncio.Event()
        scripted(bench).on("long talk", [gate, "done"])
        await bench.ask("long talk", "r1")
        await clock.advance(HALF)
        await bench.settle()
        story = [(row["status"], row["reason"]) for row in await runs_of(bench, ID)]
        assert story == [("skipped", heartbeat.NOTHING), ("skipped", heartbeat.BUSY)]
        assert len(scripted(bench).requests) == 1
        gate.set()
        await bench.app.chat.ended("r1")
        await passes(bench, clock, HALF)
        assert [row["status"] for row in await runs_of(bench, ID)][2:] == ["ok"]


async def test_a_new_workspace_asks_for_nothing(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, BEATING, clock=clock, scripted=True) as bench:
        await bench.ask("hello", "r1")
        await bench.app.chat.ended("r1")
        assert (tmp_path / "workspaces" / "main" / heartbeat.FILE).is_file()
        await passes(bench, clock, HALF)
        [row] = await runs_of(bench, ID)
        assert (row["status"], row["reason"]) == ("skipped", heartbeat.NOTHING)


async def test_its_own_tools_and_their_ends_do_not_wake_it(tmp_path: Path, clock: VirtualClock):
    loose = BEATING.replace("{profile: full}", "{profile: full, exec: {security: full, ask: off}}")
    async with running(tmp_path, loose, clock=clock, scripted=True) as bench:
        asks(tmp_path)
        model = scripted(bench)
        left = call("exec", command="true", background=True)
        model.on(heartbeat.PROMPT, [left], [WORD])
        await passes(bench, clock, HALF)
        await passes(bench, clock, 300)
        assert len(model.requests) == 2, "the call and its result, and nothing after"
        assert len(await runs_of(bench, ID)) == 1
        lanes = await bench.rows("SELECT lane FROM inbox WHERE lane LIKE '%heartbeat%'")
        assert len(lanes) == 1, "no notice of a background command came to it"


async def test_a_restart_keeps_its_rhythm_and_a_change_of_configuration_counts(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, BEATING, clock=clock, scripted=True) as bench:
        await passes(bench, clock, 60)
        due = (await row_of(bench, ID))["next_at"]
    async with running(tmp_path, BEATING, clock=clock, scripted=True) as bench:
        await passes(bench, clock, 60)
        assert (await row_of(bench, ID))["next_at"] == due
        await use(bench, BEATING.replace("30m", "1h"))
        await passes(bench, clock, 120)
        row = await row_of(bench, ID)
        assert json.loads(row["schedule"])["everyMs"] == 3_600_000
        await use(bench, BEATING.replace("30m", "0m"))
        await passes(bench, clock, 120)
        row = await row_of(bench, ID)
        assert (row["enabled"], row["next_at"], row["because"]) == (0, None, heartbeat.OFF)
        await use(bench, BEATING)
        await passes(bench, clock, 120)
        row = await row_of(bench, ID)
        assert row["enabled"] == 1 and row["because"] is None and row["next_at"]


async def use(bench: Bench, text: str) -> None:
    """Go on with another configuration."""
    fresh = load_text("".join(text.partition("agents:")[1:]), "config.yaml", {}, {})
    await bench.app.adopt(bench.app.config.model_copy(update={"agents": fresh.agents}))


async def test_it_is_shown_as_what_it_is(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, BEATING, clock=clock, scripted=True) as bench:
        await passes(bench, clock, 60)
        core = core_of(bench.app)
        wire = Local(table(core), bench.app.hub, core.view)
        rows: list[Any] = (await wire.request("tasks.list", {}))["tasks"]
        assert [(row["id"], row["name"], row["delivery"]["mode"]) for row in rows] == [
            (ID, "Heartbeat", "none")
        ]
