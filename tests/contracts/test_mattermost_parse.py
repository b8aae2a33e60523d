"""Mattermost events as messages: recorded events, and junk of every kind in every place."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mattermost.adapter import Mattermost
from adapters.mattermost.emoji import name_of, symbol_of
from bot.contract import Message
from bot.errors import BadEvent

RECORDINGS = sorted((Path(__file__).parents[1] / "recordings" / "mattermost").glob("*.json"))
SEEDS = [json.loads(path.read_text("utf-8"))["event"] for path in RECORDINGS]
BOT = "x7m3wq8b3jfsdpr1c9ko5yzhne"


def parse(event: Any, ids: tuple[str, ...] = (BOT,), name: str = "trunk-bot") -> list[Message]:
    return Mattermost.parse(event, account="mattermost", bot_ids=ids, bot_name=name)


def author(found: Any, full: bool = True) -> dict[str, Any] | None:
    if found is None:
        return None
    short = {"id": found.id, "name": found.name}
    more = {"username": found.username, "isBot": found.is_bot, "isSelf": found.is_self}
    return {**short, **more} if full else short


def shown(message: Message) -> dict[str, Any]:
    """The message in the form that programs see, but `raw`."""
    quote, command, action = message.reply_to, message.command, message.action
    return {
        "conversation": message.address.conversation,
        "thread": message.address.thread,
        "kind": message.kind,
        "id": message.ref.id,
        "change": message.change,
        "at": message.at.isoformat(),
        "author": author(message.author),
        "text": message.text,
        "mentioned": message.mentioned,
        "attachments": [
            {"kind": a.kind, "name": a.name, "mime": a.mime, "size": a.size}
            for a in message.attachments
        ],
        "replyTo": quote
        and {"id": quote.id, "text": quote.text, "author": author(quote.author, False)},
        "command": command and {"name": command.name, "args": command.args},
        "action": action and {"kind": action.kind, "id": action.id, "value": action.value},
        "version": message.version,
    }


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


def opened(seed: Any) -> Any:
    """An event with what is packed inside opened, so that junk can be put there, too."""
    data = seed.get("data") if isinstance(seed, dict) else None
    if not isinstance(data, dict):
        return seed
    inner = {name: json.loads(data[name]) for name in ("post", "reaction") if name in data}
    return {**seed, "data": {**data, **inner}}


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


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else []
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path, *(found for key, child in inner for found in places(child, (*path, key)))]


def put(value: Any, path: tuple, new: Any) -> Any:
    if not path:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = put(changed[path[0]], path[1:], new)
    return changed


def without(value: Any, path: tuple) -> Any:
    if len(path) == 1:
        kept = dict(value) if isinstance(value, dict) else list(value)
        del kept[path[0]]
        return kept
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = without(changed[path[0]], path[1:])
    return changed


def check(event: Any) -> None:
    """A message that can be stored, or a BadEvent."""
    try:
        found = parse(event)
    except BadEvent:
        return
    for message in found:
        text = f"{message.text} {message.author} {message.ref} {message.reply_to} {message.version}"
        text += f"{message.attachments} {message.forwarded_from} {message.action}"
        assert "\0" not in text
        text.encode()
        json.dumps(shown(message))


@given(st.data(), st.sampled_from([opened(seed) for seed in SEEDS]), junk)
def test_junk_in_any_field_gives_a_message_or_a_bad_event(data, seed, value):
    check(put(seed, data.draw(st.sampled_from(places(seed))), value))


@pytest.mark.parametrize("seed", range(len(SEEDS)), ids=[path.stem for path in RECORDINGS])
def test_any_field_may_be_missing_null_or_huge(seed):
    event = opened(SEEDS[seed])
    for path in places(event)[1:]:
        check(without(event, path))
        for value in (None, "x" * 100_000, 10**40, -(10**40), [[]], {"": {}}, float("inf")):
            check(put(event, path, value))
