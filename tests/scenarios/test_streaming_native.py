"""A platform's own stream shows the growing answer; the final takes its place, once."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bot.testing.clock import VirtualClock
from bot.testing.platform import Fault
from bot.testing.running import Bench, running
from tests.scenarios.places import ROOM, places

FENCED = ["```py\nfirst line\n", 1.0, "second", 1.0, " line\n", 1.0, "```\ndone"]


@pytest.fixture(autouse=True)
def _places() -> Iterator[None]:
    with places():
        yield


def shown(bench: Bench, account: str) -> list[str]:
    return [body["text"] for verb, body in bench.platform(account).calls if verb == "stream"]


async def test_a_stream_grows_as_it_is_and_the_answer_takes_its_place(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, ROOM % ("streaming", ""), clock=clock, scripted=True) as bench:
        platform = bench.platform("streaming")
        assert bench.model is not None
        bench.model.on("go", FENCED)
        platform.say("go")
        await clock.until(platform.shows("".join(one for one in FENCED if isinstance(one, str))))
        texts = shown(bench, "streaming")
        assert len(texts) > 1, "it was streamed"
        assert all(longer.startswith(text) for text, longer in pairwise(texts))
        assert [verb for verb, _ in platform.calls].count("send") == 1
        assert platform.calls[-1][0] == "edit"
        assert len(platform.messages) == 1


async def test_a_conversation_without_streams_gets_edits(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, ROOM % ("streaming", ""), clock=clock, scripted=True) as bench:
        platform = bench.platform("streaming")
        assert bench.model is not None
        bench.model.on("go", ["one ", 1.0, "two ", 1.0, "three"])
        platform.say("go", "plain")
        await clock.until(platform.shows("one two three", to="plain"))
        assert shown(bench, "streaming") == []
        assert platform.count("edit") >= 2


async def test_drafts_leave_nothing_behind_and_the_answer_is_sent(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, ROOM % ("drafting", ""), clock=clock, scripted=True) as bench:
        platform = bench.platform("drafting")
        assert bench.model is not None
        for said in ("go", "again"):
            bench.model.on(said, ["**one ", 1.0, "two** ", 1.0, "three"])
        platform.say("go")
        await clock.until(platform.shows("**one two** three"))
        platform.say("again")
        await clock.until(platform.shows("**one two** three", "**one two** three"))
        assert len(shown(bench, "drafting")) >= 4
        assert shown(bench, "drafting")[-2] == "**one**", "a draft is healed"
        assert platform.count("edit") == platform.count("delete") == 0
        assert "sent again" not in str(platform.visible())


async def test_a_broken_end_after_drafts_is_one_message_and_rooms_get_edits(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, ROOM % ("drafting", ""), clock=clock, scripted=True) as bench:
        platform = bench.platform("drafting")
        assert bench.model is not None
        bench.model.on("go", ["thinking about it", 2.0, KeyError("a bug")])
        bench.model.on("room talk", ["one ", 2.0, "two"])
        platform.say("room talk", "room", kind="group", mentioned=True)
        platform.say("go")
        await clock.until(platform.wait_for(lambda one: len(one.visible()) == 1))
        await clock.until(platform.shows("one two", to="room"))
        assert len(platform.visible()) == 1


async def test_a_refused_stream_costs_the_preview_and_never_the_answer(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, ROOM % ("streaming", ""), clock=clock, scripted=True) as bench:
        platform = bench.platform("streaming")
        assert bench.model is not None
        bench.model.on("go", ["one ", 1.0, "two ", 1.0, "three"])
        platform.fail("stream", Fault("limited", retry_after=0.5), Fault("refused"))
        platform.say("go")
        await clock.until(platform.shows("one two three"))
        assert len(platform.messages) == 1


async def test_after_a_restart_the_stream_that_stands_there_becomes_the_answer(
    tmp_path: Path, clock: VirtualClock
):
    config = ROOM % ("streaming", "")
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform("streaming")
        assert bench.model is not None
        bench.model.on("go", ["one", 60.0, " two"])
        platform.say("go", id="m1")
        await clock.until(platform.shows("one"))
    kept = platform.messages
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform("streaming")
        platform.messages.update(kept)
        platform.wake()
        await clock.until(platform.shows("echo go"))
