"""Finding a model among those on offer, and taking it for the session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from bot.errors import RequestError
from bot.types import CommandContext
from commands.words import code, did_you_mean

Row = Mapping[str, Any]

# What a port answers when it will not have a model; everything else is a real failure.
_REFUSALS = {"INVALID_PARAMS", "NOT_FOUND", "FORBIDDEN"}
_TYPO = 0.85


def find(word: str, rows: Sequence[Row]) -> Row | None:
    """The row of this alias or ref, in any case."""
    wanted = word.lower()
    for name in ("alias", "ref"):
        for row in rows:
            if wanted and str(row.get(name) or "").lower() == wanted:
                return row
    return None


def named(word: str, rows: Sequence[Row]) -> Row | None:
    """The one row whose ref ends in this name, provider left out."""
    wanted = word.lower()
    found = [row for row in rows if str(row["ref"]).lower().partition("/")[2] == wanted]
    return found[0] if len(found) == 1 else None


def of_provider(word: str, rows: Sequence[Row], near: bool) -> Row | None:
    """The first model of a provider; `near` allows for a typo in its name."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(str(row["provider"]).lower(), row)
    wanted = word.lower()
    if near and (close := get_close_matches(wanted, first, n=1, cutoff=_TYPO)):
        wanted = close[0]
    return first.get(wanted)


async def pick(ctx: CommandContext, ref: str) -> str | None:
    """Take a model for this session; a sentence when it is refused, and then nothing changed."""
    try:
        await ctx.sessions.patch(model=ref)
    except RequestError as error:
        if error.code not in _REFUSALS:
            raise
        return refusal(ref, ctx.agents.models())
    return None


def refusal(ref: str, rows: Sequence[Row]) -> str:
    """Why a model cannot be had, and where to look."""
    names = [str(name) for row in rows for name in (row["ref"], row.get("alias")) if name]
    return (
        f"{code(ref)} is not in the catalogue.{did_you_mean(ref, names)} /model lists the choices."
    )
