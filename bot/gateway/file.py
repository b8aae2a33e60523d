"""The configuration file as methods read and change it: one change at a time, checked, in place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bot.config import edit
from bot.config.document import parse
from bot.config.load import load_text, read_text
from bot.config.masks import Masked, masked
from bot.config.problems import Path as KeyPath
from bot.config.problems import Problem, dotted
from bot.config.settings import Config
from bot.config.splice import EditError
from bot.errors import ConfigError, RequestError

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Text:
    """The file as it was read; `base` names this state of it."""

    text: str
    base: str


class ConfigFile:
    """`adapters` maps an adapter's name to its options; `seen` is shown whatever is loaded.

    Hold `lock` from reading to writing.
    """

    def __init__(
        self,
        path: Path | None,
        env: Mapping[str, str],
        adapters: Mapping[str, type],
        seen: Callable[[Config], None],
    ) -> None:
        self._path = path
        self._env = env
        self._seen = seen
        self.adapters = adapters
        self.lock = asyncio.Lock()
        self._right: tuple[int, int, int] | None = None

    @property
    def path(self) -> Path:
        """Raises RequestError when there is no file, only the defaults."""
        if self._path is None:
            what = "there is no configuration file yet; write one with: trunkline init"
            raise RequestError("UNAVAILABLE", what)
        return self._path

    def variable(self, name: str) -> str | None:
        """What a variable of the environment holds; None when it is not set or empty."""
        return self._env.get(name) or None

    def read(self, base: str | None = None) -> Text:
        """The file now. Raises RequestError, CONFLICT when it is not the one that `base` names."""
        try:
            text = read_text(self.path)
        except ConfigError as error:
            raise refused(error, "UNAVAILABLE") from None
        found = edit.base_of(text)
        if base is not None and base != found:
            what = f"{self.path} has changed since it was read; read it again"
            raise RequestError("CONFLICT", what, {"base": found})
        return Text(text, found)

    def load(self, text: str, code: str = "INVALID_PARAMS") -> Config:
        """The configuration of a text. Raises RequestError with every problem and its place."""
        try:
            config = load_text(text, str(self.path), self._env, self.adapters)
        except ConfigError as error:
            raise refused(error, code) from None
        self._seen(config)
        return config

    @property
    def exists(self) -> bool:
        return self._path is not None

    def problems(self) -> list[dict[str, Any]]:
        """What is wrong with the file now. A right one is not read again until it changes."""
        try:
            about = self.path.stat()
            stamp = about.st_mtime_ns, about.st_size, about.st_ino
            if stamp != self._right:
                self.load(self.read().text)
                self._right = stamp
        except OSError as error:
            return [{"what": f"{self.path} cannot be read: {error.strerror or error}"}]
        except RequestError as error:
            return list(error.details.get("problems") or [{"what": str(error)}])
        return []

    def masked(self, text: str) -> Masked:
        """A text without the secrets in it: by the names of keys, their types, and their looks."""
        options = (field for one in self.adapters.values() for field in fields(one))
        return masked(text, {one.name for one in options if one.metadata.get("secret")})

    def has(self, text: str, path: KeyPath) -> bool:
        """Does this key stand in the text? A list's item is named by its number, or its `id`."""
        root = parse(text, str(self.path), [])
        try:
            return root.find(edit.resolve(root, dotted(path))) is not None
        except EditError:
            return False

    def set(self, text: str, path: KeyPath, value: Any) -> str:
        """The text with a value set. Raises RequestError when it has no place."""
        return _edited(lambda key: edit.set_value(text, key, value), path)

    def with_agents(self, text: str) -> str:
        """The text with its list of agents written out. Raises RequestError."""
        return _edited(lambda key: edit.with_agents(text), ("agents",))

    def offering(self, text: str, refs: Iterable[str]) -> str:
        """The text with these models in its list of models, if it has one: else all are offered."""
        listed = (parse(text, str(self.path), []).data or {}).get("models")
        for ref in refs if listed else ():
            if not self.has(text, ("models", ref)):
                text = self.set(text, ("models", ref), {})
        return text

    def remove(self, text: str, path: KeyPath) -> str:
        """The text without a key. Raises RequestError when it is not there."""
        return _edited(lambda key: edit.remove_value(text, key), path)

    def write(self, text: str, before: Text) -> str:
        """Put a checked text in the file's place; its base.

        Raises RequestError: CONFLICT when the file is not as `before` any more, FORBIDDEN for a
        change of what names a program or code.
        """
        try:
            edit.write(self.path, text, before.base, self._env, self.adapters, allow_code=False)
        except ConfigError as error:
            raise refused(error) from None
        except OSError as error:
            what = f"{self.path} cannot be written: {error.strerror or error}"
            raise RequestError("UNAVAILABLE", what) from None
        return edit.base_of(text)


def _edited(change: Callable[[str], str], path: KeyPath) -> str:
    try:
        return change(dotted(path))
    except EditError as error:
        raise RequestError("INVALID_PARAMS", str(error)) from None
    except ConfigError as error:
        raise refused(error) from None


def refused(error: ConfigError, code: str = "INVALID_PARAMS") -> RequestError:
    """The problems of a configuration as the answer to a request."""
    said = [str(one) for one in error.problems]
    more = [f"and {len(said) - _SHOWN} more"] if len(said) > _SHOWN else []
    return RequestError(code, "\n".join(said[:_SHOWN] + more), {"problems": rows(error.problems)})


def rows(problems: list[Any] | tuple[Problem, ...]) -> list[dict[str, Any]]:
    """Problems as the wire has them."""
    return [asdict(one) for one in problems if isinstance(one, Problem)]
