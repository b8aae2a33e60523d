"""Changes of a task in natural words: what nothing fits is the new prompt, a slip is refused."""

from typing import Any

import pytest

from bot.errors import RequestError
from bot.schedule.edits import Edit, read_edit
from bot.schedule.flags import Flags, apply
from bot.schedule.terms import Policy

SCHEDULES = {"every 30m", "hourly", "every monday and friday"}


def schedule(text: str) -> str | None:
    return text if text.lower() in SCHEDULES else None


def spec(text: str) -> str | None:
    return text if text.startswith("every 1h ") else None


def policy(**changes: Any) -> Edit:
    return Edit(flags=Flags(policy=changes))


def stop(**changes: Any) -> Edit:
    return Edit(flags=Flags(stop=changes))


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("every 30m", Edit(schedule="every 30m")), ("hourly", Edit(schedule="hourly")),
        ("every monday and friday", Edit(schedule="every monday and friday")),
        ("send here", Edit(here=True)), ("Deliver it here.", Edit(here=True)),
        ("no delivery", Edit(flags=Flags(delivery={"mode": "none"}))),
        ("use cheap check", policy(mode="cheap", escalate=True)),
        ("use a strong model", policy(mode="strong", model=None)),
        ("use no model", policy(mode="text", model=None)), ("skill only", policy(mode="skill")),
        ("skill only health", policy(mode="skill", tool="health")),
        ("openai/gpt-5", policy(model="openai/gpt-5")), ("use ollama/q:7b",
        policy(model="ollama/q:7b")),
        ("escalate to a/b", policy(escalate=True, escalation_model="a/b")),
        ("never escalate", policy(escalate=False)), ("stop after success", stop(on_success=True)),
        ("stop after 3 runs", stop(max_runs=3)), ("stop after one run", stop(max_runs=1)),
        ("stop after 2 successes", stop(max_successes=2)),
        ("rename to My watch", Edit(name="My watch")), ('Rename it to "X"', Edit(name="X")),
        ("prompt do this and that", Edit(prompt="do this and that")),
        ("prompt: every 30m", Edit(prompt="every 30m")),
        ("every 30m and send here", Edit(schedule="every 30m", here=True)),
        ("hourly; openai/gpt-5; stop after 3 runs",
         Edit("hourly", flags=Flags(policy={"model": "openai/gpt-5"}, stop={"max_runs": 3}))),
        ("every 30m --max-cost 1", Edit("every 30m", flags=Flags(policy={"max_cost": 1.0}))),
        ("--mode strong", policy(mode="strong")),
        ("every 1h Watch: look", Edit(spec="every 1h Watch: look")),
        ("Watch: look at it", Edit(name="Watch", prompt="look at it")),
        ("look at https://example.org", Edit(prompt="look at https://example.org")),
        ("look here and send a poem", Edit(prompt="look here and send a poem")),
    ],
)  # fmt: skip
def test_each_form(text: str, edit: Edit):
    assert read_edit(text, schedule, spec) == edit


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "send hre", "use cheep check", "stop after 0 runs", "hourly; every 30m",
        "send here and no delivery", "send here --channel x", "use no model; use cheap check",
        f"rename to {'x' * 65}", "--mode best",
    ],
)  # fmt: skip
def test_what_is_unclear_is_asked_about_and_changes_nothing(text: str):
    with pytest.raises(RequestError) as refused:
        read_edit(text, schedule, spec)
    assert refused.value.code == "INVALID_PARAMS"


def test_a_fixed_tool_must_be_named():
    with pytest.raises(RequestError, match="--tool"):
        apply(read_edit("skill only", schedule).flags, Policy())
    assert apply(read_edit("skill only health", schedule).flags, Policy()).tool == "health"
