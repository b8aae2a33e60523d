"""Threads below messages on Discord: begun with the first answer, once, and only where they may."""

import pytest

from adapters.fakes.discord import FakeDiscord
from bot.contract import Reply
from bot.errors import RateLimited, Refused, Uncertain
from tests.contracts.discord_support import Core, listening, place, sender


@pytest.fixture
async def fake():
    async with FakeDiscord() as server:
        yield server


async def test_the_first_answer_begins_the_thread_and_the_others_go_on(fake):
    core = Core()
    async with listening(fake, core) as bot:
        asked = fake.say("<@876543210> What is *steam*?\nTell me all.")
        below = place(fake.room, asked.id)
        await bot.typing(below)
        ref = await bot.send(below, Reply("water"), "run:0")
        await bot.edit(ref, Reply("hot water"))
        await bot.send(below, Reply("and pressure"), "run:1")
        await bot.typing(below)
        fake.say("I see", asked.id)
        await core.until(lambda: len(core.messages) == 2)
    assert fake.visible() == []
    assert fake.visible(asked.id) == ["hot water", "and pressure"]
    assert [body["name"] for body in fake.called("thread")] == ["What is *steam*?"]
    assert fake.methods.typed == [fake.room, asked.id], "before there is a thread, in its room"
    assert ref.address == below
    assert core.messages[1].address == below


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x" * 300, "x" * 100),
        ("<@876543210>", "Answer"),
        ("", "Answer"),
        ("<@876543210>  <#12> \n\n two", "two"),
    ],
)
async def test_a_thread_is_called_by_the_first_words(fake, text: str, name: str):
    asked = fake.say(text)
    async with sender(fake) as bot:
        await bot.send(place(fake.room, asked.id), Reply("yes"), "a")
    assert [body["name"] for body in fake.called("thread")] == [name]


async def test_where_it_may_begin_none_it_answers_the_message_in_the_room(fake):
    asked = fake.say("hello")
    async with sender(fake) as bot:
        fake.fail("thread", status=403, code=50013, message="Missing Permissions")
        ref = await bot.send(place(fake.room, asked.id), Reply("yes"), "a")
        await bot.edit(ref, Reply("yes!"))
    assert ref.address == place(fake.room)
    (shown,) = fake.rooms.visible(fake.room)
    assert (shown.content, shown.reply_to) == ("yes!", asked.id)


async def test_what_is_hidden_from_it_still_gets_its_thread(fake):
    asked = fake.say("hello")
    async with sender(fake) as bot:
        fake.fail("message", status=403, code=50001, message="Missing Access")
        await bot.send(place(fake.room, asked.id), Reply("yes"), "a")
    assert fake.visible(asked.id) == ["yes"]


async def test_somebody_else_began_it_meanwhile(fake):
    asked = fake.say("hello")
    below = place(fake.room, asked.id)
    async with sender(fake) as bot:
        # The first try came too early, and when it would begin the thread, there is one.
        fake.fail("send", status=404, code=10003, message="Unknown Channel")
        fake.rooms.open(11, "theirs", fake.room, asked.id)
        await bot.send(below, Reply("yes"), "a")
    assert fake.visible(asked.id) == ["yes"]


async def test_a_thread_that_is_gone_is_refused_and_nothing_is_shown_elsewhere(fake):
    async with sender(fake) as bot:
        for thread in ("1234", "999999999999999999"):
            with pytest.raises(Refused, match="Unknown Channel"):
                await bot.send(place(fake.room, thread), Reply("yes"), "a")
    assert fake.visible() == []
    assert fake.called("thread") == []


async def test_an_unknown_outcome_or_a_limit_is_told_and_the_repeat_shows_it_once(fake):
    asked = fake.say("hello")
    below = place(fake.room, asked.id)
    async with sender(fake) as bot:
        fake.fail("thread", retry_after=0.0)
        with pytest.raises(RateLimited):
            await bot.send(below, Reply("yes"), "a")
        fake.fail("thread", cut="after")
        with pytest.raises(Uncertain):
            await bot.send(below, Reply("yes"), "a")
        await bot.send(below, Reply("yes"), "a")
    assert fake.visible(asked.id) == ["yes"]
