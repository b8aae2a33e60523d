"""`/reasoning`: whether the model's reasoning is shown."""

from bot.types import CommandContext
from commands.levels import level
from commands.registry import command

MEANINGS = {
    "off": "reasoning is not shown",
    "on": "reasoning is a message of its own before the answer",
    "stream": "reasoning is seen while it grows, and not in the answer",
}


@command(
    "reasoning",
    aliases=("reason",),
    usage="/reasoning [off | on | stream]",
    examples=("/reasoning on",),
    group="Agents and models",
)
async def reasoning(ctx: CommandContext) -> str:
    """Show the model's reasoning beside its answers, or only while it thinks."""
    return await level(ctx, "reasoning", {name: name for name in MEANINGS}, MEANINGS)
