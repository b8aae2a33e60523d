"""Sending to Slack through the real library: what people see, and what a failure means."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from adapters.fakes.slack import FakeSlack
from adapters.slack.adapter import Slack
from adapters.slack.failures import retry_after
from adapters.slack.options import SlackOptions
from bot.contract import Attachment, Button, File, Ref, Reply
from bot.errors import ChannelDown, ChannelRefused, NotSent, RateLimited, Refused, Uncertain
from tests.contracts.slack_support import Core, connected, place

ROOT = "1767323045.000001"


@pytest.fixture
async def fake():
    async with FakeSlack() as server:
        yield server


@pytest.fixture
async def bot(fake):
    adapter = Slack("slack", SlackOptions(fake.token, fake.app_token, base_url=fake.base_url))
    await adapter.start()
    yield adapter
    await adapter.stop()


def shown(fake, channel="C1"):
    return fake.workspace.messages[channel]


async def test_a_reply_is_seen_as_blocks_with_a_text_beside_them(fake, bot):
    ref = await bot.send(place("C1", ROOT), Reply("**bold** `code`"), "k1")
    (message,) = shown(fake)
    assert ref == Ref(place("C1", ROOT), message["ts"])
    assert (message["text"], message["thread_ts"]) == ("*bold* `code`", ROOT)
    assert [block["type"] for block in message["blocks"]] == ["rich_text"]
    (call,) = fake.called("chat.postMessage")
    assert [call[name] for name in ("unfurl_links", "unfurl_media", "link_names")] == [False] * 3


async def test_a_person_is_written_to_in_the_direct_chat(fake, bot):
    for to in ("U0ADA", "user:U0ADA"):
        ref = await bot.send(place(to), Reply("hello"), to)
        await bot.edit(ref, Reply("edited"))
    assert fake.workspace.visible("D0ADA") == ["edited", "edited"]
    assert len(fake.called("conversations.open")) == 1


async def test_a_text_that_grows_beyond_one_message_is_seen_whole(fake, bot):
    ref = await bot.send(place("C1"), Reply("word & " * 1500), "k")
    texts = fake.workspace.visible("C1")
    assert len(texts) > 1
    assert (sum(text.count("word") for text in texts), ref.id) == (1500, shown(fake)[-1]["ts"])


async def test_a_repeat_does_not_show_again_what_was_shown(fake, bot):
    reply = Reply("word " * 1500, attachments=(File("a.txt", "text/plain", b"x"),))
    fake.fail("files.getUploadURLExternal", retry_after="3")
    with pytest.raises(RateLimited) as limited:
        await bot.send(place("C1"), reply, "k")
    ref = await bot.send(place("C1"), reply, "k")
    assert limited.value.retry_after == 3
    messages = shown(fake)
    assert [bool(message.get("files")) for message in messages] == [False, False, True]
    assert ref.id == messages[1]["ts"]


async def test_a_file_goes_out_with_its_bytes_and_name(fake, bot):
    ref = await bot.send(place("C1", ROOT), Reply("", (File("näme.bin", "a/b", b"data"),)), "k")
    (message,) = shown(fake)
    assert (message["files"][0]["name"], message["thread_ts"]) == ("näme.bin", ROOT)
    assert fake.workspace.files[ref.id]["data"] == b"data"
    await bot.delete(ref)
    await bot.delete(ref)
    assert fake.workspace.files == {}


async def test_buttons_stand_below_the_last_message(fake, bot):
    buttons = (Button("Allow", "a:1", "primary"), Button("Deny", "d:1", "danger"), Button("?", "q"))
    await bot.send(place("C1"), Reply("word " * 1500, buttons=buttons), "k")
    first, last = shown(fake)
    assert [block["type"] for block in first["blocks"]] == ["rich_text"]
    keys = last["blocks"][-1]["elements"]
    assert [(key["text"]["text"], key["value"], key.get("style")) for key in keys] == [
        ("Allow", "a:1", "primary"),
        ("Deny", "d:1", "danger"),
        ("?", "q", None),
    ]
    assert len({key["action_id"] for key in keys}) == 3


async def test_an_edit_replaces_text_and_blocks(fake, bot):
    ref = await bot.send(place("C1"), Reply("draft"), "k")
    await bot.edit(ref, Reply("**final**", buttons=(Button("Yes", "y"),)))
    (message,) = shown(fake)
    assert (message["text"], message["edits"]) == ("*final*", ["draft"])
    assert [block["type"] for block in message["blocks"]] == ["rich_text", "actions"]


async def test_an_edit_that_does_not_fit_is_refused_before_it_is_tried(fake, bot):
    ref = await bot.send(place("C1"), Reply("draft"), "k")
    for text in ("word " * 1500, " "):
        with pytest.raises(Refused, match="does not fit"):
            await bot.edit(ref, Reply(text))
    assert fake.called("chat.update") == []


async def test_a_message_is_taken_away_once_and_again(fake, bot):
    ref = await bot.send(place("C1"), Reply("x"), "k")
    await bot.delete(ref)
    await bot.delete(ref)
    assert fake.workspace.visible("C1") == []


async def test_a_reaction_is_put_and_taken_away(fake, bot):
    asked = Ref(place("C1"), fake.workspace.post("C1", user="U1", text="hi")["ts"])
    async with connected(fake, Core()) as known:
        await fake.wait_for(lambda: fake.called("auth.test") and fake.sockets)
        await known.react(asked, "👀")
        await known.react(asked, "👀")
        assert [entry["name"] for entry in shown(fake)[0]["reactions"]] == ["eyes"]
        await known.react(asked, "")
        await known.react(asked, ":custom_one:")
        assert [entry["name"] for entry in shown(fake)[0]["reactions"]] == ["custom_one"]
        with pytest.raises(Refused, match="not known"):
            await known.react(asked, "🦩")


@pytest.mark.parametrize("word", ["invalid_blocks", "msg_blocks_too_long"])
@pytest.mark.parametrize("buttons", [(), (Button("Yes", "y"),)])
async def test_refused_blocks_leave_the_words(fake, bot, word, buttons):
    fake.fail("chat.postMessage", error=word)
    ref = await bot.send(place("C1"), Reply("**words**", buttons=buttons), "k")
    (message,) = shown(fake)
    assert (message["text"], message["ts"]) == ("*words*", ref.id)
    assert [block["type"] for block in message["blocks"]] == ["section", "actions"][
        : 2 * len(buttons)
    ]
    fake.fail("chat.update", error=word)
    await bot.edit(ref, Reply("edited"))
    assert (shown(fake)[0]["text"], shown(fake)[0]["blocks"]) == ("edited", [])


async def test_blocks_refused_twice_are_refused(fake, bot):
    fake.fail("chat.postMessage", error="invalid_blocks", times=2)
    with pytest.raises(Refused, match="invalid_blocks"):
        await bot.send(place("C1"), Reply("**words**"), "k")


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ({"error": "channel_not_found"}, Refused, "does not see"),
        ({"error": "not_in_channel"}, Refused, "invite"),
        ({"error": "is_archived"}, Refused, "is_archived"),
        ({"error": "missing_scope"}, Refused, "scope"),
        ({"error": "invalid_auth"}, NotSent, r"channels\.slack\.bot_token"),
        ({"error": "fatal_error"}, Uncertain, "fatal_error"),
        ({"status": 500}, Uncertain, "500"),
        ({"status": 503, "body": "{}"}, Uncertain, "503"),
        ({"retry_after": "130"}, RateLimited, "130"),
        ({"error": "ratelimited"}, RateLimited, "30 s"),
        ({"cut": "before"}, Uncertain, "confirm"),
        ({"cut": "after"}, Uncertain, "confirm"),
        ({"body": "<html>"}, Uncertain, "odd"),
        ({"body": "[]"}, Uncertain, "odd"),
        ({"body": '{"ok": true}'}, Uncertain, "confirm"),
        ({"body": '{"ok": true, "ts": 5}'}, Uncertain, "confirm"),
        ({"body": '{"ok": false, "error": 7}'}, Uncertain, "odd"),
        ({"body": "[" * 9000}, Uncertain, "odd"),
    ],
)
async def test_a_failure_says_whether_it_was_sent(fake, bot, fault, error, words):
    fake.fail("chat.postMessage", **fault)
    with pytest.raises(error, match=words) as raised:
        await bot.send(place("C1"), Reply("x"), "k")
    assert type(raised.value) is error
    assert fake.token not in f"{raised.value!r}{raised.value.__cause__!r}"
    assert len(fake.called("chat.postMessage")) == 1


async def test_a_call_without_an_answer_is_uncertain(fake, bot, monkeypatch):
    short = type(bot._client.pool.timeout)(total=0.05)
    monkeypatch.setattr("adapters.slack.client._ANSWER", short)
    fake.fail("chat.postMessage", hang=True)
    with pytest.raises(Uncertain, match="no answer in time"):
        await bot.send(place("C1"), Reply("x"), "k")


async def test_a_server_that_is_not_there_was_certainly_not_reached(fake, bot):
    await fake.stop()
    with pytest.raises(NotSent):
        await bot.send(place("C1"), Reply("x"), "k")


async def test_after_stop_nothing_is_sent(fake, bot):
    await bot.stop()
    with pytest.raises(NotSent):
        await bot.send(place("C1"), Reply("x"), "k")


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("0", 0.1),
        ("Fri, 02 Jan 2026 03:04:17 GMT", 12),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 30),
        ("", 30),
        ("soon", 30),
        ("-3", 30),
        ("nan", 30),
        ("1e400", 30),
        ("99999999999", 3600),
        ("Fri, 99 Foo 2026", 30),
        ("Fri, 02 Jan 2026 03:04:17", 30),
    ],
)
def test_how_long_to_wait_in_every_form(value, seconds):
    assert retry_after({"Retry-After": value}, NOW) == seconds
    assert retry_after({}, NOW + timedelta(1)) == 30


async def test_a_sent_key_is_found_again(fake, bot):
    await bot.send(place("C1"), Reply("word " * 1500), "long")
    fake.fail("chat.postMessage", cut="after")
    with pytest.raises(Uncertain):
        await bot.send(place("C1", ROOT), Reply("cut off"), "cut")
    assert await bot.find(place("C1"), "long") == Ref(place("C1"), shown(fake)[1]["ts"])
    assert await bot.find(place("C1", ROOT), "cut") == Ref(place("C1", ROOT), shown(fake)[2]["ts"])
    assert await bot.find(place("C1"), "never sent") is None


@pytest.mark.usefixtures("today")
async def test_a_key_is_found_behind_many_other_messages(fake, bot):
    ref = await bot.send(place("C1"), Reply("first"), "k")
    for number in range(450):
        fake.workspace.post("C1", user="U1", text=f"m{number}")
    assert await bot.find(place("C1"), "k") == ref
    assert len(fake.called("conversations.history")) == 3


@pytest.fixture(autouse=True)
def today(monkeypatch):
    """The clock of the server's messages."""
    monkeypatch.setattr("adapters.slack.adapter.utcnow", lambda: NOW + timedelta(minutes=1))


async def test_a_reply_found_in_part_goes_on_behind_it(fake, bot):
    reply = Reply("word " * 1500, attachments=(File("a.txt", "text/plain", b"x"),))
    await bot.send(place("C1"), reply, "k")
    del shown(fake)[1:]
    fresh = Slack("slack", SlackOptions(fake.token, fake.app_token, base_url=fake.base_url))
    await fresh.start()
    assert await fresh.find(place("C1"), "k") is None
    await fresh.send(place("C1"), reply, "k")
    await fresh.stop()
    assert [bool(message.get("files")) for message in shown(fake)] == [False, False, True]
    assert sum(text.count("word") for text in fake.workspace.visible("C1")) == 1500


async def test_typing_is_the_status_of_a_thread_and_nothing_elsewhere(fake, bot):
    await bot.typing(place("D0ADA", ROOT))
    await bot.typing(place("C1"))
    (status,) = fake.workspace.statuses
    assert (status["channel_id"], status["thread_ts"]) == ("D0ADA", ROOT)
    fake.fail("assistant.threads.setStatus", error="channel_type_not_supported")
    await bot.typing(place("C1", ROOT))
    fake.fail("assistant.threads.setStatus", retry_after="2")
    with pytest.raises(RateLimited):
        await bot.typing(place("C1", ROOT))


async def test_the_bot_is_named_by_a_live_check(fake, bot):
    assert await bot.check() == "@trunk"
    fake.fail("auth.test", status=500)
    with pytest.raises(ChannelDown):
        await bot.check()
    fake.fail("apps.connections.open", error="not_allowed_token_type")
    with pytest.raises(ChannelRefused, match="app_token"):
        await bot.check()


async def test_a_file_is_fetched_under_a_cap(fake, bot):
    fake.workspace.files["F1"] = {"name": "a.bin", "data": b"x" * 200_000}
    file = Attachment("file", "a.bin", "application/octet-stream", None, "F1")
    assert b"".join([piece async for piece in bot.fetch(file, 200_000)]) == b"x" * 200_000
    with pytest.raises(ChannelDown, match="larger than 199999"):
        [piece async for piece in bot.fetch(file, 199_999)]
    with pytest.raises(ChannelDown, match="larger than 5"):
        [piece async for piece in bot.fetch(Attachment("file", "a", "b", 6, "F1"), 5)]
    with pytest.raises(ChannelDown, match="file_not_found"):
        [piece async for piece in bot.fetch(Attachment("file", "a", "b", 6, "F9"), 9)]
    fake.fail("files.info", body='{"ok": true, "file": {"mode": "external"}}')
    with pytest.raises(ChannelDown, match="does not hold"):
        [piece async for piece in bot.fetch(file, 9)]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://files.slack.com/x", True),
        ("https://slack.com/x", True),
        ("http://files.slack.com/x", False),
        ("https://files.slack.com.evil.org/x", False),
        ("https://evilslack.com/x", False),
        ("http://169.254.169.254/x", False),
    ],
)
async def test_the_token_is_shown_to_slack_alone(bot, url, told):
    assert bot._client._is_slack(url) is told


async def test_many_sends_at_once_keep_their_answers_apart(fake, bot):
    refs = await asyncio.gather(
        *(bot.send(place(f"C{at}"), Reply(f"to {at}"), f"k{at}") for at in range(60))
    )
    assert all(fake.workspace.visible(f"C{at}") == [f"to {at}"] for at in range(60))
    assert len({ref.id for ref in refs}) == 60
