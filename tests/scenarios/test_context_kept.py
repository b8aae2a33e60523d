"""What a run sees is looked at again when something has changed, and only then."""

import asyncio
from pathlib import Path

import pytest

from bot.context import watch
from bot.context.bootstrap import FILES
from bot.testing.running import Bench
from tests.scenarios.test_context import asked, bench, put_skill, work

__all__ = ["bench"]


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every file had been there for long; else a look within seconds is not kept."""
    monkeypatch.setattr(watch, "SETTLED", -3_600_000_000_000)


async def test_what_has_not_changed_is_kept(bench: Bench):
    await asked(bench, "hello", "r1")
    one, two = [await bench.app.scenes._seen("main", FILES) for _ in range(2)]
    assert one.files and one is two


async def test_runs_that_begin_together_look_once(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    await asked(bench, "hello", "r1")
    looks: list[str] = []
    look = watch._state
    monkeypatch.setattr(watch, "_state", lambda path: looks.append(path) or look(path))
    await asyncio.gather(*(bench.app.scenes._seen("main", FILES) for _ in range(5)))
    together = list(looks)
    await bench.app.scenes._seen("main", FILES)
    assert len(set(together)) == len(together) and looks == together * 2


@pytest.mark.parametrize("place", ["workspaces/main/skills", "skills"])
async def test_every_change_counts_at_the_next_run(bench: Bench, tmp_path: Path, place: str):
    folder = work(tmp_path)
    first = await asked(bench, "hello", "r1")
    assert await asked(bench, "hello", "r2") == first
    (folder / "SOUL.md").write_text("Speak in rhymes.")
    assert "Speak in rhymes." in await asked(bench, "hello", "r3")
    (folder / "SOUL.md").unlink()
    assert "[SOUL.md is missing]" in await asked(bench, "hello", "r4")
    file = put_skill(tmp_path / place, "bread", "Bakes bread")
    assert "Bakes bread" in await asked(bench, "hello", "r5")
    file.write_text(file.read_text().replace("Bakes", "Burns"))
    assert "Burns bread" in await asked(bench, "hello", "r6")
    file.unlink()
    assert "Burns bread" not in await asked(bench, "hello", "r7")
    file.write_text("---\nname: bread\ndescription: Toasts bread\n---\nText\n")
    assert "Toasts bread" in await asked(bench, "hello", "r8")


async def test_a_skill_counts_once_its_program_is_there(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    needs = 'metadata: {"trunkline": {"requires": {"bins": ["an-oven"]}}}\n'
    put_skill(work(tmp_path) / "skills", "bread", "Bakes bread", more=needs)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert "Bakes bread" not in await asked(bench, "hello", "r1")
    assert "Bakes bread" not in await asked(bench, "hello", "r2")
    program = tmp_path / "bin" / "an-oven"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert "Bakes bread" in await asked(bench, "hello", "r3")
