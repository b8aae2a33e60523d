"""One platform account and two processes: one holds the connection, either one runs the turns."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.fakes.telegram import FakeTelegram
from bot.live import TYPING_EVERY
from tests.contracts.gateway_product import signed_in
from tests.contracts.postgres_kit import database
from tests.contracts.test_cluster_two_gateways import Machine

ADA = 12345
MOST = 20  # messages until one was answered where the connection is not
OPEN = """
owners: ["telegram:{ada}"]
channels:
  telegram:
    token: "{token}"
    base_url: {url}
    dm_policy: open
    allow_from: ["*"]
"""


@pytest.fixture
def empty() -> Iterator[str]:
    with database(empty=True) as made:
        yield made


async def holder(url: str) -> tuple[str, int]:
    """How the account is, and the process that has its connection, as a gateway says."""
    async with signed_in(url) as socket:
        answer = await socket.request("channels.status")
        [row] = answer["payload"]["channels"]
        return row["state"], row["holder"]["pid"]


async def test_typing_and_previews_come_from_the_process_that_runs_the_turn_alone(
    tmp_path: Path, empty: str
):
    async with FakeTelegram() as fake:
        account = OPEN.format(ada=ADA, token=fake.token, url=fake.base_url)
        one, two = (Machine(tmp_path / name, empty, account) for name in ("one", "two"))
        with one.up() as first:
            await fake.wait_for(lambda: fake.called("getUpdates"))
            with two.up() as second:
                for gateway in (first, second):
                    assert await holder(gateway.url) == ("up", first.process.pid)
                apart = 0
                for number in range(MOST):
                    await _answered_once(fake, number)
                    apart += two.ran(f"m{number}")
                    if apart == 2:
                        break
                assert apart, "no turn was run where the connection is not"


async def _answered_once(fake: FakeTelegram, number: int) -> None:
    """One message grows in place, shown by one hand, as is the typing sign."""
    calls = {name: len(fake.called(name)) for name in ("sendMessage", "sendChatAction")}
    edits, stood = len(fake.called("editMessageText")), len(fake.visible(ADA))
    began = time.monotonic()
    command = json.dumps({"command": f"touch m{number}"})
    fake.say(ADA, f"[[demo tool exec {command}]][[demo stream 40 50]]", sender=ADA)
    await fake.wait_for(
        lambda: len(fake.visible(ADA)) > stood and fake.visible(ADA)[-1].endswith("word40")
    )
    assert len(fake.visible(ADA)) == stood + 1
    assert len(fake.called("sendMessage")) == calls["sendMessage"] + 1
    signs = 1 + (time.monotonic() - began) // TYPING_EVERY
    assert len(fake.called("sendChatAction")) <= calls["sendChatAction"] + signs
    grown = [params["text"] for params in fake.called("editMessageText")[edits:]]
    assert [len(text) for text in grown] == sorted({len(text) for text in grown})
