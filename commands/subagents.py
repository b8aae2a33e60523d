"""`/subagents`: the helpers that work for this chat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.types import Answer, CommandContext
from commands.registry import command
from commands.words import SubCommand, code, count, dispatch, first_word

SHOWN = 20
NONE = "No helper was started here."


@command(
    "subagents",
    usage="/subagents [list | info ID | log ID | kill ID | send ID TEXT]",
    examples=("/subagents", "/subagents log 1", "/subagents kill all"),
    group="Sessions",
)
async def subagents(ctx: CommandContext) -> Answer | str:
    """List this chat's helpers, look at one, tell it something, or stop it (or `all`)."""
    return await dispatch(ctx, "subagents", SUBS, bare="list")


async def listing(ctx: CommandContext, rest: str) -> str:
    """The helpers, newest first."""
    rows = await ctx.subagents.list()
    lines = [f"{row['number']}. {code(row['label'])} {_state(row)}" for row in rows[:SHOWN]]
    if len(rows) > SHOWN:
        lines.append(f"\n… and {len(rows) - SHOWN} more.")
    return "\n".join(lines) or NONE


async def info(ctx: CommandContext, name: str) -> str:
    """One helper: its task, how it went, what it said."""
    row = await ctx.subagents.find(name)
    lines = [
        f"{code(row['label'])} {_state(row)}",
        f"Task: {code(row['task'])}",
        f"Session: {code(row['sessionKey'])}",
    ]
    return "\n".join([*lines, f"\n{row['result']}"] if row["result"] else lines)


async def log(ctx: CommandContext, name: str) -> str:
    """What was said in a helper's session last."""
    row = await ctx.subagents.find(name)
    lines = [f"{one['role']}: {code(one['text'])}" for one in await ctx.subagents.log(row)]
    return "\n\n".join(lines) or "Nothing was said there yet."


async def kill(ctx: CommandContext, name: str) -> str:
    """Stop a helper, or all, with what they started themselves."""
    if name.lower() == "all":
        stopped = await ctx.subagents.kill(await ctx.subagents.list())
    else:
        stopped = await ctx.subagents.kill([await ctx.subagents.find(name)])
    return f"Stopped {count(stopped, 'helper', 'helpers')}." if stopped else "None was at work."


async def send(ctx: CommandContext, rest: str) -> str:
    """Say something to a helper; what it answers is reported here."""
    name, text = first_word(rest)
    if not text:
        return "Say it too: `/subagents send ID TEXT`."
    row = await ctx.subagents.find(name)
    await ctx.subagents.send(row, text)
    return f"Told {code(row['label'])}. Its answer comes here."


SUBS: dict[str, SubCommand] = {
    "list": listing,
    "info": info,
    "log": log,
    "kill": kill,
    "send": send,
}


def _state(row: Mapping[str, Any]) -> str:
    report = f", result {row['report']}" if row["report"] else ""
    return f"{row['status']} ({row['seconds']:g} s{report})"
