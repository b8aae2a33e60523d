"""Where Telegram differs by place: drafts in direct chats, groups that become supergroups."""

import pytest

from adapters.fakes.telegram import FakeTelegram
from adapters.telegram.adapter import Telegram
from adapters.telegram.options import TelegramOptions, TelegramWebhook
from bot.contract import File, Ref, Reply
from bot.errors import ChannelRefused, NotSent, RateLimited, Refused, Unsupported
from tests.contracts.telegram_support import Core, connected, place


@pytest.fixture
async def fake():
    async with FakeTelegram() as server:
        yield server


@pytest.fixture
async def bot(fake):
    adapter = Telegram("telegram", TelegramOptions(fake.token, fake.base_url))
    await adapter.start()
    yield adapter
    await adapter.stop()


async def test_a_draft_grows_in_a_direct_chat_and_gives_way_to_the_answer(fake, bot):
    assert await bot.stream(place(7), "run1", "**gro", None) is None
    await bot.stream(place(7), "run1", "**growing** text", None)
    assert (fake.chats.drafts, fake.visible(7)) == ({"7": "growing text"}, [])
    numbers = {call["draft_id"] for call in fake.called("sendMessageDraft")}
    await bot.send(place(7), Reply("grown"), "k")
    assert (fake.chats.drafts, fake.visible(7), len(numbers)) == ({}, ["grown"], 1)
    await bot.stream(place(7), "run2", "next", None)
    assert fake.called("sendMessageDraft")[-1]["draft_id"] not in numbers


async def test_a_draft_stays_in_its_topic(fake, bot):
    await bot.stream(place(7, "42"), "run1", "text", None)
    assert fake.called("sendMessageDraft")[0]["message_thread_id"] == "42"


@pytest.mark.parametrize("chat", [-5, "@news"])
async def test_elsewhere_there_are_no_drafts(fake, bot, chat):
    with pytest.raises(Unsupported):
        await bot.stream(place(chat), "run1", "text", None)
    assert fake.calls == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 404, "description": "Not Found"}, Unsupported),
        ({"status": 400, "description": "Bad Request: TEXTDRAFT_PEER_INVALID"}, Unsupported),
        ({"status": 403, "description": "Forbidden: bot was blocked by the user"}, Refused),
        ({"retry_after": 9}, RateLimited),
    ],
)
async def test_a_draft_that_fails_says_whether_edits_would_do(fake, bot, fault, error):
    fake.fail("sendMessageDraft", **fault)
    with pytest.raises(error) as raised:
        await bot.stream(place(7), "run1", "text", None)
    assert type(raised.value) is error


async def test_a_draft_out_of_reach_is_not_the_platforms_no(fake, bot):
    await fake.stop()
    with pytest.raises(NotSent):
        await bot.stream(place(7), "run1", "text", None)


async def test_a_group_that_becomes_a_supergroup_is_told(fake):
    core = Core()
    async with connected(fake, core):
        fake.upgrade(-5, -1005)
        await core.until(lambda: len(core.moves) == 2)
    assert set(core.moves) == {("telegram:telegram:-5", "telegram:telegram:-1005")}
    assert (core.messages, core.refused) == ([], [])


async def test_a_move_that_cannot_be_stored_is_told_again(fake):
    core = Core()
    core.full = ["moved"]
    async with connected(fake, core):
        fake.upgrade(-5, -1005)
        await fake.wait_for(lambda: not fake.pending)
    assert len(core.moves) >= 2


@pytest.mark.parametrize("to", ["x", 2**70, [], True])
async def test_a_move_that_makes_no_sense_is_put_aside(fake, to):
    core = Core()
    async with connected(fake, core):
        chat = {"id": -5, "type": "group"}
        fake.push({"message": {"message_id": 1, "chat": chat, "migrate_to_chat_id": to}})
        await core.until(lambda: core.refused)
    assert core.moves == []


async def test_an_answer_to_the_former_group_reaches_the_new_one(fake, bot):
    fake.methods.moved["-5"] = "-1005"
    first = await bot.send(place(-5), Reply("word " * 1500), "k")
    second = await bot.send(place(-5), Reply("again"), "k2")
    await bot.edit(second, Reply("again, edited"))
    await bot.typing(place(-5))
    assert (first, second) == (Ref(place(-1005), "2"), Ref(place(-1005), "3"))
    assert fake.visible(-1005)[-1] == "again, edited"
    assert [call["chat_id"] for call in fake.called("sendMessage")] == ["-5", *["-1005"] * 3]


@pytest.mark.parametrize(
    ("mime", "method", "words"),
    [
        ("image/png", "sendPhoto", "Bad Request: PHOTO_INVALID_DIMENSIONS"),
        ("image/jpeg", "sendPhoto", "Bad Request: IMAGE_PROCESS_FAILED"),
        ("audio/ogg", "sendVoice", "Bad Request: VOICE_MESSAGES_FORBIDDEN"),
    ],
)
async def test_a_file_that_is_refused_as_what_it_is_goes_as_a_file(fake, bot, mime, method, words):
    fake.fail(method, status=400, description=words)
    await bot.send(place(7), Reply("", (File("a.bin", mime, b"data"),)), "k")
    assert len(fake.called("sendDocument")) == 1


async def test_a_moving_picture_moves(fake, bot):
    await bot.send(place(7), Reply("", (File("a.gif", "image/gif", b"data"),)), "k")
    assert len(fake.called("sendAnimation")) == 1


async def test_long_code_is_a_file_below_its_first_lines(fake, bot):
    code = "\n".join(f"line_{number} = {number}" for number in range(60))
    await bot.send(place(7), Reply(f"Here:\n\n```python\n{code}\n```\n\nDone."), "k")
    text, file = fake.chats.visible("7")
    assert "line_9 = 9" in text.text and "line_10" not in text.text
    assert text.text.endswith("All 60 lines are in code-1.py.\n\nDone.")
    assert file.file == "code-1.py"


async def test_an_emoji_that_asks_for_colours_is_a_known_reaction(fake, bot):
    asked = Ref(place(7), str(fake.say(7, "hello")))
    await bot.react(asked, "❤️")
    assert fake.chats.find("7", 1).reactions == ["❤"]


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (TelegramWebhook("https://b.example", "with space"), r"webhook\.secret"),
        (TelegramWebhook("http://b.example", "s3cret"), r"webhook\.url.*https"),
    ],
)
async def test_a_webhook_that_cannot_work_is_named(fake, hook, words):
    async with connected(fake, Core(), webhook=hook) as bot:
        with pytest.raises(ChannelRefused, match=words):
            await bot.runner
