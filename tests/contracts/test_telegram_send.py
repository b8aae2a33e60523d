"""Sending to Telegram through the real library: what people see, and what a failure means."""

import asyncio
import json

import pytest

from adapters.fakes.telegram import FakeTelegram
from adapters.telegram.adapter import SECRET_HEADER, Telegram
from adapters.telegram.options import TelegramOptions, TelegramWebhook
from bot.contract import Attachment, Button, CommandSpec, File, HttpRequest, Ref, Reply
from bot.errors import (
    ChannelDown,
    ChannelRefused,
    NotSent,
    RateLimited,
    Refused,
    Uncertain,
)
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


def sent(fake: FakeTelegram, number: int = -1) -> dict:
    return fake.called("sendMessage")[number]


async def test_a_reply_is_seen_with_its_formatting(fake, bot):
    ref = await bot.send(place(7), Reply("**bold** 😀 `code`"), "k1")
    shown = fake.chats.visible("7")[0]
    assert (ref, shown.text) == (Ref(place(7), "1"), "bold 😀 code")
    assert [(e["type"], e["offset"], e["length"]) for e in shown.entities] == [
        ("bold", 0, 4),
        ("code", 8, 4),
    ]
    assert json.loads(sent(fake)["link_preview_options"]) == {"is_disabled": True}


async def test_an_answer_quotes_and_stays_in_its_topic(fake, bot):
    asked = fake.say(-5, "question")
    await bot.send(place(-5, "42"), Reply("answer", reply_to=str(asked)), "k")
    await bot.send(place(-5, "42"), Reply("to one who left", reply_to="999"), "k2")
    first, second = fake.chats.visible("-5")
    assert (first.reply_to, first.thread, second.reply_to) == (asked, 42, None)


async def test_the_general_topic_is_not_named_when_sending_but_when_typing(fake, bot):
    await bot.send(place(-5, "1"), Reply("hi"), "k")
    await bot.typing(place(-5, "1"))
    assert "message_thread_id" not in sent(fake)
    assert fake.called("sendChatAction") == [
        {"chat_id": "-5", "action": "typing", "message_thread_id": "1"}
    ]


async def test_a_text_that_grows_beyond_one_message_is_seen_whole(fake, bot):
    ref = await bot.send(place(7), Reply("word " * 1500), "k")
    texts = fake.visible(7)
    assert (len(texts), ref.id) == (2, "2")
    assert "".join(texts).count("word") == 1500


async def test_a_repeat_does_not_show_again_what_was_shown(fake, bot):
    reply = Reply("word " * 1500, attachments=(File("a.txt", "text/plain", b"x"),))
    fake.fail("sendDocument", retry_after=3)
    with pytest.raises(RateLimited) as limited:
        await bot.send(place(7), reply, "k")
    ref = await bot.send(place(7), reply, "k")
    assert (limited.value.retry_after, ref.id) == (3, "3")
    assert [len(text) > 0 for text in fake.visible(7)] == [True, True, False]


async def test_files_go_out_as_what_they_are(fake, bot):
    kinds = {
        "image/png": "sendPhoto",
        "audio/ogg": "sendVoice",
        "audio/mpeg": "sendAudio",
        "video/mp4": "sendVideo",
        "application/pdf": "sendDocument",
    }
    for mime, method in kinds.items():
        await bot.send(place(7), Reply("", (File("näme.bin", mime, b"data"),)), mime)
        assert len(fake.called(method)) == 1
    assert [shown.file for shown in fake.chats.visible("7")] == ["näme.bin"] * 5


async def test_buttons_stand_below_the_last_message(fake, bot):
    buttons = (Button("Allow", "a:1", "primary"), Button("Deny", "d:1", "danger"))
    await bot.send(place(7), Reply("word " * 1500, buttons=buttons), "k")
    first, last = fake.chats.visible("7")
    keys = last.markup["inline_keyboard"][0]
    assert first.markup is None
    assert [(key["text"], key["callback_data"]) for key in keys] == [
        ("Allow", "a:1"),
        ("Deny", "d:1"),
    ]


async def test_an_edit_replaces_the_text_and_one_without_change_is_fine(fake, bot):
    ref = await bot.send(place(7), Reply("draft"), "k")
    await bot.edit(ref, Reply("**final**"))
    await bot.edit(ref, Reply("**final**"))
    shown = fake.chats.visible("7")[0]
    assert (shown.text, shown.edits) == ("final", ["draft"])


async def test_an_edit_that_does_not_fit_is_refused_before_it_is_tried(fake, bot):
    ref = await bot.send(place(7), Reply("draft"), "k")
    with pytest.raises(Refused, match="does not fit"):
        await bot.edit(ref, Reply("word " * 1500))
    with pytest.raises(Refused):
        await bot.edit(ref, Reply(" "))
    assert fake.called("editMessageText") == []


async def test_a_message_is_taken_away_once_and_again(fake, bot):
    ref = await bot.send(place(7), Reply("x"), "k")
    await bot.delete(ref)
    await bot.delete(ref)
    assert fake.visible(7) == []


async def test_a_reaction_is_put_and_taken_away(fake, bot):
    asked = Ref(place(7), str(fake.say(7, "hello")))
    await bot.react(asked, "👀")
    assert fake.chats.find("7", 1).reactions == ["👀"]
    await bot.react(asked, "")
    assert fake.chats.find("7", 1).reactions == []


@pytest.mark.parametrize("method", ["send", "edit"])
async def test_refused_formatting_leaves_the_words(fake, bot, method):
    ref = await bot.send(place(7), Reply("draft"), "k")
    words = "Bad Request: can't parse entities: no end"
    fake.fail("sendMessage", status=400, description=words)
    fake.fail("editMessageText", status=400, description=words)
    if method == "edit":
        await bot.edit(ref, Reply("**words**"))
    else:
        await bot.send(place(7), Reply("**words**"), "k2")
    shown = fake.chats.visible("7")[-1]
    assert (shown.text, shown.entities) == ("words", [])


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (
            {"status": 403, "description": "Forbidden: bot was blocked by the user"},
            Refused,
            "block",
        ),
        ({"status": 400, "description": "Bad Request: chat not found"}, Refused, "not found"),
        ({"status": 401, "description": "Unauthorized"}, NotSent, r"channels\.telegram\.token"),
        ({"status": 413, "description": "Request Entity Too Large"}, Refused, "too large"),
        ({"status": 500, "description": "Internal Server Error"}, Uncertain, "Internal"),
        ({"status": 502, "description": "Bad Gateway"}, Uncertain, "Bad Gateway"),
        ({"status": 504, "description": "Gateway Timeout"}, Uncertain, "Gateway"),
        ({"retry_after": 130}, RateLimited, "130"),
        ({"status": 429, "description": "Too Many Requests"}, RateLimited, "5 s"),
        ({"cut": "before"}, Uncertain, "confirm"),
        ({"cut": "after"}, Uncertain, "confirm"),
        ({"body": "<html>"}, Uncertain, "not JSON"),
        ({"body": '{"ok": true, "result": {"odd": 1}}'}, Uncertain, "odd"),
        ({"body": "[]"}, Uncertain, "not an object"),
    ],
)
async def test_a_failure_says_whether_it_was_sent(fake, bot, fault, error, words):
    fake.fail("sendMessage", **fault)
    with pytest.raises(error, match=words) as raised:
        await bot.send(place(7), Reply("x"), "k")
    assert type(raised.value) is error
    assert fake.token not in f"{raised.value!r}{raised.value.__cause__!r}"


async def test_what_was_cut_after_the_commit_is_seen_though_uncertain(fake, bot):
    fake.fail("sendMessage", cut="after")
    with pytest.raises(Uncertain):
        await bot.send(place(7), Reply("x"), "k")
    assert fake.visible(7) == ["x"]


async def test_a_call_without_an_answer_is_uncertain(fake, bot, monkeypatch):
    monkeypatch.setattr("adapters.telegram.request.PATIENCE", 0.05)
    fake.fail("sendMessage", hang=True)
    with pytest.raises(Uncertain, match="no answer in time"):
        await bot.send(place(7), Reply("x"), "k")


async def test_a_server_that_is_not_there_was_certainly_not_reached(fake, bot):
    await fake.stop()
    with pytest.raises(NotSent):
        await bot.send(place(7), Reply("x"), "k")


async def test_after_stop_nothing_is_sent(fake, bot):
    await bot.stop()
    with pytest.raises(NotSent):
        await bot.send(place(7), Reply("x"), "k")


async def test_a_message_in_a_group_that_moved_stays_where_it_is(fake, bot):
    body = {"ok": False, "description": "upgraded", "parameters": {"migrate_to_chat_id": -1007}}
    fake.fail("editMessageText", status=400, body=json.dumps(body))
    with pytest.raises(Refused, match="-1007"):
        await bot.edit(Ref(place(-5), "1"), Reply("x"))


@pytest.mark.parametrize("reply", [Reply(""), Reply("x", reply_to="not a number")])
async def test_what_cannot_be_sent_is_refused_before_it_is_tried(fake, bot, reply):
    with pytest.raises(Refused):
        await bot.send(place(7), reply, "k")
    assert fake.calls == []


async def test_the_menu_is_written_only_when_it_changed(fake, bot):
    menu = [
        CommandSpec("status", "where things stand"),
        CommandSpec("approve", "for owners", owner=True),
        CommandSpec("export-session", "no name for a menu here"),
        CommandSpec("new", ""),
    ]
    await bot.publish_commands(menu)
    await bot.publish_commands(menu)
    assert len(fake.called("setMyCommands")) == 1
    assert [command["command"] for command in fake.methods.commands] == ["status", "new"]
    await bot.publish_commands(menu[:1])
    assert len(fake.called("setMyCommands")) == 2


async def test_the_bot_is_named_by_a_live_check(fake, bot):
    assert await bot.check() == "@trunk_bot"
    fake.fail("getMe", status=500)
    with pytest.raises(ChannelDown):
        await bot.check()


async def test_a_file_is_fetched_under_a_cap(fake, bot):
    fake.methods.files["f1"] = b"x" * 200_000
    file = Attachment("file", "a.bin", "application/octet-stream", None, "f1")
    assert b"".join([piece async for piece in bot.fetch(file, 200_000)]) == b"x" * 200_000
    with pytest.raises(ChannelDown, match="larger than 199999"):
        [piece async for piece in bot.fetch(file, 199_999)]
    with pytest.raises(ChannelDown, match="larger than 5"):
        [piece async for piece in bot.fetch(Attachment("file", "a", "b", 6, "f1"), 5)]
    with pytest.raises(ChannelDown, match="rong file_id"):
        [piece async for piece in bot.fetch(Attachment("file", "a", "b", 6, "gone"), 9)]
    with pytest.raises(ChannelDown, match="no bytes"):
        [piece async for piece in bot.fetch(Attachment("location", "a", "b"), 9)]


def call(body: bytes, secret: str = "s3cret") -> HttpRequest:
    return HttpRequest("POST", "/channels/telegram", {}, {SECRET_HEADER: secret}, body)


async def test_a_webhook_is_registered_checked_and_stored_before_it_is_answered(fake):
    core = Core()
    hook = TelegramWebhook("https://bot.example/channels/telegram", "s3cret")
    async with connected(fake, core, webhook=hook) as bot:
        await core.until(lambda: core.now == "up")
        fake.say(7, "hello")
        body = json.dumps(fake.pending[0]).encode()
        wrong = [await bot.handle(call(body, secret), core) for secret in ("", "s3cres", "é")]
        assert ([answer.status for answer in wrong], core.messages) == ([401] * 3, [])
        core.full = ["hello"]
        assert (await bot.handle(call(body), core)).status == 503
        assert (await bot.handle(call(body), core)).status == 200
        assert (await bot.handle(call(b"{"), core)).status == 200
    assert core.texts == ["hello"]
    assert core.refused == [("{", "it cannot be read as JSON")]
    assert fake.called("setWebhook")[0]["secret_token"] == "s3cret"
    assert fake.called("getUpdates") == []


async def test_a_webhook_without_a_secret_is_refused(fake):
    async with connected(fake, Core(), webhook=TelegramWebhook("https://b.example")) as bot:
        with pytest.raises(ChannelRefused, match=r"webhook\.secret"):
            await bot.runner


async def test_many_sends_at_once_keep_their_answers_apart(fake, bot):
    refs = await asyncio.gather(
        *(bot.send(place(chat), Reply(f"to {chat}"), f"k{chat}") for chat in range(1, 60))
    )
    assert all(fake.visible(chat) == [f"to {chat}"] for chat in range(1, 60))
    assert len(refs) == 59
