"""What fills the prompt, part by part; pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bot import tokens
from bot.context.scene import AgentPrompt, Asked, Scene
from bot.context.sections import offered, sections
from bot.types import ToolSpec


def report(
    agent: AgentPrompt,
    scene: Scene,
    asked: Asked,
    specs: Sequence[ToolSpec],
    *,
    used: int,
    limit: int,
) -> dict[str, Any]:
    """Every part of a request before its conversation, with sizes in characters and tokens.

    `used` are the tokens of the session's last request, `limit` those that the model can see.
    """
    parts = sections(agent, scene, asked)
    tools = [_tool(spec) for spec in specs]
    system = "\n\n".join(part.text for part in parts)
    return {
        "mode": scene.mode,
        "model": asked.model,
        "used": used,
        "limit": limit,
        "system": _size(system),
        "sections": [{"name": part.name, **_size(part.text)} for part in parts],
        "files": [
            {
                "name": file.name,
                "state": file.state,
                "rawChars": file.raw,
                "injectedChars": len(file.text),
                "tokens": tokens.of_text(file.text),
            }
            for file in scene.files
        ],
        "skills": [
            {"name": skill.name, "rawChars": len(skill.text), **_size(lines)}
            for skill, lines in offered(scene.skills)
        ],
        "tools": tools,
        "toolTokens": sum(tool["tokens"] for tool in tools),
    }


def _size(text: str) -> dict[str, int]:
    return {"chars": len(text), "tokens": tokens.of_text(text)}


def _tool(spec: ToolSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "descriptionChars": len(spec.description),
        "schemaChars": len(json.dumps(spec.schema)),
        "tokens": tokens.of_tools([spec]),
    }
