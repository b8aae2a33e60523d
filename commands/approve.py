"""`/approve`: let something run that waits for a yes, or not."""

from __future__ import annotations

from bot.types import Answer, CommandContext
from commands.registry import command
from commands.words import code, one_of

DECISIONS = ("allow-once", "allow-session", "allow-always", "deny")
_SAID = {
    "allow-once": "Allowed once",
    "allow-session": "Allowed for this session",
    "allow-always": "Allowed for always",
    "deny": "Denied",
}


@command(
    "approve",
    usage="/approve [ID allow-once|allow-session|allow-always|deny]",
    examples=("/approve 4F7K allow-once", "/approve 4F7K deny"),
)
async def approve(ctx: CommandContext) -> Answer | str:
    """Decide what waits for approval; without arguments, list it. Owners alone: allow-always."""
    words = ctx.args.split()
    if not words:
        return await _listing(ctx)
    if len(words) != 2 or words[1].lower() not in DECISIONS:
        return f"Write `/approve {words[0][:40].replace('`', '')}` and {one_of(DECISIONS)}."
    row = await ctx.approvals.decide(words[0], words[1].lower())
    if ctx.message.action is not None:
        return ""  # the card that was pressed becomes the outcome
    return f"{_SAID[str(row['decision'])]}: {code(row['command'])}"


async def _listing(ctx: CommandContext) -> str:
    rows = await ctx.approvals.pending()
    if not rows:
        return "Nothing waits for approval here."
    lines = [f"- {row['code']}: {row['tool']} {code(row['command'])}" for row in rows]
    return "\n".join(["Waiting for a decision (`/approve ID allow-once` or `deny`):", *lines])
