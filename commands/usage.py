"""`/usage`: what this session, this day and these weeks have used and cost."""

from collections.abc import Mapping
from typing import Any

from bot.types import CommandContext
from commands.registry import command
from commands.words import code, count, one_of

MEANINGS = {
    "off": "answers say nothing of it",
    "tokens": "answers in channels end with their tokens",
    "full": "answers in channels end with model, tokens, cost and context",
}


@command(
    "usage",
    usage="/usage [cost | off | tokens | full]",
    examples=("/usage", "/usage tokens"),
    group="About",
)
async def usage(ctx: CommandContext) -> str:
    """Show tokens and cost, or say what is put below answers.

    This session; for owners also today and the last 30 days.
    """
    wanted = ctx.args.strip().lower()
    if wanted in MEANINGS:
        await ctx.sessions.patch(usage=wanted)
        return f"Usage for this session: {code(wanted)}, {MEANINGS[wanted]}."
    if wanted not in ("", "cost"):
        choices = one_of(["cost", *MEANINGS])
        return f"There is no level {code(wanted)}, so nothing was changed. Use {choices}."
    now = await ctx.runs.usage()
    rows = {"This session": now["session"]}
    if ctx.owner:
        rows |= {"Today": now["today"], f"{now['days']} days": now["total"]}
    lines = [f"- {name}: {_sum(row)}" for name, row in rows.items()]
    limits = (("A day", "dailyCost"), ("A session", "sessionCost"))
    lines += [
        f"- {what} may cost ${now['limits'][name]:.2f}."
        for what, name in limits
        if now["limits"][name] is not None
    ]
    return "\n".join(lines)


def _sum(row: Mapping[str, Any]) -> str:
    tokens = f"{row['inputTokens']:,} tokens in, {row['outputTokens']:,} out"
    return f"{count(row['runs'], 'run', 'runs')}, {tokens}, {_price(row)}"


def _price(row: Mapping[str, Any]) -> str:
    if not row["unpriced"]:
        return f"${row['cost'] or 0:.4f}"
    known = "" if row["cost"] is None else f"${row['cost']:.4f} and "
    runs = count(row["unpriced"], "run", "runs")
    return f"{known}cost unknown for {runs}"
