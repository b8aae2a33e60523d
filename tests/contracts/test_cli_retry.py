"""`/retry` in the terminal: a command whose answer is the answer of the next run."""

import json
from pathlib import Path

import pytest

from tests.contracts.cli_support import Trunkline


@pytest.mark.parametrize("served", [False, True])
def test_the_terminal_waits_for_what_is_asked_again(tmp_path: Path, served: bool):
    trunkline = Trunkline(tmp_path / "home")

    def ask() -> None:
        assert trunkline.ok("chat", "-m", "[[demo text three]]") == "three\n"
        again = json.loads(trunkline.ok("chat", "-m", "/retry", "--json"))
        assert (again["status"], again["reply"]) == ("ok", "three")
        shown = trunkline.json("sessions", "show", "main")["messages"]
        assert [one["text"] for one in shown if one["role"] == "assistant"] == ["three"] * 2

    if not served:
        ask()
        return
    with trunkline.up():
        ask()
