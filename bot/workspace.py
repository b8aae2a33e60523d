"""The agents' folders: where they are, made on first use, and what their tools may never touch."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from bot.config.settings import Config
from bot.errors import PathError
from bot.folder import Folder, Identity

Seed = Callable[[str, Path], None]


def unseeded(agent: str, folder: Path) -> None:
    """The seed of a folder that begins empty."""


class Workspaces:
    """Every agent's folder. `seed` puts the first files of an agent into a new one."""

    def __init__(self, state: Path, config: Callable[[], Config], seed: Seed = unseeded) -> None:
        self._state = state
        self._config = config
        self._seed = seed

    def path(self, agent: str) -> Path:
        """Where an agent's folder is or will be."""
        found = self._config().agent(agent)
        named = found.workspace if found else None
        return Path(named).expanduser() if named else self._state / "workspaces" / agent

    def ensure(self, agent: str) -> Path:
        """An agent's folder, made and seeded on first use. Raises PathError when it cannot be."""
        path = self.path(agent)
        try:
            if not path.is_dir():
                self._begin(agent, path)
            elif not any(path.iterdir()):
                self._seed(agent, path)
        except OSError as error:
            why = error.strerror or error
            raise PathError(f"the workspace {path} cannot be made: {why}") from error
        return path

    def folder(self, agent: str) -> Folder:
        """The same as tools get it."""
        return Folder(self.ensure(agent), self._barred(agent))

    def _begin(self, agent: str, path: Path) -> None:
        """The folder appears with its first files in it, or not at all."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        new.mkdir(mode=0o700)
        try:
            self._seed(agent, new)
            new.rename(path)
        except OSError:
            # Another one may have been quicker.
            if not path.is_dir():
                raise
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def _barred(self, agent: str) -> frozenset[Identity]:
        """The state directory, the configuration's file and the other agents' folders."""
        config, own = self._config(), _identity(self.path(agent))
        private = {_identity(self._state), _identity(Path(config.file))}
        # Two agents may share a folder, when the operator says so.
        private |= {_identity(self.path(one.id)) for one in config.agents} - {own}
        return frozenset(private - {None})  # type: ignore[arg-type]


def _identity(path: Path) -> Identity | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino
