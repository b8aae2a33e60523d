"""`/session`: several named conversations in one chat, one of them active."""

from __future__ import annotations

from bot.errors import RequestError
from bot.types import Answer, CommandContext, Session
from commands.registry import command
from commands.words import SubCommand, code, did_you_mean, dispatch

SHOWN = 20
MAIN = "Main"


@command(
    "session",
    usage="/session [new [NAME] | list | switch NAME | main | current | rename NAME | close]",
    examples=("/session", "/session new Trip to Rome", "/session switch trip-to-rome"),
    group="Sessions",
)
async def session(ctx: CommandContext) -> Answer | str:
    """Show, start, list, switch, rename or leave the named sessions of this chat."""
    return await dispatch(ctx, "session", SUBS, bare="current")


async def new(ctx: CommandContext, name: str) -> str:
    """Start a named session with an empty history."""
    created = await ctx.sessions.create(" ".join(name.split()) or None)
    return f"Session {_label(ctx, created)} started. `/session main` goes back."


async def listing(ctx: CommandContext, rest: str) -> str:
    """Main, then the named sessions, the one used last first."""
    children = sorted(await ctx.sessions.children(), key=lambda each: -each.updated_at)
    active = next((each for each in children if each.key == ctx.sessions.key), None)
    shown = children[:SHOWN]
    if active and active not in shown:
        shown[-1] = active
    lines = [f"- {code(MAIN)}{'' if active else ' (active)'}"]
    lines += [f"- {_label(ctx, each)}{' (active)' if each is active else ''}" for each in shown]
    if len(children) > len(shown):
        lines.append(f"\n… and {len(children) - len(shown)} more.")
    return "\n".join(lines)


async def switch(ctx: CommandContext, name: str) -> str:
    """Go on in the session of this label, slug or key."""
    if name.lower() in ("", MAIN.lower()):
        return await main(ctx, name)
    try:
        there = await ctx.sessions.switch(name)
    except RequestError as error:
        if error.code != "NOT_FOUND":
            raise
        labels = [each.label for each in await ctx.sessions.children()]
        near = did_you_mean(name, [MAIN, *labels])
        return f"No session here is called {code(name)}.{near} `/session list` shows them."
    return f"Now in {_label(ctx, there)}."


async def main(ctx: CommandContext, rest: str) -> str:
    """Go back to the chat's first session."""
    there = await ctx.sessions.switch(None)
    return f"Now in {_label(ctx, there)}."


async def current(ctx: CommandContext, rest: str) -> str:
    """The label and the key of the active session."""
    here = await ctx.sessions.current()
    return f"Session {_label(ctx, here)}\n\nKey {code(here.key)}"


async def rename(ctx: CommandContext, name: str) -> str:
    """Give the active session another label; its key stays."""
    if not name:
        return "Name it too: `/session rename NAME`."
    if ctx.sessions.key == ctx.sessions.base:
        return f"{MAIN} keeps its name. `/session new NAME` starts a named session."
    renamed = await ctx.sessions.rename(" ".join(name.split()))
    return f"This session is now called {_label(ctx, renamed)}."


async def close(ctx: CommandContext, rest: str) -> str:
    """Leave the named session; it is kept."""
    left = await ctx.sessions.current()
    there = await ctx.sessions.switch(None)
    if left.key == there.key:
        return f"Now in {_label(ctx, there)}."
    return f"Now in {_label(ctx, there)}. {_label(ctx, left)} is kept: `/session list`."


SUBS: dict[str, SubCommand] = {
    "new": new,
    "list": listing,
    "switch": switch,
    "main": main,
    "current": current,
    "rename": rename,
    "close": close,
}


def _label(ctx: CommandContext, of: Session) -> str:
    if of.key == ctx.sessions.base:
        return code(MAIN)
    return code(of.label or of.key.rpartition(":")[2])
