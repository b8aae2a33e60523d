"""A rough day on Telegram: ten thousand messages, and nothing about the connection to rely on."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.fakes.telegram import FakeTelegram, Fault
from adapters.fakes.telegram_chats import Params
from adapters.telegram.adapter import Telegram
from bot.testing.running import running
from tests.kill.checks import wrong
from tests.kill.soak import hurry

pytestmark = pytest.mark.kill

CHATS, EACH = 200, 50
CONFIG = """
limits: {{per_sender: null}}
messages: {{queue: {{mode: followup, cap: 100, debounce: 0s}}}}
channels:
  telegram: {{token: "{token}", base_url: "{url}", dm_policy: open, allow_from: ["*"]}}
logging: {{level: error}}
"""
ROUGH_POLLS = (
    {"cut": "before"},
    {"cut": "after"},
    {"status": 502, "description": "Bad Gateway"},
    {"retry_after": 1},
)
ROUGH_SENDS = (
    {"cut": "before"},
    {"cut": "after"},
    {"status": 500, "description": "Internal Server Error"},
    {"retry_after": 1},
)


class RoughTelegram(FakeTelegram):
    """Fails one poll in ten and one send in a hundred; no send twice, or nobody could know."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.faults: Counter[str] = Counter()
        self.sends = 0
        self._random = random.Random(seed)
        self._params: Params = {}
        self._hit: set[str] = set()

    async def _answer(self, method: str, params: Params) -> web.StreamResponse:
        self._params = params
        try:
            return await super()._answer(method, params)
        finally:
            self.sends += method == "sendMessage"

    def _fault(self, method: str) -> Fault | None:
        if method == "getUpdates" and self._random.random() < 0.1:
            return self._made(method, ROUGH_POLLS)
        told = f"{self._params.get('chat_id')} {self._params.get('text')}".partition("\n")[0]
        if method == "sendMessage" and told not in self._hit and self._random.random() < 0.01:
            self._hit.add(told)
            return self._made(method, ROUGH_SENDS)
        return None

    def _made(self, method: str, kinds: tuple[dict[str, Any], ...]) -> Fault:
        kind = self._random.choice(kinds)
        self.faults[f"{method} {next(iter(kind.items()))}"] += 1
        return Fault(**kind)

    def talk(self) -> None:
        """Everybody writes; one message in twenty comes again, as itself or as another update."""
        turns = [chat for chat in range(1, CHATS + 1) for _ in range(EACH)]
        self._random.shuffle(turns)
        said: Counter[int] = Counter()
        for chat in turns:
            said[chat] += 1
            self.say(chat, f"m{chat}-{said[chat]}")
            if self._random.random() < 0.05:
                again = dict(self._random.choice(self.pending[-50:]))
                if self._random.random() < 0.5:
                    del again["update_id"]
                self.push(again)

    def answered(self) -> bool:
        return self.sends >= CHATS * EACH and not self.problems()

    def problems(self) -> list[str]:
        return [
            f"chat {chat}: {problem}"
            for chat in range(1, CHATS + 1)
            for problem in wrong(
                self.visible(chat), [f"echo m{chat}-{n + 1}" for n in range(EACH)], keyless=True
            )
        ]


@pytest.mark.parametrize("seed", [1])
async def test_ten_thousand_messages_are_answered_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
):
    """A double is shown only where the platform kept it to itself that it had the first."""
    hurry(monkeypatch, Telegram)
    async with RoughTelegram(seed) as fake:
        fake.talk()
        config = CONFIG.format(token=fake.token, url=fake.base_url)
        async with running(tmp_path, config, scripted=True):
            try:
                await fake.wait_for(fake.answered, 170)
            except TimeoutError:
                assert fake.problems() == []
            await fake.wait_for(lambda: not fake.pending, 60)
        assert fake.problems() == []
    cut = fake.faults["sendMessage ('cut', 'after')"]
    assert sum(len(fake.visible(chat)) for chat in range(1, CHATS + 1)) == CHATS * EACH + cut
    assert len(fake.faults) == len(ROUGH_POLLS) + len(ROUGH_SENDS), "every fault must have happened"
