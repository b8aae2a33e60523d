"""Slash commands, choices and buttons on Discord: answered in time, in place, and once."""

import asyncio

import pytest

from adapters.fakes.discord import FakeDiscord
from bot.contract import Button, Reply
from bot.errors import Uncertain
from tests.contracts.discord_support import Core, listening, place


@pytest.fixture
async def fake():
    async with FakeDiscord() as server:
        yield server


async def test_a_slash_command_is_deferred_first_and_answered_in_place(fake):
    core = Core()
    core.gate = asyncio.Event()
    async with listening(fake, core) as bot:
        asked = fake.slash("status", "all of it")
        await fake.wait_for(lambda: asked.callback)
        assert core.messages == []
        core.gate.set()
        await core.until(lambda: core.messages)
        command = core.messages[0]
        ref = await bot.send(command.address, Reply("fine @everyone"), "run:0")
        await bot.edit(ref, Reply("better"))
    assert (command.change, command.text) == ("command", "/status all of it")
    assert (command.command.name, command.command.args) == ("status", "all of it")
    assert asked.callback == {"type": 5}
    assert (asked.original.content, asked.original.edits) == (
        "better",
        ["", "fine @\u200beveryone"],
    )
    assert asked.original.pinged == []
    assert fake.called("send") == []


async def test_a_long_answer_to_a_command_goes_on_and_a_repeat_doubles_nothing(fake):
    core = Core()
    async with listening(fake, core) as bot:
        asked = fake.slash("help")
        await core.until(lambda: core.messages)
        where = core.messages[0].address
        reply = Reply("\n\n".join(f"part {n} " + "word " * 200 for n in range(4)))
        fake.fail("original", cut="after")
        fake.fail("send", cut="after")
        for _ in range(2):
            with pytest.raises(Uncertain):
                await bot.send(where, reply, "run:0")
        await bot.send(where, reply, "run:0")
        await bot.send(where, Reply("next"), "run:1")
    shown = fake.visible()
    assert [text for n in range(4) for text in shown if f"part {n} " in text]
    assert sum(text.count("part") for text in shown) == 4
    assert (shown[0] == asked.original.content, shown[-1]) == (True, "next")


async def test_answers_find_their_command_by_name_or_by_order(fake):
    core = Core()
    async with listening(fake, core) as bot:
        one, two, three = (fake.slash(name) for name in ("one", "two", "three"))
        await core.until(lambda: len(core.messages) == 3)
        where = core.messages[0].address
        await bot.send(where, Reply("second", reply_to=two.id), "b")
        await bot.send(where, Reply("first"), "a")
        await bot.send(where, Reply("third"), "c")
    assert [i.original.content for i in (one, two, three)] == ["first", "second", "third"]


async def test_a_command_whose_token_ran_out_is_answered_as_a_message(fake):
    core = Core()
    async with listening(fake, core) as bot:
        asked = fake.slash("status")
        await core.until(lambda: core.messages)
        del fake.methods.interactions[asked.token]
        await bot.send(core.messages[0].address, Reply("late"), "a")
    assert "late" in fake.visible()


async def test_a_command_that_cannot_be_deferred_is_carried_out_all_the_same(fake):
    core = Core()
    fake.fail("callback", status=404, code=10062)
    async with listening(fake, core) as bot:
        fake.slash("status")
        await core.until(lambda: core.messages)
        await bot.send(core.messages[0].address, Reply("fine"), "a")
    assert fake.visible() == ["fine"]


async def test_an_unanswered_command_is_taken_away_in_time(fake, monkeypatch):
    monkeypatch.setattr("adapters.discord.answers.ANSWER_WITHIN", 0.01)
    core = Core()
    async with listening(fake, core):
        asked = fake.slash("status")
        await fake.wait_for(lambda: asked.original and asked.original.deleted)


async def test_choices_are_offered_while_typing(fake):
    core = Core()
    core.choices = [("Main", "main"), ("x" * 300, "fits"), ("too long", "v" * 101)] * 20
    async with listening(fake, core):
        asked = fake.type("session", "ma")
        await fake.wait_for(lambda: asked.callback)
    assert core.asked == [("session", "ma")]
    assert core.messages == []
    assert asked.choices[:2] == [
        {"name": "Main", "value": "main"},
        {"name": "x" * 100, "value": "fits"},
    ]
    assert len(asked.choices) == 25


async def test_a_pressed_button_is_answered_and_told(fake):
    core = Core()
    async with listening(fake, core) as bot:
        ref = await bot.send(place(fake.room), Reply("Sure?", buttons=(Button("Y", "yes"),)), "a")
        pressed = fake.press(ref.id, "yes")
        await core.until(lambda: core.messages)
        await bot.send(place(fake.room), Reply("Good."), "b")
    assert pressed.callback == {"type": 6}
    assert (core.messages[0].action.value, core.messages[0].ref.id) == ("yes", ref.id)
    assert fake.visible() == ["Sure?", "Good."]
