"""Listening to Discord: nothing is lost over a gap, and nothing ends the connection for good."""

import json

import pytest
from discord.http import Route

from adapters.fakes.discord import FakeDiscord
from bot.errors import ChannelRefused
from tests.contracts.discord_support import Core, connected


@pytest.fixture
async def fake():
    async with FakeDiscord() as server:
        yield server


@pytest.fixture
def core():
    return Core()


async def up(core: Core) -> None:
    await core.until(lambda: core.now == "up")


async def test_a_message_in_a_room_and_one_in_a_direct_chat(fake, core):
    async with connected(fake, core):
        await up(core)
        fake.say("hello")
        fake.say("hi", fake.direct)
        await core.until(lambda: len(core.messages) == 2)
    room, direct = core.messages
    assert (room.text, room.kind, room.guild, room.roles) == ("hello", "channel", "1000", ("3000",))
    assert (direct.kind, direct.guild, direct.author.name) == ("direct", None, "Ada")
    assert room.address.key == f"discord:discord:{fake.room}"


async def test_it_says_who_it_is_and_what_it_wants_to_hear(fake, core):
    async with connected(fake, core):
        await up(core)
    (identify,) = fake.gateway.ops(2)
    guilds, messages, reactions, direct, content = 1 << 0, 1 << 9, 1 << 10, 1 << 12, 1 << 15
    assert identify["intents"] == guilds | messages | reactions | direct | 1 << 13 | content
    assert identify["token"] == fake.token
    assert [state for state, _ in core.states] == ["connecting", "up"]


async def test_the_gateway_is_asked_for_where_none_is_configured(fake, core):
    async with connected(fake, core, gateway_url=None):
        await up(core)
        fake.say("hello")
        await core.until(lambda: core.messages)
    assert len(fake.called("gateway")) == 1


async def test_no_connection_is_opened_when_none_is_left_today(fake, core):
    fake.methods.starts_left = 0
    async with connected(fake, core, gateway_url=None):
        await core.until(lambda: core.now == "down")
    assert fake.gateway.ops(2) == []
    assert "no more connections today" in core.states[-1][1]


async def test_a_thread_is_a_place_of_its_own_below_its_channel(fake, core):
    before = fake.thread("opened before")
    async with connected(fake, core):
        await up(core)
        after = fake.thread("opened after")
        fake.say("one", before)
        fake.say("two", after)
        fake.say("three")
        await core.until(lambda: len(core.messages) == 3)
    found = [(m.address.conversation, m.address.thread) for m in core.messages]
    assert found == [(fake.room, before), (fake.room, after), (fake.room, None)]


async def test_an_unknown_thread_is_looked_up_once(fake, core):
    async with connected(fake, core):
        await up(core)
        thread = fake.rooms.open(11, "silent", fake.room)
        fake.say("one", thread)
        fake.say("two", thread)
        await core.until(lambda: len(core.messages) == 2)
    assert {m.address.thread for m in core.messages} == {thread}
    assert len(fake.called("channel")) == 1


async def test_a_forum_post_begins_with_its_title(fake, core):
    async with connected(fake, core):
        await up(core)
        forum = fake.rooms.open(15, "help")
        post = fake.thread("It does not start", forum)
        fake.say("What now?", post, id=post)
        fake.say("Please.", post)
        await core.until(lambda: len(core.messages) == 2)
    assert core.texts == ["It does not start\nWhat now?", "Please."]
    assert core.messages[0].address.key == f"discord:discord:{forum}:{post}"


async def test_the_role_that_only_the_bot_has_names_it_and_others_do_not(fake, core):
    async with connected(fake, core):
        await up(core)
        fake.say(f"<@&{fake.rooms.bot_role}> hello")
        fake.say("<@&3000> hello")
        fake.say(f"<@{fake.me['id']}> hello")
        await core.until(lambda: len(core.messages) == 3)
    assert [m.mentioned for m in core.messages] == [True, False, True]
    assert core.texts == ["hello", "<@&3000> hello", "hello"]


async def test_edits_deletes_and_reactions_are_told_and_an_unfurl_is_none(fake, core):
    async with connected(fake, core):
        await up(core)
        shown = fake.say("https://example.org")
        event = fake.rooms.message(shown, as_event=True)
        unfurled = {**event, "embeds": [{"type": "link", "url": "https://example.org"}]}
        fake.gateway.dispatch("MESSAGE_UPDATE", unfurled)
        edited = {**event, "content": "new", "edited_timestamp": "2026-01-02T03:04:05+00:00"}
        fake.gateway.dispatch("MESSAGE_UPDATE", edited)
        where = {"channel_id": fake.room, "guild_id": "1000"}
        emoji = {"emoji": {"id": None, "name": "👍"}, "user_id": "7", "message_id": shown.id}
        fake.gateway.dispatch("MESSAGE_REACTION_ADD", {**where, **emoji})
        fake.gateway.dispatch("MESSAGE_DELETE", {**where, "id": shown.id})
        await core.until(lambda: len(core.messages) == 4)
    assert [m.change for m in core.messages] == ["new", "edited", "reaction", "deleted"]
    assert {m.ref.id for m in core.messages} == {shown.id}
    assert core.messages[1].version == "2026-01-02T03:04:05+00:00"


async def test_a_reconnect_that_the_platform_asks_for_is_no_failure(fake, core):
    async with connected(fake, core):
        await up(core)
        fake.gateway.ask_reconnect()
        await fake.wait_for(lambda: fake.gateway.ops(6))
        fake.say("after")
        await core.until(lambda: core.messages)
    assert [state for state, _ in core.states] == ["connecting", "up"]


@pytest.mark.parametrize(
    "frame",
    [
        "not json",
        "[]",
        "5",
        '{"op": 10, "d": null}',
        '{"op": 0, "t": "RESUMED", "s": 9, "d": null}',
        '{"op": 0, "t": ["MESSAGE_CREATE"], "s": 9, "d": {}}',
        '{"op":0,"t":"MESSAGE_CREATE","d":' + "[" * 5000 + "]" * 5000 + "}",
        '{"op":0,"t":"MESSAGE_CREATE","d":' + "9" * 5000 + "}",
    ],
    ids=["text", "list", "number", "hello", "resumed", "name", "deep", "digits"],
)
async def test_a_frame_that_ends_the_library_is_put_aside_and_the_next_is_heard(fake, core, frame):
    async with connected(fake, core):
        await up(core)
        fake.say("one")
        await core.until(lambda: core.messages)
        fake.gateway.raw(frame)
        fake.say("two")
        await core.until(lambda: len(core.messages) == 2)
        fake.say("three")
        await core.until(lambda: len(core.messages) == 3)
    assert core.texts == ["one", "two", "three"]
    if not frame.startswith('{"op": 10'):
        assert len(core.refused) == 1


async def test_poison_again_and_again_makes_it_wait_longer_and_not_spin(fake, core):
    async with connected(fake, core) as bot:
        for _ in range(6):
            await fake.wait_for(lambda: fake.gateway.sockets and fake.gateway.sessions)
            count = len(fake.gateway.ops(2))
            fake.gateway.raw("not json")
            await fake.wait_for(lambda count=count: len(fake.gateway.ops(2)) > count)
        waits = [wait for wait in bot.waits if wait > 5]
    assert waits
    assert max(bot.waits) <= 30


async def test_missing_answers_to_heartbeats_end_the_connection(fake, core):
    fake.gateway.heartbeat_ms = 50
    async with connected(fake, core):
        await up(core)
        fake.gateway.silent = True
        await core.until(lambda: ("down", "Discord does not answer heartbeats") in core.states)
        fake.gateway.silent = False
        await fake.wait_for(lambda: fake.gateway.ops(6))
        fake.say("after")
        await core.until(lambda: core.messages)
        await up(core)


@pytest.mark.parametrize(("code", "words"), [(4004, "token"), (4014, "Message Content Intent")])
async def test_what_waiting_does_not_mend_ends_the_run_with_the_reason(fake, core, code, words):
    fake.gateway.refuses = code
    async with connected(fake, core) as bot:
        with pytest.raises(ChannelRefused, match=words):
            await bot.runner


async def test_a_bot_without_the_content_intent_says_so(fake, core):
    fake.gateway.content_intent = False
    async with connected(fake, core) as bot:
        with pytest.raises(ChannelRefused, match="Message Content Intent"):
            await bot.runner


async def test_a_wrong_token_is_refused_without_being_shown(fake, core):
    async with connected(fake, core, token="SECRET", gateway_url=None) as bot:
        with pytest.raises(ChannelRefused, match=r"channels\.discord\.token") as refused:
            await bot.runner
        with pytest.raises(ChannelRefused):
            await bot.check()
    assert "SECRET" not in f"{refused.value!r} {core.states} {bot.options!r}"


async def test_an_outage_is_waited_out_and_the_session_goes_on(fake, core):
    async with connected(fake, core) as bot:
        await up(core)
        fake.say("one")
        await core.until(lambda: core.messages)
        url = fake.gateway.url
        bot._rest._gateway = "ws://127.0.0.1:9/gateway"
        fake.gateway.drop()
        await core.until(lambda: core.now == "down")
        fake.say("two")
        bot._rest._gateway = url
        await core.until(lambda: len(core.messages) == 2)
        await up(core)
    assert len(fake.gateway.ops(2)) == 1
    assert core.texts == ["one", "two"]


async def test_a_full_store_holds_events_back_in_order(fake, core):
    core.full = ["two"]
    async with connected(fake, core):
        await up(core)
        for text in ("one", "two", "three"):
            fake.say(text)
        await core.until(lambda: len(core.messages) == 3)
        await up(core)
    assert core.texts == ["one", "two", "three"]
    assert ("down", "received messages cannot be stored: the disk is full") in core.states


async def test_a_channel_that_cannot_be_looked_up_costs_only_that_event(fake, core):
    async with connected(fake, core):
        await up(core)
        thread = fake.rooms.open(11, "silent", fake.room)
        fake.fail("channel", status=503, times=9)
        fake.say("lost", thread)
        fake.say("heard")
        await core.until(lambda: core.messages)
    assert core.texts == ["heard"]
    assert "cannot be looked up" in core.refused[0][1]


async def test_its_own_words_are_not_heard(fake, core):
    async with connected(fake, core) as bot:
        await up(core)
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=fake.room)
        await bot._rest.request(route, json={"content": "mine"})
        fake.say("yours")
        await core.until(lambda: core.messages)
    assert core.texts == ["yours"]


SEEDS = {
    "id": "1",
    "channel_id": "2",
    "guild_id": "3",
    "author": {"id": "7", "username": "ada"},
    "content": "x",
}


@pytest.mark.parametrize("field", SEEDS)
@pytest.mark.parametrize("value", [None, 5, [], {}, "junk", 2**80])
async def test_any_bad_field_leaves_the_connection_as_it_is(fake, core, field, value):
    async with connected(fake, core):
        await up(core)
        event = {**fake.rooms.message(fake.say("one"), as_event=True), field: value}
        fake.gateway.dispatch("MESSAGE_CREATE", event)
        fake.say("two")
        await core.until(lambda: "two" in core.texts)
    assert len(fake.gateway.ops(2)) == 1
    assert json.dumps(core.states[-1]) == '["up", null]'
