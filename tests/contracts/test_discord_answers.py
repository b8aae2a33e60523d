"""Slash commands, choices and buttons on Discord: answered in time, in place, and once."""

import asyncio

import pytest

from adapters.fakes.discord import FakeDiscord
from adapters.fakes.discord_rooms import EPHEMERAL
from bot.contract import Button, Message, Reply
from bot.errors import Uncertain
from tests.contracts.discord_support import Core, listening, place


@pytest.fixture
async def fake():
    async with FakeDiscord() as server:
        yield server


def answer(command: Message, text: str) -> Reply:
    """What a command says, as the core sends it."""
    return Reply(text, reply_to=command.ref.id)


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
        ref = await bot.send(command.address, answer(command, "fine @everyone"), "run:0")
        await bot.edit(ref, Reply("better"))
    assert (command.change, command.text) == ("command", "/status all of it")
    assert (command.command.name, command.command.args) == ("status", "all of it")
    assert asked.callback == {"type": 5, "data": {"flags": EPHEMERAL}}
    assert (asked.original.content, asked.original.edits) == (
        "better",
        ["", "fine @\u200beveryone"],
    )
    assert asked.original.pinged == []
    assert fake.called("send") == []


async def test_on_a_server_only_who_asked_sees_the_answer(fake):
    """However long it is, and until it is taken away again."""
    core = Core()
    async with listening(fake, core) as bot:
        asked = fake.slash("help")
        await core.until(lambda: core.messages)
        where = core.messages[0].address
        refs = [
            await bot.send(where, answer(core.messages[0], f"part {n}"), f"run:{n}")
            for n in range(3)
        ]
        await bot.send(where, Reply("for all"), "other:0")
        await bot.edit(refs[2], Reply("part two"))
        await bot.delete(refs[1])
    shown = fake.rooms.visible(fake.room)
    assert [(one.content, one.ephemeral) for one in shown] == [
        ("part 0", True),
        ("part two", True),
        ("for all", False),
    ]
    assert [one.content for one in asked.followed if not one.deleted] == ["part two"]
    assert [body["content"] for body in fake.called("send")] == ["for all"]


async def test_in_a_direct_chat_the_answer_stays(fake):
    core = Core()
    async with listening(fake, core) as bot:
        asked = fake.slash("help", channel=fake.direct)
        await core.until(lambda: core.messages)
        for number in range(2):
            reply = answer(core.messages[0], f"part {number}")
            await bot.send(core.messages[0].address, reply, f"run:{number}")
    assert asked.callback == {"type": 5}
    shown = fake.rooms.visible(fake.direct)
    assert [(one.content, one.ephemeral) for one in shown] == [("part 0", False), ("part 1", False)]


async def test_a_long_answer_to_a_command_goes_on_and_a_repeat_doubles_nothing(fake):
    core = Core()
    async with listening(fake, core) as bot:
        asked = fake.slash("help", channel=fake.direct)
        await core.until(lambda: core.messages)
        where = core.messages[0].address
        long = "\n\n".join(f"part {n} " + "word " * 200 for n in range(4))
        reply = answer(core.messages[0], long)
        fake.fail("original", cut="after")
        fake.fail("send", cut="after")
        for _ in range(2):
            with pytest.raises(Uncertain):
                await bot.send(where, reply, "run:0")
        await bot.send(where, reply, "run:0")
        await bot.send(where, Reply("next"), "run:1")
    shown = fake.visible(fake.direct)
    assert [text for n in range(4) for text in shown if f"part {n} " in text]
    assert sum(text.count("part") for text in shown) == 4
    assert (shown[0] == asked.original.content, shown[-1]) == (True, "next")


async def test_each_answer_finds_its_own_command(fake):
    """What answers no command, such as a run that ends just then, takes none for itself."""
    core = Core()
    async with listening(fake, core) as bot:
        one, two = (fake.slash(name) for name in ("one", "two"))
        await core.until(lambda: len(core.messages) == 2)
        where = core.messages[0].address
        await bot.send(where, Reply("of a run"), "a")
        await bot.send(where, Reply("second", reply_to=two.id), "b")
        await bot.send(where, Reply("first", reply_to=one.id), "c")
    assert [i.original.content for i in (one, two)] == ["first", "second"]
    assert [body["content"] for body in fake.called("send")] == ["of a run"]


async def test_a_command_whose_token_ran_out_is_answered_as_a_message(fake):
    core = Core()
    async with listening(fake, core) as bot:
        asked = fake.slash("status")
        await core.until(lambda: core.messages)
        del fake.methods.interactions[asked.token]
        await bot.send(core.messages[0].address, answer(core.messages[0], "late"), "a")
    assert "late" in fake.visible()


async def test_a_command_that_cannot_be_deferred_is_carried_out_all_the_same(fake):
    core = Core()
    fake.fail("callback", status=404, code=10062)
    async with listening(fake, core) as bot:
        fake.slash("status")
        await core.until(lambda: core.messages)
        await bot.send(core.messages[0].address, answer(core.messages[0], "fine"), "a")
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
