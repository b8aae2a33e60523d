"""`/retry`: ask again what was asked last."""

from __future__ import annotations

from collections.abc import Sequence

from bot.types import Answer, CommandContext, Entry
from commands.catalogue import find, named, pick, refusal
from commands.registry import command
from commands.words import GREETING

NOTHING = "You have not asked anything in this session yet."


@command(
    "retry",
    usage="/retry [MODEL]",
    examples=("/retry", "/retry openai/gpt-5"),
    group="Sessions",
)
async def retry(ctx: CommandContext) -> Answer | str:
    """Ask again what you asked last; with a model, that one answers here from now on."""
    asked = last_of(ctx, await ctx.sessions.history())
    if asked is None:
        return NOTHING
    word = ctx.args.strip()
    if word:
        rows = ctx.agents.models()
        row = find(word, rows) or named(word, rows)
        if row is None:
            return refusal(word, rows)
        if refused := await pick(ctx, str(row["ref"])):
            return refused
    return Answer("", then=asked)


def last_of(ctx: CommandContext, history: Sequence[Entry]) -> str | None:
    """The last words of whoever types this, not those that other sessions said in their name."""
    for entry in reversed(history):
        mine = entry.author is not None and entry.author.id == ctx.message.author.id
        own = mine and "source" not in (entry.origin or {})
        # The greeting that `/new` asks for in somebody's name is nobody's question.
        if entry.role == "user" and own and entry.text not in ("", GREETING):
            return entry.text
    return None
