"""The configuration file as a text to edit: checked like any other, its secrets out of sight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from bot.config.masks import Masked, Restored, restored
from bot.config.problems import Problem
from bot.errors import ConfigError, RequestError
from bot.gateway.file import ConfigFile, rows


def shown(file: ConfigFile) -> dict[str, Any]:
    """The text with its base, which secrets it keeps to itself, and what is wrong with it."""
    before = file.read()
    mask = file.masked(before.text)
    return {
        "file": str(file.path),
        "base": before.base,
        "text": mask.text,
        "kept": [{"key": one.key, "line": one.line} for one in mask.kept],
        **checked(file, mask.text, mask),
    }


def checked(file: ConfigFile, text: str, mask: Masked | None = None) -> dict[str, Any]:
    """`{ok, problems, warnings}` of a text in which secrets are left out."""
    try:
        whole = _restored(file, text, mask or file.masked(file.read().text))
        warnings = rows(file.load(whole.text).warnings)
    except RequestError as error:
        if "problems" not in error.details:
            raise
        return {"ok": False, "problems": _placed(error, text, None), "warnings": []}
    return {"ok": True, "problems": [], "warnings": warnings}


def _restored(file: ConfigFile, text: str, mask: Masked) -> Restored:
    """Raises RequestError with the problems, placed in the text as it is shown."""
    try:
        whole = restored(text, mask)
    except ConfigError as error:
        raise _refused(file, [one for one in error.problems if isinstance(one, Problem)]) from None
    try:
        file.load(whole.text)
    except RequestError as error:
        if "problems" in error.details:
            details = error.details | {"problems": _placed(error, text, whole)}
            raise RequestError(error.code, str(error), details) from None
        raise
    return whole


def _placed(error: RequestError, text: str, whole: Restored | None) -> list[dict[str, Any]]:
    """Problems with the columns of the text that people see."""
    found: list[dict[str, Any]] = []
    for one in error.details["problems"]:
        place: Mapping[str, int] = {}
        if whole is not None and one["line"]:
            line, column = whole.place(one["line"], one["column"])
            place = {"line": line, "column": column}
        found.append({**one, **place})
    return found


def _refused(file: ConfigFile, problems: list[Problem]) -> RequestError:
    named = [replace(one, file=str(file.path)) for one in problems]
    said = "\n".join(map(str, named[:5]))
    return RequestError("INVALID_PARAMS", said, {"problems": [asdict(one) for one in named]})


def put(file: ConfigFile, text: str, base: str) -> dict[str, Any]:
    """Write a text that was edited; hold the file's lock. What it says of the file is its new base.

    Raises RequestError: INVALID_PARAMS with the problems, CONFLICT when the file is not the one of
    `base` any more, FORBIDDEN for a change of what names a program or code.
    """
    before = file.read(base)
    whole = _restored(file, text, file.masked(before.text))
    written = file.write(whole.text, before)
    return {"file": str(file.path), "base": written, "restart": written != before.base}
