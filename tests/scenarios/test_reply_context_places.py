"""Where an answer goes in a room, the sign that a message was taken, and changes that come late."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.testing.clock import VirtualClock
from bot.testing.platform import Fault
from bot.testing.running import Bench, running
from tests.scenarios.places import ROOM, places

THREADS = ROOM % ("lively", "threads: true")
ACK = ROOM % ("lively", "queue: followup, ack_reaction: '👀'")
ASK: dict[str, Any] = {"author": "ada", "kind": "group", "mentioned": True}
ROOM_KEY = "agent:main:lively:lively:group:room"


@pytest.fixture(autouse=True)
def _places() -> Iterator[None]:
    with places():
        yield


def block(bench: Bench, name: str) -> Any:
    """A context block of the last request's last user entry."""
    assert bench.model is not None
    entry = [one for one in bench.model.requests[-1].entries if one.role == "user"][-1]
    for line in entry.text.split("\n"):
        if line.startswith(f'<quoted>{{"{name}"'):
            return json.loads(line.removeprefix("<quoted>").removesuffix("</quoted>"))[name]
    return None


def reactions(bench: Bench) -> list[tuple[str, str]]:
    calls = bench.platform("lively").calls
    return [(body["id"], body["emoji"]) for verb, body in calls if verb == "react"]


async def test_a_mention_is_answered_in_a_thread_whose_session_has_it(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, THREADS, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        platform.say("it rains", "room", author="bob", kind="group")
        first = platform.say("umbrella?", "room", **ASK)
        await platform.shows("echo umbrella?", to="room", thread=first)
        assert platform.visible("room") == []
        assert block(bench, "history")[0]["text"] == "it rains", "the room's talk comes along"
        platform.say("sure?", "room", thread=first, **ASK)
        await platform.shows("echo umbrella?", "echo sure?", to="room", thread=first)
        assert [text for _, text in await bench.transcript(f"{ROOM_KEY}:thread:{first}")] == [
            "umbrella?",
            "echo umbrella?",
            "sure?",
            "echo sure?",
        ]
        second = platform.say("another thing", "room", **ASK)
        await platform.shows("echo another thing", to="room", thread=second)
        assert await bench.app.sessions.get(ROOM_KEY) is None


async def test_commands_and_direct_chats_stay_where_they_are(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, THREADS, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        platform.say("hello")
        await platform.shows("echo hello")
        platform.say("/whoami", "room", **ASK)
        await platform.wait_for(lambda one: one.visible("room"))


@pytest.mark.parametrize(
    "config",
    [
        ROOM % ("lively", "threads: false"),
        ROOM % ("streaming", "threads: true"),
    ],
)
async def test_without_the_wish_or_the_means_the_answer_is_in_the_room(
    tmp_path: Path, clock: VirtualClock, config: str
):
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively" if "lively" in config else "streaming")
        platform.say("umbrella?", "room", **ASK)
        await platform.shows("echo umbrella?", to="room")


async def test_a_thread_is_answered_by_the_agent_its_room_was_switched_to(
    tmp_path: Path, clock: VirtualClock
):
    config = f"agents: [{{id: main}}, {{id: support}}]\nowners: ['lively:ada']\n{THREADS}"
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        platform.say("/agent switch support", "room", **ASK)
        await platform.wait_for(lambda one: one.visible("room"))
        first = platform.say("who are you?", "room", **ASK)
        await platform.shows("echo who are you?", to="room", thread=first)
        [row] = await bench.rows("SELECT agent FROM inbox WHERE kind = 'prompt'")
        assert row["agent"] == "support"


async def test_what_is_accepted_gets_its_reaction_and_nothing_else_does(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, ACK, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        direct = platform.say("hello")
        platform.say("/status")
        platform.say("to others", "room", author="bob", kind="group")
        room = platform.say("you there?", "room", **ASK)
        await platform.shows("echo you there?", to="room")
        await bench.settle()
        assert reactions(bench) == [(direct, "👀"), (room, "👀")]
        platform.say("hello", id=direct)
        await platform.all_taken()
        await bench.settle()
        assert len(reactions(bench)) == 2, "an event that comes again gets none"


async def test_a_failed_reaction_harms_nothing(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, ACK, clock=clock, scripted=True) as bench:
        platform = bench.platform("lively")
        platform.fail("react", Fault("refused"), Fault("broken"))
        platform.say("hello")
        await platform.shows("echo hello")
        await bench.app.engine.idle()
        platform.say("bye")
        await platform.shows("echo hello", "echo bye")
        assert platform.count("react") == 2


async def test_without_the_wish_or_the_means_there_is_no_reaction(
    tmp_path: Path, clock: VirtualClock
):
    async with running(
        tmp_path, ROOM % ("lively", "queue: followup"), clock=clock, scripted=True
    ) as bench:
        bench.platform("lively").say("hello")
        await bench.platform("lively").shows("echo hello")
        assert reactions(bench) == []
    other = tmp_path / "other"
    config = ROOM % ("streaming", "ack_reaction: '👀'")
    async with running(other, config, clock=clock, scripted=True) as bench:
        bench.platform("streaming").say("hello")
        await bench.platform("streaming").shows("echo hello")
        assert bench.platform("streaming").count("react") == 0


async def test_changes_after_the_run_began_are_told_once_with_the_next_message(
    tmp_path: Path, clock: VirtualClock
):
    async with running(
        tmp_path, ROOM % ("lively", "queue: followup"), clock=clock, scripted=True
    ) as bench:
        platform = bench.platform("lively")
        first = platform.say("meet at nine")
        second = platform.say("and buy milk")
        await platform.shows("echo meet at nine", "echo and buy milk")
        platform.say("meet at nine", id=first, change="edited", version="1")
        platform.say("meet at ten", id=first, change="edited", version="2")
        platform.say("meet at eleven", id=first, change="edited", version="3")
        platform.say("", id=second, change="deleted")
        platform.say("so?")
        await platform.wait_for(lambda one: len(one.visible()) == 3)
        assert bench.model is not None
        assert len(bench.model.requests) == 3, "nothing was run again"
        edited, deleted = block(bench, "revisions")
        ada = {"id": "ada", "name": "Ada"}
        assert edited == {
            "change": "edited",
            "sender": ada,
            "former": "meet at nine",
            "text": "meet at eleven",
        }
        assert deleted == {"change": "deleted", "sender": ada, "former": "and buy milk"}
        platform.say("fine")
        await platform.wait_for(lambda one: len(one.visible()) == 4)
        assert block(bench, "revisions") is None
