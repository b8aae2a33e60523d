"""The adapters by name. A platform's library is imported when its adapter is asked for, not before.

Other packages add adapters through entry points of the group `trunkline.adapters`: each names a
subclass of `bot.contract.Adapter` whose class attribute `Options` is its options dataclass.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from bot.contract import Adapter
from bot.errors import ChannelRefused

GROUP = "trunkline.adapters"

# name -> where its options dataclass is (imports no library), where its class is
BUILT_IN: dict[str, tuple[str, str]] = {
    "telegram": ("adapters.telegram.options:TelegramOptions", "adapters.telegram.adapter:Telegram"),
    "discord": ("adapters.discord.options:DiscordOptions", "adapters.discord.adapter:Discord"),
    "slack": ("adapters.slack.options:SlackOptions", "adapters.slack.adapter:Slack"),
    "mattermost": (
        "adapters.mattermost.options:MattermostOptions",
        "adapters.mattermost.adapter:Mattermost",
    ),
}

# name -> a package that the platform's library takes in wherever it finds it, for something that
# no adapter asks of it: 7 MB for Telegram Passport.
UNUSED = {"telegram": "cryptography"}


def adapter_class(name: str) -> type[Adapter]:
    """The adapter called `name`. Raises ChannelRefused with what to install when it is absent."""
    if name not in BUILT_IN:
        return _from_entry_point(name)
    try:
        with _hidden(UNUSED.get(name)):
            found: type[Adapter] = _load(BUILT_IN[name][1])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"adapters", "bot"}:
            raise ChannelRefused(f"this installation has no {name} adapter") from error
        what = f"the {name} channel needs the package {error.name}"
        raise ChannelRefused(f"{what}; run: pip install 'trunkline[{name}]'") from error
    return found


def option_types() -> Mapping[str, type]:
    """Adapter name -> options dataclass. One from another package is imported when looked up."""
    return _OptionTypes()


class _OptionTypes(Mapping[str, type]):
    def __getitem__(self, name: str) -> type:
        if name in BUILT_IN:
            found: type = _load(BUILT_IN[name][0])
            return found
        if name not in _entry_points():
            raise KeyError(name)
        adapter = _from_entry_point(name)
        options = getattr(adapter, "Options", None)
        if not isinstance(options, type):
            raise ChannelRefused(f"the {name} adapter names no Options dataclass; ask its authors")
        return options

    def __iter__(self) -> Iterator[str]:
        return iter({**BUILT_IN, **_entry_points()})

    def __len__(self) -> int:
        return len({**BUILT_IN, **_entry_points()})


def _entry_points() -> dict[str, metadata.EntryPoint]:
    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def _from_entry_point(name: str) -> type[Adapter]:
    point = _entry_points().get(name)
    if point is None:
        known = ", ".join(option_types())
        raise ChannelRefused(f"there is no adapter called {name}; there are: {known}")
    try:
        found: type[Adapter] = point.load()
    except Exception as error:  # somebody else's code: it must not take the others down
        what = f"{type(error).__name__}: {error}"
        raise ChannelRefused(f"the {name} adapter cannot be imported: {what}") from error
    return found


@contextmanager
def _hidden(package: str | None) -> Iterator[None]:
    """Let imports not find a package meanwhile, unless somebody else has it already."""
    if package is None or package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


def _load(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)
