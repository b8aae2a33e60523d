"""`/verbose`: whether the tools that are used are shown."""

from bot.types import CommandContext
from commands.levels import level
from commands.registry import command

MEANINGS = {
    "off": "tools work unseen",
    "on": "each tool that starts is shown in a line",
    "full": "each tool is shown with what it gave",
}


@command(
    "verbose",
    aliases=("v",),
    usage="/verbose [off | on | full]",
    examples=("/verbose on",),
    group="Agents and models",
)
async def verbose(ctx: CommandContext) -> str:
    """Show the tools that are used, or with `full` what they gave too."""
    return await level(ctx, "verbose", {name: name for name in MEANINGS}, MEANINGS)
