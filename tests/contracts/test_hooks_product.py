"""Hooks in the real program: listed in a terminal, started and stopped with the process."""

import json
from pathlib import Path

import pytest

from tests.contracts.cli_support import Trunkline

LIFE = """
import json
from pathlib import Path

DIARY = Path(__file__).with_name("diary")


async def gateway_start(event, ctx):
    with DIARY.open("a") as file:
        file.write(json.dumps({"start": event}) + "\\n")


async def gateway_stop(event, ctx):
    with DIARY.open("a") as file:
        file.write(json.dumps({"stop": event}) + "\\n")
"""


@pytest.fixture
def hooks(tmp_path: Path) -> Path:
    folder = tmp_path / "hooks"
    folder.mkdir()
    (folder / "life.py").write_text(LIFE)
    return folder


@pytest.fixture
def trunkline(tmp_path: Path, hooks: Path) -> Trunkline:
    one = Trunkline(tmp_path / "home")
    one.config(f"hooks: {{dirs: [{hooks}]}}\n")
    return one


def test_one_start_and_one_stop_for_each_life_of_the_process(trunkline: Trunkline, hooks: Path):
    with trunkline.up() as running:
        listed = trunkline.json("hooks", "list")["hooks"]
        code, _, _ = running.stop()
    assert code == 0
    start, stop = map(json.loads, (hooks / "diary").read_text().splitlines())
    assert start == {"start": {"port": int(running.url.rpartition(":")[2])}}
    assert stop == {"stop": {"reason": "stopped"}}
    [life] = [row for row in listed if row["name"] == "life"]
    assert life["ready"] and life["events"] == ["gateway_start", "gateway_stop"]


def test_hooks_are_listed_with_the_reason_why_not(trunkline: Trunkline, hooks: Path):
    (hooks / "broken.py").write_text("def before_tool_call(\n")
    shown = trunkline.ok("hooks", "list")
    assert "life" in shown and "session-memory" in shown
    [row] = [one for one in trunkline.json("hooks", "list")["hooks"] if one["name"] == "broken"]
    assert not row["ready"] and "SyntaxError" in row["reason"]
    assert not (hooks / "diary").exists(), "looking is not living"


def test_a_plugin_that_is_not_there_is_one_clear_sentence(trunkline: Trunkline):
    trunkline.config("plugins: [nosuch]\n")
    done = trunkline.run("hooks", "list")
    assert done.returncode != 0 and "nosuch" in done.stderr and "Traceback" not in done.stderr
