"""`/commands`: all there is, with a line for each."""

from bot.types import CommandContext
from commands.help import grouped, visible
from commands.registry import command


@command("commands", group="About")
async def show_commands(ctx: CommandContext) -> str:
    """List every command with a line about it."""
    blocks = []
    for group, infos in grouped(visible(ctx)).items():
        lines = [f"- /{info.name}: {info.help}" for info in infos]
        blocks.append("\n".join((f"**{group}**", "", *lines)))
    return "\n\n".join(blocks)
