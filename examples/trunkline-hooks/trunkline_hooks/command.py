"""A command that other packages may take as a pattern."""

from bot.types import CommandContext
from commands.registry import command


@command("diary")
async def diary(ctx: CommandContext) -> str:
    """Say whose diary this is."""
    return f"The diary of {ctx.requester}."
