"""Finds hooks in files, folders and packages, and says of each what it offers or why it does not.

Nothing is imported that the configuration does not name: `hooks.dirs` names folders, `plugins`
names packages. A file that cannot be loaded refuses what its policy hooks would have decided.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import structlog

from bot.config.document import parse
from bot.config.problems import Problem
from bot.errors import ConfigError
from bot.hooks.handlers import Handler, HookFailed
from bot.hooks.table import POINTS, POLICY, is_event

log = structlog.get_logger("hooks")

GROUP = "trunkline.hooks"
ABOUT = "HOOK.md"
HANDLER = "handler.py"
_HEAD = re.compile(r"\s*---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.S | re.M)
_MOST = 256 << 10

Run = Callable[..., Any]


class BadHook(Exception):
    """A hook that is not used; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """One place that offers hooks. `points` are what it hears; `reason` is why it is not used."""

    name: str
    source: str
    location: str
    handlers: Sequence[Handler] = ()
    description: str | None = None
    reason: str | None = None
    off: bool = False
    points: Sequence[str] = field(default=())

    @property
    def row(self) -> Mapping[str, Any]:
        """As `hooks.list` shows it."""
        return {
            "name": self.name,
            "description": self.description,
            "source": self.source,
            "location": self.location,
            "events": list(self.points or dict.fromkeys(one.point for one in self.handlers)),
            "enabled": not self.off,
            "ready": self.reason is None and not self.off,
            "reason": self.reason,
        }


def find(
    folders: Sequence[str], disabled: Sequence[str], private: Callable[[Path], bool]
) -> list[Found]:
    """What is in the folders, by name. `private`: agents write there, so nothing is loaded."""
    found: list[Found] = []
    for folder in folders:
        path = Path(folder).expanduser()
        if private(path):
            reason = "it is inside a workspace, where agents write; move it elsewhere"
            found.append(_refused(path.name, "folder", path, reason))
        elif not path.is_dir():
            reason = "there is no such folder; make it, or take it out of hooks.dirs"
            found.append(_refused(path.name, "folder", path, reason))
        else:
            found += [_opened(one, disabled) for one in _inside(path)]
    return found


def offered(name: str, module: object, location: str) -> Found:
    """What a module offers. Raises BadHook when that is nothing."""
    handlers = _handlers(name, module)
    if not handlers:
        raise BadHook(f"it has no function named after a hook, such as {', '.join(POLICY[:2])}")
    return Found(name, "plugin", location, handlers, _about(module))


def points(group: str, name: str) -> list[EntryPoint]:
    """What installed packages offer under a name; nothing is imported."""
    return list(entry_points(group=group, name=name))


def plugin(name: str) -> Found | None:
    """The hooks of an installed package, None when it offers none. Raises ConfigError."""
    found = points(GROUP, name)
    if not found:
        return None
    try:
        return offered(name, found[0].load(), found[0].value)
    except BadHook as error:
        raise ConfigError([f"plugins: the hooks of {name!r} cannot be used: {error}"]) from None
    except Exception as error:
        # Somebody else's code may fail in any way; the operator must hear which one it was.
        what = f"{type(error).__name__}: {error}"
        raise ConfigError([f"plugins: the hooks of {name!r} cannot be loaded: {what}"]) from error


def _inside(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")):
            continue
        if path.suffix == ".py" or (path / ABOUT).is_file():
            yield path


def _opened(path: Path, disabled: Sequence[str]) -> Found:
    """A file or a folder with what it offers; one that is switched off is not imported."""
    try:
        return _file(path, disabled) if path.suffix == ".py" else _folder(path, disabled)
    except BadHook as error:
        log.error("hook not loaded", file=str(path), reason=str(error))
        name = path.stem if path.suffix == ".py" else path.name
        return _refused(name, "file" if path.suffix == ".py" else "folder", path, str(error))


def _file(path: Path, disabled: Sequence[str]) -> Found:
    name = path.stem
    if name in disabled:
        return Found(name, "file", str(path), off=True)
    try:
        module = _module(path)
        handlers = _handlers(name, module)
    except BadHook as error:
        log.error("hook not loaded", file=str(path), reason=str(error))
        return Found(name, "file", str(path), _closed(path), reason=str(error))
    if not handlers:
        raise BadHook("it has no function named after a hook")
    return Found(name, "file", str(path), handlers, _about(module))


def _folder(path: Path, disabled: Sequence[str]) -> Found:
    about = _head(_read(path / ABOUT))
    name = about.get("name", path.name)
    if not isinstance(name, str) or not name.strip():
        raise BadHook(f"name in {ABOUT} must be text")
    description = about.get("description")
    events = about.get("events", [])
    events = [events] if isinstance(events, str) else events
    if not isinstance(events, list) or not events:
        raise BadHook(f"events in {ABOUT} must be a list, such as [command:new]")
    if wrong := next(
        (one for one in events if not isinstance(one, str) or not is_event(one)), None
    ):
        raise BadHook(f"there is no event {wrong!r}")
    base = Found(
        name, "folder", str(path), description=str(description or "") or None, points=events
    )
    if name in disabled:
        return replace(base, off=True)
    if missing := _missing(about.get("requires")):
        return replace(base, reason=missing)
    run = getattr(_module(path / HANDLER), "handle", None)
    if not callable(run):
        raise BadHook(f"{HANDLER} has no function handle(event)")
    return replace(base, handlers=[Handler(name, event, run) for event in events])


def _missing(requires: object) -> str | None:
    """What a folder needs and is not there. Raises BadHook."""
    if requires is None:
        return None
    if not isinstance(requires, dict):
        raise BadHook("requires must be lists under bins, anyBins, env and os")
    lists = {one: _words(requires, one) for one in ("bins", "anyBins", "env", "os")}
    for name in lists["bins"]:
        if shutil.which(name) is None:
            return f"the program {name} is not installed"
    some = lists["anyBins"]
    if some and not any(shutil.which(name) for name in some):
        return f"none of these programs is installed: {', '.join(some)}"
    for name in lists["env"]:
        if not os.environ.get(name):
            return f"the variable {name} is not set"
    if lists["os"] and sys.platform not in lists["os"]:
        return f"it is made for {', '.join(lists['os'])}"
    return None


def _words(requires: Mapping[str, Any], name: str) -> list[str]:
    words = requires.get(name, [])
    words = [words] if isinstance(words, str) else words
    if not isinstance(words, list) or not all(isinstance(one, str) for one in words):
        raise BadHook(f"requires.{name} must be a list of words")
    return words


def _head(text: str) -> Mapping[str, Any]:
    """The front matter of a HOOK.md. Raises BadHook."""
    head = _HEAD.match(text)
    if head is None:
        raise BadHook(f"{ABOUT} must begin with --- lines around name: and events:")
    problems: list[Problem] = []
    try:
        data = parse(head[1], ABOUT, problems).data
    except ConfigError as error:
        raise BadHook(f"the head of {ABOUT} is not YAML: {error}") from None
    if problems or not isinstance(data, dict):
        raise BadHook(f"the head of {ABOUT} is no list of `key: value` lines")
    return data


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST:
            raise BadHook(f"{path.name} is too large")
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadHook(f"{path.name} cannot be read: {error}") from None


def _module(path: Path) -> ModuleType:
    """Import a file under a name of its own. Raises BadHook."""
    if not path.is_file():
        raise BadHook(f"there is no {path.name} in it")
    name = f"trunkline_hook_{abs(hash(str(path.resolve())))}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickles of the file look it up there.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise BadHook(f"it cannot be imported: {type(error).__name__}: {error}") from None
    return module


def _handlers(name: str, module: object) -> list[Handler]:
    """The functions named after hooks. Raises BadHook."""
    priority = getattr(module, "PRIORITY", 0)
    if not isinstance(priority, int):
        raise BadHook("PRIORITY must be a whole number")
    found = []
    for point in POINTS:
        run = getattr(module, point, None)
        if run is None:
            continue
        if not callable(run):
            raise BadHook(f"{point} is no function")
        _fits(point, run)
        found.append(Handler(name, point, run, priority))
    return found


def _fits(point: str, run: Run) -> None:
    """Does a function take an event and a context? Raises BadHook."""
    try:
        inspect.signature(run).bind({}, {})
    except TypeError:
        raise BadHook(f"{point} must take two arguments: event and ctx") from None
    except ValueError:
        # Not every callable tells what it takes.
        return


def _closed(path: Path) -> list[Handler]:
    """Stand-ins for the policy hooks of a file that could not be loaded: nothing passes."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return []
    return [Handler(path.stem, one, partial(_unloaded, path)) for one in POLICY if one in text]


async def _unloaded(path: Path, event: object, ctx: object) -> NoReturn:
    raise HookFailed(f"{path} could not be loaded; `trunkline hooks list` says why")


def _about(module: object) -> str | None:
    text = inspect.getdoc(module) if isinstance(module, ModuleType) else None
    return text.splitlines()[0] if text else None


def _refused(name: str, source: str, path: Path, reason: str) -> Found:
    return Found(name, source, str(path), reason=reason)
