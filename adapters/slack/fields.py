"""Reads what events hold on Slack alone: ids and time stamps as text, and JSON inside of texts."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from adapters.fields import Event, item, line
from bot.errors import BadEvent

_ID = re.compile(r"[\w.-]{1,255}", re.ASCII)
# docs.slack.dev/messaging/retrieving-messages: seconds and a counter, unique in their conversation.
_STAMP = re.compile(r"\d{1,11}(\.\d{1,9})?", re.ASCII)


def within(event: Event, name: str) -> Event:
    """An object that must be there. Raises BadEvent otherwise."""
    if (value := item(event, name)) is None:
        raise BadEvent(f"{name} is missing")
    return value


def identifier(event: Event, name: str) -> str:
    """An id that must be there. Raises BadEvent otherwise."""
    value = line(event, name)
    if not _ID.fullmatch(value):
        raise BadEvent(f"{name} is not an id" if value else f"{name} is missing")
    return value


def optional_id(event: Event, name: str) -> str:
    """An id, "" when absent. Raises BadEvent when it is something else."""
    return identifier(event, name) if event.get(name) not in (None, "") else ""


def stamp(event: Event, name: str) -> str:
    """A message's time stamp, which is its id, and must be there. Raises BadEvent otherwise."""
    value = line(event, name)
    if not _STAMP.fullmatch(value):
        raise BadEvent(f"{name} is not a time stamp" if value else f"{name} is missing")
    return value


def moment(value: str) -> datetime:
    """The time of a stamp."""
    return datetime.fromtimestamp(float(value), UTC)


def decoded(text: str, what: str) -> Event:
    """A JSON object. Raises BadEvent when it is something else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BadEvent(f"{what} cannot be read as JSON") from None
    if not isinstance(value, dict):
        raise BadEvent(f"{what} is not an object")
    return value
