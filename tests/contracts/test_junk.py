"""Junk of every kind in every field of every recorded event, on every platform.

Whatever comes, it is a message that can be stored and addressed, or a bad event; nothing else.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.adapter import Discord
from adapters.mattermost.adapter import Mattermost
from adapters.slack.adapter import Slack
from adapters.telegram.adapter import Telegram
from bot.codec import message_json, stored_message
from bot.contract import Address
from bot.errors import BadEvent
from tests.contracts.mattermost_support import opened

RECORDINGS = Path(__file__).parents[1] / "recordings"
PARSERS = {
    "telegram": partial(Telegram.parse, bot_ids=("987654321",), bot_name="trunk_bot"),
    "discord": partial(Discord.parse, bot_ids=("876543210",), bot_name="trunk"),
    "slack": partial(Slack.parse, bot_ids=("U0BOT", "B0BOT"), bot_name="trunk_bot"),
    "mattermost": partial(
        Mattermost.parse, bot_ids=("x7m3wq8b3jfsdpr1c9ko5yzhne",), bot_name="trunk-bot"
    ),
}
WRONG = (None, 5, -1.5, True, "", "word", [], [1], [[]], {}, {"a": 1}, {"": {}}, 10**40, -(10**40))
ODD = (float("inf"), float("nan"), "\ud800", "\0", "x" * 10_000)
HUGE = ("x" * 1_000_000, 10**400, ["x"] * 10_000, {str(n): n for n in range(10_000)})


def recorded() -> Iterator[tuple[str, str, Any]]:
    """Platform, name and event of each recording; what is packed in texts is opened, too."""
    for platform in PARSERS:
        for path in sorted((RECORDINGS / platform).glob("*.json")):
            event = json.loads(path.read_text("utf-8"))["event"]
            yield platform, path.stem, event
            if platform == "mattermost" and opened(event) != event:
                yield platform, f"{path.stem}_opened", opened(event)


SEEDS = [(platform, event) for platform, _, event in recorded()]
NAMES = [f"{platform}-{name}" for platform, name, _ in recorded()]

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in an event, the event itself first."""
    inner = value.items() if isinstance(value, dict) else []
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path, *(found for key, child in inner for found in places(child, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The event with something else in one place."""
    if not path:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = put(changed[path[0]], path[1:], new)
    return changed


def without(value: Any, path: tuple[Any, ...]) -> Any:
    """The event with one place missing."""
    changed = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1:
        del changed[path[0]]
    else:
        changed[path[0]] = without(changed[path[0]], path[1:])
    return changed


def check(platform: str, event: Any) -> None:
    try:
        found = PARSERS[platform](event, account=platform)
    except BadEvent:
        return
    for message in found:
        assert message.address == Address.parse(message.address.key)
        # A lone surrogate is no text that could be stored.
        text = json.dumps([stored_message(message), message_json(message)], ensure_ascii=False)
        text.encode()
        assert "\\u0000" not in text


@given(st.data(), st.sampled_from(SEEDS), junk)
def test_junk_in_any_field(data: Any, seed: tuple[str, Any], value: Any):
    platform, event = seed
    check(platform, put(event, data.draw(st.sampled_from(places(event))), value))


@pytest.mark.parametrize(("platform", "event"), SEEDS, ids=NAMES)
def test_any_field_may_be_missing_null_odd_or_of_another_type(platform: str, event: Any):
    for path in places(event):
        for value in (*WRONG, *ODD):
            check(platform, put(event, path, value))
        if path:
            check(platform, without(event, path))


@pytest.mark.parametrize("value", HUGE, ids=["text", "number", "list", "object"])
@pytest.mark.parametrize("platform", PARSERS)
def test_any_field_may_be_huge(platform: str, value: Any):
    event = max((e for p, e in SEEDS if p == platform), key=lambda one: len(places(one)))
    for path in places(event):
        check(platform, put(event, path, value))


def test_there_are_at_least_thirty_recordings_of_each_platform():
    for platform in PARSERS:
        assert len(list((RECORDINGS / platform).glob("*.json"))) >= 30
