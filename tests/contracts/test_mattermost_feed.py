"""Receiving from Mattermost: nothing lost in a gap, nothing twice, no junk that stops it."""

import asyncio
import ssl
import time

import pytest

from adapters.fakes.mattermost import FakeMattermost
from adapters.fakes.mattermost_socket import KEPT
from adapters.mattermost.feed import ECHO_WITHIN
from bot.contract import Reply
from bot.errors import ChannelRefused
from tests.contracts.mattermost_support import Bot, Core, certificate, connected, listening, place


@pytest.fixture
async def fake():
    async with FakeMattermost() as server:
        yield server


@pytest.fixture
def core():
    return Core()


def actions(fake: FakeMattermost, name: str) -> list:
    return [asked for asked in fake.sockets.actions if asked["action"] == name]


def downs(core: Core) -> list[str]:
    return [error for state, error in core.states if state == "down"]


async def test_a_message_arrives_with_who_where_and_what(fake, core):
    async with listening(fake, core):
        post = fake.say(fake.world.town, "@trunk-bot: hello there")
        await core.until(lambda: core.messages)
    message = core.messages[0]
    assert (message.text, message.mentioned, message.kind) == ("hello there", True, "channel")
    assert (message.ref.id, message.address.conversation) == (post, fake.world.town)
    author = message.author
    assert (author.id, author.name, author.username) == (fake.world.ada, "Ada Lovelace", "ada")
    assert message.team == fake.world.team


async def test_direct_and_group_chats_are_told_apart(fake, core):
    world = fake.world
    direct = world.direct(world.me, world.bob)
    group = world.channel("G", "0" * 40, [world.me, world.ada, world.bob])
    async with listening(fake, core):
        fake.say(direct, "one", sender=world.bob)
        fake.say(group, "two")
        await core.until(lambda: len(core.messages) == 2)
    assert [message.kind for message in core.messages] == ["direct", "group"]
    assert core.messages[0].author.name == "Bobby"


async def test_a_thread_has_its_first_post_as_the_quote(fake, core):
    world = fake.world
    async with listening(fake, core) as bot:
        root = fake.say(world.town, "what is this about")
        fake.say(world.town, "an answer", sender=world.bob, root_id=root)
        own = await bot.send(place(world.town), Reply("I said so"), "k")
        fake.say(world.town, "why?", root_id=own.id)
        await core.until(lambda: len(core.messages) == 3)
    answer, why = core.messages[1:]
    assert (answer.address.thread, answer.reply_to.text) == (root, "what is this about")
    assert answer.reply_to.author.name == "Ada Lovelace"
    assert why.reply_to.author.is_self


async def test_edits_deletions_and_reactions_are_told_with_the_kind_of_their_place(fake, core):
    direct = fake.world.direct(fake.world.me, fake.world.ada)
    async with listening(fake, core):
        post = fake.say(direct, "first")
        fake.revise(post, "second")
        fake.react(post, "+1")
        fake.retract(post)
        await core.until(lambda: len(core.messages) == 4)
    assert [message.change for message in core.messages] == ["new", "edited", "reaction", "deleted"]
    assert {message.kind for message in core.messages} == {"direct"}
    assert [message.text for message in core.messages] == ["first", "second", "", ""]
    assert core.messages[2].action.value == "👍"


async def test_own_and_system_posts_are_ignored(fake, core):
    async with listening(fake, core) as bot:
        await bot.send(place(fake.world.town), Reply("from the bot"), "k")
        fake.say(fake.world.town, "ada joined the channel.", type="system_join_channel")
        fake.say(fake.world.town, "heard")
        await core.until(lambda: core.messages)
    assert core.texts == ["heard"]


async def test_a_new_name_is_used_and_the_person_stays(fake, core):
    world = fake.world
    async with listening(fake, core):
        fake.say(world.town, "before")
        await core.until(lambda: core.messages)
        world.users[world.ada]["nickname"] = "Countess"
        fake.push({"event": "user_updated", "data": {"user": world.users[world.ada]}})
        fake.say(world.town, "after")
        await core.until(lambda: len(core.messages) == 2)
    before, after = (message.author for message in core.messages)
    assert (before.name, after.name, before.id) == ("Ada Lovelace", "Countess", after.id)


@pytest.mark.parametrize("way", ["cut", "forget"])
async def test_what_was_said_in_a_gap_is_heard_once_and_in_order(fake, core, way):
    async with listening(fake, core):
        fake.say(fake.world.town, "0")
        await core.until(lambda: core.messages)
        getattr(fake.sockets, way)()
        for number in range(1, 6):
            fake.say(fake.world.town, str(number))
        await core.until(lambda: core.ups == 2 and len(core.messages) == 6)
        fake.say(fake.world.town, "6")
        await core.until(lambda: len(core.messages) == 7)
    assert core.texts == list("0123456")


async def test_a_connection_is_resumed_by_its_id_and_number(fake, core):
    async with listening(fake, core):
        fake.say(fake.world.town, "one")
        await core.until(lambda: core.messages)
        fake.sockets.cut()
        await core.until(lambda: core.ups == 2)
    assert (fake.sockets.opened, fake.sockets.resumed) == (2, 1)


async def test_a_gap_beyond_the_servers_buffer_is_filled_from_history(fake, core):
    async with listening(fake, core):
        fake.fail("WebSocket", status=503, times=2)
        fake.sockets.forget()
        for number in range(KEPT + 100):
            fake.say(fake.world.town, str(number))
        await core.until(lambda: len(core.messages) == KEPT + 100)
    assert core.texts == [str(number) for number in range(KEPT + 100)]


async def test_a_very_long_gap_is_read_in_pages(fake, core):
    core.marks["posts"] = str(fake.world.now())
    for number in range(1100):
        fake.say(fake.world.town, str(number))
    async with listening(fake, core):
        await core.until(lambda: len(core.messages) == 1100)
    assert core.texts == [str(number) for number in range(1100)]


async def test_edits_and_deletions_in_a_gap_are_told(fake, core):
    world = fake.world
    edited, deleted = fake.say(world.room, "draft"), fake.say(world.room, "gone soon")
    untouched = fake.say(world.room, "old")
    for post in (edited, deleted, untouched):
        world.posts[post]["create_at"] -= 60_000
        world.posts[post]["update_at"] -= 60_000
    core.marks["posts"] = str(world.now() - 20_000)
    fake.revise(edited, "final")
    fake.retract(deleted)
    fake.say(world.room, "a reply", root_id=untouched)
    async with listening(fake, core):
        await core.until(lambda: len(core.messages) == 3)
    told = [(message.change, message.text) for message in core.messages]
    assert told == [("edited", "final"), ("deleted", ""), ("new", "a reply")]


async def test_the_next_process_goes_on_where_the_last_one_was(fake, core):
    async with listening(fake, core) as bot:
        fake.say(fake.world.town, "one")
        await core.until(lambda: core.messages)
        kept = core.marks["posts"]
        bot.tick()
        await core.until(lambda: core.marks["posts"] > kept)
    fake.say(fake.world.town, "two")
    later = Core()
    later.marks = core.marks
    async with listening(fake, later):
        await later.until(lambda: "two" in later.texts)


async def test_the_first_start_answers_nothing_old(fake, core):
    fake.say(fake.world.town, "long ago")
    async with listening(fake, core):
        fake.sockets.forget()
        await core.until(lambda: core.ups == 2)
        fake.say(fake.world.town, "now")
        await core.until(lambda: core.messages)
    assert core.texts == ["now"]


class Impatient(Bot):
    patience = 0.3


async def test_a_half_open_connection_is_noticed_and_replaced(fake, core):
    async with connected(fake, core, kind=Impatient) as bot:
        await core.until(lambda: core.now == "up")
        fake.sockets.freeze()
        fake.say(fake.world.town, "into the void")
        await fake.told()
        bot.tick()
        await core.until(lambda: core.messages)
    assert "no answer" in downs(core)[0]
    assert core.texts == ["into the void"]


async def test_a_connection_that_answers_but_delivers_nothing_is_noticed(fake, core, monkeypatch):
    assert ECHO_WITHIN > 0
    monkeypatch.setattr("adapters.mattermost.feed.ECHO_WITHIN", -1.0)
    async with listening(fake, core) as bot:
        fake.say(fake.world.town, "heard")
        await core.until(lambda: core.messages)
        fake.sockets.deafen()
        await bot.send(place(fake.world.town), Reply("anybody?"), "k")
        fake.say(fake.world.town, "missed")
        await fake.told()
        bot.tick()
        await core.until(lambda: "missed" in core.texts)
    assert "delivers no events" in downs(core)[0]
    assert fake.sockets.resumed == 0


async def test_own_posts_that_come_back_are_no_reason_to_worry(fake, core, monkeypatch):
    monkeypatch.setattr("adapters.mattermost.feed.ECHO_WITHIN", -1.0)
    async with listening(fake, core) as bot:
        fake.say(fake.world.town, "heard")
        await core.until(lambda: core.messages)
        for number in range(5):
            await bot.send(place(fake.world.town), Reply("hello"), f"k{number}")
        fake.say(fake.world.town, "last")
        await core.until(lambda: "last" in core.texts)
        before = len(actions(fake, "ping"))
        bot.tick()
        bot.tick()
        await fake.wait_for(lambda: len(actions(fake, "ping")) == before + 2)
    assert core.ups == 1


async def test_a_challenge_signs_in_where_the_header_is_taken_away(fake, core, monkeypatch):
    monkeypatch.setattr(
        "adapters.fakes.mattermost_socket.Sockets.signed_in", lambda self, request: False
    )
    async with listening(fake, core):
        fake.say(fake.world.town, "hello")
        await core.until(lambda: core.messages)
    assert core.texts == ["hello"]


async def test_a_wrong_token_ends_the_run_with_what_to_do(fake, core):
    async with connected(fake, core, token="wrong") as bot:
        with pytest.raises(ChannelRefused, match=r"channels\.mattermost\.token"):
            await bot.runner


async def test_a_token_that_is_taken_away_is_named(fake, core):
    async with listening(fake, core) as bot:
        fake.token = "another"
        fake.sockets._token = "another"
        fake.sockets.forget()
        with pytest.raises(ChannelRefused, match=r"channels\.mattermost\.token"):
            await bot.runner


async def test_an_address_that_is_none_is_refused(fake, core):
    async with connected(fake, core, url="chat.example.org") as bot:
        with pytest.raises(ChannelRefused, match=r"channels\.mattermost\.url"):
            await bot.runner


async def test_a_server_that_is_away_is_waited_for_longer_each_time(fake, core):
    fake.fail("GetUser", status=502, times=3)
    async with listening(fake, core) as bot:
        fake.fail("WebSocket", status=502, times=4)
        fake.sockets.cut()
        await core.until(lambda: core.ups == 2)
    assert bot.waits[:3] == [0.5, 1.0, 2.0]
    assert len(bot.waits) == 8
    # Each is drawn from 70 to 100% of 0.5, 1, 2, 4 and 8 seconds.
    assert bot.waits[3:] == sorted(bot.waits[3:]) and 5 < bot.waits[7] <= 8


async def test_a_429_in_catching_up_is_waited_for(fake, core):
    async with listening(fake, core) as bot:
        fake.fail("GetTeamsForUser", status=429, headers={"X-Ratelimit-Reset": "7"})
        fake.sockets.cut()
        await core.until(lambda: core.ups == 2)
    assert any(wait >= 7 for wait in bot.waits)


async def test_what_cannot_be_stored_is_told_again(fake, core):
    async with listening(fake, core):
        core.full = ["two"]
        for text in ("one", "two", "three"):
            fake.say(fake.world.town, text)
        await core.until(lambda: len(core.messages) == 3)
    assert core.texts == ["one", "two", "three"]
    assert "cannot be stored: the disk is full" in str(core.states)


async def test_a_gap_in_the_numbers_is_filled_without_a_new_connection(fake, core):
    async with listening(fake, core):
        fake.sockets.open[0].deaf = True
        fake.say(fake.world.town, "lost")
        await fake.told()
        fake.sockets.open[0].deaf = False
        fake.sockets.open[0].next += 1
        fake.say(fake.world.town, "found")
        await core.until(lambda: len(core.messages) == 2)
    assert (core.texts, fake.sockets.opened) == (["lost", "found"], 1)


async def test_a_certificate_that_nobody_signed_is_refused(core, tmp_path):
    cert, key = certificate(tmp_path, "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    fake = FakeMattermost()
    await fake.start(tls=context)
    async with connected(fake, core) as bot:
        with pytest.raises(ChannelRefused, match="ca_file"):
            await bot.runner
    async with listening(fake, core, ca_file=str(cert)):
        fake.say(fake.world.town, "over TLS")
        await core.until(lambda: core.messages)
    assert (core.texts, fake.called("GetUser") != []) == (["over TLS"], True)
    await fake.stop()


async def test_a_certificate_for_another_name_is_refused(core, tmp_path):
    cert, key = certificate(tmp_path, "elsewhere.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    fake = FakeMattermost()
    await fake.start(tls=context)
    async with connected(fake, core, ca_file=str(cert)) as bot:
        with pytest.raises(ChannelRefused, match="certificate"):
            await bot.runner
    assert fake.calls == []
    await fake.stop()


async def test_an_authority_file_that_is_none_is_named(fake, core, tmp_path):
    async with connected(fake, core, ca_file=str(tmp_path / "none.pem")) as bot:
        with pytest.raises(ChannelRefused, match="ca_file"):
            await bot.runner


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("oncall", [("plain", False), ("> quote", False), ("!status", False), ("by name", True)]),
        ("onmessage", [("plain", True), ("> quote", True), ("!status", True), ("by name", True)]),
        ("onchar", [("plain", False), ("quote", True), ("!status", True), ("by name", True)]),
    ],
)
async def test_the_chatmode_says_what_speaks_to_the_bot(fake, core, mode, expected):
    async with listening(fake, core, chatmode=mode):
        for text in ("plain", "> quote", "!status", "@trunk-bot by name"):
            fake.say(fake.world.town, text)
        await core.until(lambda: len(core.messages) == 4)
    assert [(message.text, message.mentioned) for message in core.messages] == expected


async def test_typing_is_said_through_the_socket(fake, core):
    async with listening(fake, core) as bot:
        await bot.typing(place(fake.world.town, "a" * 26))
        await fake.wait_for(lambda: actions(fake, "user_typing"))
    data = actions(fake, "user_typing")[0]["data"]
    assert data == {"channel_id": fake.world.town, "parent_id": "a" * 26}


async def test_ten_cuts_under_load_lose_and_double_nothing(fake, core):
    async with listening(fake, core):
        for number in range(500):
            fake.say(fake.world.town, str(number))
            if number % 50 == 49:
                await fake.told()
                getattr(fake.sockets, ("cut", "forget")[number % 100 == 99])()
                await core.until(lambda number=number: len(core.messages) > number)
        await core.until(lambda: len(core.messages) == 500)
    assert core.texts == [str(number) for number in range(500)]


async def test_a_stop_in_the_middle_leaves_the_rest_to_the_next_process(fake, core):
    core.gate = asyncio.Event()
    async with listening(fake, core):
        fake.say(fake.world.town, "hello")
        await fake.told()
    later = Core()
    later.marks = core.marks
    assert int(later.marks["posts"]) < time.time() * 1000
    async with listening(fake, later):
        await later.until(lambda: later.messages)
    assert (core.texts, later.texts) == ([], ["hello"])
