"""`/context`: what fills the prompt, part by part, before a word of the conversation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.types import CommandContext
from commands.registry import command
from commands.words import code, count, one_of

Row = Mapping[str, Any]


@command(
    "context",
    usage="/context [list | detail | json]",
    examples=("/context", "/context detail"),
    group="About",
)
async def context(ctx: CommandContext) -> str:
    """Show what fills the prompt: files, skills, tools, and how much room is left."""
    word = ctx.args.strip().lower() or "list"
    if word not in SUBS:
        return f"There is no {code(f'/context {word}')}. Use {one_of(SUBS)}."
    return SUBS[word](await ctx.context.report())


def listing(now: Row) -> str:
    """The totals, and every file with what is in it and what of it the model gets."""
    skills, tools = now["skills"], now["tools"]
    return "\n".join(
        (
            f"- Context: {_used(now)}",
            f"- System prompt: {_size(now['system'])}",
            f"- Skills: {count(len(skills), 'skill', 'skills')}, {_sum(skills):,} tokens",
            f"- Tools: {count(len(tools), 'tool', 'tools')}, {now['toolTokens']:,} tokens",
            f"- Files: {count(len(now['files']), 'file', 'files')}, {_sum(now['files']):,} tokens",
            *(f"  - {_file(file)}" for file in now["files"]),
        )
    )


def detail(now: Row) -> str:
    """The same, with every section, skill and tool."""
    parts = [listing(now)]
    for title, rows in (("Sections", now["sections"]), ("Skills", now["skills"])):
        if rows:
            lines = "\n".join(f"- {code(row['name'])}: {_size(row)}" for row in rows)
            parts.append(f"{title}:\n{lines}")
    if now["tools"]:
        lines = "\n".join(f"- {_tool(row)}" for row in now["tools"])
        parts.append(f"Tools:\n{lines}")
    return "\n\n".join(parts)


def as_json(now: Row) -> str:
    """The same as one JSON document."""
    return f"```json\n{json.dumps(now, indent=1, ensure_ascii=False)}\n```"


SUBS = {"list": listing, "detail": detail, "json": as_json}


def _used(now: Row) -> str:
    used, limit = now["used"], now["limit"]
    return f"{used:,} of {limit:,} tokens ({used / limit:.0%}), model {code(now['model'])}"


def _size(row: Row) -> str:
    return f"{row['chars']:,} characters, {row['tokens']:,} tokens"


def _sum(rows: Sequence[Row]) -> int:
    return sum(row["tokens"] for row in rows)


def _file(row: Row) -> str:
    if row["state"] == "missing":
        return f"{code(row['name'])}: missing"
    sizes = f"{row['rawChars']:,} characters, {row['injectedChars']:,} given"
    state = "" if row["state"] == "whole" else f" ({row['state']})"
    return f"{code(row['name'])}: {sizes}{state}, {row['tokens']:,} tokens"


def _tool(row: Row) -> str:
    sizes = f"{row['descriptionChars']:,} + {row['schemaChars']:,} characters"
    return f"{code(row['name'])}: {sizes}, {row['tokens']:,} tokens"
