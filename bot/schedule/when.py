"""Sentences that say when: what stands behind `/task new`, read into a schedule and a prompt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.errors import RequestError
from bot.schedule import durations, titles
from bot.schedule.trigger import At, Every, Schedule, cron_of, iso


@dataclass
class Request:
    """What one sentence asks for; `zone` is the one its times are meant in."""

    schedule: Schedule
    name: str | None
    prompt: str
    zone: str


def refused(problem: str) -> RequestError:
    """One sentence: what is wrong, and what to write instead."""
    return RequestError("INVALID_PARAMS", problem)


def read(text: str, now: float, zone: str) -> Request:
    """A sentence with a schedule and what to do then; RequestError says what to write."""
    words = text.split()
    if words[:1] == ["cron"] and " -- " in text:
        expr, _, rest = text.partition(" -- ")
        name, prompt = titles.split(rest)
        return Request(cron_of(expr.removeprefix("cron"), zone), name, prompt, zone)
    if words[:1] == ["every"] and (found := durations.longest([w.lower() for w in words[1:]])):
        rest = " ".join(words[1 + found[1] :])
        name, prompt = titles.split(rest)
        return Request(Every(found[0], math.floor(now)), name, prompt, zone)
    if words[:1] == ["at"] and len(words) > 2 and (at := iso(words[1], zone)):
        name, prompt = titles.split(" ".join(words[2:]))
        return Request(At(at), name, prompt, zone)
    raise refused("no time was found; write for example: every 1h Service watch: check the status")
