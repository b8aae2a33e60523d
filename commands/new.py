"""`/new`: a fresh start, optionally with another model and a first message."""

from collections.abc import Sequence

from bot.types import Answer, CommandContext
from commands.catalogue import Row, find, of_provider, pick
from commands.registry import command
from commands.words import GREETING, code, first_word


@command("new", usage="/new [MODEL] [TEXT]", examples=("/new", "/new Let us plan a trip"))
async def new(ctx: CommandContext) -> Answer:
    """Start over with an empty history; MODEL answers from now on, TEXT is the first message."""
    word, rest = first_word(ctx.args)
    ref = _model(word, rest, ctx.agents.models())
    if ref is None:
        await ctx.sessions.reset("new")
        return Answer("New session started.", then=ctx.args.strip() or GREETING)
    # First the model, which a reset keeps: one that is refused must not cost the history.
    if refusal := await pick(ctx, ref):
        return Answer(refusal)
    await ctx.sessions.reset("new")
    return Answer(f"New session started with {code(ref)}.", then=rest or GREETING)


def _model(word: str, rest: str, rows: Sequence[Row]) -> str | None:
    """The model that the first word names; a typo counts only when nothing follows it."""
    row = find(word, rows) or of_provider(word, rows, near=not rest)
    if row is not None:
        return str(row["ref"])
    provider, slash, name = word.partition("/")
    known = slash and name and of_provider(provider, rows, near=False)
    return word if known else None
