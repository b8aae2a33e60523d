"""Discord events as messages: recorded ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.discord import interactions
from adapters.discord.adapter import Discord
from adapters.discord.attachments import Handle
from adapters.discord.parse import Me
from bot.contract import Address, Message
from bot.errors import BadEvent
from tests.contracts.shown import shown

RECORDINGS = sorted((Path(__file__).parents[1] / "recordings" / "discord").glob("*.json"))
SEEDS = [json.loads(path.read_text("utf-8"))["event"] for path in RECORDINGS]
BOT = "876543210"


def parse(event: Any, *ids: str) -> list[Message]:
    return Discord.parse(event, account="discord", bot_ids=(BOT, *ids), bot_name="trunk")


def message(content: Any = "x", **more: Any) -> dict[str, Any]:
    event = {"id": "334385199974967042", "channel_id": "5", "content": content, **more}
    return {"op": 0, "t": "MESSAGE_CREATE", "s": 1, "d": {"author": {"id": "7"}, **event}}


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_event(path: Path):
    recorded = json.loads(path.read_text("utf-8"))
    found = [shown(one, "forwardedFrom", "guild") for one in parse(recorded["event"])]
    assert len(found) == len(recorded["messages"])
    for one, expected in zip(found, recorded["messages"], strict=True):
        assert {name: one[name] for name in expected} == expected


def test_there_are_recordings_of_every_kind():
    assert len(RECORDINGS) >= 30


def test_every_file_can_be_fetched_again_by_its_handle():
    files = [a for seed in SEEDS for one in parse(seed) for a in one.attachments]
    handles = [Handle.read(a.handle) for a in files if a.kind != "sticker"]
    assert len(handles) >= 5
    assert all(handle and handle.url.startswith("https://cdn.") for handle in handles)
    assert all(a.handle.startswith("https://") for a in files if a.kind == "sticker")


@pytest.mark.parametrize("text", ["", "x", "1/2 u", "1/2/x u", "https://cdn.discordapp.com/x"])
def test_what_is_no_handle_is_none(text):
    assert Handle.read(text) is None


def test_a_role_that_only_the_bot_has_names_it():
    event = message("<@&44> hi", mention_roles=["44"])
    assert [parse(event)[0].mentioned, parse(event, "44")[0].mentioned] == [False, True]
    assert parse(event, "44")[0].text == "hi"


def test_an_address_round_trips_through_its_key():
    for seed in SEEDS:
        for one in parse(seed):
            assert Address.parse(one.address.key) == one.address


def test_a_name_may_change_and_the_author_stays():
    before = parse(message(author={"id": "7", "username": "ada"}))[0].author
    after = parse(message(author={"id": "7", "username": "augusta"}))[0].author
    assert (before.id, before.name != after.name) == (after.id, True)


def test_a_reaction_put_there_again_is_another_event_and_one_resent_is_not():
    reaction = {"user_id": "7", "channel_id": "5", "message_id": "9", "emoji": {"name": "👍"}}
    frame = {"op": 0, "t": "MESSAGE_REACTION_ADD", "d": reaction}
    versions = [parse({**frame, "s": number})[0].version for number in (3, 3, 4)]
    assert versions[0] == versions[1] != versions[2]


def test_what_somebody_types_behind_a_command():
    event = next(seed for path, seed in zip(RECORDINGS, SEEDS, strict=True)
                 if path.stem == "autocomplete")  # fmt: skip
    asked = interactions.typing(event, Me("discord"))
    assert (asked.command, asked.typed, asked.author.username) == ("session", "swi", "ada")


@pytest.mark.parametrize(
    "event",
    [
        None,
        5,
        "text",
        [],
        True,
        {},
        {"op": "0", "t": "MESSAGE_CREATE", "d": {}},
        {"t": "MESSAGE_CREATE", "d": {}},
        {"op": 0, "d": {}},
        {"op": 0, "t": "MESSAGE_CREATE"},
        {"op": 0, "t": "MESSAGE_CREATE", "d": []},
        {"op": 0, "t": "MESSAGE_CREATE", "s": "1", "d": {}},
        message(author=None),
        message(id=None),
        message(id=334385199974967042),
        message(id="١٢٣"),
        message(id=str(2**64)),
        message(channel_id=""),
        message(timestamp="yesterday"),
        message(timestamp="9999-12-31T23:59:59-14:00"),
        message(content=["x"]),
        message(mentions={"id": BOT}),
        message(mention_roles=[1]),
        message(member=[]),
        message(type="0"),
        message(flags=2**70),
        {"token": "x", "type": 99},
        {"token": "x", "type": 2, "id": "1", "channel_id": "2"},
    ],
)
def test_what_cannot_be_understood_is_refused(event):
    with pytest.raises(BadEvent):
        parse(event)


def test_an_unknown_kind_of_event_is_ignored():
    assert parse({"op": 0, "t": "TELEPATHY", "s": 1, "d": 5}) == []


def test_a_lone_surrogate_can_be_stored():
    assert parse(message("a\ud83d b"))[0].text.encode() == "a� b".encode()


def test_a_megabyte_of_marks_is_read():
    assert len(parse(message("<@7>" * 250_000))[0].text) == 1_000_000
    assert len(parse(message("<t:1" * 250_000))[0].text) == 1_000_000
    assert parse(message(f"<@{BOT}> " * 100_000, mentions=[{"id": BOT}]))[0].text == ""
