"""Sending to Discord: shown once, nobody called, limits kept, every failure known by its kind."""

from datetime import UTC, datetime

import pytest
from discord.http import Route

from adapters.discord.failures import wait
from adapters.discord.sending import nonce
from adapters.fakes.discord import FakeDiscord
from bot.contract import Attachment, Button, CommandSpec, File, Ref, Reply
from bot.errors import ChannelDown, ChannelRefused, NotSent, RateLimited, Refused, Uncertain
from tests.contracts.discord_support import place, sender


@pytest.fixture
async def fake():
    async with FakeDiscord() as server:
        yield server


@pytest.fixture
async def bot(fake):
    async with sender(fake) as adapter:
        yield adapter


@pytest.fixture
def room(fake):
    return place(fake.room)


async def test_a_reply_is_shown_without_previews_and_calls_nobody(fake, bot, room):
    quoted = fake.say("question")
    text = "@everyone @here <@&3000> <@7> **look** https://example.org"
    ref = await bot.send(room, Reply(text, reply_to=quoted.id), "run:0")
    (shown,) = fake.rooms.visible(fake.room)
    assert (shown.id, shown.pinged, shown.reply_to) == (ref.id, [], quoted.id)
    assert shown.flags & 4
    assert "@everyone" not in shown.content
    assert "@here" not in shown.content


async def test_the_server_would_call_people_if_it_was_not_told_otherwise(fake, bot):
    """The proof that the test above can fail."""
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=fake.room)
    await bot._rest.request(route, json={"content": "@everyone <@&3000> <@7>"})
    assert fake.rooms.visible(fake.room)[0].pinged == ["everyone", "3000", "7"]


async def test_sending_again_with_the_same_key_shows_nothing_twice(fake, bot, room):
    first = await bot.send(room, Reply("hello"), "run:0")
    again = await bot.send(room, Reply("hello"), "run:0")
    other = await bot.send(room, Reply("hello"), "run:1")
    assert (first == again, first == other) == (True, False)
    assert fake.visible() == ["hello", "hello"]


async def test_a_cut_after_it_was_done_is_uncertain_and_a_repeat_is_safe(fake, bot, room):
    fake.fail("send", cut="after")
    with pytest.raises(Uncertain):
        await bot.send(room, Reply("hello"), "run:0")
    await bot.send(room, Reply("hello"), "run:0")
    assert fake.visible() == ["hello"]


async def test_a_restarted_process_repeats_safely(fake, room):
    for _ in range(2):
        async with sender(fake) as process:
            await process.send(room, Reply(" ".join(map(str, range(900)))), "run:0")
    assert " ".join(fake.visible()).split() == list(map(str, range(900)))


def test_a_nonce_is_short_and_differs_by_key_and_number():
    names = {nonce(key, number) for key in ("run:0", "run:1", "x" * 500) for number in range(3)}
    assert len(names) == 9
    assert all(len(name) <= 25 for name in names)


async def test_a_long_reply_goes_on_behind_what_was_shown(fake, bot, room):
    text = "\n\n".join(f"paragraph {n} " + "word " * 100 for n in range(12))
    fake.fail("send", times=0)
    await bot.send(room, Reply("short"), "run:0")
    fake.fail("send", status=500, times=1)
    with pytest.raises(Uncertain):
        await bot.send(room, Reply(text), "run:1")
    await bot.send(room, Reply(text), "run:1")
    shown = fake.visible()[1:]
    assert [part for n in range(12) for part in shown if f"paragraph {n} " in part]
    assert len(shown) == len(set(shown))
    assert all(len(part) <= 2000 for part in shown)


async def test_a_reply_in_a_thread_and_in_a_direct_chat_by_person(fake, bot):
    thread = fake.thread("side")
    await bot.send(place(fake.room, thread), Reply("in the thread"), "a")
    ref = await bot.send(place("user:7"), Reply("in private"), "b")
    await bot.edit(ref, Reply("edited"))
    await bot.send(place("user:7"), Reply("again"), "c")
    (direct,) = {call.parts[0] for call in fake.calls if call.name == "edit"}
    assert fake.visible(thread) == ["in the thread"]
    assert fake.visible(direct) == ["edited", "again"]
    assert len(fake.called("direct")) == 1


async def test_edits_and_deletes(fake, bot, room):
    ref = await bot.send(room, Reply("one", buttons=(Button("Yes", "yes"),)), "a")
    await bot.edit(ref, Reply("two @everyone"))
    shown = fake.rooms.find(fake.room, ref.id)
    assert (shown.edits, shown.components, shown.pinged) == (["one"], [], [])
    await bot.delete(ref)
    await bot.delete(ref)
    assert fake.visible() == []


async def test_an_edit_of_what_is_gone_or_too_long_is_refused(fake, bot, room):
    ref = await bot.send(room, Reply("one"), "a")
    with pytest.raises(Refused, match="does not fit"):
        await bot.edit(ref, Reply("word " * 900))
    await bot.delete(ref)
    with pytest.raises(Refused, match="Unknown Message"):
        await bot.edit(ref, Reply("two"))


async def test_buttons_stand_in_rows_with_their_style(fake, bot, room):
    buttons = [Button("Yes", "yes", "primary"), Button("No", "no", "danger")]
    buttons += [Button(f"{n}", f"v{n}") for n in range(5)]
    await bot.send(room, Reply("Sure?", buttons=tuple(buttons)), "a")
    rows = fake.rooms.visible(fake.room)[0].components
    assert [len(row["components"]) for row in rows] == [5, 2]
    assert [key["style"] for key in rows[0]["components"]] == [1, 4, 2, 2, 2]


async def test_files_go_with_the_last_text_and_alone(fake, bot, room):
    file = File("a/b.txt", "text/plain", b"bytes")
    await bot.send(room, Reply("here", attachments=(file,)), "a")
    await bot.send(room, Reply("", attachments=(file,) * 11), "b")
    found = fake.rooms.visible(fake.room)
    assert [len(shown.files) for shown in found] == [1, 10, 1]
    assert found[0].files[0]["filename"] == "a_b.txt"
    assert fake.methods.files[found[0].files[0]["id"]] == b"bytes"


async def test_long_code_goes_along_as_a_file_also_when_it_replaces_a_preview(fake, bot, room):
    code = "```py\n" + "".join(f"line {n}\n" for n in range(90)) + "```"
    await bot.send(room, Reply(code), "a")
    ref = await bot.send(room, Reply("writing"), "b")
    await bot.edit(ref, Reply(code))
    for shown in fake.rooms.visible(fake.room):
        (file,) = shown.files
        assert fake.methods.files[file["id"]].decode().count("line") == 90
        assert "line 3" in shown.content


async def test_reactions_and_typing(fake, bot, room):
    ref = Ref(room, fake.say("hi").id)
    await bot.react(ref, "👀")
    await bot.react(ref, "party:123456")
    assert fake.rooms.find(fake.room, ref.id).reactions == ["👀", "party:123456"]
    await bot.react(ref, "")
    assert fake.rooms.find(fake.room, ref.id).reactions == ["👀"]
    await bot.typing(room)
    assert fake.methods.typed == [fake.room]


async def test_nothing_to_say_and_no_place_to_say_it_are_refused(fake, bot, room):
    with pytest.raises(Refused, match="empty"):
        await bot.send(room, Reply(" "), "a")
    with pytest.raises(Refused, match="no id"):
        await bot.send(place("general"), Reply("x"), "a")
    with pytest.raises(Refused, match="Unknown Channel"):
        await bot.send(place("1"), Reply("x"), "a")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 400, "code": 50035}, Refused),
        ({"status": 401}, NotSent),
        ({"status": 403, "code": 50007, "message": "Cannot send messages to this user"}, Refused),
        ({"status": 404, "code": 10003}, Refused),
        ({"status": 500}, Uncertain),
        ({"status": 502}, Uncertain),
        ({"status": 302}, Uncertain),
        ({"cut": "before"}, Uncertain),
        ({"body": "<html>"}, Uncertain),
        ({"body": "[]"}, Uncertain),
        ({"body": '{"id": 5}'}, Uncertain),
        ({"body": "[" * 9000}, Uncertain),
        ({"body": "<html>", "status": 403, "kind": "text/html"}, Refused),
    ],
    ids=str,
)
async def test_what_became_of_a_send(fake, bot, room, fault, kind):
    fake.fail("send", **fault)
    with pytest.raises(kind) as failed:
        await bot.send(room, Reply("hello"), "a")
    assert type(failed.value).__mro__.index(kind) <= 1
    assert fake.token not in str(failed.value)


async def test_a_server_that_is_not_there_got_nothing(fake, room):
    async with sender(fake, base_url="http://127.0.0.1:9/api") as bot:
        with pytest.raises(NotSent):
            await bot.send(room, Reply("hello"), "a")
    with pytest.raises(NotSent):
        await bot.send(room, Reply("hello"), "a")


async def test_too_many_calls_are_told_with_the_wait_and_not_repeated(fake, bot, room):
    fake.fail("send", retry_after=64.57)
    for _ in range(2):
        with pytest.raises(RateLimited) as limited:
            await bot.send(room, Reply("hello"), "a")
        assert limited.value.retry_after == pytest.approx(64.57, abs=1)
    # The second one never left: calls into an empty bucket lead to a ban.
    assert len(fake.called("send")) == 1
    await bot.send(place(fake.direct), Reply("elsewhere"), "b")


async def test_a_global_limit_stops_all_but_interactions(fake, bot, room):
    fake.fail("send", retry_after=30.0, everywhere=True)
    for where in (room, place(fake.direct)):
        with pytest.raises(RateLimited):
            await bot.send(where, Reply("hello"), "a")
    assert len(fake.called("send")) == 1


async def test_an_empty_bucket_is_left_alone_until_it_fills(fake, bot, room):
    fake.limit("send", 2, 60.0)
    await bot.send(room, Reply("one"), "a")
    await bot.send(room, Reply("two"), "b")
    with pytest.raises(RateLimited) as limited:
        await bot.send(room, Reply("three"), "c")
    assert 55 < limited.value.retry_after <= 60
    assert len(fake.called("send")) == 2


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        ({"retry_after": 0.35}, {}, 0.35),
        ({"retry_after": 2}, {"Retry-After": "9"}, 2.0),
        (None, {"Retry-After": "65"}, 65.0),
        (None, {"Retry-After": "1.5"}, 1.5),
        (None, {"Retry-After": "Fri, 02 Jan 2026 00:00:30 GMT"}, 30.0),
        (None, {"Retry-After": "Thu, 01 Jan 2026 00:00:30 GMT"}, 0.0),
        (None, {"X-RateLimit-Reset-After": "3.25"}, 3.25),
        (None, {}, 5.0),
        ({"retry_after": 1e9}, {}, 5.0),
        ({"retry_after": -1}, {"Retry-After": "7"}, 7.0),
        ({"retry_after": float("nan")}, {}, 5.0),
        ({"retry_after": 10**400}, {}, 5.0),
        ({"retry_after": "soon"}, {"Retry-After": "soon"}, 5.0),
        ({"retry_after": None}, {"Retry-After": ""}, 5.0),
        ({"retry_after": True}, {}, 5.0),
        ([], {"Retry-After": "1"}, 1.0),
    ],
)
def test_every_form_of_asking_to_wait(body, headers, seconds):
    assert wait(headers, body, datetime(2026, 1, 2, tzinfo=UTC)) == seconds


async def test_the_menu_is_written_only_when_it_changed(fake, bot):
    specs = [
        CommandSpec("status", "How it is."),
        CommandSpec("approve", "", owner=True),
        CommandSpec("Not Valid", "x"),
        CommandSpec("help", "h" * 300),
    ]
    await bot.publish_commands(specs)
    await bot.publish_commands(specs)
    assert [command["name"] for command in fake.methods.commands] == ["status", "help"]
    assert len(fake.called("publish")) == 1
    assert fake.methods.commands[0]["options"][0]["autocomplete"] is True
    await bot.publish_commands([*specs, CommandSpec("new", "Begin anew.")])
    assert len(fake.called("publish")) == 2


async def test_the_command_that_opens_an_activity_stays(fake, bot):
    fake.methods.commands = [{"id": "1", "type": 4, "name": "launch", "description": "x"}]
    await bot.publish_commands([CommandSpec("status", "How it is.")])
    assert {command["name"] for command in fake.methods.commands} == {"status", "launch"}
    await bot.publish_commands([CommandSpec("status", "How it is.")])
    assert len(fake.called("publish")) == 1


async def test_who_the_bot_is_and_that_a_wrong_token_is_none(fake, bot):
    assert await bot.check() == "@trunk"
    async with sender(fake, token="SECRET") as wrong:
        with pytest.raises(ChannelRefused, match=r"channels\.discord\.token"):
            await wrong.check()


async def test_a_file_is_fetched_and_found_again_when_its_address_expired(fake, bot):
    fake.methods.files["77"] = b"picture"
    root = fake.base_url.removesuffix("/api/v10")
    old, new = f"{root}/files/gone", f"{root}/files/77"
    shown = fake.say("look")
    shown.files.append({"id": "5", "filename": "a.png", "url": new})
    handle = f"{fake.room}/{shown.id}/5"

    async def fetched(address, limit=100, size=7):
        attachment = Attachment("image", "a.png", "image/png", size, f"{handle} {address}")
        return b"".join([piece async for piece in bot.fetch(attachment, limit)])

    assert await fetched(new) == b"picture"
    assert await fetched(old) == b"picture"
    with pytest.raises(ChannelDown, match="larger than 3"):
        await fetched(new, limit=3)
    with pytest.raises(ChannelDown, match="larger than 3"):
        await fetched(new, limit=3, size=None)
    with pytest.raises(ChannelDown, match="not on Discord's servers"):
        await fetched("http://169.254.169.254/latest")
    shown.files.clear()
    with pytest.raises(ChannelDown, match="gone"):
        await fetched(old)
