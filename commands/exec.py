"""`/exec` and `/elevated`: how commands run in this session, within what the agent may."""

from __future__ import annotations

from bot.types import CommandContext
from commands.registry import command
from commands.words import code, one_of

OPTIONS = {
    "host": ("sandbox", "gateway"),
    "security": ("deny", "allowlist", "full"),
    "ask": ("off", "on-miss", "always"),
}
LEVELS = {
    "off": "commands stay in the sandbox",
    "on": "commands leave the sandbox, and each is asked about",
    "full": "commands leave the sandbox, and are asked about as the agent's policy says",
}
CLEAR = ("default", "reset")


@command(
    "exec",
    usage="/exec [host=sandbox|gateway] [security=deny|allowlist|full] [ask=off|on-miss|always]",
    examples=("/exec", "/exec ask=always", "/exec security=deny", "/exec default"),
    group="Agents and models",
)
async def exec(ctx: CommandContext) -> str:
    """Show or set how commands run in this session; never more freely than the agent may."""
    words = ctx.args.lower().split()
    if not words:
        return _shown(dict((await ctx.sessions.current()).settings.exec or {}))
    if words[0] in CLEAR:
        await ctx.sessions.patch(exec=None)
        return _shown({})
    wish = dict((await ctx.sessions.current()).settings.exec or {})
    for word in words:
        name, _, value = word.partition("=")
        if name not in OPTIONS:
            return f"There is no option {code(name)}. Use {one_of(OPTIONS)}. Nothing was changed."
        if value not in OPTIONS[name]:
            choices = one_of(OPTIONS[name])
            return f"There is no {code(word)}. Use {choices} for {name}. Nothing was changed."
        wish[name] = value
    await ctx.sessions.patch(exec=wish)
    return _shown(wish)


def _shown(wish: dict[str, str]) -> str:
    if not wish:
        return "Commands run here as the agent's configuration says."
    words = " ".join(f"{name}={value}" for name, value in sorted(wish.items()))
    return f"Commands here: {code(words)}, where the agent's configuration is not stricter."


@command(
    "elevated",
    aliases=("elev",),
    usage="/elevated [off | on | full]",
    examples=("/elevated", "/elevated on", "/elevated off"),
    group="Agents and models",
)
async def elevated(ctx: CommandContext) -> str:
    """Let your commands leave the sandbox in this session, where the operator allows you that."""
    level = ctx.args.strip().lower()
    level = "on" if level == "ask" else level
    if not level:
        level = (await ctx.sessions.current()).settings.elevated or "off"
        return f"Elevated is {code(level)}: {LEVELS[level]}. Use {one_of(LEVELS)}."
    if level not in LEVELS:
        return f"There is no level {code(level)}. Use {one_of(LEVELS)}. Nothing was changed."
    if level != "off" and (why := await ctx.approvals.boxed_in()):
        return f"{why} Nothing was changed."
    await ctx.sessions.patch(elevated=None if level == "off" else level)
    return f"Elevated for this session: {code(level)}, {LEVELS[level]}."
