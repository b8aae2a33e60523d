"""`/help`: one phone screen, beginning with what helps most at the moment."""

from __future__ import annotations

from collections.abc import Sequence

from bot.types import CommandContext, CommandInfo
from commands.registry import command
from commands.words import code, did_you_mean, first_word

# With the hint, the footer and blank lines around them this keeps help within twelve lines.
GROUPS_SHOWN = 6


@command("help", usage="/help [COMMAND]", examples=("/help", "/help session"), group="About")
async def show_help(ctx: CommandContext) -> str:
    """Show what you can do here, or how to use one command."""
    word, _ = first_word(ctx.args)
    if word:
        return _one(visible(ctx), word.lstrip("/!").lower())
    lines = [await _hint(ctx), ""]
    groups = list(grouped(visible(ctx)).items())
    for group, infos in groups[:GROUPS_SHOWN]:
        lines.append(f"- {group}: {', '.join(f'/{info.name}' for info in infos)}")
    return "\n".join((*lines, "", "/commands lists all. `/help COMMAND` explains one."))


def visible(ctx: CommandContext) -> list[CommandInfo]:
    """The commands that this person may use."""
    return [info for info in ctx.commands if ctx.owner or not info.owner]


def grouped(infos: Sequence[CommandInfo]) -> dict[str, list[CommandInfo]]:
    """Commands by group, both in the order of the table."""
    groups: dict[str, list[CommandInfo]] = {}
    for info in infos:
        groups.setdefault(info.group, []).append(info)
    return groups


async def _hint(ctx: CommandContext) -> str:
    if not any(row.get("ready") for row in ctx.agents.models()):
        return "No model is ready yet: /model shows why."
    now = await ctx.runs.status()
    if now.get("running"):
        return "A run is active: /stop ends it, /status shows its state."
    if now.get("demo"):
        return "The demo model answers here, no AI: /model picks another."
    return "Write a message, or /new to start over."


def _one(infos: Sequence[CommandInfo], word: str) -> str:
    for info in infos:
        if word == info.name or word in info.aliases:
            return _detail(info)
    near = did_you_mean(word, [info.name for info in infos])
    return f"There is no command {code(f'/{word}')}.{near} /commands lists all."


def _detail(info: CommandInfo) -> str:
    lines = [info.help, "", code(info.usage)]
    if info.aliases:
        lines.append(f"Also {', '.join(f'/{alias}' for alias in info.aliases)}")
    if info.examples:
        lines += ["", "For example:", *(f"- {code(example)}" for example in info.examples)]
    return "\n".join(lines)
