"""Junk from a Mattermost server: put aside, the connection stays, the next good one is heard."""

import json

import pytest

from adapters.fakes.mattermost import FakeMattermost
from tests.contracts.mattermost_support import Core, listening


@pytest.fixture
async def fake():
    async with FakeMattermost() as server:
        yield server


@pytest.fixture
def core():
    return Core()


POISON = [
    "{",
    "[" * 100_000,
    "null",
    "5",
    '"text"',
    "[]",
    {"event": None},
    {"event": 5, "data": {}},
    {"event": "posted"},
    {"event": "posted", "data": None},
    {"event": "posted", "data": []},
    {"event": "posted", "data": {"post": None}},
    {"event": "posted", "data": {"post": "{"}},
    {"event": "posted", "data": {"post": "[]"}},
    {"event": "posted", "data": {"post": "{}"}},
    {"event": "posted", "data": {"post": '{"id": 5}'}},
    {"event": "posted", "data": {"post": "[" * 100_000}},
    {"event": "posted", "data": {"post": json.dumps({"id": "x" * 10_000_000})}},
    {"event": "posted", "data": {"post": {"id": "a", "user_id": "b", "channel_id": "../c"}}},
    {"event": "reaction_added", "data": {"reaction": '{"user_id": "a"}'}},
]


@pytest.mark.parametrize("poison", POISON, ids=[str(index) for index in range(len(POISON))])
async def test_junk_is_put_aside_and_the_next_good_one_heard(fake, core, poison):
    async with listening(fake, core):
        fake.push(poison)
        fake.say(fake.world.town, "good")
        await core.until(lambda: core.messages)
    assert (core.texts, len(core.refused), core.ups) == (["good"], 1, 1)


@pytest.mark.parametrize("number", [None, "7", -5, 1.5, True, 10**9, 10**30])
async def test_an_event_with_an_odd_number_stops_nothing(fake, core, number):
    async with listening(fake, core):
        fake.push({"event": "status_change", "data": {}, "seq": number})
        for text in ("one", "two"):
            fake.say(fake.world.town, text)
        await core.until(lambda: len(core.messages) == 2)
    assert (core.texts, core.ups, fake.sockets.opened) == (["one", "two"], 1, 1)


@pytest.mark.parametrize("field", ["id", "user_id", "channel_id", "create_at", "message", "props",
                                   "root_id", "type", "file_ids", "metadata"])  # fmt: skip
@pytest.mark.parametrize("value", [None, 5, "\0", [], {}, [5], {"a": 5}, "x" * 1_000_000, 10**40])
async def test_any_field_may_be_junk(fake, core, field, value):
    async with listening(fake, core):
        post = {**fake.world.create(fake.world.ada, {"channel_id": fake.world.town}), field: value}
        fake.push({"event": "posted", "data": {"post": json.dumps(post)}, "broadcast": {}})
        fake.say(fake.world.town, "good")
        await core.until(lambda: "good" in core.texts)
    assert (core.ups, fake.sockets.opened) == (1, 1)
