"""Numbers as Telegram writes them: identifiers, and places on the map."""

from __future__ import annotations

from adapters.fields import LARGEST, Event, number
from bot.errors import BadEvent


def decimal(event: Event, name: str) -> float:
    """A number that must be there. Raises BadEvent otherwise."""
    value = event.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= LARGEST:
        raise BadEvent(f"{name} is not a number")
    return float(value)


def identifier(event: Event, name: str = "id") -> str:
    """A whole number that must be there, as text. Raises BadEvent otherwise.

    Identifiers have at most 52 significant bits (core.telegram.org/bots/api#chat).
    """
    value = number(event, name)
    if value is None:
        raise BadEvent(f"{name} is missing")
    return str(value)
