"""Parameters that several methods share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field

from bot.gateway.frames import Params

MAX_ID = 200

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def plain(text: str) -> str:
    """Text without control characters; tabs and line ends stay."""
    return _CONTROL.sub("", text)


def _said(text: str) -> str:
    """A message in plain characters that says something."""
    clean = plain(text)
    if not clean.strip():
        raise ValueError("must not be empty")
    return clean


def _whole(text: str) -> str:
    if _CONTROL.search(text) or not text.strip():
        raise ValueError("must be plain text and not empty")
    return text


Id = Annotated[str, Field(min_length=1, max_length=MAX_ID), AfterValidator(_whole)]
Key = Annotated[str, Field(min_length=1, max_length=1000)]
# What is written like a part of the file may name itself as there, by `id`.
AgentId = Annotated[Id, Field(validation_alias=AliasChoices("agentId", "id"))]
ProviderId = Annotated[Id, Field(validation_alias=AliasChoices("provider", "id"))]
Said = Annotated[str, AfterValidator(_said)]


class Nothing(Params):
    """A method without parameters."""


class OneSession(Params):
    """A session by its key; a base key stands for its active child unless `exact`."""

    session_key: Key
    exact: bool = False
