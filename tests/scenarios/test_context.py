"""What runs see: files of the workspace, skills, what a run adds, and what fills the prompt."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.events import Finished, RunEvent
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import CONFIG, Bench, running
from bot.types import ModelRequest
from tests.pure.test_skillfile import HOSTILE
from tests.scenarios.kit import scripted

AGENTS = """
owners: ["idempotent:ada"]
agents:
  - {id: main, tools: {profile: coding, exec: {security: full, ask: off}}}
  - {id: other, skills: [stones], workspace: %s}
skills: {entries: {bread: {env: {OVEN: hot}}}}
"""
GROUPS = """
  rooms: {adapter: idempotent, group_policy: open, require_mention: false,
    groups: {kitchen: {prompt: Speak of food only.}}}
"""
SKILL = "---\nname: {name}\ndescription: {about}\n{more}---\nSECRET-BODY {text} {{baseDir}}\n"


@pytest.fixture
async def bench(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    config = CONFIG + GROUPS + AGENTS % (tmp_path / "elsewhere")
    async with running(tmp_path, config, clock=clock, scripted=True) as running_bench:
        yield running_bench


def work(tmp_path: Path, agent: str = "main") -> Path:
    return tmp_path / "workspaces" / agent


def put_skill(folder: Path, name: str, about: str = "d", text: str = "", more: str = "") -> Path:
    file = folder / name / "SKILL.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SKILL.format(name=name, about=about, text=text, more=more))
    return file


async def asked(bench: Bench, text: str, run: str, key: str = "main", **options: Any) -> str:
    """Ask, and give the system prompt that the model got first."""
    model, before = scripted(bench), len(scripted(bench).requests)
    await ended(bench, text, run, key, **options)
    assert len(model.requests) > before, "the model was not asked"
    return model.requests[before].system


async def ended(bench: Bench, text: str, run: str, key: str = "main", **options: Any) -> None:
    """Ask, and wait for the end, however long real threads and programs take."""
    done = asyncio.Event()

    def hear(event: object) -> None:
        if isinstance(event, RunEvent) and event.run == run and isinstance(event.body, Finished):
            done.set()

    bench.app.hub.listen(hear)
    await bench.ask(text, run, key, **options)
    async with asyncio.timeout(30):
        await done.wait()


async def heard(bench: Bench, text: str, account: str = "idempotent", **more: Any) -> ModelRequest:
    """Somebody says something on a channel; what the model was asked."""
    model, platform = scripted(bench), bench.platform(account)
    before, sent = len(model.requests), len(platform.messages)
    platform.say(text, **more)
    await platform.wait_for(lambda one: len(one.messages) > sent)
    await bench.app.engine.idle()
    assert len(model.requests) == before + 1
    return model.requests[-1]


def results(request: ModelRequest) -> list[str]:
    return [entry.text for entry in request.entries if entry.role == "tool"]


async def test_a_missing_workspace_is_made_and_edits_stay(bench: Bench, tmp_path: Path):
    folder = work(tmp_path)
    assert not folder.exists()
    assert "Ask before anything that cannot be undone" in await asked(bench, "hello", "r1")
    assert (folder / "memory").is_dir() and (folder / "BOOTSTRAP.md").is_file()
    (folder / "AGENTS.md").write_text("Only answer in rhymes.")
    (folder / "BOOTSTRAP.md").unlink()
    system = await asked(bench, "again", "r2")
    assert "Only answer in rhymes." in system and "BOOTSTRAP.md" not in system
    assert (folder / "AGENTS.md").read_text() == "Only answer in rhymes."
    assert not (folder / "BOOTSTRAP.md").exists()


async def test_files_are_read_again_at_a_new_session_and_cut_when_too_long(
    bench: Bench, tmp_path: Path
):
    await asked(bench, "hello", "r1")
    (work(tmp_path) / "SOUL.md").write_text("x" * 30_000)
    await bench.app.sessions.reset("main")
    system = await asked(bench, "hello", "r2")
    assert "characters of SOUL.md were cut here" in system
    (work(tmp_path) / "SOUL.md").unlink()
    assert "[SOUL.md is missing]" in await asked(bench, "hello", "r3")


async def test_a_prompt_is_the_same_from_turn_to_turn(bench: Bench):
    """Else no cache of a provider would help: nothing of time, counts or the message is in it."""
    one = await heard(bench, "first")
    two = await heard(bench, "second, quite different")
    assert one.system == two.system and "ada" not in one.system


async def test_what_a_run_adds_is_in_its_own_requests_only(bench: Bench):
    scripted(bench).on("look", [call("session_status")], ["done"])
    await asked(bench, "look", "r1", extraPrompt="Only this time.")
    await asked(bench, "hello", "r2")
    *own, later = [request.system for request in scripted(bench).requests]
    assert len(own) == 2 and all(system.endswith("Only this time.") for system in own)
    assert "Only this time." not in later


async def test_the_curated_page_is_for_private_sessions(bench: Bench, tmp_path: Path):
    await asked(bench, "hello", "r1")
    (work(tmp_path) / "MEMORY.md").write_text("The safe is behind the clock.")
    assert "behind the clock" in await asked(bench, "hello", "r2")
    assert "behind the clock" in (await heard(bench, "hello", conversation="bob")).system
    room = {"conversation": "kitchen", "kind": "group", "author": "ada"}
    system = (await heard(bench, "hello", "rooms", **room)).system
    assert "behind the clock" not in system and "Speak of food only." in system
    assert "NO_REPLY" in system
    key = "agent:main:idempotent:rooms:group:kitchen"
    assert "behind the clock" not in await asked(bench, "from the page", "r3", key)


async def test_a_helper_gets_two_files_and_a_short_prompt(bench: Bench, tmp_path: Path):
    await asked(bench, "hello", "r1")
    (work(tmp_path) / "MEMORY.md").write_text("The safe is behind the clock.")
    system = await asked(bench, "hello", "r2", "agent:main:subagent:7")
    assert "## AGENTS.md" in system and "## TOOLS.md" in system
    assert "## SOUL.md" not in system and "behind the clock" not in system


async def test_a_skill_is_listed_by_name_description_and_location_alone(
    bench: Bench, tmp_path: Path
):
    put_skill(tmp_path / "skills", "bread", "Bakes <bread> & rolls.")
    put_skill(tmp_path / "skills", "stones", "Turns stones.")
    system = await asked(bench, "hello", "r1")
    where = tmp_path / "skills/bread/SKILL.md"
    assert "<name>bread</name>" in system and "Bakes &lt;bread&gt; &amp; rolls." in system
    assert f"<location>{where}</location>" in system and "SECRET-BODY" not in system
    other = await asked(bench, "hello", "r2", "agent:other:main")
    assert "stones" in other and "bread" not in other


async def test_a_skill_is_read_as_it_was_when_the_run_began(bench: Bench, tmp_path: Path):
    file = put_skill(work(tmp_path) / "skills", "bread", "Bakes.", "old recipe")
    (work(tmp_path) / "AGENTS.md").write_text("Here already.")

    def script(request: ModelRequest) -> list[Any]:
        asked_for = len(results(request))
        if asked_for == 1:
            put_skill(work(tmp_path) / "skills", "bread", "Bakes better.", "new recipe")
        return (
            [call("read", f"c{asked_for}", path="skills/bread/SKILL.md")]
            if asked_for < 2
            else ["done"]
        )

    scripted(bench)._script = script
    await asked(bench, "bake", "r1")
    requests = scripted(bench).requests
    assert len({request.system for request in requests}) == 1
    assert all("old recipe" in text for text in results(requests[-1]))
    assert str(file.parent) in results(requests[-1])[0]
    assert "{baseDir}" not in results(requests[-1])[0]
    scripted(bench)._script = lambda request: ["done"]
    assert "Bakes better." in await asked(bench, "bake", "r2")


async def test_a_skills_variable_is_there_for_its_run_alone(bench: Bench, tmp_path: Path):
    """No waiting for time: the program is a real one."""
    file = put_skill(tmp_path / "skills", "bread")
    scripted(bench).on("bake", [call("exec", command="printenv OVEN")], ["done"])
    await ended(bench, "bake", "r1")
    assert "hot" in results(scripted(bench).requests[-1])[0]
    file.unlink()
    scripted(bench).on("bake", [call("exec", command="printenv OVEN")], ["done"])
    await ended(bench, "bake", "r2")
    assert "hot" not in results(scripted(bench).requests[-1])[-1]


async def said(bench: Bench, text: str, run: str) -> str:
    """A command of the operator, and its answer."""
    await bench.ask(text, run)
    await bench.app.engine.idle()
    [row] = await bench.rows("SELECT reply FROM runs WHERE id = ?", run)
    return str(row["reply"])


async def test_the_report_names_every_file_with_both_sizes(bench: Bench, tmp_path: Path):
    put_skill(tmp_path / "skills", "bread")
    await asked(bench, "hello", "r1")
    (work(tmp_path) / "AGENTS.md").write_text("x" * 30_000)
    answer = await said(bench, "/context", "r2")
    assert "`AGENTS.md`: 30,000 characters, 18,0" in answer and "(cut)" in answer
    assert "`SOUL.md`" in answer and "of 128,000 tokens" in answer
    document = await said(bench, "/context json", "r3")
    now: Mapping[str, Any] = json.loads(document.removeprefix("```json\n").removesuffix("\n```"))
    assert [skill["name"] for skill in now["skills"]] == ["bread"]
    assert "read" in [tool["name"] for tool in now["tools"]]
    assert scripted(bench).requests[-1].system.count("x") < now["system"]["chars"]
    assert "`session_status`" in await said(bench, "/context detail", "r4")


async def test_a_skill_is_used_by_its_name(bench: Bench, tmp_path: Path):
    put_skill(tmp_path / "skills", "bread", "Bakes.")
    put_skill(tmp_path / "skills", "hidden", more="user-invocable: false\n")
    put_skill(
        tmp_path / "skills",
        "status",
        more=("command-dispatch: tool\ncommand-tool: session_status\n"),
    )
    assert "`bread`: Bakes." in await said(bench, "/skill", "r1")
    assert "hidden" not in await said(bench, "/skill", "r2")
    await said(bench, "/skill bread with seeds", "r3")
    last = scripted(bench).requests[-1].entries[-1].text
    assert last.startswith("Use the skill bread: read ") and last.endswith("\n\nwith seeds")
    before = len(scripted(bench).requests)
    await said(bench, "/skill status", "r4")
    assert len(scripted(bench).requests) == before, "a tool's skill needs no model"
    assert '"sessionKey": "agent:main:main"' in (await bench.transcript("main"))[-1][1]
    assert "There is no skill `bred`. Did you mean `bread`?" in await said(
        bench, "/skill bred", "r5"
    )


async def test_any_number_of_hostile_skills_leaves_the_good_one(bench: Bench, tmp_path: Path):
    """Every file has one clear finding, and the run goes on."""
    folder = tmp_path / "skills"
    for number, text in enumerate(HOSTILE.values()):
        file = folder / f"bad{number}" / "SKILL.md"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    put_skill(folder, "bread")
    system = await asked(bench, "hello", "r1")
    assert system.count("<skill>") == 1
    rows = await bench.app.world.skills("main")
    assert [row["name"] for row in rows if row["ready"]] == ["bread"]
    assert len(rows) == len(HOSTILE) + 1 > 50
    assert all(10 < len(row["reason"]) < 500 for row in rows if not row["ready"])
