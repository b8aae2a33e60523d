"""What `/think`, `/verbose` and `/reasoning` share: show a setting, or set it for the session."""

from __future__ import annotations

from collections.abc import Mapping

from bot.types import CommandContext
from commands.words import code, one_of


async def level(
    ctx: CommandContext, setting: str, levels: Mapping[str, str], meanings: Mapping[str, str]
) -> str:
    """Show a setting without arguments, set it with one; `levels` may have aliases."""
    wanted = ctx.args.strip().lower()
    choices = f"Use {one_of(dict.fromkeys(levels.values()))}."
    if not wanted:
        now = str((await ctx.runs.status()).get(setting) or "off")
        return f"{setting.capitalize()} is {code(now)}: {meanings[now]}. {choices}"
    chosen = levels.get(wanted)
    if chosen is None:
        return f"There is no level {code(wanted)}, so nothing was changed. {choices}"
    await ctx.sessions.patch(**{setting: chosen})
    return f"{setting.capitalize()} for this session: {code(chosen)}, {meanings[chosen]}."
