"""The product with a bot on a local Telegram, and a config file that methods may change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.fakes.telegram import FakeTelegram
from tests.contracts.gateway_product import Desk, opened

ADA, BOB = 12345, 67890
OTHER = "987654321:AAF-another_fake_token_of_a_server_0000"
AGENTS = """\
# kept: who answers
agents:
  - {id: main, name: Assistant}
  - {id: other, name: Other, prompt: Be brief.}
models: {demo/demo: {}, demo/second: {}}
limits: {per_sender: null}
"""


def config(fake: FakeTelegram, **more: str) -> str:
    keys = {"token": f'"{fake.token}"', "base_url": fake.base_url, **more}
    lines = "\n".join(f"    {key}: {value}" for key, value in keys.items())
    return f"{AGENTS}channels:\n  telegram:  # kept: the first bot\n{lines}\n"


OPEN = {"dm_policy": "open", "allow_from": '["*"]', "streaming": "off"}


@asynccontextmanager
async def connected(tmp_path: Path, **more: str) -> AsyncIterator[tuple[Desk, FakeTelegram]]:
    async with (
        FakeTelegram() as fake,
        opened(tmp_path / "state", config(fake, **more), channels=True) as desk,
    ):
        yield desk, fake


def file(desk: Desk) -> str:
    return desk.core.file.path.read_text(encoding="utf-8")


async def row(desk: Desk, account: str = "telegram") -> dict[str, Any]:
    rows = (await desk.ok("channels.status"))["channels"]
    return next(one for one in rows if one["account"] == account)


async def until(desk: Desk, account: str, state: str) -> None:
    """Wait for an account's connection to be so."""
    while desk.core.channel_state(account).state != state:
        desk.socket.events.append(await desk.socket.frame())


async def answer(fake: FakeTelegram, chat: int, text: str) -> str:
    """What the bot says to a person who writes this."""
    before = len(fake.visible(chat))
    fake.say(chat, text, sender=chat)
    await fake.wait_for(lambda: len(fake.visible(chat)) > before)
    return fake.visible(chat)[-1]
