"""A rough day on Mattermost: ten thousand posts, sockets that break, a server that restarts."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from adapters.fakes.mattermost import FakeMattermost, Fault
from adapters.mattermost.adapter import Mattermost
from bot.testing.running import running
from tests.kill.soak import CONVERSATIONS, HEAD, TOTAL, Crowd, hurry

pytestmark = pytest.mark.kill

DIRECT = 200
CONFIG = (
    HEAD
    + """
  mattermost: {{token: "{fake.token}", url: "{fake.base_url}", dm_policy: open, allow_from: ["*"],
    group_policy: open, require_mention: false}}
"""
)
ROUGH_SENDS: tuple[dict[str, Any], ...] = (
    {"cut": "before"},
    {"cut": "after"},
    {"status": 502},
)
# A 429 slows the whole account down, so there are few.
FLOODED = (300, 4000, 8000)
LIMIT = {"X-Ratelimit-Reset": "1"}
# After so many posts the connection breaks; sometimes the server forgets what was missed.
BREAKS = 1500
WINDOW = 1500


class RoughMattermost(FakeMattermost):
    """Fails one post in fifty."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.crowd = Crowd(seed, [self._home(number) for number in range(CONVERSATIONS)])
        self._next: Fault | None = None
        self._last: dict[str, str] = {}

    def _home(self, number: int) -> str:
        if number >= DIRECT:
            return self.world.channel("O", f"room-{number}", [self.world.me, self.world.ada])
        return self.world.direct(self.world.me, self.world.user(f"user-{number}"))

    def _fault(self, name: str) -> Fault | None:
        if name == "CreatePost":
            self.crowd.sends += 1
            if self.crowd.sends in FLOODED:
                self.crowd.faults["429"] += 1
                self.fail(name, status=429, headers=LIMIT)
            elif kind := self.crowd.strikes(name, ROUGH_SENDS, 0.02):
                self.fail(name, **kind)
        return super()._fault(name)

    async def talk(self) -> None:
        """Everybody writes, and the connection breaks now and then."""
        await self.wait_for(lambda: self.sockets.open, 60)
        for number, (place, text) in enumerate(self.crowd.turns(), 1):
            members = self.world.members[place] - {self.world.me}
            post = self.say(place, text, sender=next(iter(members)))
            if self.crowd.twice():
                self._happened("posted", {"post": self.world.posts[post]})
            if number % BREAKS == 0:
                self._break(number // BREAKS)
            await self.wait_for(lambda said=number: said - self.crowd.sends < WINDOW, 60)
            await asyncio.sleep(0)

    def _break(self, number: int) -> None:
        how = ("cut", "forget")[number % 2]
        self.crowd.faults[f"socket {how}"] += 1
        getattr(self.sockets, how)()

    def through(self) -> bool:
        return self.crowd.through(self.visible)


@pytest.mark.parametrize("seed", [1])
async def test_ten_thousand_messages_are_answered_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
):
    """Whatever breaks: a post is found by its key, and what was missed is read from the history."""
    hurry(monkeypatch, Mattermost)
    async with RoughMattermost(seed) as fake:
        async with running(tmp_path, CONFIG.format(fake=fake), scripted=True):
            try:
                await fake.talk()
                await fake.wait_for(fake.through, 120)
            except TimeoutError:
                assert fake.crowd.problems(fake.visible) == []
        assert fake.crowd.problems(fake.visible) == []
    assert sum(len(fake.visible(place)) for place in fake.crowd.places) == TOTAL
    assert len(fake.crowd.faults) == len(ROUGH_SENDS) + 3, "every fault must have happened"
