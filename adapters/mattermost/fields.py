"""Fields as Mattermost writes them: ids, times, flags, and objects packed as JSON text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from adapters import fields
from adapters.fields import Event, line, storable
from bot.errors import BadEvent

# Ids are 26 letters and digits (developers.mattermost.com/contribute: model.NewId); what could not
# stand in an address or a request's path is none.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_YEAR_10000 = 253402300800000


def item(event: Event, name: str) -> Event:
    """An object field, empty when absent. Raises BadEvent when it is something else."""
    return fields.item(event, name) or {}


def texts(event: Event, name: str) -> list[str]:
    """A list of texts, [] when absent. Raises BadEvent when it is something else."""
    values = event.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadEvent(f"{name} is not a list of texts")
    return [storable(value).replace("\0", "") for value in values]


def embedded(event: Event, name: str) -> Event:
    """An object that the socket packs as JSON text inside a field. Raises BadEvent.

    Over REST the same object comes as it is (api.mattermost.com, "WebSocket").
    """
    value = event.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise BadEvent(f"{name} cannot be read as JSON") from None
    if not isinstance(value, Mapping) or not value:
        raise BadEvent(f"{name} is not an object")
    return value


def whole(event: Event, name: str) -> int:
    """A whole number, 0 when absent. Raises BadEvent when it is something else."""
    return fields.number(event, name) or 0


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def identifier(event: Event, name: str = "id") -> str:
    """An id that must be there. Raises BadEvent otherwise."""
    found = line(event, name)
    if not is_id(found):
        raise BadEvent(f"{name} is not an id")
    return found


def moment(event: Event, name: str) -> datetime:
    """A time in milliseconds since 1970. Raises BadEvent when it is not one."""
    found = whole(event, name)
    if not 0 < found < _YEAR_10000:
        raise BadEvent(f"{name} is not a time")
    return datetime.fromtimestamp(found / 1000, UTC)


def truth(event: Event, name: str) -> bool:
    """A flag, which the platform writes as the text "true"."""
    return event.get(name) in (True, "true")
