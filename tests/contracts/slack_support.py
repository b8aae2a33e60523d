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
from bot.contract import Address, HttpRequest
from tests.contracts.core_kit import Core, running

RECORDINGS = sorted((Path(__file__).parents[1] / "recordings" / "slack").glob("*.json"))
IDS = ("U0BOT", "B0BOT")


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
    async with running(bot, core):
        yield bot


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
