"""The message tool on four platforms in one process: what it does is seen there by people.

Real client libraries against our local servers.
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.contract import Address, Caps
from bot.testing.model import call
from bot.testing.running import Bench
from tests.scenarios.kit import scripted
from tests.scenarios.subsessions_kit import results
from tests.scenarios.surfaces import PATIENCE, Surface, everywhere, surfaces


async def asks(bench: Bench, one: Surface, said: str, **args: Any) -> tuple[str, Any]:
    """A person in the room says something, the model calls the tool; the message, what it told."""
    scripted(bench).on(f"{said} {one.name}", [call("message", **args)], ["NO_REPLY"])
    told, before = asyncio.Event(), len(results(bench, "message"))
    bench.app.hub.listen(lambda _: told.set())
    asked = await one.say("group", f"{said} {one.name}")
    async with asyncio.timeout(PATIENCE):
        while len(results(bench, "message")) == before:
            told.clear()
            await told.wait()
    await bench.app.engine.idle()
    return asked, results(bench, "message")[-1]


def answered(one: Surface, asked: str) -> list[Any]:
    """What a person sees as the bot's answer to a message: a quotation, or in its thread."""
    room: Address = one.place("group")
    if one.adapter == "telegram":
        return [shown for shown in one.world.seen(room) if shown.quoted == asked]
    return list(one.world.seen(replace(room, thread=asked)))


async def test_176_send_react_edit_and_delete_are_seen(tmp_path: Path):
    async with surfaces() as accounts, everywhere(tmp_path, accounts) as bench:
        for one in accounts:
            _, told = await asks(bench, one, "send", action="send", message="first")
            assert told["status"] == "done"
            await one.shows("group", "first")
            own = told["messageId"]

            _, told = await asks(bench, one, "edit", action="edit", messageId=own, message="second")
            assert told["status"] == "done"
            await one.shows("group", "second")

            put = {"action": "react", "messageId": own, "emoji": "👍"}
            _, told = await asks(bench, one, "react", **put)
            assert told["status"] == "done"
            [shown] = one.world.seen(one.place("group"))
            assert list(shown.reactions) == ["👍"]

            _, told = await asks(bench, one, "delete", action="delete", messageId=own)
            assert told["status"] == "done"
            await one.shows("group")


async def test_176_an_answer_to_a_message_is_below_it_or_quotes_it(tmp_path: Path):
    async with surfaces() as accounts, everywhere(tmp_path, accounts) as bench:
        for one in accounts:
            first = await one.say("group", "please answer this")
            await one.until(lambda it=one: it.shown("group"))
            reply = {"action": "send", "message": "to that one", "replyTo": first}
            _, told = await asks(bench, one, "go", **reply)
            assert told["status"] == "done"
            [shown] = answered(one, first)
            assert shown.text == "to that one" and shown.id == told["messageId"]


async def test_176_what_a_platform_cannot_do_is_said(tmp_path: Path):
    """Nothing is tried: the platform is not asked."""
    async with surfaces() as accounts, everywhere(tmp_path, accounts) as bench:
        for one in accounts:
            adapter: Any = bench.app.supervisor.get(one.name)
            _, told = await asks(bench, one, "send", action="send", message="first")
            own = told["messageId"]
            adapter.caps = Caps()
            for action, what in (
                ("react", "reactions"),
                ("edit", "editing"),
                ("delete", "deleting"),
            ):
                wish = {"action": action, "messageId": own, "message": "x", "emoji": "👍"}
                _, told = await asks(bench, one, action, **wish)
                assert told.lower() == f"the channel {one.adapter} does not support {what}."
            _, told = await asks(bench, one, "thread", action="send", message="x", threadId="1")
            assert told.lower() == f"the channel {one.adapter} has no threads."
            await one.shows("group", "first")
