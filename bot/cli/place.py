"""Where this Trunkline lives: its state directory and its configuration file."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.cli.output import note
from bot.config.environment import config_path, state_dir
from bot.errors import TrunklineError
from bot.jsonio import loads

_HERE = socket.gethostname()


@dataclass(frozen=True, slots=True)
class Place:
    """`config` is None when nobody named a file and none is there: the defaults hold."""

    state: Path
    config: Path | None

    @property
    def running(self) -> Path:
        """What a running gateway says of itself."""
        return self.state / "gateway.json"

    @property
    def token(self) -> Path:
        return self.state / "token"


def find(config: Path | None) -> Place:
    """The place that environment and `--config` name."""
    env = os.environ
    path = config_path(config, env)
    named = config is not None or bool(env.get("TRUNKLINE_CONFIG"))
    return Place(state_dir(env), path if named or path.is_file() else None)


def private(state: Path) -> None:
    """Make the state directory, for its owner alone. Raises TrunklineError when it is not ours."""
    os.umask(0o077)
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = state.stat()
        if about.st_uid != os.geteuid():
            raise TrunklineError(
                f"{state} belongs to somebody else; set TRUNKLINE_HOME to your own"
            )
        if stat.S_IMODE(about.st_mode) & 0o077:
            state.chmod(0o700)
            note(f"warning: {state} was open to others; now only you can read it")
    except OSError as error:
        why = error.strerror or error
        raise TrunklineError(f"cannot use {state}: {why}; set TRUNKLINE_HOME elsewhere") from error


def announced(place: Place) -> dict[str, Any] | None:
    """What a gateway wrote about itself; it may have died since."""
    with suppress(ValueError):
        about = loads(text_in(place.running) or "null")
        if isinstance(about, dict) and isinstance(about.get("url"), str):
            _ = urlsplit(about["url"]).port  # an address with a port that is none is no address
            # In a folder that machines or containers share, it may be of another one, whose
            # loopback is not ours.
            return about if about.get("host", _HERE) == _HERE else None
    return None


def text_in(path: Path) -> str:
    """A small file's text, "" when there is none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
