"""`/reset`: an empty history under the same name; what was said before is kept in the archive."""

from bot.types import Answer, CommandContext
from commands.registry import command
from commands.words import GREETING


@command("reset", usage="/reset [TEXT]", examples=("/reset", "/reset Let us plan a trip"))
async def reset(ctx: CommandContext) -> Answer:
    """Empty this session's history; TEXT is the first message after it."""
    await ctx.sessions.reset("reset")
    return Answer("Session reset.", then=ctx.args.strip() or GREETING)
