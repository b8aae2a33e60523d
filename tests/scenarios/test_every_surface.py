"""Four platforms, two accounts of one of them and the page in one process: nothing crosses.

Real client libraries against our local servers. Which acceptance row each test shows stands in its
docstring.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from bot.contract import Address
from bot.testing.model import call
from bot.testing.running import Bench, running
from bot.tools.registry import Tools
from bot.types import Entry
from tests.scenarios.kit import Probe
from tests.scenarios.surfaces import (
    DESCRIPTORS,
    KINDS,
    ONE_BY_ONE,
    comes,
    everywhere,
    surfaces,
)

ROUNDS = 4
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
WEB = "agent:main:main"


async def prompts(bench: Bench) -> list[dict[str, Any]]:
    """Every stored prompt: its message as JSON, and where it went."""
    rows = await bench.rows("SELECT * FROM inbox WHERE kind = 'prompt' ORDER BY id")
    return [{**dict(row), "message": json.loads(row["message"])} for row in rows]


def users(bench: Bench, said: str) -> list[Entry]:
    """The user entries of the last request that ends with these words."""
    assert bench.model is not None
    found = [r for r in bench.model.requests if r.entries[-1].text.endswith(said)]
    return [entry for entry in found[-1].entries if entry.role == "user"]


async def test_answers_go_back_where_the_questions_came_from(tmp_path: Path):
    """Rows 48, 159, 164: everybody speaks at once, in direct chats, rooms and threads."""
    async with surfaces("telegram") as accounts, everywhere(tmp_path, accounts) as bench:
        places = [(one, kind) for one in accounts for kind in KINDS]
        for number in range(ROUNDS):
            for one, kind in places:
                await one.say(kind, f"from {one.name} {kind} {number}")
        for number in range(ROUNDS):
            await bench.ask(f"from the page {number}", f"run-{number}")
        for one, kind in places:
            await one.shows(kind, *(f"echo from {one.name} {kind} {n}" for n in range(ROUNDS)))
        await bench.app.engine.idle()
        assert bench.model is not None
        assert len(bench.model.requests) == ROUNDS * (len(places) + 1)
        marks = [f"from {one.name} {kind} " for one, kind in places] + ["from the page "]
        for request in bench.model.requests:
            text = "\n".join(entry.text for entry in request.entries)
            assert sum(mark in text for mark in marks) == 1, "a request has one place's words only"
        keys = {row["session_key"] for row in await prompts(bench)}
        assert len(keys) == len(places) + 1, "the same person has a session in each place"


async def test_a_turn_of_the_page_reaches_no_channel_and_moves_no_route(tmp_path: Path):
    """Rows 48, 160: also in a channel's own session."""
    async with surfaces() as accounts, everywhere(tmp_path, accounts) as bench:
        for one in accounts:
            await one.say("direct", "hello")
            await one.shows("direct", "echo hello")
        found = await prompts(bench)
        for number, row in enumerate(found):
            await bench.ask("from the page", f"run-{number}", row["session_key"])
        await bench.app.engine.idle()
        for one, row in zip(accounts, found, strict=True):
            assert one.shown("direct") == ["echo hello"]
            [session] = await bench.rows(
                "SELECT address, last_route FROM sessions WHERE key = ?", row["session_key"]
            )
            assert (session["address"], session["last_route"]) == (row["address"],) * 2
            address = Address.parse(row["address"])
            assert (address.channel, address.account) == (one.adapter, one.name)


async def test_one_text_gives_equal_envelopes(tmp_path: Path):
    """Rows 154, 155, 156: apart from ids and names; the author's id stays the same.

    Slack tells no name with a message: it is looked up, and there with one of the next.
    """
    text = "What is steam, is a < b & c > d, 100 %, naïve 🙂?"
    async with surfaces() as accounts, everywhere(tmp_path, accounts) as bench:
        for one in accounts:
            named = False
            while not named:
                count = len(one.shown("direct")) + 1
                await one.say("direct", text)
                await one.until(lambda it=one, n=count: len(it.shown("direct")) == n)
                named = bool((await prompts(bench))[-1]["message"]["author"]["name"])
        await bench.ask(text, "run-web")
        await bench.app.engine.idle()
        found = [row["message"] for row in await prompts(bench)]
        own = {"channel", "account", "conversation", "id", "at", "author", "team", "handles"}
        shapes = [{k: v for k, v in one.items() if k not in own} for one in found]
        assert all(shape == shapes[0] for shape in shapes), "equal on all five surfaces"
        assert {one["account"] for one in found} == {*(one.name for one in accounts), "webchat"}
        for one in accounts:
            mine = [message for message in found if message["account"] == one.name]
            [who] = {message["author"]["id"] for message in mine}
            assert who
            assert {message["channel"] for message in mine} == {one.adapter}
            assert {message["conversation"] for message in mine} == {one.conversation("direct")}
            assert (mine[0]["kind"], mine[0]["thread"]) == ("direct", None)


async def test_pictures_reach_the_model_and_other_files_leave_a_note(tmp_path: Path):
    """Row 157: and what is too large leaves one, too."""
    large = {"max_attachment_mb": 0.001}
    async with surfaces() as accounts, everywhere(tmp_path, accounts, large) as bench:
        for one in accounts:
            where = one.place("direct")
            await one.world.show(where, "image", PNG, f"a picture {one.name}")
            await one.shows("direct", f"echo a picture {one.name}")
            await one.world.show(where, "audio", b"OggS" + bytes(60), f"a sound {one.name}")
            await one.until(lambda it=one: len(it.shown("direct")) == 2)
            await one.world.show(where, "file", bytes(5000), f"a book {one.name}")
            await one.until(lambda it=one: len(it.shown("direct")) == 3)
            picture = users(bench, f"a picture {one.name}")[-1]
            assert [a["url"][:22] for a in picture.attachments if "url" in a] == [
                "data:image/png;base64,"
            ]
            sound = users(bench, f"a sound {one.name}")[-1].text
            assert '"path": "media/inbound/' in sound and '"url"' not in sound
            assert "larger than" in users(bench, f"a book {one.name}")[-1].text


async def test_what_a_message_answers_reaches_the_model(tmp_path: Path):
    """Row 158: with its sender and id, as other people's words; Slack knows threads instead."""
    async with surfaces() as accounts, everywhere(tmp_path, accounts) as bench:
        for one in accounts:
            if "quoted" in DESCRIPTORS[one.adapter].absent:
                assert one.adapter == "slack"
                continue
            asked = await one.world.say(one.place("group"), "the train is late", author="bob")
            await one.say("group", f"really, {one.name}?", quote=asked)
            await one.until(lambda it=one: it.shown("group"))
            entry = users(bench, f"really, {one.name}?")[-1]
            blocks = [line for line in entry.text.split("\n") if line.startswith("<quoted>")]
            quotes = [line for line in blocks if '"reply' in line and "the train is late" in line]
            assert len(quotes) == 1, entry.text
            assert asked in quotes[0]


async def test_a_thread_keeps_its_session_and_its_answers(tmp_path: Path):
    """Row 162."""
    async with surfaces() as accounts, everywhere(tmp_path, accounts) as bench:
        for one in accounts:
            await one.say("group", "in the room")
            await one.say("thread", "in the thread")
            await one.shows("thread", "echo in the thread")
            await one.say("thread", "and again")
            await one.shows("thread", "echo in the thread", "echo and again")
            thread = one.place("thread")
            kind = "group" if one.adapter == "telegram" else "channel"
            key = f"agent:main:{one.adapter}:{one.name}:{kind}:{thread.conversation}".lower()
            said = await bench.transcript(f"{key}:thread:{thread.thread}".lower())
            assert [text for role, text in said if role == "assistant"] == [
                "echo in the thread",
                "echo and again",
            ]
            assert "in the room" not in str(said)


async def test_with_threads_a_mention_begins_one(tmp_path: Path):
    """Row 162: where a platform can; its session has the question from the first message on."""
    async with surfaces() as accounts, everywhere(tmp_path, accounts, {"threads": True}) as bench:
        for one in accounts:
            asked = await one.say("group", "what is steam?")
            place = one.place("group")
            if one.adapter != "telegram":
                place = Address(place.channel, place.account, place.conversation, asked)
            await one.until(lambda it=one, at=place: it.world.seen(at))
            [shown] = one.world.seen(place)
            assert "echo what is steam" in shown.text
        keys = [row["session_key"].rpartition(":thread:") for row in await prompts(bench)]
        assert [bool(one[0]) for one in keys] == [False, True, True, True]


async def test_the_transcript_has_users_answers_and_tool_results(tmp_path: Path):
    """Row 163: and so has the next request."""
    tools = {"agents": [{"id": "main", "tools": {"allow": ["probe"]}}]}
    async with surfaces() as accounts, everywhere(tmp_path, accounts, **tools) as bench:
        bench.app.turns.tools = Tools([*bench.app.turns.tools.all().values(), Probe()])
        assert bench.model is not None
        for one in accounts:
            bench.model.on(f"look, {one.name}", [call("probe", what="rain")], ["It rains."])
            await one.say("direct", f"look, {one.name}")
            await one.shows("direct", "It rains.")
            await one.say("direct", f"thanks, {one.name}")
            await one.until(lambda it=one: len(it.shown("direct")) == 2)
            entries = bench.model.requests[-1].entries
            roles = [entry.role for entry in entries]
            assert roles == ["user", "assistant", "tool", "assistant", "user"]
            assert "saw rain" in entries[2].text


async def test_fifty_first_messages_at_once_make_one_session(tmp_path: Path):
    """Row 165."""
    async with surfaces() as accounts, everywhere(tmp_path, accounts) as bench:
        for one in accounts:
            await asyncio.gather(*(one.say("group", f"m{n}") for n in range(50)))
            await one.until(lambda it=one: it.shown("group"))
        while len(await prompts(bench)) < 50 * len(accounts):
            await bench.settle()
        keys = {row["session_key"] for row in await prompts(bench)}
        assert len(keys) == len(accounts)
        rows = await bench.rows("SELECT key FROM sessions")
        assert len(rows) == len(accounts)


async def test_the_bound_agent_answers_in_a_room_and_its_threads(tmp_path: Path):
    """Rows 21, 45, 46, 47: one person's direct chat goes to a third; every row says why."""
    agents = [{"id": "main"}, {"id": "support"}, {"id": "operations"}]
    async with surfaces() as accounts:
        bindings = [
            {
                "agent": "support",
                "match": {"channel": one.name, "conversation": one.conversation("group")},
            }
            for one in accounts
        ]
        bindings += [{"agent": "main", "match": {"channel": one.name}} for one in accounts]
        async with everywhere(tmp_path, accounts, agents=agents, bindings=bindings) as bench:
            for one in accounts:
                for kind in KINDS:
                    await one.say(kind, f"{one.name} {kind}")
                    await one.shows(kind, f"echo {one.name} {kind}")
            found = {
                (row["message"]["account"], row["message"]["text"].split()[-1]): row
                for row in await prompts(bench)
            }
            for one in accounts:
                for kind in KINDS:
                    row = found[one.name, kind]
                    assert row["agent"] == ("main" if kind == "direct" else "support")
                    assert row["matched"].startswith("binding ")


async def test_a_wrong_secret_takes_only_its_own_account_down(tmp_path: Path):
    """Row 43: each platform's own reason is told, and the others answer."""
    async with surfaces("telegram") as accounts:
        good, *wrong = sorted(accounts, key=lambda one: one.bot == "first")
        channels = {one.name: one.config(valid=one is good) for one in accounts}
        config = {**ONE_BY_ONE, "channels": channels}
        async with running(tmp_path, json.dumps(config), scripted=True) as bench:
            await good.say("direct", "hello")
            await good.shows("direct", "echo hello")
            for one in wrong:
                await comes(bench, one.name, "down")
                error = bench.app.inbound.states[one.name].error or ""
                assert "refuses the token" in error
