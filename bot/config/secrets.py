"""Every secret that a configuration holds, for whoever must keep them in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from bot.config.kinds import Secret


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
