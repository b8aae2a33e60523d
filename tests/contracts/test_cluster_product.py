"""The real program on PostgreSQL: one process, then two that share everything."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.cli_support import Trunkline
from tests.contracts.cluster_kit import ask
from tests.contracts.postgres_kit import database


@pytest.fixture
def empty() -> Iterator[str]:
    with database(empty=True) as made:
        yield made


def machine(folder: Path, url: str) -> Trunkline:
    """A home of its own, as on another machine, with the same store."""
    folder.mkdir()
    made = Trunkline(folder / "home")
    made.config(f'store: {{url: "{url}"}}\n')
    return made


def test_the_program_answers_on_postgresql(tmp_path: Path, empty: str):
    one = machine(tmp_path / "one", empty)
    answer = json.loads(one.ok("chat", "-m", "hello", "--json"))
    assert (answer["status"], answer["sessionKey"]) == ("ok", "agent:main:main")
    with one.up() as running:
        assert "hello again" in one.ok("chat", "-m", "hello again")
        code, out, _ = running.stop()
        assert (code, out) == (0, "")
    shown = one.json("sessions", "show", "main")
    assert [line["role"] for line in shown["messages"]] == ["user", "assistant"] * 2


def test_two_processes_share_sessions_and_each_message_is_answered_once(tmp_path: Path, empty: str):
    one, two = machine(tmp_path / "one", empty), machine(tmp_path / "two", empty)
    with one.up() as first, two.up() as second:
        for number in range(3):
            for name, here in (("one", one), ("two", two)):
                text = f"{name} {number}"
                run = json.loads(here.ok("agent", "--message", f"[[demo text {text}]]", "--json"))
                assert (run["status"], run["reply"]) == ("ok", text)
        assert second.stop()[0] == 0
        assert "still here" in one.ok("chat", "-m", "still here")
        assert first.stop()[0] == 0
    shown = [line["role"] for line in one.json("sessions", "show", "main")["messages"]]
    assert shown == ["user", "assistant"] * 7
    assert ask(empty, "SELECT count(*) AS n FROM runs WHERE state = 'ok'") == [{"n": 7}]


def test_a_store_that_is_away_is_one_line(tmp_path: Path):
    one = machine(tmp_path / "one", "postgresql://bob:hunter2@127.0.0.1:1/trunkline")
    done = one.run("chat", "-m", "hello")
    assert done.returncode != 0
    assert "check store.url" in done.stderr
    assert "hunter2" not in done.stderr and "Traceback" not in done.stderr
