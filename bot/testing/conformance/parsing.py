"""Checks of what is pure: reading an event and writing a text, with no network at all."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from bot.codec import message_json
from bot.contract import Address, Message
from bot.errors import BadEvent
from bot.testing.conformance.stage import Stage, expect
from bot.testing.conformance.suite import check

TORTURE = (
    "# T\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n```py\nx = '```'\n```\n\n**b *i** `c` [l](u) <b>\n"
)
_WRONG: tuple[Any, ...] = (None, True, -1, 2**70, 1.5, "", "\ud800\0", "x" * 70_000, [], {}, [[{}]])
NOT_EVENTS: tuple[Any, ...] = (None, True, 0, 1.5, "", "text", [], [None], {}, {"x": 1})


def mutations(event: Any) -> Iterator[Any]:
    """The event with each field, however deep, missing or of another type or size."""
    for path in list(_paths(event)):
        yield _changed(event, path, None, gone=True)
        for value in _WRONG:
            yield _changed(event, path, value)


def _paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*at, key)
            yield from _paths(value[key], (*at, key))


def _changed(event: Any, path: tuple[Any, ...], value: Any, *, gone: bool = False) -> Any:
    changed = copy.deepcopy(event)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if gone:
        del inner[path[-1]]
    else:
        inner[path[-1]] = copy.deepcopy(value)
    return changed


def _parse(stage: Stage, event: Any) -> list[Message]:
    found = type(stage.adapter()).parse(
        event, account="first", bot_ids=stage.world.bot_ids, bot_name=stage.world.bot_name
    )
    return list(found)


def _sound(stage: Stage, event: Any) -> list[Message]:
    """Messages that can be stored, or none. Raises AssertionError for any other error."""
    try:
        found = _parse(stage, event)
    except BadEvent as error:
        expect(str(error).strip(), "a BadEvent says nothing")
        return []
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error} from {str(event)[:300]}") from None
    for message in found:
        json.dumps(message_json(message), allow_nan=False).encode()
        _storable(message)
    return found


def _storable(message: Message) -> None:
    """Raises AssertionError for what no database takes."""
    texts = [message.text, message.ref.id, message.address.key, message.version]
    texts += [message.author.id, message.author.name, message.author.username or ""]
    texts += [file.name for file in message.attachments]
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise AssertionError(f"a lone surrogate is left in {text[:40]!r}") from None


@check("parse-pure")
async def pure(stage: Stage) -> None:
    """The same event gives the same messages twice, and stays as it was."""
    event = stage.world.event("hello")
    kept = copy.deepcopy(event)
    first, second = _parse(stage, event), _parse(stage, event)
    expect(first, "the descriptor's own event gives no message")
    expect(first == second, "two readings differ")
    expect(event == kept, "the event was changed")


@check("parse-not-an-event")
async def not_an_event(stage: Stage) -> None:
    """What is no event at all gives nothing or BadEvent."""
    for event in NOT_EVENTS:
        expect(not _sound(stage, event), f"{event!r} gives a message")


@check("parse-any-field")
async def any_field(stage: Stage) -> None:
    """A field missing, null, of a wrong type or huge: messages that can be stored, or BadEvent."""
    for event in mutations(stage.world.event("hello")):
        _sound(stage, event)


@check("parse-deep")
async def deep(stage: Stage) -> None:
    """An event nested a thousand deep gives nothing or BadEvent."""
    nested: Any = "end"
    for _ in range(1000):
        nested = {"message": nested, "d": [nested] if _ < 3 else nested}
    _sound(stage, nested)


@check("parse-ids-are-text")
async def ids(stage: Stage) -> None:
    """Ids are text that is not empty, and times have an offset."""
    (message, *_) = _parse(stage, stage.world.event("hello"))
    for what in (message.ref.id, message.author.id, message.address.conversation):
        expect(what and str(what) == what, f"{what!r} is no id")
    expect(message.at.utcoffset() is not None, "the time has no offset")


@check("address-key")
async def address_key(stage: Stage) -> None:
    """Each address can be written as text and read back."""
    for kind in ("direct", "group", "thread"):
        if stage.has(kind):
            address = stage.world.place(kind)
            expect(Address.parse(address.key) == address, f"{address.key} reads differently")


@check("render-pure")
async def render_pure(stage: Stage) -> None:
    """The same text gives the same payloads twice, and they are JSON."""
    adapter = type(stage.adapter())
    for text in (TORTURE, "plain", "a" * 20_000, "", "\0\ud800", "> q\n" * 500):
        first = adapter.render(text)
        expect(first == adapter.render(text), "two renderings differ")
        json.dumps(first, allow_nan=False)


@check("caps-sane")
async def caps_sane(stage: Stage) -> None:
    """Numbers among the capabilities are possible ones."""
    caps = stage.adapter().caps
    expect(caps.max_chars == 0 or caps.max_chars >= 100, f"max_chars is {caps.max_chars}")
    expect(0 <= caps.edit_interval <= 60, f"edit_interval is {caps.edit_interval}")
    for rate in caps.rates:
        expect(rate.count >= 1 and rate.per > 0, f"{rate} lets nothing through")
