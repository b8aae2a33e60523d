"""A rough day on Discord: ten thousand messages, sockets that break, sessions that are lost."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from adapters.discord.adapter import Discord
from adapters.fakes.discord import FakeDiscord, Fault
from adapters.fakes.discord_rooms import DM, Fields
from bot.testing.running import running
from tests.kill.soak import CONVERSATIONS, HEAD, TOTAL, Crowd, hurry

pytestmark = pytest.mark.kill

DIRECT = 150
CONFIG = (
    HEAD
    + """
  discord: {{token: "{token}", base_url: "{url}", gateway_url: "{gateway}", dm_policy: open,
    allow_from: ["*"], group_policy: open, require_mention: false}}
"""
)
ROUGH_SENDS = (
    {"cut": "before"},
    {"cut": "after"},
    {"status": 502},
    {"retry_after": 0.7},
)
# After so many messages the connection breaks; every third time for so long that it is forgotten.
BREAKS = 900
WINDOW = 1500


class RoughDiscord(FakeDiscord):
    """Fails one send in fifty; what was sent under a name is sent only once."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        kinds = [DM] * DIRECT + [0] * (CONVERSATIONS - DIRECT)
        self.crowd = Crowd(seed, [self.rooms.open(kind) for kind in kinds])
        self.asked: Fields = {}

    async def _answer(
        self, name: str, parts: tuple[str, ...], body: Fields, request: web.BaseRequest
    ) -> web.StreamResponse:
        self.asked = body
        try:
            return await super()._answer(name, parts, body, request)
        finally:
            self.crowd.sends += name == "send"

    def _fault(self, name: str) -> Fault | None:
        if name != "send":
            return None
        kind = self.crowd.strikes(name, ROUGH_SENDS, 0.02, self.asked.get("nonce"))
        return Fault(**kind) if kind else None

    async def talk(self) -> None:
        """Everybody writes, and the connection breaks now and then."""
        for number, (place, text) in enumerate(self.crowd.turns(), 1):
            shown = self.say(text, place, sender=place)
            if self.crowd.twice():
                event = self.rooms.message(shown, as_event=True)
                self.gateway.dispatch("MESSAGE_CREATE", event)
            if number % BREAKS == 0:
                self._break(number // BREAKS)
            await self.wait_for(lambda said=number: said - self.crowd.sends < WINDOW, 60)
            await asyncio.sleep(0)

    def _break(self, number: int) -> None:
        how = ("drop", "ask", "forget")[number % 3]
        self.crowd.faults[f"gateway {how}"] += 1
        if how == "ask":
            self.gateway.ask_reconnect()
            return
        self.gateway.drop()
        if how == "forget":
            self.gateway.forget()

    def through(self) -> bool:
        return self.crowd.through(self.visible)


@pytest.mark.parametrize("seed", [1])
async def test_ten_thousand_messages_are_answered_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
):
    """Whatever breaks: what a nonce names is shown once, and what was missed is in the history."""
    hurry(monkeypatch, Discord)
    async with RoughDiscord(seed) as fake:
        config = CONFIG.format(token=fake.token, url=fake.base_url, gateway=fake.gateway.url)
        async with running(tmp_path, config, scripted=True):
            try:
                await fake.wait_for(lambda: fake.gateway.sessions, 60)
                await fake.talk()
                await fake.wait_for(fake.through, 120)
            except TimeoutError:
                assert fake.crowd.problems(fake.visible) == []
        assert fake.crowd.problems(fake.visible) == []
    assert sum(len(fake.visible(place)) for place in fake.crowd.places) == TOTAL
    assert len(fake.crowd.faults) == len(ROUGH_SENDS) + 3, "every fault must have happened"
