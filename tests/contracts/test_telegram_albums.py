"""Albums: many updates, one message, whatever becomes of the process in between."""

import asyncio
import json
from typing import Any

import pytest

from adapters.fakes.telegram import FakeTelegram
from adapters.telegram.adapter import SECRET_HEADER
from adapters.telegram.albums import FULL, joined
from adapters.telegram.options import TelegramWebhook
from adapters.telegram.parse import Me, parse
from bot.contract import HttpRequest
from tests.contracts.telegram_support import Bot, Core, connected


@pytest.fixture
async def fake():
    async with FakeTelegram() as server:
        yield server


@pytest.fixture
def core():
    return Core()


class Patient(Bot):
    """Waits for the rest of an album until told that the time is up."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.patient = asyncio.Event()


def photo(number: int, chat: int = 7, album: Any = "g1", **more: Any) -> dict[str, Any]:
    sizes = [{"file_id": f"f{number}", "file_unique_id": f"u{number}", "width": 9, "height": 9}]
    message = {
        "message_id": number,
        "date": 1767355200,
        "chat": {"id": chat, "type": "private"},
        "from": {"id": chat, "is_bot": False, "first_name": "Ada"},
        "photo": sizes,
        "media_group_id": album,
    }
    return {"update_id": 2000 + number, "message": {**message, **more}}


def handles(core: Core) -> list[list[str]]:
    return [[file.handle for file in message.attachments] for message in core.messages]


async def test_an_album_is_one_message_with_its_words_and_files_in_order(fake, core):
    for number in (3, 1, 2):
        fake.push(photo(number, caption="look" if number == 2 else ""))
    async with connected(fake, core):
        await core.until(lambda: core.messages)
    (message,) = core.messages
    assert (message.text, message.ref.id) == ("look", "1")
    assert handles(core) == [["f1", "f2", "f3"]]


async def test_parts_that_come_in_several_batches_are_joined(fake, core):
    fake.push(photo(1))
    async with connected(fake, core, Patient) as bot:
        await fake.wait_for(lambda: not fake.pending)
        fake.push(photo(2))
        await fake.wait_for(lambda: not fake.pending)
        assert core.messages == []
        bot.patient.set()
        await core.until(lambda: core.messages)
    assert handles(core) == [["f1", "f2"]]


async def test_a_full_album_waits_for_nobody(fake, core):
    for number in range(FULL):
        fake.push(photo(1 + number))
    async with connected(fake, core, Patient):
        await core.until(lambda: core.messages)
    assert len(core.messages[0].attachments) == FULL


async def test_two_albums_and_two_chats_are_kept_apart(fake, core):
    for number, chat, album in [(1, 7, "a"), (2, 8, "b"), (3, 7, "a"), (4, 8, "b"), (5, 7, "c")]:
        fake.push(photo(number, chat, album))
    async with connected(fake, core):
        await core.until(lambda: len(core.messages) == 3)
    assert sorted(handles(core)) == [["f1", "f3"], ["f2", "f4"], ["f5"]]


async def test_what_is_said_after_an_album_comes_after_it(fake, core):
    fake.push(photo(1))
    fake.push(photo(2))
    fake.push({"message": {**photo(3, album=None)["message"], "photo": None, "text": "what"}})
    async with connected(fake, core, Patient):
        await core.until(lambda: len(core.messages) == 2)
    assert handles(core) == [["f1", "f2"], []]
    assert core.texts[1] == "what"


async def test_an_album_outlives_the_process_that_confirmed_it(fake, core):
    fake.push(photo(1))
    fake.push(photo(2))
    async with connected(fake, core, Patient):
        await fake.wait_for(lambda: not fake.pending)
    assert core.messages == []
    async with connected(fake, core):
        await core.until(lambda: core.messages)
    assert handles(core) == [["f1", "f2"]]


async def test_parts_that_come_again_are_known_also_to_the_next_process(fake, core):
    for number in (1, 2, 3):
        fake.push(photo(number))
    async with connected(fake, core):
        await core.until(lambda: core.messages)
    for number in (2, 3):
        fake.push(photo(number))
    fake.push(photo(9, album="other"))
    async with connected(fake, core):
        await core.until(lambda: len(core.messages) == 2)
    assert handles(core) == [["f1", "f2", "f3"], ["f9"]]


@pytest.mark.parametrize("full", ["mark", "look"])
async def test_a_full_store_loses_no_part(fake, core, full):
    core.full = [full]
    fake.push(photo(1, caption="look"))
    fake.push(photo(2))
    async with connected(fake, core):
        await core.until(lambda: core.messages)
        await fake.wait_for(lambda: not fake.pending)
    assert handles(core) == [["f1", "f2"]]


async def test_a_store_that_cannot_be_read_at_first_is_read_again(fake, core):
    async with connected(fake, core, Patient):
        fake.push(photo(1))
        await fake.wait_for(lambda: not fake.pending)
    core.full = ["mark", "mark"]
    async with connected(fake, core):
        await core.until(lambda: core.now == "up" and core.messages)
    assert handles(core) == [["f1"]]


@pytest.mark.parametrize("album", [5, ["g"], {"id": "g"}])
async def test_an_album_of_a_wrong_type_is_put_aside(fake, core, album):
    fake.push(photo(1, album=album))
    fake.say(7, "next")
    async with connected(fake, core):
        await core.until(lambda: core.messages)
    assert (core.texts, len(core.refused)) == (["next"], 1)


async def test_an_edited_caption_is_an_edit(fake, core):
    fake.push({"edited_message": photo(1, caption="new words")["message"]})
    async with connected(fake, core, Patient):
        await core.until(lambda: core.messages)
    assert core.messages[0].change == "edited"


async def test_an_album_is_joined_though_the_webhook_brings_its_parts_one_by_one(fake, core):
    hook = TelegramWebhook("https://bot.example/channels/telegram", "s3cret")

    def call(update: object) -> HttpRequest:
        body = json.dumps(update).encode()
        return HttpRequest("POST", "/channels/telegram", {}, {SECRET_HEADER: "s3cret"}, body)

    async with connected(fake, core, Patient, webhook=hook) as bot:
        await core.until(lambda: core.now == "up")
        for number in (1, 2, 2, 3):
            assert (await bot.handle(call(photo(number)), core)).status == 200
        assert core.messages == []
        bot.patient.set()
        await core.until(lambda: core.messages)
        assert (await bot.handle(call(photo(3)), core)).status == 200
    assert handles(core) == [["f1", "f2", "f3"]]


def test_a_command_in_a_caption_counts_for_the_album():
    updates = [photo(1), photo(2, caption="/status now")]
    messages = [message for update in updates for message in parse(update, Me("telegram"))]
    assert joined(messages).command.name == "status"
