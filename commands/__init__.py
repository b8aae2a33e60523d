"""The chat commands, one per file, and the table that every surface is made from.

A package adds its own through an entry point in the group `trunkline.commands`: a module with
functions marked `@command`, or one such function.
"""

from collections.abc import Iterable, Sequence
from importlib.metadata import entry_points
from types import ModuleType

from bot.errors import ConfigError
from bot.types import CommandTable
from commands import (
    agent,
    approve,
    commands,
    compact,
    context,
    exec,
    export,
    help,
    model,
    new,
    queue,
    reasoning,
    reset,
    retry,
    session,
    skill,
    status,
    stop,
    subagents,
    task,
    think,
    usage,
    verbose,
    whoami,
    why,
)
from commands.registry import Command, command

__all__ = ["BUILT_IN", "GROUP", "Command", "command", "table"]

GROUP = "trunkline.commands"

# The order in which /help, /commands, the menus of the platforms and the documentation show them.
BUILT_IN = (
    new,
    reset,
    stop,
    retry,
    session,
    compact,
    export,
    agent,
    model,
    think,
    verbose,
    reasoning,
    skill,
    queue,
    exec,
    approve,
    subagents,
    task,
    status,
    usage,
    context,
    why,
    whoami,
    help,
    commands,
)


def table(extra: Sequence[str] = ()) -> CommandTable:
    """Every command: the built-in ones, then those of the entry points named in `extra`.

    Raises ConfigError when an entry point is missing or broken, or when two commands share a name.
    """
    found = [each for module in BUILT_IN for each in _commands_in(module)]
    for name in extra:
        found += _load(name)
    _refuse_duplicates(found)
    return CommandTable(
        infos=tuple(each.info for each in found),
        handlers={each.info.name: each for each in found},
    )


def _commands_in(module: ModuleType) -> list[Command]:
    return [value for value in vars(module).values() if isinstance(value, Command)]


def _load(name: str) -> list[Command]:
    points = entry_points(group=GROUP, name=name)
    if not points:
        raise ConfigError([f"no installed package offers commands named {name!r}"])
    try:
        loaded = next(iter(points)).load()
    except Exception as error:
        # A plugin may fail in any way; the operator must hear which one it was.
        raise ConfigError([f"the commands of {name!r} cannot be loaded: {error}"]) from error
    found = _commands_in(loaded) if isinstance(loaded, ModuleType) else [loaded]
    if not found or not all(isinstance(each, Command) for each in found):
        raise ConfigError([f"{name!r} holds no command; mark its functions with @command"])
    return found


def _refuse_duplicates(found: Iterable[Command]) -> None:
    seen: dict[str, str] = {}
    problems = []
    for info in (each.info for each in found):
        for word in (info.name, *info.aliases):
            if word in seen:
                problems.append(f"/{word} is both of /{seen[word]} and of /{info.name}")
            seen.setdefault(word, info.name)
    if problems:
        raise ConfigError(problems)
