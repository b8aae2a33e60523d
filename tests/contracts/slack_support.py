"""What the Slack tests share: an adapter on a local server, a core that keeps what it gets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.fakes.slack import SECRET, FakeSlack, signed
from adapters.slack.adapter import Slack
from adapters.slack.options import SlackOptions
from bot.contract import Address, HttpRequest, Message
from bot.errors import StoreError

RECORDINGS = sorted((Path(__file__).parents[1] / "recordings" / "slack").glob("*.json"))
IDS = ("U0BOT", "B0BOT")


class Core:
    """A `bot.contract.Receive` that keeps everything; `full` texts find no room once."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refused: list[tuple[Any, str]] = []
        self.states: list[tuple[str, str | None]] = []
        self.full: list[str] = []
        self._changed = asyncio.Event()

    async def __call__(self, message: Message) -> None:
        self._room_for(message.text)
        self.messages.append(message)
        self._changed.set()

    async def quarantine(self, account: str, raw: object, reason: str) -> None:
        self._room_for("quarantine")
        self.refused.append((raw, reason))
        self._changed.set()

    async def complete(self, *args: object) -> list[tuple[str, str]]:
        return []

    def state(self, account: str, state: str, error: str | None = None) -> None:
        self.states.append((state, error))
        self._changed.set()

    def _room_for(self, text: str) -> None:
        if text in self.full:
            self.full.remove(text)
            raise StoreError("the disk is full")

    @property
    def now(self) -> str:
        return self.states[-1][0] if self.states else ""

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    @property
    def once(self) -> dict[tuple[object, str, str], Message]:
        """The messages as the core counts them: the same reference is the same message."""
        return {(m.ref, m.change, m.version): m for m in self.messages}

    async def until(self, predicate: Any) -> None:
        async with asyncio.timeout(30):
            while not predicate():
                self._changed.clear()
                await self._changed.wait()


class Bot(Slack):
    """The adapter with a clock that does not wait, and remembers how long it should have."""

    def __init__(self, account: str, options: SlackOptions) -> None:
        super().__init__(account, options)
        self.waits: list[float] = []
        self.sleep = self._note

    async def _note(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def connected(fake: FakeSlack, core: Core, **options: Any) -> AsyncIterator[Bot]:
    """A bot that runs against the server, with its runner as `runner`."""
    given = {"bot_token": fake.token, "app_token": fake.app_token, "base_url": fake.base_url}
    bot = Bot("slack", SlackOptions(**{**given, **options}))
    await bot.start()
    bot.runner = asyncio.create_task(bot.run(core), name="bot")
    try:
        yield bot
    finally:
        bot.runner.cancel()
        await asyncio.gather(bot.runner, return_exceptions=True)
        await bot.stop()


def place(conversation: str, thread: str | None = None) -> Address:
    return Address("slack", "slack", conversation, thread)


def request(body: bytes, at: float, kind: str = "application/json", **headers: str) -> HttpRequest:
    """A request as Slack signs it."""
    given = {**signed(body, at, SECRET), "content-type": kind, **headers}
    return HttpRequest("POST", "/channels/slack", {}, given, body)


def body_of(event: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An Events API body around an event."""
    return {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event": event,
        "authorizations": [{"team_id": "T1", "user_id": "U0BOT", "is_bot": True}],
        **more,
    }


def said(text: str, ts: str = "1767323045.000100", **more: Any) -> dict[str, Any]:
    """An Events API body in which somebody says something in a room."""
    event = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1"}
    return body_of({**event, "text": text, "ts": ts, "event_ts": ts, **more})


def raw(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
