"""`/think`: how much the model thinks before it answers."""

from bot.types import CommandContext
from commands.levels import level
from commands.registry import command

MEANINGS = {
    "off": "it answers at once",
    "minimal": "it hardly thinks first",
    "low": "it thinks a little first",
    "medium": "it thinks first",
    "high": "it thinks long before it answers",
}
ALIASES = ("max", "highest", "xhigh", "x-high", "extrahigh", "extra-high")
LEVELS = {**{name: name for name in MEANINGS}, **dict.fromkeys(ALIASES, "high")}


@command(
    "think",
    aliases=("thinking", "t"),
    usage="/think [off | minimal | low | medium | high]",
    examples=("/think", "/think high", "/think low What is the capital of Peru"),
    group="Agents and models",
)
async def think(ctx: CommandContext) -> str:
    """Show or set how much the model thinks; before a text, for that message only."""
    return await level(ctx, "thinking", LEVELS, MEANINGS)
