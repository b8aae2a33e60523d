"""Writes down what every hook hears, and answers what a file of rules says."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

PRIORITY = 10

Json = dict[str, Any]

_HEARING = (  # noqa: SIM905
    "before_model_resolve before_prompt_build before_agent_start llm_input llm_output agent_end "
    "before_compaction after_compaction before_reset before_tool_call after_tool_call "
    "message_received message_sending message_sent session_start session_end subagent_spawning "
    "subagent_delivery_target subagent_spawned subagent_ended gateway_start gateway_stop"
).split()


def _note(hook: str, event: Json, ctx: Json) -> Any:
    """Write a line, then do what the rules say: an answer, `raise`, or `hang`."""
    with Path(os.environ["DIARY"]).open("a", encoding="utf-8") as diary:
        diary.write(json.dumps({"hook": hook, "event": event, "ctx": ctx}) + "\n")
    # What a hook does to its copy changes nothing for anybody else.
    rules = Path(os.environ["RULES"])
    answer = json.loads(rules.read_text("utf-8")).get(hook) if rules.is_file() else None
    event.clear()
    if answer == "raise":
        raise ValueError("the rules say so")
    return answer


def _hearing(hook: str) -> Callable[[Json, Json], Awaitable[Any]]:
    async def hear(event: Json, ctx: Json) -> Any:
        answer = _note(hook, event, ctx)
        if answer == "hang":
            await asyncio.Event().wait()
        return answer

    return hear


for _hook in _HEARING:
    globals()[_hook] = _hearing(_hook)


def tool_result_persist(event: Json, ctx: Json) -> Any:
    answer = _note("tool_result_persist", event, ctx)
    return _later() if answer == "coroutine" else answer


def before_message_write(event: Json, ctx: Json) -> Any:
    answer = _note("before_message_write", event, ctx)
    return _later() if answer == "coroutine" else answer


async def _later() -> Json:
    return {"block": True, "message": {"content": "too late"}}
