"""Reads fields of an event that nobody vouches for: each is of the right type, absent, or BadEvent.

Null counts as absent. Texts come out storable: no lone surrogate, and no NUL where people read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.errors import BadEvent

Event = Mapping[str, Any]

# What is beyond a signed 64-bit number cannot be stored.
LARGEST = 2**63


def storable(text: str) -> str:
    """The text with lone surrogates replaced; every other character keeps its UTF-16 offset."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def item(event: Event, name: str) -> Event | None:
    """An object field. Raises BadEvent when it is something else."""
    value = event.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise BadEvent(f"{name} is not an object")
    return value


def items(event: Event, name: str) -> list[Event]:
    """A list of objects, [] when absent. Raises BadEvent when it is something else."""
    values = event.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, Mapping) for value in values):
        raise BadEvent(f"{name} is not a list of objects")
    return values


def string(event: Event, name: str) -> str:
    """A text field, storable, "" when absent; NUL stays in it, so that offsets stay true.

    Raises BadEvent when it is something else.
    """
    value = event.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadEvent(f"{name} is not a text")
    return storable(value)


def line(event: Event, name: str) -> str:
    """A text field for people: storable and without NUL, "" when absent. Raises as `string`."""
    return string(event, name).replace("\0", "")


def number(event: Event, name: str) -> int | None:
    """A whole number. Raises BadEvent when it is something else or too large to be stored."""
    value = event.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= LARGEST:
        raise BadEvent(f"{name} is not a whole number")
    return value
