"""Reads the configuration: file, environment and flags become a checked tree, or all problems."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import ValidationError

from bot.config.agents import APIS, SEARCHES
from bot.config.channels import (
    Channel,
    ChannelSettings,
    build_options,
    channel_model,
    required_options,
)
from bot.config.checks import check
from bot.config.document import MAX_BYTES, parse
from bot.config.environment import OVERRIDES, unknown_variables
from bot.config.explain import explain
from bot.config.kinds import Section, named
from bot.config.places import Places
from bot.config.problems import ConfigMissing, Path, Problem, suggest
from bot.config.references import FromEnv, Resolver
from bot.config.settings import Config
from bot.errors import ChannelError, ConfigError

S = TypeVar("S", bound=Section)


def load(
    path: FilePath | None,
    env: Mapping[str, str],
    adapters: Mapping[str, type],
    *,
    flags: Mapping[str, Any] | None = None,
    apis: Collection[str] = (*APIS, *SEARCHES),
) -> Config:
    """Read and check a file; None is the defaults.

    `adapters` maps an adapter's name to its options dataclass, `flags` dotted keys (`gateway.port`)
    to what the command line says. Raises ConfigMissing when there is no file, else ConfigError
    with every problem at once.
    """
    if path is None:
        return load_text("", "the defaults", env, adapters, flags=flags, apis=apis)
    return load_text(read_text(path), str(path), env, adapters, flags=flags, apis=apis)


def read_text(path: FilePath) -> str:
    """The file's text. Raises ConfigMissing, or ConfigError when it is no text."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        fix = "check the path, or write one with `trunkline init`"
        raise ConfigMissing([Problem(str(path), 0, 0, "", what, fix)]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        problem = Problem(str(path), line, column, "", "is not UTF-8 text", "save it as UTF-8")
        raise ConfigError([problem]) from None


def load_text(
    text: str,
    file: str,
    env: Mapping[str, str],
    adapters: Mapping[str, type],
    *,
    flags: Mapping[str, Any] | None = None,
    apis: Collection[str] = (*APIS, *SEARCHES),
) -> Config:
    """As `load`, from text; `file` is the name that problems give. Raises ConfigError."""
    found: list[Problem] = []
    root = parse(text, file, found)
    if root.kind != "mapping":
        what = f"the file must be a mapping, but is {named(root.data)}"
        raise ConfigError([*found, Problem(file, 1, 1, "", what, "write key: value lines")])
    resolver = Resolver(env, file, found)
    data = resolver.resolve(root)
    places = Places(file, root, _overlay(data, env, flags or {}), found)
    reader = _Reader(data, places, resolver.unset, adapters)
    config = reader.tree()
    channels = reader.channels()
    # What a plugin offers is known only when it is loaded; its name is what a provider may say.
    plugins = data.get("plugins")
    more = map(str, plugins) if isinstance(plugins, list) else ()
    check(data, places, adapters, (*apis, *more))
    if places.problems:
        raise ConfigError(_in_order(places.problems))
    assert config is not None  # without problems there is a tree
    warnings = _in_order(places.warnings) + unknown_variables(env, resolver.used)
    return config.with_channels(channels, tuple(warnings), file)


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda p: (p.line == 0, p.line, p.column))


def _overlay(
    data: dict[str, Any], env: Mapping[str, str], flags: Mapping[str, Any]
) -> dict[Path, str]:
    """Put flags over environment over file into `data`; where each such value came from."""
    outside: dict[Path, str] = {}
    for name, path in OVERRIDES:
        if env.get(name):
            value = FromEnv(env[name])
            value.names, value.whole = (name,), True
            _put(data, path, value)
            outside[path] = f"${name}"
    for key, given in flags.items():
        path = tuple(key.split("."))
        _put(data, path, given)
        outside[path] = f"--{path[-1]}"
    return outside


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        below = data.get(part)
        if below is None:
            below = data[part] = {}
        if not isinstance(below, dict):
            return  # the file is wrong here, and that is what will be said
        data = below
    data[path[-1]] = value


class _Reader:
    """Checks the tree, and each channel against its own adapter's options."""

    def __init__(
        self, data: dict[str, Any], places: Places, unset: set[Path], adapters: Mapping[str, type]
    ) -> None:
        self.data = data
        self.places = places
        self.unset = unset
        self.adapters = adapters

    def tree(self) -> Config | None:
        plain = {key: value for key, value in self.data.items() if key != "channels"}
        return self._checked(Config, plain, ())

    def channels(self) -> dict[str, Channel]:
        accounts = self.data.get("channels")
        if accounts is None:
            return {}
        if not isinstance(accounts, dict):
            what = f"must be a mapping, but is {named(accounts)}"
            self.places.problem(("channels",), what, "write one account name below it")
            return {}
        found = (self._channel(name, {} if raw is None else raw) for name, raw in accounts.items())
        return {channel.name: channel for channel in found if channel}

    def _channel(self, name: str, raw: Any) -> Channel | None:
        path = ("channels", name)
        if not isinstance(raw, dict):
            what = f"must be a mapping, but is {named(raw)}"
            self.places.problem(path, what, "write its keys below it, indented")
            return None
        adapter = str(raw.get("adapter") or name)
        try:
            options = self.adapters.get(adapter)
        except ChannelError as error:
            return self._broken_adapter(name, adapter, raw, error)
        if options is None:
            self._unknown_adapter(path, raw, adapter)
            return None
        checked = self._checked(channel_model(options), raw, path)
        if checked is None:
            return self._without_options(name, adapter, raw)
        common = {key: getattr(checked, key) for key in ChannelSettings.model_fields}
        written = checked.model_fields_set & common.keys()
        settings = ChannelSettings.model_construct(written, **common | {"adapter": adapter})
        return Channel(
            name,
            adapter,
            settings,
            self._options(options, checked, path),
            checked.model_dump(mode="json"),
        )

    def _broken_adapter(
        self, name: str, adapter: str, raw: dict[str, Any], error: ChannelError
    ) -> Channel | None:
        """An adapter that cannot be imported takes its own account down, and no other."""
        path = ("channels", name)
        self.places.warning(path, str(error), "this account stays down until that is mended")
        common = {key: raw[key] for key in raw if key in ChannelSettings.model_fields}
        settings = self._checked(ChannelSettings, common | {"adapter": adapter}, path)
        if settings is None:
            return None
        return Channel(name, adapter, settings, None, settings.model_dump(mode="json"))

    def _unknown_adapter(self, path: Path, raw: dict[str, Any], adapter: str) -> None:
        if "adapter" in raw:
            what = f'there is no adapter "{adapter}"'
            self.places.problem((*path, "adapter"), what, suggest(adapter, self.adapters))
        else:
            what = f'there is no adapter "{adapter}", which the name stands for'
            fix = f"{suggest(adapter, self.adapters)} Or add adapter: below the name"
            self.places.problem(path, what, fix, at_key=True)

    def _options(self, cls: type, checked: ChannelSettings, path: Path) -> Any:
        if checked.enabled:
            for name in required_options(cls):
                if not getattr(checked, name):
                    self.places.problem(
                        (*path, name), "is empty", "give it a value, or disable this"
                    )
        try:
            return build_options(cls, checked)
        except ValueError as error:
            if not checked.enabled:
                return None
            what, _, fix = str(error).partition("; ")
            self.places.problem(path, what, fix or "see docs/configuration.md", at_key=True)
            return None

    def _without_options(self, name: str, adapter: str, raw: dict[str, Any]) -> Channel | None:
        """A disabled channel may lack what the adapter requires."""
        common = {key: raw[key] for key in raw if key in ChannelSettings.model_fields}
        try:
            settings = ChannelSettings.model_validate(common | {"adapter": adapter})
        except ValidationError:
            return None
        return Channel(name, adapter, settings, None, settings.model_dump(mode="json"))

    def _checked(self, model: type[S], data: Any, path: Path) -> S | None:
        try:
            return model.model_validate(data)
        except ValidationError as errors:
            disabled = path and str(data.get("enabled")).lower() == "false"
            for error in errors.errors(include_url=False):
                missing = error["type"] == "missing"
                if missing and (disabled or (*path, *error["loc"]) in self.unset):
                    continue
                explain(error, model, path, self.places)
            return None
