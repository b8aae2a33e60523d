"""Checks of what people do reaching the core."""

from __future__ import annotations

from datetime import timedelta

from bot.contract import Command, CommandSpec, Reply
from bot.testing.conformance.core import key
from bot.testing.conformance.stage import Stage, expect, unsupported
from bot.testing.conformance.suite import check

TORTURE = (
    "שלום עולם \u202e\u0623\u0647\u0644\u0627\u202c",
    "zero\u200bwidth\u200djoined",
    "e\u0301 a\u0308 n\u0303",
    "\U0001f469\u200d\U0001f4bb \U0001d54f \U00020bb7",
    "日本語とภาษาไทย",
)


@check("hear-direct", "direct")
async def direct(stage: Stage) -> None:
    """What one person says to the bot alone arrives as a direct message with the platform's id."""
    await stage.online()
    to = stage.place("direct")
    id = await stage.world.say(to, "hello")
    message = await stage.core.heard("hello")
    expect(message.kind == "direct", f"kind is {message.kind}")
    expect(message.ref.id == id, f"the id is {message.ref.id}, the platform's {id}")
    expect(message.address == to, f"the address is {message.address.key}, not {to.key}")
    expect(message.change == "new", f"change is {message.change}")
    expect(abs(message.at.year - 2026) < 20, f"the time is {message.at}")


@check("hear-group", "group")
async def group(stage: Stage) -> None:
    """What is said in a room arrives as a message of a group or channel."""
    await stage.online()
    to = stage.place("group")
    message = await stage.hears(to, "hello all")
    expect(message.kind in ("group", "channel"), f"kind is {message.kind}")
    expect(message.address == to, f"the address is {message.address.key}, not {to.key}")
    expect(not message.mentioned, "the bot was not named")


@check("hear-thread", "thread")
async def thread(stage: Stage) -> None:
    """A message in a thread carries its thread, and the room it is in."""
    await stage.online()
    to = stage.place("thread")
    expect(to.thread, "the descriptor's thread has no thread")
    message = await stage.hears(to, "deep down")
    expect(message.address == to, f"the address is {message.address.key}, not {to.key}")


@check("authors-apart", "group")
async def authors(stage: Stage) -> None:
    """A person has one id, another person another."""
    await stage.online()
    to = stage.place("group")
    first = await stage.hears(to, "one", author="ada")
    second = await stage.hears(to, "two", author="bob")
    third = await stage.hears(to, "three", author="ada")
    expect(first.author.id == third.author.id, "one person has two ids")
    expect(first.author.id != second.author.id, "two people have one id")
    expect(not (first.author.is_bot or first.author.is_self), "a person is taken for a bot")


@check("own-ignored", "echo")
async def own(stage: Stage) -> None:
    """The bot's own words, delivered back, are no message."""
    adapter, core = await stage.online()
    to = stage.place()
    await adapter.send(to, Reply("my own answer"), "own")
    await stage.world.say_as("self", to, "my own words")
    await stage.quiet(to)
    expect(core.texts == ["the marker"], f"the core heard {core.texts}")


@check("bots-marked", "bots")
async def bots(stage: Stage) -> None:
    """What another bot says is marked as a bot's, or not delivered."""
    _, core = await stage.online()
    to = stage.place("group" if stage.has("group") else "direct")
    await stage.world.say_as("bot", to, "I am a machine")
    await stage.quiet(to)
    for message in core.messages:
        expect(message.author.is_bot == (message.text != "the marker"), f"{message.author} misled")


@check("order-kept")
async def order(stage: Stage) -> None:
    """Thirty messages of one conversation arrive in their order."""
    _, core = await stage.online()
    to = stage.place()
    said = [f"number {number}" for number in range(30)]
    for text in said:
        await stage.world.say(to, text)
    await core.heard(said[-1])
    expect(core.texts == said, f"they came as {core.texts}")


@check("redelivery-one-key", "redelivery")
async def redelivery(stage: Stage) -> None:
    """An event that comes twice has the same key twice, so that it counts once."""
    _, core = await stage.online()
    to = stage.place()
    await stage.hears(to, "only once")
    await stage.world.again()
    await stage.quiet(to)
    expect(len(core.stored()) == 2, f"{[key(message) for message in core.messages]} are kept")


@check("edits", "edited")
async def edits(stage: Stage) -> None:
    """Two edits of a message keep its id and differ in their version."""
    _, core = await stage.online()
    to = stage.place()
    first = await stage.hears(to, "helo")
    await stage.world.edit(to, first.ref.id, "hello")
    second = await core.heard("hello")
    await stage.world.edit(to, first.ref.id, "hello!")
    third = await core.heard("hello!")
    expect(second.change == third.change == "edited", f"change is {second.change}")
    expect(first.ref == second.ref == third.ref, "an edit has another id")
    expect(len({key(first), key(second), key(third)}) == 3, "two edits have one key")


@check("deletions", "deleted")
async def deletions(stage: Stage) -> None:
    """A message that is taken away is told with its id."""
    _, core = await stage.online()
    to = stage.place()
    first = await stage.hears(to, "never mind")
    await stage.world.delete(to, first.ref.id)
    gone = await core.of("the deletion", lambda message: message.change == "deleted")
    expect(gone.ref == first.ref, f"{gone.ref.id} was deleted, not {first.ref.id}")


@check("reactions-heard", "reacted")
async def reactions(stage: Stage) -> None:
    """A reaction carries its emoji and the message under which it stands."""
    adapter, core = await stage.online()
    to = stage.place("group" if stage.has("group") else "direct")
    ref = await adapter.send(to, Reply("like it?"), "liked")
    await stage.world.react(to, ref.id, "👍")
    found = await core.of("the reaction", lambda message: message.change == "reaction")
    expect(found.ref.id == ref.id, f"it stands under {found.ref.id}, not {ref.id}")
    expect(found.action and found.action.value == "👍", f"the action is {found.action}")


@check("quotes-heard", "quoted")
async def quotes(stage: Stage) -> None:
    """A message that answers another one says which."""
    await stage.online()
    to = stage.place("group" if stage.has("group") else "direct")
    first = await stage.hears(to, "what is six times seven")
    answer = await stage.hears(to, "forty-two", quote=first.ref.id)
    expect(answer.reply_to, "it answers nothing")
    assert answer.reply_to is not None
    expect(answer.reply_to.id == first.ref.id, f"it answers {answer.reply_to.id}")


@check("forwards-marked", "forwarded")
async def forwards(stage: Stage) -> None:
    """What is passed on says from whom, so that its words are nobody's order."""
    _, core = await stage.online()
    await stage.world.forward(stage.place(), "they said so")
    message = await core.of("the forward", lambda one: "they said so" in one.text)
    expect(message.forwarded_from, "it looks like the sender's own words")


@check("mention-leading", "mentions", "group")
async def mention(stage: Stage) -> None:
    """The bot's name in front marks a message and is taken off its text."""
    await stage.online()
    message = await stage.hears(stage.place("group"), "wake up", mention=True)
    expect(message.mentioned, "it is not marked as one that names the bot")


@check("unicode-in")
async def unicode_in(stage: Stage) -> None:
    """Right-to-left, zero-width, combining and four-byte characters arrive as they were written."""
    await stage.online()
    for text in TORTURE:
        await stage.hears(stage.place(), text)


@check("long-in", "long")
async def long_in(stage: Stage) -> None:
    """A message of 3,000 characters arrives whole."""
    await stage.online()
    await stage.hears(stage.place(), "word " * 599 + "last.")


@check("command-typed")
async def command_typed(stage: Stage) -> None:
    """A typed command is understood, or left as it was typed for the core to understand."""
    adapter, core = await stage.online()
    sign = "!" if adapter.caps.bang else "/"
    await stage.world.say(stage.place(), f"{sign}status all")
    message = await core.of("the command", lambda one: "status" in f"{one.text} {one.command}")
    typed = message.text == f"{sign}status all"
    expect(typed or message.command == Command("status", "all"), f"it became {message}")


@check("command-native", "native-command")
async def command_native(stage: Stage) -> None:
    """A command of the platform's own menu carries its name and arguments."""
    adapter, core = await stage.online()
    if adapter.caps.native_commands:
        await adapter.publish_commands([CommandSpec("status", "How it is")])
    await stage.world.command(stage.place(), "status", "all")
    message = await core.of("the command", lambda one: one.command)
    expect(message.command == Command("status", "all"), f"it became {message.command}")
    expect(message.address.conversation == stage.place().conversation, "it is in another place")


@check("menu")
async def menu(stage: Stage) -> None:
    """A menu that is claimed shows what is published, also twice; otherwise it is Unsupported."""
    adapter, _ = await stage.online()
    if not adapter.caps.native_commands:
        return await unsupported(adapter.publish_commands([]))
    specs = [CommandSpec("help", "Help"), CommandSpec("status", "How it is")]
    await adapter.publish_commands(specs)
    await adapter.publish_commands(specs)
    there = set(stage.world.menu())
    expect({"help", "status"} <= there, f"the menu has {sorted(there)}")


@check("time-true")
async def time_true(stage: Stage) -> None:
    """A later message is not dated before an earlier one."""
    await stage.online()
    first = await stage.hears(stage.place(), "earlier")
    second = await stage.hears(stage.place(), "later")
    expect(second.at - first.at >= timedelta(0), "time runs backwards")
