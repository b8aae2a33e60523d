"""The commands of the registry as Discord's slash commands, with one line of arguments each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.contract import CommandSpec

# discord.com/developers/docs/interactions/application-commands#application-command-object
CHAT_INPUT, ENTRY_POINT = 1, 4
_STRING = 3
_NAME = re.compile(r"[a-z0-9_-]{1,32}")
_LONGEST = 100
_MOST = 100
ARGUMENTS = "arguments"


def wanted(commands: Sequence[CommandSpec]) -> list[dict[str, Any]]:
    """The commands as they are registered. Owners' stay out: everybody sees the same menu."""
    specs = [spec for spec in commands if not spec.owner and _NAME.fullmatch(spec.name)]
    return [_command(spec) for spec in specs[:_MOST]]


def differ(there: Sequence[Mapping[str, Any]], commands: Sequence[Mapping[str, Any]]) -> bool:
    """Is what is registered something else than this."""
    mine = [_essence(command) for command in there if command.get("type") != ENTRY_POINT]
    return sorted(mine, key=str) != sorted(map(_essence, commands), key=str)


def kept(there: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What replacing all commands must name again: the one that opens an activity cannot go."""
    return [dict(command) for command in there if command.get("type") == ENTRY_POINT]


def _command(spec: CommandSpec) -> dict[str, Any]:
    option = {
        "type": _STRING,
        "name": ARGUMENTS,
        "description": "What to do; leave it empty to see",
        "required": False,
        "autocomplete": True,
    }
    description = spec.help[:_LONGEST] or spec.name
    return {
        "type": CHAT_INPUT,
        "name": spec.name,
        "description": description,
        "options": [option],
    }


def _essence(command: Mapping[str, Any]) -> tuple[Any, ...]:
    """What of a command is ours to say; the platform adds ids, versions and defaults."""
    options = command.get("options") or []
    shown = tuple(
        (o.get("type"), o.get("name"), o.get("description"), bool(o.get("autocomplete")))
        for o in options
        if isinstance(o, Mapping)
    )
    return command.get("type", CHAT_INPUT), command.get("name"), command.get("description"), shown
