"""The words that commands share: how a value looks, how arguments come apart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from difflib import get_close_matches

from bot.types import Answer, CommandContext

SHOWN_CHARS = 200

# What a session without a first message is opened with: it shows that the model answers.
GREETING = "Greet me in one short sentence and ask what I would like to do."

SubCommand = Callable[[CommandContext, str], Awaitable[Answer | str]]


def code(value: object) -> str:
    """A value from people or files as Markdown code, where its own marks mean nothing."""
    text = " ".join(str(value).replace("`", "'").split())
    if len(text) > SHOWN_CHARS:
        text = text[:SHOWN_CHARS] + "…"
    return f"`{text}`" if text else "(empty)"


def first_word(args: str) -> tuple[str, str]:
    """The first word of the arguments and what follows it."""
    word, rest, *_ = (*args.split(maxsplit=1), "", "")
    return word, rest.strip()


def one_of(names: Iterable[str]) -> str:
    """Names as a choice: `a, b or c`."""
    *rest, last = names
    return f"{', '.join(rest)} or {last}" if rest else last


def count(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many}"


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """A sentence with the nearest name and a space before it, nothing when none is near."""
    known = {name.lower(): name for name in names}
    near = get_close_matches(word.lower(), known, n=1)
    return f" Did you mean {code(known[near[0]])}?" if near else ""


async def dispatch(
    ctx: CommandContext, name: str, subs: Mapping[str, SubCommand], bare: str
) -> Answer | str:
    """Run the sub-command that the arguments name, `bare` when they name none."""
    word, rest = first_word(ctx.args)
    sub = subs.get(word.lower() or bare)
    if sub is None:
        return f"There is no {code(f'/{name} {word}')}. Use {one_of(subs)}."
    return await sub(ctx, rest)
