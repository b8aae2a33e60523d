"""Discord's ids: 64-bit numbers written as text, whose upper bits are the time they were made.

See discord.com/developers/docs/reference#snowflakes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from adapters.fields import Event
from bot.errors import BadEvent

EPOCH_MS = 1_420_070_400_000
_ID = re.compile(r"[0-9]{1,20}")
_LARGEST = 2**64


def snowflake(event: Event, name: str = "id") -> str:
    """An id that must be there. Raises BadEvent otherwise."""
    found = optional(event, name)
    if found is None:
        raise BadEvent(f"{name} is missing")
    return found


def optional(event: Event, name: str) -> str | None:
    """An id, None when absent. Raises BadEvent when it is something else."""
    value = event.get(name)
    if value is None:
        return None
    if not is_id(value):
        raise BadEvent(f"{name} is not an id")
    return str(value)


def several(event: Event, name: str) -> tuple[str, ...]:
    """A list of ids, () when absent. Raises BadEvent when it is something else."""
    values = event.get(name)
    if values is None:
        return ()
    if not isinstance(values, list) or not all(is_id(value) for value in values):
        raise BadEvent(f"{name} is not a list of ids")
    return tuple(values)


def is_id(value: object) -> bool:
    """Is this an id in the form that the platform writes."""
    return isinstance(value, str) and bool(_ID.fullmatch(value)) and int(value) < _LARGEST


def made_at(identifier: str) -> datetime:
    """When an id was made."""
    return datetime.fromtimestamp(((int(identifier) >> 22) + EPOCH_MS) / 1000, UTC)


def at(when: datetime) -> int:
    """The lowest id that could be made at a time."""
    return max(0, int(when.timestamp() * 1000) - EPOCH_MS) << 22


def stamp(event: Event, name: str) -> datetime | None:
    """An ISO 8601 time, None when absent. Raises BadEvent when it is something else."""
    value = event.get(name)
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise ValueError
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadEvent(f"{name} is not a time") from None
