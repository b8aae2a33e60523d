"""What other packages add: off until `plugins` names them, and by the doors of the built-in parts.

A name in `plugins` is one of the bundled hooks, the name of entry points in the groups below, or a
module that can be imported and has functions named after hooks. Nothing else is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bot.config.settings import Config
from bot.errors import ConfigError
from bot.hooks import load
from bot.hooks.load import Found
from bot.hooks.points import Hooks
from bot.providers import offer
from bot.types import Tool

COMMANDS = "trunkline.commands"
TOOLS = "trunkline.tools"
PROVIDERS = "trunkline.providers"
ADAPTERS = "trunkline.adapters"
GROUPS = (load.GROUP, COMMANDS, TOOLS, PROVIDERS, ADAPTERS)

Bundled = Mapping[str, Found]


def furnish(
    hooks: Hooks,
    config: Callable[[], Config],
    folder: Callable[[str], Path],
    workspaces: Path,
    offered: Bundled,
) -> None:
    """Find the hooks that a configuration names. Raises ConfigError for what cannot be used.

    `folder` says where an agent's folder is, `workspaces` where those without a place of their own
    are, `offered` what is bundled.
    """
    now = config()

    def private(path: Path) -> bool:
        own = [workspaces, *(folder(agent.id) for agent in now.agents)]
        return any(path.resolve().is_relative_to(one.resolve()) for one in own)

    def allowed(agent: str | None, name: str) -> bool:
        if name in config().hooks.disabled:
            return False
        found = config().agent(agent) if agent else None
        return found is None or found.hooks is None or name in found.hooks

    found = load.find(now.hooks.dirs, now.hooks.disabled, private)
    for name in now.plugins:
        if name in now.hooks.disabled:
            found.append(Found(name, "plugin", name, off=True))
        elif (one := _plugin(name, offered)) is not None:
            found.append(one)
    for one in found:
        for handler in one.handlers:
            hooks.handlers.add(handler)
    left = [one for name, one in offered.items() if name not in now.plugins]
    rows = [one.row for one in found] + [{**one.row, "enabled": False} for one in left]
    off = now.hooks.disabled
    rows = [{**row, "enabled": row["enabled"] and row["name"] not in off} for row in rows]
    hooks.rows = [{**row, "ready": row["ready"] and row["enabled"]} for row in rows]
    hooks.handlers.allowed = allowed
    hooks.folder = folder


def commands_of(config: Config) -> list[str]:
    """The plugins that add commands."""
    return [name for name in config.plugins if load.points(COMMANDS, name)]


def tools_of(config: Config) -> list[Tool]:
    """The tools that plugins add: each entry point is a tool, a list of tools, or makes either.

    Raises ConfigError.
    """
    made: list[Tool] = []
    for name, point in _points(config, TOOLS):
        offered = _loaded(name, point)
        if isinstance(offered, type) or (callable(offered) and not hasattr(offered, "run")):
            offered = offered()
        tools = list(offered) if isinstance(offered, list | tuple) else [offered]
        wrong = [one for one in tools if not _is_tool(one)]
        if wrong or not tools:
            raise ConfigError([f"plugins: {name!r} offers something that is no tool: {wrong!r}"])
        made += tools
    return made


def offer_providers(config: Config) -> None:
    """Let providers name the wire formats that plugins add. Raises ConfigError."""
    for name, point in _points(config, PROVIDERS):
        try:
            offer(name, _loaded(name, point))
        except ValueError as error:
            raise ConfigError([f"plugins: {error}"]) from None


def _plugin(name: str, bundled: Bundled) -> Found | None:
    """The hooks of one plugin, None when it offers other things. Raises ConfigError."""
    if name in bundled:
        return bundled[name]
    if (found := load.plugin(name)) is not None:
        return found
    if any(load.points(group, name) for group in GROUPS):
        return None
    try:
        there = find_spec(name) is not None
    except (ImportError, ValueError):
        there = False
    if not there:
        known = ", ".join(sorted(bundled))
        raise ConfigError(
            [f"plugins: no installed package or module is called {name!r}; bundled are: {known}"]
        )
    module = _loaded(name, EntryPoint(name, name, load.GROUP))
    try:
        return load.offered(name, module, name)
    except load.BadHook as error:
        raise ConfigError([f"plugins: the module {name!r} cannot be used: {error}"]) from None


def _points(config: Config, group: str) -> list[tuple[str, EntryPoint]]:
    return [(name, point) for name in config.plugins for point in load.points(group, name)[:1]]


def _loaded(name: str, point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:
        # Somebody else's code may fail in any way; the operator must hear which one it was.
        what = f"{type(error).__name__}: {error}"
        raise ConfigError([f"plugins: {name!r} cannot be loaded: {what}"]) from error


def _is_tool(value: object) -> bool:
    parts = ("name", "description", "schema", "risk", "repeatable", "tags", "run")
    return all(hasattr(value, part) for part in parts)
