"""Mattermost events as messages: recorded events."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.mattermost.adapter import Mattermost
from adapters.mattermost.emoji import name_of, symbol_of
from bot.contract import Message
from bot.errors import BadEvent
from tests.contracts.mattermost_support import opened
from tests.contracts.shown import shown

RECORDINGS = sorted((Path(__file__).parents[1] / "recordings" / "mattermost").glob("*.json"))
SEEDS = [json.loads(path.read_text("utf-8"))["event"] for path in RECORDINGS]
BOT = "x7m3wq8b3jfsdpr1c9ko5yzhne"


def parse(event: Any, ids: tuple[str, ...] = (BOT,), name: str = "trunk-bot") -> list[Message]:
    return Mattermost.parse(event, account="mattermost", bot_ids=ids, bot_name=name)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_event(path: Path):
    recorded = json.loads(path.read_text("utf-8"))
    found = [shown(message) for message in parse(recorded["event"])]
    assert len(found) == len(recorded["messages"])
    for message, expected in zip(found, recorded["messages"], strict=True):
        assert {name: message[name] for name in expected} == expected


def test_there_are_recordings_of_every_kind():
    assert len(RECORDINGS) >= 30


def test_every_file_can_be_fetched_again_by_its_handle():
    found = [a for seed in SEEDS for message in parse(seed) for a in message.attachments]
    assert len(found) >= 5
    assert all(a.handle for a in found)


def test_what_is_packed_may_come_open():
    assert [shown(m) for seed in SEEDS for m in parse(opened(seed))] == [
        shown(m) for seed in SEEDS for m in parse(seed)
    ]


def test_without_a_name_the_platforms_word_counts():
    event = next(seed for seed in SEEDS if "mentions" in seed.get("data", {}))
    assert parse(event, name="")[0].mentioned
    assert not parse(event, ids=("another",), name="")[0].mentioned


def test_without_ids_the_own_name_is_known():
    own = json.loads((RECORDINGS[0].parent / "own_message.json").read_text("utf-8"))["event"]
    assert parse(own, ids=()) == []
    assert len(parse(own, ids=(), name="")) == 1


def test_a_name_with_a_dot_is_not_a_pattern():
    event = json.loads((RECORDINGS[0].parent / "mention_leading.json").read_text("utf-8"))["event"]
    assert not parse(event, name="trunk.bot")[0].mentioned


@pytest.mark.parametrize("emoji", ["👀", "👍", "❤️", "🔥", "🎉", "✅", "🤖"])
def test_an_emoji_survives_its_name(emoji):
    assert symbol_of(name_of(emoji)) == emoji.removesuffix("\ufe0f")


@pytest.mark.parametrize("event", [None, 5, "text", [], True, {"event": []}, {"event": "posted"}])
def test_what_is_no_event_is_refused(event):
    with pytest.raises(BadEvent):
        parse(event)


def test_an_unknown_kind_of_event_is_ignored():
    assert parse({"event": "telepathy", "data": {"post": 5}}) == []
