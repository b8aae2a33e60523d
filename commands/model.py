"""`/model`: which model answers in this session, and which others could."""

from __future__ import annotations

from collections.abc import Sequence

from bot.types import CommandContext
from commands.catalogue import Row, find, named, pick, refusal
from commands.registry import command
from commands.words import code, count, one_of

SHOWN = 30


@command(
    "model",
    aliases=("models",),
    usage="/model [list | NUMBER | REF | status | default | clear]",
    examples=("/model", "/model 2", "/model demo/demo", "/model default"),
    group="Agents and models",
)
async def model(ctx: CommandContext) -> str:
    """List the models, or pick one for this session by number, name or ref."""
    wanted = ctx.args.strip()
    sub = SUBS.get(wanted.lower() or "list")
    return await (sub(ctx) if sub else _take(ctx, wanted))


async def listing(ctx: CommandContext) -> str:
    """The numbered choices with the current one marked."""
    rows = ctx.agents.models()
    status = await ctx.runs.status()
    now = str(status.get("model") or "")
    lines = [_line(number, row, now) for number, row in enumerate(rows[:SHOWN], 1)]
    if len(rows) > SHOWN:
        lines.append(f"\n{count(len(rows) - SHOWN, 'more', 'more')}, up to number {len(rows)}.")
    head = f"Model: {code(now)}" if now else "No model is set."
    if not rows:
        return f"{head}\n\nThere is nothing to choose from: no provider is set up."
    return "\n".join((f"{head}\n", *lines, "\n`/model NUMBER` picks one for this session."))


async def state(ctx: CommandContext) -> str:
    """The model in use: who chose it, and whether its provider is ready."""
    status = await ctx.runs.status()
    now = str(status.get("model") or "")
    row = find(now, ctx.agents.models())
    lines = [f"- Model: {code(now)}", f"- Chosen by: {status.get('modelSource') or 'default'}"]
    if row is None:
        return "\n".join((*lines, "- Not in the catalogue"))
    reason = f", {row['reason']}" if row.get("reason") else ""
    lines.append(f"- Ready: {'yes' if row.get('ready') else f'no{reason}'}")
    shown = {"API": "api", "Credentials": "credentials"}
    if ctx.owner:
        # An address inside the operator's network is nobody else's business.
        shown["Endpoint"] = "endpoint"
    lines += [f"- {label}: {code(row[key])}" for label, key in shown.items() if row.get(key)]
    if window := row.get("contextWindow"):
        lines.append(f"- Context window: {window:,} tokens")
    return "\n".join(lines)


async def default(ctx: CommandContext) -> str:
    """Go back to the agent's own model."""
    await ctx.sessions.patch(model=None)
    status = await ctx.runs.status()
    return f"Back to the agent's model: {code(status.get('model') or 'none')}."


SUBS = {"list": listing, "status": state, "default": default, "clear": default}


async def _take(ctx: CommandContext, wanted: str) -> str:
    rows = ctx.agents.models()
    if wanted.isdecimal():
        return await _take_number(ctx, int(wanted[:9]), rows)
    row = find(wanted, rows) or named(wanted, rows)
    if row is not None:
        return await _take_row(ctx, row)
    # Without an allow-list a provider has more models than its rows; the port knows.
    if "/" not in wanted:
        return f"{refusal(wanted, rows)} Or use {one_of(SUBS)}."
    return await pick(ctx, wanted) or _taken(wanted)


async def _take_number(ctx: CommandContext, number: int, rows: Sequence[Row]) -> str:
    if not 1 <= number <= len(rows):
        return f"There is no model {number}. /model lists {count(len(rows), 'model', 'models')}."
    return await _take_row(ctx, rows[number - 1])


async def _take_row(ctx: CommandContext, row: Row) -> str:
    ref = str(row["ref"])
    if refused := await pick(ctx, ref):
        return refused
    return _taken(ref) if row.get("ready") else f"{_taken(ref)} It is {_why_not(row)}."


def _taken(ref: str) -> str:
    return f"Model for this session: {code(ref)}."


def _line(number: int, row: Row, now: str) -> str:
    alias = f" {row['alias']}" if row.get("alias") else ""
    current = " (current)" if str(row["ref"]).lower() == now.lower() else ""
    ready = "" if row.get("ready") else f", {_why_not(row)}"
    return f"{number}. {code(row['ref'])}{alias}{current}{ready}"


def _why_not(row: Row) -> str:
    return f"not ready: {row['reason']}" if row.get("reason") else "not ready"
