"""`/agent`: who answers in this conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.errors import RequestError
from bot.types import Answer, CommandContext
from commands.registry import command
from commands.words import SubCommand, code, did_you_mean, dispatch


@command(
    "agent",
    usage="/agent [list | current | switch NAME]",
    examples=("/agent", "/agent list", "/agent switch support"),
    group="Agents and models",
)
async def agent(ctx: CommandContext) -> Answer | str:
    """Show, list or switch the agent of this conversation."""
    return await dispatch(ctx, "agent", SUBS, bare="current")


async def listing(ctx: CommandContext, rest: str) -> str:
    """Every agent, the one that answers here marked."""
    return "\n".join(_line(row, ctx.agents.current) for row in ctx.agents.list())


async def current(ctx: CommandContext, rest: str) -> str:
    """The agent that answers here."""
    return f"Agent {code(ctx.agents.current)}. `/agent list` shows all."


async def switch(ctx: CommandContext, name: str) -> str:
    """Let another agent answer in this conversation, from now on."""
    if ctx.web:
        return "Here the agent is picked beside the chat, so `/agent switch` does nothing."
    if not (ctx.direct or ctx.owner):
        return "Only an owner can switch the agent outside direct chats."
    if not name:
        return "Name it too: `/agent switch NAME`. `/agent list` shows all."
    try:
        return f"Agent {code(await ctx.agents.switch(name))} answers here from now on."
    except RequestError as error:
        if error.code != "NOT_FOUND":
            raise
        ids = [str(row["id"]) for row in ctx.agents.list()]
        return f"No agent is called {code(name)}.{did_you_mean(name, ids)} `/agent list` shows all."


SUBS: dict[str, SubCommand] = {"list": listing, "current": current, "switch": switch}


def _line(row: Mapping[str, Any], current: str) -> str:
    name = f" {row['name']}" if row.get("name") else ""
    marks = [
        word
        for word, given in (
            ("current", row["id"] == current),
            ("default", row.get("default")),
            ("disabled", not row.get("enabled", True)),
        )
        if given
    ]
    marked = f" ({', '.join(marks)})" if marks else ""
    return f"- {code(row['id'])}{name}{marked}"
