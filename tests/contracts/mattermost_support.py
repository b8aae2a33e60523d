"""What the Mattermost tests share: an adapter on a local server, a core that keeps what it gets."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.fakes.mattermost import FakeMattermost
from adapters.mattermost.adapter import Mattermost
from adapters.mattermost.link import PING_EVERY
from adapters.mattermost.options import MattermostOptions
from bot.contract import Address, HttpRequest
from tests.contracts.core_kit import Core, running

CALLBACK = "https://bot.example/channels/mattermost"


class Bot(Mattermost):
    """The adapter with a clock that does not wait, but for the next ping: `tick` lets that go."""

    patience = 2.0

    def __init__(self, account: str, options: MattermostOptions) -> None:
        super().__init__(account, options)
        self.waits: list[float] = []
        self.ticks: asyncio.Queue[None] = asyncio.Queue()
        self.sleep = self._note

    async def _note(self, seconds: float) -> None:
        if seconds == PING_EVERY:
            await self.ticks.get()
        else:
            self.waits.append(seconds)
            await asyncio.sleep(0)

    def tick(self) -> None:
        self.ticks.put_nowait(None)


@asynccontextmanager
async def connected(
    fake: FakeMattermost, core: Core, kind: type[Bot] = Bot, **options: Any
) -> AsyncIterator[Bot]:
    """A bot that runs against the server, with its runner as `runner`."""
    given = {"token": fake.token, "url": fake.base_url, **options}
    bot = kind("mattermost", MattermostOptions(**given))
    async with running(bot, core):
        yield bot


@asynccontextmanager
async def listening(fake: FakeMattermost, core: Core, **options: Any) -> AsyncIterator[Bot]:
    """A bot that is up."""
    async with connected(fake, core, **options) as bot:
        await core.until(lambda: core.now == "up")
        yield bot


def place(conversation: str, thread: str | None = None) -> Address:
    return Address("mattermost", "mattermost", conversation, thread)


def request(
    body: str, kind: str = "application/x-www-form-urlencoded", **headers: str
) -> HttpRequest:
    fields = {"content-type": kind, **headers}
    return HttpRequest("POST", "/channels/mattermost", {}, fields, body.encode())


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A new certificate that signed itself, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    kind = "IP" if name[0].isdigit() else "DNS"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "1", "-subj", f"/CN={name}", "-keyout", str(key)]
    command += ["-addext", f"subjectAltName={kind}:{name}", "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def opened(seed: Any) -> Any:
    """An event with what is packed inside opened, so that junk can be put there, too."""
    data = seed.get("data") if isinstance(seed, dict) else None
    if not isinstance(data, dict):
        return seed
    inner = {name: json.loads(data[name]) for name in ("post", "reaction") if name in data}
    return {**seed, "data": {**data, **inner}}
