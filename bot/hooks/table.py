"""The points where hooks run: how their answers are merged, and which of them are policy.

Pure. Names and rules are those of the specification; `true` in a decision is final, `false` is no
decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Merge = Literal["asked", "told", "at once"]


@dataclass(frozen=True, slots=True)
class Point:
    """How a point treats its handlers.

    `asked`: one after the other, their answers count. `told`: all beside each other, answers are
    not read. `at once`: plain functions, one after the other, while something is stored.
    `policy`: what a handler fails to decide is refused.
    """

    merge: Merge
    policy: bool = False


POINTS: Mapping[str, Point] = {
    "before_model_resolve": Point("asked", policy=True),
    "before_prompt_build": Point("asked"),
    "before_agent_start": Point("asked"),
    "llm_input": Point("told"),
    "llm_output": Point("told"),
    "agent_end": Point("told"),
    "before_compaction": Point("told"),
    "after_compaction": Point("told"),
    "before_reset": Point("told"),
    "before_tool_call": Point("asked", policy=True),
    "after_tool_call": Point("told"),
    "tool_result_persist": Point("at once"),
    "before_message_write": Point("at once"),
    "message_received": Point("told"),
    "message_sending": Point("asked"),
    "message_sent": Point("told"),
    "session_start": Point("told"),
    "session_end": Point("told"),
    "subagent_spawning": Point("asked", policy=True),
    "subagent_delivery_target": Point("asked"),
    "subagent_spawned": Point("told"),
    "subagent_ended": Point("told"),
    "gateway_start": Point("told"),
    "gateway_stop": Point("told"),
}
POLICY = tuple(name for name, point in POINTS.items() if point.policy)

# What the handlers of folders hear; `command` stands for every command, as `command:new` for one.
EVENTS = (
    "command",
    "agent:bootstrap",
    "gateway:startup",
    "gateway:shutdown",
    "message:received",
    "message:sent",
)


def is_event(name: str) -> bool:
    """Is this an event that a folder's handler may name?"""
    kind, _, action = name.partition(":")
    return name in EVENTS or (kind == "command" and bool(action))
