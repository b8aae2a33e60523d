"""The program's log as it is written: never what the variables of a failed call held."""

import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "hunter2-in-a-local-variable"
# A process of its own: structlog is set up once for each.
PROGRAM = """
import sys

if sys.argv[1] == "unset":
    sys.modules["rich"] = None  # as bot.cli does before it runs a verb
from pathlib import Path

import structlog

from bot.cli import journal
from bot.config.load import load_text

def fails(password):
    copy = {"again": password}
    raise ValueError("no such door", len(copy))

if sys.argv[1] != "unset":
    text = f"logging: {{format: {sys.argv[1]}, level: debug}}"
    journal.start(load_text(text, "config.yaml", {}, {}), Path(sys.argv[2]))
log = structlog.get_logger("probe")
try:
    fails("-".join(["hunter2", "in", "a", "local", "variable"]))
except ValueError as error:
    log.error("it failed", exc_info=error)
    log.error("again", exc_info=True)
    log.exception("and again")
"""


@pytest.mark.parametrize("form", ["text", "json", "auto", "unset"])
def test_a_logged_failure_shows_no_variables(tmp_path: Path, form: str):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, form, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    kept = "".join(one.read_text() for one in tmp_path.rglob("*.jsonl"))
    written = done.stdout + done.stderr + kept
    assert "it failed" in written and "and again" in written
    assert "no such door" in written, "where it failed is told"
    assert SECRET not in written
