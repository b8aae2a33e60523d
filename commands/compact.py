"""`/compact`: sum up what was said, so that the model has room again."""

from bot.types import Answer, CommandContext
from commands.registry import command


@command(
    "compact",
    usage="/compact [WHAT TO KEEP]",
    examples=("/compact", "/compact keep the travel dates"),
    group="Sessions",
)
async def compact(ctx: CommandContext) -> Answer:
    """Sum up the older part of this session for the model; nothing is deleted."""
    return Answer("", work="compact")
