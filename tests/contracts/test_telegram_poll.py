"""Receiving from Telegram: nothing is confirmed before it is stored, and nothing stops the poll."""

import asyncio
import json

import pytest

from adapters.fakes.telegram import FakeTelegram
from bot.errors import ChannelRefused
from tests.contracts.telegram_support import Bot, Core, connected


@pytest.fixture
async def fake():
    async with FakeTelegram() as server:
        yield server


@pytest.fixture
def core():
    return Core()


def offsets(fake: FakeTelegram) -> list[str]:
    return [call["offset"] for call in fake.called("getUpdates") if "offset" in call]


async def test_a_message_is_confirmed_only_once_it_is_stored(fake, core):
    core.gate = asyncio.Event()
    fake.say(7, "hello")
    async with connected(fake, core):
        await fake.wait_for(lambda: fake.called("getMe"))
        polls = len(fake.called("getUpdates"))
        assert (len(fake.pending), offsets(fake), polls) == (1, [], 1)
        core.gate.set()
        await fake.wait_for(lambda: not fake.pending)
    assert core.texts == ["hello"]
    assert core.messages[0].address.key == "telegram:telegram:7"


async def test_what_was_not_confirmed_comes_again_to_the_next_process(fake):
    fake.say(7, "hello")
    stopped, started = Core(), Core()
    stopped.gate = asyncio.Event()
    async with connected(fake, stopped):
        await fake.wait_for(lambda: fake.called("getMe"))
    async with connected(fake, started):
        await started.until(lambda: started.messages)
    assert (stopped.texts, started.texts) == ([], ["hello"])


async def test_the_first_poll_names_no_offset_and_asks_for_all_kinds(fake, core):
    async with connected(fake, core):
        await fake.wait_for(lambda: fake.called("getUpdates"))
    first = fake.called("getUpdates")[0]
    assert "offset" not in first
    assert "message_reaction" in json.loads(first["allowed_updates"])


async def test_after_a_quiet_poll_the_ids_may_start_anew(fake, core):
    """After a week without updates the platform chooses the next id at random."""
    async with connected(fake, core):
        fake.push({"update_id": 900, "message": message(7, "before")})
        await fake.wait_for(lambda: not fake.pending)
        fake.end_poll()
        await fake.wait_for(lambda: "offset" not in fake.called("getUpdates")[-1])
        fake.push({"update_id": 12, "message": message(7, "after")})
        await core.until(lambda: len(core.messages) == 2)
    assert core.texts == ["before", "after"]


async def test_one_poisoned_update_does_not_stop_the_others(fake, core):
    fake.say(7, "one")
    fake.push({"message": {"message_id": "not a number", "chat": [], "date": None}})
    fake.push("no update at all")
    fake.say(7, "two")
    async with connected(fake, core):
        await fake.wait_for(lambda: not fake.pending)
    assert core.texts == ["one", "two"]
    assert [reason for _, reason in core.refused] == [
        "chat is not an object",
        "an update is an object",
    ]


async def test_json_that_cannot_be_read_is_passed_over_by_its_number(fake, core):
    fake.say(7, "one")
    deep = '{"ok":true,"result":[{"update_id":1002,"message":' + "[" * 9000 + "]" * 9000 + "}]}"
    fake.fail("getUpdates", body=deep, times=2)
    async with connected(fake, core):
        await core.until(lambda: core.refused)
        fake.say(7, "two")
        fake.say(7, "three")
        await core.until(lambda: core.messages)
    assert core.refused[0][1] == "it cannot be read as JSON"
    assert [call["limit"] for call in fake.called("getUpdates")[:3]] == ["100", "1", "100"]
    assert offsets(fake)[0] == "1003"


async def test_a_full_store_leaves_the_update_unconfirmed_and_tries_again(fake, core):
    core.full = ["two"]
    for text in ("one", "two", "three"):
        fake.say(7, text)
    async with connected(fake, core) as bot:
        await fake.wait_for(lambda: not fake.pending)
    assert core.texts == ["one", "two", "three"]
    assert offsets(fake)[0] == "1002"
    assert ("down", "received messages cannot be stored: the disk is full") in core.states
    assert core.states[-1] == ("up", None)
    assert len(bot.waits) == 1


async def test_the_order_within_a_chat_is_kept_and_chats_do_not_wait(fake, core):
    """Chat 8 is stored although chat 7 stands still."""
    gate = asyncio.Event()

    class Slow(Core):
        async def __call__(self, message):
            if message.address.conversation == "7":
                await gate.wait()
            await super().__call__(message)

    core = Slow()
    for text in ("a", "b", "c"):
        fake.say(7, text)
    fake.say(8, "other")
    async with connected(fake, core):
        await core.until(lambda: core.messages)
        assert core.texts == ["other"]
        gate.set()
        await core.until(lambda: len(core.messages) == 4)
    assert core.texts == ["other", "a", "b", "c"]


async def test_a_second_poller_is_named_once_and_polling_goes_on(fake, core):
    fake.fail("getUpdates", status=409, description="Conflict: terminated by other", times=3)
    async with connected(fake, core) as bot:
        await core.until(lambda: core.now == "up")
    assert [state for state, _ in core.states] == ["connecting", "down", "up"]
    assert "another program polls with this token" in core.states[1][1]
    assert bot.waits[0] < bot.waits[1] < bot.waits[2]


async def test_two_bots_on_one_token_notice_each_other(fake, core):
    other = Core()
    async with connected(fake, core):
        await core.until(lambda: core.now == "up")
        await fake.wait_for(lambda: fake.called("getUpdates")[-1]["timeout"] == "30")
        async with connected(fake, other):
            await core.until(lambda: "down" in dict(core.states))
    assert "another program" in dict(core.states)["down"]


@pytest.mark.parametrize("status", [401, 404])
async def test_a_refused_token_is_named_and_ends_the_run(fake, core, status):
    fake.fail("getUpdates", status=status, description="Unauthorized")
    async with connected(fake, core) as bot:
        with pytest.raises(ChannelRefused, match=r"channels\.telegram\.token"):
            await bot.runner


async def test_a_wrong_token_is_refused_without_being_shown(fake, core):
    async with connected(fake, core, token="1:SECRET") as bot:
        with pytest.raises(ChannelRefused) as refused:
            await bot.runner
        with pytest.raises(ChannelRefused):
            await bot.check()
    assert "SECRET" not in f"{refused.value!r} {core.states} {bot.options!r}"


async def test_a_webhook_left_over_is_removed(fake, core):
    fake.methods.webhook = "https://old.example"
    fake.say(7, "hello")
    async with connected(fake, core):
        await core.until(lambda: core.messages)
    assert fake.methods.webhook == ""


async def test_an_outage_is_said_once_and_so_is_its_end(fake, core):
    fake.fail("getUpdates", status=502, description="Bad Gateway", times=2)
    fake.fail("getUpdates", cut="before")
    fake.say(7, "hello")
    async with connected(fake, core) as bot:
        await core.until(lambda: core.messages)
        await core.until(lambda: core.now == "up")
    assert [state for state, _ in core.states].count("up") == 1
    assert len(bot.waits) == 3
    assert all(wait <= 30 for wait in bot.waits)


async def test_a_poll_that_never_ends_is_dropped_and_done_again(fake, core):
    class Impatient(Bot):
        patience = 0.05

    fake.fail("getUpdates", hang=True)
    fake.say(7, "hello")
    async with connected(fake, core, Impatient):
        await core.until(lambda: core.messages)
    assert ("down", "Telegram does not answer for 0.05 s") in core.states


async def test_a_name_that_cannot_be_asked_at_first_is_asked_again(fake, core):
    fake.fail("getMe", status=500, times=2)
    fake.say(-5, "@trunk_bot hello")
    async with connected(fake, core):
        await core.until(lambda: core.messages)
    assert (core.texts, core.messages[0].mentioned) == (["hello"], True)


async def test_a_pressed_button_is_answered_and_told(fake, core):
    async with connected(fake, core):
        fake.press(7, 3, "yes")
        await fake.wait_for(lambda: fake.called("answerCallbackQuery"))
        await core.until(lambda: core.messages)
    pressed = core.messages[0]
    assert (pressed.change, pressed.action.value, pressed.ref.id) == ("action", "yes", "3")
    assert fake.called("answerCallbackQuery")[0]["callback_query_id"] == pressed.version


async def test_a_reaction_is_told(fake, core):
    async with connected(fake, core):
        fake.react(7, 3, "👍")
        await core.until(lambda: core.messages)
    assert core.messages[0].action.value == "👍"


def message(chat: int, text: str) -> dict:
    return {
        "message_id": 1,
        "date": 1767355200,
        "text": text,
        "chat": {"id": chat, "type": "private"},
        "from": {"id": chat, "is_bot": False, "first_name": "Ada"},
    }
