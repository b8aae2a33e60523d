"""The models of one run: which are asked now, when the next one is, and what people hear of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from bot.providers.chosen import Chosen
from bot.providers.cooldown import FALLING, Rest, reason
from bot.providers.profiles import Rotating
from bot.types import Entry, Failure, Notice


def falls_over(failure: Failure | None) -> bool:
    """Is a call that ended so to be made with the next model?"""
    return failure is not None and failure.code in FALLING


async def in_order(chosen: Chosen) -> list[Chosen]:
    """The models to ask now, first to last; none whose credentials all rest.

    Where all rest, the one that is free soonest is tried all the same.
    """
    models = [chosen, *chosen.others]
    if len(models) == 1:
        return models
    return awake(models, [await _rest(one) for one in models])


def awake(models: Sequence[Chosen], rests: Sequence[Rest | None]) -> list[Chosen]:
    """The models that do not rest; each says why it stands in place of one that does."""
    free = [one for one, rest in zip(models, rests, strict=True) if rest is None]
    if not free:
        ends = [rest.until if rest else 0.0 for rest in rests]
        free = [models[ends.index(min(ends))]]
    first = rests[0]
    if free[0] is not models[0] and first is not None:
        free[0] = replace(free[0], because=reason(first.code))
    return free


async def _rest(chosen: Chosen) -> Rest | None:
    rests = isinstance(chosen.provider, Rotating)
    return await cast(Rotating, chosen.provider).rest(chosen.model) if rests else None


def told(chosen: Chosen, wanted: str, transcript: Sequence[Entry]) -> Notice | None:
    """What people hear when another model answers than the one they asked for; once each time."""
    spoke = (one.model for one in reversed(transcript) if one.role == "assistant" and one.model)
    if chosen.ref == wanted or next(spoke, None) == chosen.ref:
        return None
    because = f", because {wanted} is not available: {chosen.because}" if chosen.because else ""
    return Notice("FALLBACK", f"Answered by {chosen.ref}{because}")
