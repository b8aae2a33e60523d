"""`/skill`: use one of the agent's skills by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.types import Answer, CommandContext
from commands.registry import command
from commands.words import code, count, did_you_mean

SHOWN = 30


@command(
    "skill",
    aliases=("skills",),
    usage="/skill [NAME [TEXT]]",
    examples=("/skill", "/skill release-notes since Monday"),
    group="Agents and models",
)
async def skill(ctx: CommandContext) -> Answer | str:
    """List the skills, or use one: NAME with what it shall do."""
    rows = [row for row in await ctx.context.skills() if row["userInvocable"]]
    wanted = " ".join(ctx.args.split())
    if not wanted:
        return _listing([row for row in rows if row["ready"]])
    row = _named(wanted, [row for row in rows if row["ready"]])
    if row is None:
        return _refusal(wanted, rows)
    args = _behind(ctx.args, count=len(row["name"].split()))
    return Answer(f"Using the skill {code(row['name'])}.", then=_follow(row, args))


def _behind(args: str, count: int) -> str:
    """The arguments behind their first words, as they were typed."""
    return "".join(args.split(maxsplit=count)[count:]).strip()


def _follow(row: Mapping[str, Any], args: str) -> str:
    """The message that follows; one for a skill with a tool of its own goes to that tool."""
    if row["tool"]:
        return f"/skill {row['name']} {args}".rstrip()
    said = f"Use the skill {row['name']}: read {row['location']} and follow it."
    return f"{said}\n\n{args}" if args else said


def _named(wanted: str, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The skill that the arguments begin with; names may have spaces, the longest counts."""
    low = f"{wanted.lower()} "
    fitting = [row for row in rows if low.startswith(f"{row['name'].lower()} ")]
    return max(fitting, key=lambda row: len(row["name"]), default=None)


def _listing(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "This agent has no skills that you can use by name."
    lines = [f"- {code(row['name'])}: {_plain(row['description'])}" for row in rows[:SHOWN]]
    if len(rows) > SHOWN:
        lines.append(f"\n{count(len(rows) - SHOWN, 'more', 'more')}.")
    return "\n".join((*lines, "\n`/skill NAME TEXT` uses one."))


def _refusal(wanted: str, rows: Sequence[Mapping[str, Any]]) -> str:
    held = _named(wanted, rows)
    if held is not None:
        return f"The skill {code(held['name'])} is not ready: {held['reason']}."
    word = wanted.split(" ", 1)[0]
    near = did_you_mean(word, [row["name"] for row in rows if row["ready"]])
    return f"There is no skill {code(word)}.{near} `/skill` lists them."


def _plain(text: str) -> str:
    """A description as one short line without marks."""
    line = " ".join(text.replace("`", "'").split())
    return line if len(line) <= 160 else f"{line[:160]}…"
