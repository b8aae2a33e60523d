"""`/status`: the values that the next run will use, and what this session has used so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.types import CommandContext
from commands.registry import command
from commands.words import code, count


@command("status", group="About")
async def status(ctx: CommandContext) -> str:
    """Show version, agent, session, model, context, queue and usage."""
    now = await ctx.runs.status()
    rows = {
        "Version": str(now["version"]),
        "Agent": code(now["agent"]),
        "Session": f"{code(now.get('label') or 'Main')} {code(now['sessionKey'])}",
        "Model": _model(now),
        "Thinking": f"{_level(now, 'thinking')}, verbose {_level(now, 'verbose')}, "
        f"reasoning {_level(now, 'reasoning')}",
        "Context": _context(now),
        "Compactions": str(now.get("compactions") or 0),
        "Queue": _queue(now),
        "Usage": _usage(now),
    }
    return "\n".join(f"- {label}: {value}" for label, value in rows.items())


def _model(now: Mapping[str, Any]) -> str:
    if not now.get("model"):
        return "none"
    source = f" ({now['modelSource']})" if now.get("modelSource") else ""
    model = f"{code(now['model'])}{source}{', demo model, no AI' if now.get('demo') else ''}"
    if not now.get("because"):
        return model
    other = f"; {code(now['standsIn'])} answers in its place" if now.get("standsIn") else ""
    return f"{model}, cannot be asked now: {now['because']}{other}"


def _level(now: Mapping[str, Any], name: str) -> str:
    return str(now.get(name) or "off")


def _context(now: Mapping[str, Any]) -> str:
    used, limit = now.get("contextUsed") or 0, now.get("contextLimit")
    if not limit:
        return f"{used:,} tokens, limit unknown"
    return f"{used:,} of {limit:,} tokens ({used / limit:.0%})"


def _queue(now: Mapping[str, Any]) -> str:
    running = "running" if now.get("running") else "idle"
    return f"{now.get('queueMode') or 'collect'}, {running}, {now.get('queued') or 0} waiting"


def _usage(now: Mapping[str, Any]) -> str:
    tokens = (
        f"{count(now.get('inputTokens') or 0, 'token', 'tokens')} in, "
        f"{now.get('outputTokens') or 0:,} out"
    )
    return tokens if now.get("cost") is None else f"{tokens}, ${now['cost']:.4f}"
