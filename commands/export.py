"""`/export`: this session as a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.types import Answer, CommandContext, Entry, session_document
from commands.registry import command
from commands.words import code, one_of

FORMS = ("md", "json", "jsonl")
OWNERS = "In a room with several people only an owner can export what was said."
_ROLES = ("user", "assistant", "tool", "compaction")


@command(
    "export",
    usage="/export [md | json | jsonl]",
    examples=("/export", "/export json"),
    group="Sessions",
)
async def export(ctx: CommandContext) -> Answer | str:
    """Send this session's transcript as a file."""
    form = ctx.args.strip().lower() or FORMS[0]
    if form not in FORMS:
        return f"There is no form {code(form)}. Use {one_of(FORMS)}."
    if not (ctx.owner or ctx.direct):
        return OWNERS
    history = await ctx.sessions.history()
    messages = [_row(entry) for entry in history if entry.role in _ROLES]
    if not messages:
        return "Nothing was said in this session yet."
    key = ctx.sessions.key
    text = session_document({"sessionKey": key, "displayName": None}, messages, form)
    if ctx.web:
        return f"Save it with {code(f'trunkline sessions export {key} --format {form}')}."
    name = f"session.{form}"
    return Answer(f"This session as {code(name)}.", files=((name, text),))


def _row(entry: Entry) -> Mapping[str, Any]:
    """What is kept of one entry; reasoning and the wire's own are not."""
    row: dict[str, Any] = {
        "role": entry.role,
        "at": datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="seconds"),
        "text": entry.text,
    }
    if entry.author is not None:
        row["author"] = entry.author.name or entry.author.id
    if entry.calls:
        row["calls"] = [{"name": one.name, "args": one.args} for one in entry.calls]
    return row
