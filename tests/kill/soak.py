"""What the soaks share: a crowd that talks, faults that come by chance, and what must be seen.

Ten thousand messages: many conversations with not too many each, so that a conversation that its
platform slowed down for a minute is through in time.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from bot.contract import Adapter
from tests.kill.checks import wrong

CONVERSATIONS, EACH = 400, 25
TOTAL = CONVERSATIONS * EACH
AGAIN = 0.05
HEAD = """
limits: {{per_sender: null}}
messages: {{queue: {{mode: followup, cap: 100, debounce: 0s}}}}
logging: {{level: error}}
channels:
"""


def hurry(monkeypatch: pytest.MonkeyPatch, adapter: type[Adapter]) -> None:
    """A day in a minute: what waits before it connects again, or goes slowly, does so for less."""

    async def brief(seconds: float) -> None:
        await asyncio.sleep(seconds / 20)

    monkeypatch.setattr(adapter, "sleep", staticmethod(brief))
    monkeypatch.setattr("bot.budget.STRICT_FOR", 3.0)


class Crowd:
    """Who says what, and which calls fail: all of it from one seed."""

    def __init__(self, seed: int, places: Sequence[str]) -> None:
        assert len(places) == CONVERSATIONS
        self.random = random.Random(seed)
        self.places = places
        self.said: Counter[str] = Counter()
        self.sends = 0
        self.faults: Counter[str] = Counter()
        self._hit: set[object] = set()

    def turns(self) -> Iterator[tuple[str, str]]:
        """Everybody says `m1`, `m2` and so on, mixed with the others."""
        turns = [place for place in self.places for _ in range(EACH)]
        self.random.shuffle(turns)
        for place in turns:
            self.said[place] += 1
            yield place, f"m{self.said[place]}"

    def twice(self) -> bool:
        """Does the platform tell this one again?"""
        return self.random.random() < AGAIN

    def strikes(
        self, name: str, kinds: Sequence[Mapping[str, Any]], chance: float, what: object = None
    ) -> Mapping[str, Any] | None:
        """The fault that meets a call, if any; `what` meets one only once."""
        if self.random.random() >= chance or (what is not None and what in self._hit):
            return None
        self._hit.add(what)
        kind = self.random.choice(kinds)
        self.faults[f"{name} {next(iter(kind.items()))}"] += 1
        return kind

    def problems(
        self, visible: Callable[[str], Sequence[str]], *, keyless: bool = False
    ) -> list[str]:
        """What a person would miss, see twice or find out of place."""
        expected = [f"echo m{number}" for number in range(1, EACH + 1)]
        return [
            f"{place}: {problem}"
            for place in self.places
            for problem in wrong(visible(place), expected, keyless)
        ]

    def through(self, visible: Callable[[str], Sequence[str]], *, keyless: bool = False) -> bool:
        """Is everything answered? Looked at closely only when enough was sent."""
        return self.sends >= TOTAL and not self.problems(visible, keyless=keyless)
