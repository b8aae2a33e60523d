"""A rough day on Slack: ten thousand messages, sockets that go, events that come once more."""

import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.fakes.slack import FakeSlack, Fault
from adapters.fakes.slack_workspace import BOT_USER, Params
from adapters.slack.adapter import Slack
from bot.testing.running import running
from tests.kill.soak import CONVERSATIONS, HEAD, TOTAL, Crowd, hurry

pytestmark = pytest.mark.kill

DIRECT = 300
CONFIG = (
    HEAD
    + """
  slack: {{bot_token: "{fake.token}", app_token: "{fake.app_token}", base_url: "{fake.base_url}",
    dm_policy: open, allow_from: ["*"], group_policy: open}}
"""
)
ROUGH_SENDS = (
    {"cut": "before"},
    {"cut": "after"},
    {"status": 503},
    {"error": "internal_error"},
    {"retry_after": "1"},
)
# After so many messages the connection goes: cut, or replaced as Slack does now and then.
BREAKS = 700


class RoughSlack(FakeSlack):
    """Fails one send in fifty, and says no to `auth.test` when nobody should need it."""

    def __init__(self, seed: int) -> None:
        super().__init__(clock=time.time)
        kinds = "D" * DIRECT + "C" * (CONVERSATIONS - DIRECT)
        self.crowd = Crowd(seed, [f"{kind}{number:08}" for number, kind in enumerate(kinds)])
        self._asked: Params = {}
        self._said: Any = None

    async def _answer(
        self, method: str, params: Params, request: web.BaseRequest
    ) -> web.StreamResponse:
        self._asked = params
        try:
            return await super()._answer(method, params, request)
        finally:
            self.crowd.sends += method == "chat.postMessage"

    def _fault(self, method: str) -> Fault | None:
        if method != "chat.postMessage":
            return super()._fault(method)
        kind = self.crowd.strikes(method, ROUGH_SENDS, 0.02, str(self._asked.get("metadata")))
        return Fault(**kind) if kind else None

    async def push(self, payload: Any, kind: str = "events_api", **more: Any) -> str:
        self._said = payload
        return await super().push(payload, kind, **more)

    async def talk(self) -> None:
        """Everybody writes; in a room the bot is mentioned, which comes as two events."""
        await self.wait_for(lambda: self.sockets, 60)
        for number, (place, text) in enumerate(self.crowd.turns(), 1):
            said = text if place.startswith("D") else f"<@{BOT_USER}> {text}"
            await self.say(place, said, user=f"U{place[1:]}")
            if self.crowd.twice():
                await self.push(self._said)
            if number % BREAKS == 0:
                await self._break(number // BREAKS)

    async def _break(self, number: int) -> None:
        """What is not acknowledged when a socket goes comes again, before anything new."""
        if number % 3:
            self.crowd.faults["socket cut"] += 1
            self.fail("auth.test", error="fatal_error", times=2)
            await self.cut()
            await self.wait_for(lambda: self.sockets == 1, 60)
            await self.redeliver()
            return
        self.crowd.faults["socket refreshed"] += 1
        old = self.sockets
        await self.disconnect()
        await self.wait_for(lambda: self.sockets > old, 60)

    def shown(self, place: str) -> list[str]:
        return self.workspace.visible(place)

    def through(self) -> bool:
        return self.crowd.through(self.shown)


@pytest.mark.parametrize("seed", [1])
async def test_ten_thousand_messages_are_answered_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
):
    """Whatever breaks: an event comes until it is acknowledged, an answer is found by its key."""
    hurry(monkeypatch, Slack)
    async with RoughSlack(seed) as fake:
        async with running(tmp_path, CONFIG.format(fake=fake), scripted=True):
            try:
                await fake.talk()
                await fake.wait_for(fake.through, 120)
            except TimeoutError:
                assert fake.crowd.problems(fake.shown) == []
        assert fake.crowd.problems(fake.shown) == []
        assert not fake.waiting, "every event must have been acknowledged"
    assert sum(len(fake.shown(place)) for place in fake.crowd.places) == TOTAL
    assert len(fake.crowd.faults) == len(ROUGH_SENDS) + 2, "every fault must have happened"
