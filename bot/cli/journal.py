"""The program's log: one line a record, in a file that is turned over, and on stderr."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import sys
import traceback
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from urllib.parse import quote

import structlog

from bot.cli.output import record
from bot.config.kinds import Secret, Section
from bot.config.secrets import passwords_in
from bot.config.settings import Config
from bot.logfile import LEVELS, LOG_FILE, rank

SIZE = 10 * 1024 * 1024
FILES = 5
_SHORT = 6


def start(
    config: Config, state: Path, level: str | None = None, more: tuple[str, ...] = ()
) -> Journal:
    """Send every log line of this process to the file and to stderr, without secrets.

    `level` is what stderr shows at least; `more` are secrets that stand in no configuration.
    """
    journal = Journal(
        state / LOG_FILE,
        secrets=[*secrets_of(config), *more],
        as_json=config.logging.format == "json"
        or (config.logging.format == "auto" and not sys.stderr.isatty()),
        shown=LEVELS[level or config.logging.level],
    )
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, journal.record],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[config.logging.level]),
        logger_factory=_Named,
        cache_logger_on_first_use=True,
    )
    return journal


def secrets_of(config: Config) -> list[str]:
    """Every secret value of the configuration that is long enough to be told from a word."""
    found = {*_secrets(config), *passwords_in(config.store.url)}
    for channel in config.channels.values():
        found.update(_hidden(channel.options))
    return [text for text in found if len(text) >= _SHORT]


def _forms(secret: str) -> set[str]:
    """A secret as it may stand in a line: plain, in JSON, in an address, in base64."""
    coded = b64encode(secret.encode("utf-8", "replace")).decode().rstrip("=")
    return {secret, json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe=""), coded}


def _secrets(value: Any) -> Iterator[str]:
    """The secrets in a part of the settings tree."""
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, Section):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secrets(item)


def _hidden(options: Any) -> Iterator[str]:
    """The secrets in an adapter's options, which are plain text there."""
    if not dataclasses.is_dataclass(options):
        return
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if field.metadata.get("secret") and isinstance(value, str):
            yield value
        else:
            yield from _hidden(value)


class _Named:
    """What structlog calls a logger: here only its name."""

    def __init__(self, name: str = "trunkline") -> None:
        self.name = name


class Journal:
    """Writes records; the file is turned over when it is full and `FILES` are kept."""

    def __init__(self, path: Path, secrets: Sequence[str], as_json: bool, shown: int) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._secrets: set[str] = set()
        self._hide: re.Pattern[str] | None = None
        self.hide(secrets)
        self._as_json = as_json
        self._shown = shown
        self._file = self._open()
        self._size = path.stat().st_size

    def hide(self, secrets: Iterable[str]) -> None:
        """Let these stand in no line from now on, beside those named before."""
        self._secrets.update(secrets)
        forms = sorted({form for secret in self._secrets for form in _forms(secret)}, key=len)
        self._hide = re.compile("|".join(map(re.escape, reversed(forms)))) if forms else None

    def record(self, logger: Any, level: str, event: MutableMapping[str, Any]) -> NoReturn:
        """A structlog processor that is the end of the line."""
        trace = _trace(event.pop("exc_info", None))
        head = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level}
        said = {**head, "logger": logger.name, "event": event.pop("event", ""), **event}
        self._write(self._line({**said, "trace": trace} if trace else said))
        if rank(level) >= self._shown:
            self._show(said)
        raise structlog.DropEvent

    def _line(self, said: Mapping[str, Any]) -> str:
        return self._redacted(json.dumps(said, ensure_ascii=False, default=str))

    def _show(self, said: Mapping[str, Any]) -> None:
        text = self._line(said) if self._as_json else self._redacted(record(said))
        print(text, file=sys.stderr, flush=True)

    def _redacted(self, text: str) -> str:
        return self._hide.sub("[hidden]", text) if self._hide else text

    def _write(self, line: str) -> None:
        """A full disk must not stop the work that is being logged."""
        with contextlib.suppress(OSError):
            if self._size > SIZE:
                self._turn_over()
            data = line.encode("utf-8", "replace") + b"\n"
            self._size += len(data)
            self._file.write(data)

    def _turn_over(self) -> None:
        self._file.close()
        for number in range(FILES - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path.with_name(f"{self._path.name}.{number - 1}")
            newer = newer if number > 1 else self._path
            if newer.exists():
                newer.replace(older)
        self._file = self._open()
        self._size = 0

    def _open(self) -> BinaryIO:
        """Unbuffered and appended to, so that a killed process and a second one lose no line."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        return os.fdopen(os.open(self._path, flags, 0o600), "ab", buffering=0)


def _trace(given: Any) -> str | None:
    if given is True:
        given = sys.exc_info()[1]
    if isinstance(given, tuple):
        given = given[1]
    if not isinstance(given, BaseException):
        return None
    return "".join(traceback.format_exception(given))
