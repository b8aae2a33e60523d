"""Sending to Mattermost through the real library: what people see, and what a failure means."""

import asyncio
import email.utils
import json

import pytest

from adapters.fakes.mattermost import FakeMattermost
from adapters.mattermost.adapter import Mattermost
from adapters.mattermost.options import MattermostOptions
from adapters.mattermost.rest import UNSAID_WAIT, wait_of
from adapters.mattermost.sending import PROP
from bot.contract import Attachment, File, Ref, Reply
from bot.errors import (
    ChannelDown,
    ChannelRefused,
    NotSent,
    RateLimited,
    Refused,
    Uncertain,
    Unsupported,
)
from tests.contracts.mattermost_support import CALLBACK, place


@pytest.fixture
async def fake():
    async with FakeMattermost() as server:
        yield server


@pytest.fixture
async def bot(fake):
    adapter = Mattermost("mattermost", MattermostOptions(fake.base_url, fake.token))
    await adapter.start()
    yield adapter
    await adapter.stop()


@pytest.fixture
def town(fake):
    return place(fake.world.town)


def shown(fake: FakeMattermost, ref: Ref) -> dict:
    return fake.world.posts[ref.id]


async def test_a_reply_is_a_post_with_the_key_in_its_props(fake, bot, town):
    ref = await bot.send(town, Reply("**bold** @all `@all`"), "run-1/0")
    post = shown(fake, ref)
    assert post["message"] == "**bold** @\u200ball `@\u200ball`"
    assert (post["props"], post["root_id"]) == ({PROP: "run-1/0"}, "")
    assert ref.address == town


async def test_an_answer_stays_in_its_thread_and_a_quote_begins_one(fake, bot, town):
    asked = fake.say(fake.world.town, "question")
    first = await bot.send(place(fake.world.town, asked), Reply("answer"), "k1")
    second = await bot.send(town, Reply("answer", reply_to=asked), "k2")
    third = await bot.send(town, Reply("answer", reply_to="command-0123"), "k3")
    assert [shown(fake, ref)["root_id"] for ref in (first, second, third)] == [asked, asked, ""]


async def test_what_is_quoted_may_be_gone_but_a_thread_may_not(fake, bot, town):
    asked = fake.say(fake.world.town, "question")
    fake.retract(asked)
    del fake.world.posts[asked]
    ref = await bot.send(town, Reply("answer", reply_to=asked), "k1")
    assert (shown(fake, ref)["message"], shown(fake, ref)["root_id"]) == ("answer", "")
    with pytest.raises(Refused, match="RootId"):
        await bot.send(place(fake.world.town, asked), Reply("answer"), "k2")


async def test_a_repeat_shows_one_post(fake, bot, town):
    refs = [await bot.send(town, Reply("once"), "k") for _ in range(2)]
    assert (fake.visible(fake.world.town), refs[0]) == (["once"], refs[1])


async def test_a_text_too_long_for_one_post_is_seen_whole(fake, bot, town):
    ref = await bot.send(town, Reply("word " * 6000), "k")
    texts = fake.visible(fake.world.town)
    assert (len(texts), shown(fake, ref)["message"]) == (2, texts[-1])
    assert "".join(texts).count("word") == 6000


@pytest.mark.parametrize("restart", [False, True])
async def test_a_repeat_does_not_show_again_what_was_shown(fake, bot, town, restart):
    reply = Reply("word " * 6000, attachments=(File("a.txt", "text/plain", b"x"),) * 2)
    fake.fail("CreatePost", status=0)
    fake.fail("CreatePost", status=429, headers={"Retry-After": "3"})
    with pytest.raises(RateLimited) as limited:
        await bot.send(town, reply, "k")
    assert (limited.value.retry_after, len(fake.visible(fake.world.town))) == (3, 1)
    assert await bot.find(town, "k") is None
    if restart:
        bot._poster._begun.clear()
        fake.api._pending.clear()
    ref = await bot.send(town, reply, "k")
    assert len(fake.visible(fake.world.town)) == 3
    assert await bot.find(town, "k") == ref


async def test_a_file_goes_with_each_post(fake, bot, town):
    files = (File('nä"me.png', "image/png", b"one"), File("b.txt", "text/plain", b"two"))
    await bot.send(town, Reply("two files", files), "k")
    first, second = fake.world.visible(fake.world.town, fake.world.me)
    assert [len(post["file_ids"]) for post in (first, second)] == [1, 1]
    infos = [post["metadata"]["files"][0] for post in (first, second)]
    assert [(info["name"], info["mime_type"]) for info in infos] == [
        ("nä_me.png", "image/png"),
        ("b.txt", "text/plain"),
    ]
    assert fake.world.files[infos[0]["id"]][1] == b"one"


async def test_a_file_needs_no_words(fake, bot, town):
    await bot.send(town, Reply("", (File("a", "text/plain", b"x"),)), "k")
    assert fake.visible(fake.world.town) == [""]


async def test_an_edit_replaces_the_text_and_keeps_the_key(fake, bot, town):
    ref = await bot.send(town, Reply("draft"), "k")
    await bot.edit(ref, Reply("final @here"))
    await bot.edit(ref, Reply("final @here"))
    assert fake.visible(fake.world.town) == ["final @\u200bhere"]
    assert shown(fake, ref)["props"] == {PROP: "k"}


async def test_an_edit_that_does_not_fit_is_refused_before_it_is_tried(fake, bot, town):
    ref = await bot.send(town, Reply("draft"), "k")
    for text in ("word " * 6000, " "):
        with pytest.raises(Refused, match="does not fit"):
            await bot.edit(ref, Reply(text))
    assert fake.called("PatchPost") == []


async def test_an_edit_of_what_is_gone_is_refused(fake, bot, town):
    ref = await bot.send(town, Reply("draft"), "k")
    await bot.delete(ref)
    with pytest.raises(Refused):
        await bot.edit(ref, Reply("final"))


async def test_a_post_is_taken_away_once_and_again(fake, bot, town):
    ref = await bot.send(town, Reply("x"), "k")
    await bot.delete(ref)
    await bot.delete(ref)
    assert fake.visible(fake.world.town) == []


@pytest.mark.parametrize(("emoji", "name"), [("👀", "eyes"), ("👍", "+1"), (":tada:", "tada")])
async def test_a_reaction_is_put_and_taken_away(fake, bot, town, emoji, name):
    asked = Ref(town, fake.say(fake.world.town, "hello"))
    await bot.react(asked, emoji)
    assert [one["emoji_name"] for one in fake.world.reactions] == [name]
    await bot.react(asked, "")
    await bot.react(asked, "")
    assert fake.world.reactions == []


async def test_a_reaction_without_a_name_is_refused(bot, town):
    with pytest.raises(Refused, match="no emoji"):
        await bot.react(Ref(town, "a" * 26), "👨‍👩‍👧")


@pytest.mark.parametrize("verb", ["edit", "delete", "react"])
async def test_a_command_is_no_post(fake, bot, town, verb):
    ref = Ref(town, "command-0123456789")
    more = {"edit": (Reply("x"),), "delete": (), "react": ("👀",)}[verb]
    with pytest.raises(Refused, match="no post"):
        await getattr(bot, verb)(ref, *more)
    assert fake.calls == []


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ({"status": 400, "message": "Invalid RootId"}, Refused, "Invalid RootId"),
        ({"status": 401, "message": "expired"}, NotSent, r"channels\.mattermost\.token"),
        ({"status": 403, "message": "permissions"}, Refused, "permissions"),
        ({"status": 404, "message": "no channel"}, Refused, "no channel"),
        ({"status": 413, "message": "too large"}, Refused, "too large"),
        ({"status": 501, "message": "disabled"}, Uncertain, "disabled"),
        ({"status": 500, "message": "boom"}, Uncertain, "boom"),
        ({"status": 503, "message": "away"}, Uncertain, "away"),
        ({"status": 301, "headers": {"Location": "https://x/?t=1"}}, NotSent, r"\.url"),
        ({"status": 429, "headers": {"X-Ratelimit-Reset": "130"}}, RateLimited, "130"),
        ({"status": 429}, RateLimited, "5 s"),
        ({"cut": "before"}, Uncertain, "confirm"),
        ({"cut": "after"}, Uncertain, "confirm"),
        ({"body": "<html>"}, Uncertain, "odd"),
        ({"body": "[]"}, Uncertain, "no id"),
        ({"body": "{}"}, Uncertain, "no id"),
        ({"body": '{"id": 5}'}, Uncertain, "no id"),
        ({"status": 400, "body": "[]"}, Refused, "400"),
        ({"status": 400, "body": "[" * 100_000}, Refused, "400"),
    ],
)
async def test_a_failure_says_whether_it_was_sent(fake, bot, town, fault, error, words):
    fake.fail("CreatePost", **fault)
    with pytest.raises(error, match=words) as raised:
        await bot.send(town, Reply("x"), "k")
    assert type(raised.value) is error
    assert fake.token not in f"{raised.value!r}{raised.value.__cause__!r}"


async def test_what_was_cut_after_the_commit_is_found_by_its_key(fake, bot, town):
    fake.fail("CreatePost", cut="after")
    with pytest.raises(Uncertain):
        await bot.send(town, Reply("x"), "k")
    found = await bot.find(town, "k")
    assert shown(fake, found)["message"] == "x"
    assert await bot.find(town, "another") is None


async def test_a_key_is_found_far_back_and_only_in_own_posts(fake, bot, town):
    ref = await bot.send(town, Reply("x"), "k")
    fake.say(fake.world.town, "copied", props={PROP: "other"})
    for number in range(450):
        fake.say(fake.world.town, str(number))
    assert await bot.find(town, "k") == ref
    assert await bot.find(town, "other") is None


async def test_a_call_without_an_answer_is_uncertain(fake, bot, town, monkeypatch):
    await bot.check()
    monkeypatch.setattr("adapters.mattermost.rest.PATIENCE", 0.05)
    fake.fail("CreatePost", hang=True)
    with pytest.raises(Uncertain, match="no answer in time"):
        await bot.send(town, Reply("x"), "k")


async def test_a_server_that_is_not_there_was_certainly_not_reached(fake, bot, town):
    await fake.stop()
    with pytest.raises(NotSent):
        await bot.send(town, Reply("x"), "k")


async def test_after_stop_nothing_is_sent(bot, town):
    await bot.stop()
    with pytest.raises(NotSent):
        await bot.send(town, Reply("x"), "k")


async def test_typing_without_a_connection_fails_quietly(bot, town):
    with pytest.raises(NotSent):
        await bot.typing(town)


async def test_a_netrc_does_not_speak_for_the_bot(fake, bot, town, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    await bot.send(town, Reply("x"), "k")
    assert fake.visible(fake.world.town) == ["x"]


@pytest.mark.parametrize("target", ["user:{bob}", "@bob", "@BOB"])
async def test_a_person_is_reached_in_their_direct_channel(fake, bot, target):
    world = fake.world
    fake.fail("CreateDirectChannel", status=500)
    target = target.format(bob=world.bob)
    ref = await bot.send(place(target), Reply("hi"), "k")
    again = await bot.send(place(target), Reply("hi"), "k2")
    assert ref.address.conversation == world.direct(world.me, world.bob)
    assert again.address == ref.address
    assert world.channels[ref.address.conversation]["type"] == "D"


@pytest.mark.parametrize("target", ["#back-room", "#Back-Room", "channel:{room}"])
async def test_a_channel_is_reached_by_name_and_by_id(fake, bot, target):
    ref = await bot.send(place(target.format(room=fake.world.room)), Reply("hi"), "k")
    assert ref.address.conversation == fake.world.room


@pytest.mark.parametrize("target", ["#nowhere", "@nobody", "what:ever", "../users", ""])
async def test_a_place_that_is_none_is_refused(fake, bot, target):
    with pytest.raises(Refused):
        await bot.send(place(target), Reply("hi"), "k")
    assert fake.called("CreatePost") == []


@pytest.mark.parametrize("reply", [Reply(""), Reply(" \n")])
async def test_nothing_to_show_is_refused(fake, bot, town, reply):
    with pytest.raises(Refused, match="empty"):
        await bot.send(town, reply, "k")
    assert fake.called("CreatePost") == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0.4"}, 0.4),
        ({"X-Ratelimit-Reset": "12"}, 12),
        ({"X-Ratelimit-Reset": "1767355230"}, 30),
        ({"Retry-After": email.utils.formatdate(1767355220, usegmt=True)}, 20),
        ({"Retry-After": "-1"}, UNSAID_WAIT),
        ({"Retry-After": "nan"}, UNSAID_WAIT),
        ({"Retry-After": "99999999"}, UNSAID_WAIT),
        ({"Retry-After": "1e999"}, UNSAID_WAIT),
        ({"Retry-After": "soon"}, UNSAID_WAIT),
        ({}, UNSAID_WAIT),
    ],
)
def test_a_429_says_how_long_to_wait_in_many_ways(headers, seconds):
    assert wait_of(headers, 1767355200.0) == pytest.approx(seconds)


async def test_the_bot_is_named_by_a_live_check(fake, bot):
    assert await bot.check() == "@trunk-bot"
    fake.fail("GetUser", status=500)
    with pytest.raises(ChannelDown):
        await bot.check()


async def test_a_wrong_token_is_named_by_a_live_check(fake):
    adapter = Mattermost("mattermost", MattermostOptions(fake.base_url, "wrong"))
    with pytest.raises(ChannelRefused, match=r"channels\.mattermost\.token"):
        await adapter.check()
    await adapter.stop()


async def test_a_file_is_fetched_under_a_cap(fake, bot):
    its_id = fake.world.store("a.bin", "application/octet-stream", b"x" * 200_000)
    file = Attachment("file", "a.bin", "application/octet-stream", None, its_id)
    assert b"".join([piece async for piece in bot.fetch(file, 200_000)]) == b"x" * 200_000
    with pytest.raises(ChannelDown, match="larger than 199999"):
        [piece async for piece in bot.fetch(file, 199_999)]
    with pytest.raises(ChannelDown, match="larger than 5"):
        [piece async for piece in bot.fetch(Attachment("file", "a", "b", 6, its_id), 5)]
    with pytest.raises(ChannelDown, match="404"):
        [piece async for piece in bot.fetch(Attachment("file", "a", "b", 6, "gone"), 9)]
    with pytest.raises(ChannelDown, match="no file"):
        [piece async for piece in bot.fetch(Attachment("file", "a", "b", 6, "../users/me"), 9)]


async def test_many_sends_at_once_keep_their_answers_apart(fake, bot, town):
    refs = await asyncio.gather(
        *(bot.send(town, Reply(f"number {number}"), f"k{number}") for number in range(60))
    )
    texts = [shown(fake, ref)["message"] for ref in refs]
    assert texts == [f"number {number}" for number in range(60)]


async def test_the_claims_follow_the_configuration(fake, bot):
    url = MattermostOptions(fake.base_url, fake.token, callback_url=CALLBACK)
    whole = Mattermost("mattermost", url).caps
    assert (whole.buttons, whole.native_commands, whole.bang, whole.find) == (True,) * 4
    assert (bot.caps.buttons, bot.caps.native_commands, bot.caps.bang) == (False, False, True)
    with pytest.raises(Unsupported):
        await bot.publish_commands([])


def test_no_secret_is_shown_in_the_options():
    options = MattermostOptions("https://x", "s3cret", command_tokens="t0ken")
    assert "s3cret" not in repr(options) and "t0ken" not in repr(options)
    assert json.dumps(repr(Mattermost("mattermost", options))).count("s3cret") == 0
