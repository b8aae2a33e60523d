"""Each point has one place in the core where its hooks are called, and a test that hears of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.hooks.table import EVENTS, POINTS
from tests.rules.source import ROOT, Source, sources

# What the core calls, and from where. A line is written where it is made, and each is one place.
CALLS = {
    "before_run": ["bot/turn.py"],
    "session_start": ["bot/turn.py"],
    "agent_end": ["bot/turn.py"],
    "llm_input": ["bot/inference.py"],
    "llm_output": ["bot/inference.py"],
    "dressed": ["bot/inference.py"],
    "before_compaction": ["bot/compaction.py"],
    "after_compaction": ["bot/compaction.py"],
    "before_tool_call": ["bot/tools/perform.py"],
    "after_tool_call": ["bot/tools/perform.py"],
    "tool_result_persist": ["bot/tools/perform.py"],
    "before_message_write": [
        "bot/claims.py",
        "bot/claims.py",
        "bot/inference.py",
        "bot/tools/perform.py",
        "bot/turn.py",
    ],
    "message_received": ["bot/inbound.py"],
    "message_sending": ["bot/delivery.py"],
    "message_sent": ["bot/delivery.py"],
    "before_reset": ["bot/sessions.py"],
    "session_end": ["bot/sessions.py"],
    "command": ["bot/control.py"],
    "bootstrap": ["bot/context/gather.py"],
    "subagent_spawning": ["bot/subsessions.py"],
    "subagent_delivery_target": ["bot/subsessions.py"],
    "subagent_spawned": ["bot/subsessions.py"],
    "gateway_start": ["bot/app.py"],
    "gateway_stop": ["bot/app.py"],
}
# Fired inside another method: from the first steps of a run, and from its end.
INSIDE = {
    "before_model_resolve": "before_run",
    "before_prompt_build": "before_run",
    "before_agent_start": "before_run",
    "subagent_ended": "agent_end",
}
TESTS = Path(__file__).parents[1] / "scenarios"


def called(source: Source) -> Iterator[str]:
    for _, name in source.calls():
        parts = name.lstrip("_").split(".")
        if "hooks" in [part.lstrip("_") for part in parts[:-1]] and parts[-1] in CALLS:
            yield parts[-1]


def core() -> list[Source]:
    return [one for one in sources("bot") if not one.path.startswith("bot/hooks/")]


def test_every_call_of_the_core_is_where_it_is_said_to_be():
    found: dict[str, list[str]] = {}
    for source in core():
        for name in called(source):
            found.setdefault(name, []).append(source.path)
    assert {name: sorted(places) for name, places in found.items()} == CALLS


def test_every_point_is_called():
    assert set(POINTS) - set(CALLS) == set(INSIDE)
    text = (ROOT / "bot/hooks/points.py").read_text("utf-8")
    methods = {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for point, method in INSIDE.items():
        assert point in methods[method], point


@pytest.mark.parametrize("point", sorted(POINTS))
def test_every_point_is_heard_by_a_test(point: str):
    tests = (TESTS / "test_hooks.py").read_text("utf-8")
    assert re.search(rf'(heard|contexts)\("{point}"\)|answer\(\s*{point}=', tests), point


@pytest.mark.parametrize("name", [*POINTS, *EVENTS])
def test_every_hook_is_documented(name: str):
    assert f"`{name}`" in (ROOT / "docs/hooks.md").read_text("utf-8")


def test_a_second_call_would_be_seen():
    line = "self._hooks.agent_end(turn)"
    assert list(called(Source("bot/x.py", line))) == ["agent_end"]
    assert list(called(Source("bot/x.py", "other.agent_end(turn)"))) == []
