"""Every secret that a configuration holds, for whoever must keep them in."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from pydantic import BaseModel

from bot.config.kinds import Secret

_PASSWORDS = (
    re.compile(r"//[^/@:?]*:(.+)@"),
    re.compile(r"(?i)[?&][a-z_]*password=([^&]+)"),
)


def passwords_in(url: str) -> Iterator[str]:
    """The passwords in an address, as they stand there and as they are meant."""
    for pattern in _PASSWORDS:
        for found in pattern.findall(url):
            yield from {found, unquote(found)}


def secrets_in(value: object) -> Iterator[str]:
    """The values of all secrets in a setting and below it."""
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for one in dataclasses.fields(value):
            yield from secrets_in(getattr(value, one.name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from secrets_in(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from secrets_in(one)
