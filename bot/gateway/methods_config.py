"""`config.*`: the configuration file, read and changed; secrets are only counted."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot.config import show
from bot.config.document import MAX_BYTES
from bot.config.problems import split_key
from bot.config.schema import json_schema
from bot.errors import RequestError
from bot.gateway import config_text
from bot.gateway.file import rows
from bot.gateway.frames import Params
from bot.gateway.params import Id, Key, Nothing
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core


class GetParams(Params):
    """A key, its parts joined by dots; without one, everything."""

    key: Key | None = None


class ConfigSetParams(Params):
    """A key and its value as in the file; without `value` the key is taken away.

    `base` refuses the change when the file is not the one it names.
    """

    key: Key
    value: Any = None
    base: Id | None = None


class PatchParams(Params):
    """Several keys with their values as in the file, written together or not at all.

    What is null is taken away. `base` refuses the change when the file is not the one it names.
    """

    changes: Annotated[dict[Key, Any], Field(min_length=1, max_length=200)]
    base: Id | None = None


Text = Annotated[str, Field(max_length=MAX_BYTES)]


class TextParams(Params):
    """A whole file's text, with the marks that stand for its secrets."""

    text: Text


class TextSetParams(Params):
    """As for config.text.check; `base` is the one that config.text.get told."""

    text: Text
    base: Id


@method("config.get", GetParams, help="The file's configuration, defaults included, no secrets.")
async def config_get(core: Core, client: Client, params: GetParams) -> Json:
    before = core.file.read()
    config = core.file.load(before.text, "CONFLICT")
    answer: dict[str, Any] = {"file": str(core.file.path), "base": before.base}
    if params.key is None:
        return answer | {"config": show.redacted(config)}
    try:
        return answer | {"key": params.key, "value": show.get(config, params.key)}
    except (KeyError, ValueError):
        raise RequestError("NOT_FOUND", f"there is no key {params.key}") from None


@method("config.set", ConfigSetParams, help="Change one key in the file; comments and order stay.")
async def config_set(core: Core, client: Client, params: ConfigSetParams) -> Json:
    file = core.file
    try:
        path = tuple(split_key(params.key))
    except ValueError as error:
        raise RequestError("INVALID_PARAMS", str(error)) from None
    async with file.lock:
        before = file.read(params.base)
        if "value" in params.model_fields_set:
            text = file.set(before.text, path, params.value)
        else:
            text = file.remove(before.text, path)
        base = file.write(text, before)
    return {"file": str(file.path), "base": base, "key": params.key, "restart": True}


@method("config.patch", PatchParams, help="Change several keys in the file, all or none.")
async def config_patch(core: Core, client: Client, params: PatchParams) -> Json:
    file = core.file
    async with file.lock:
        before = file.read(params.base)
        text = before.text
        for key, value in params.changes.items():
            try:
                path = tuple(split_key(key))
            except ValueError as error:
                raise RequestError("INVALID_PARAMS", str(error), {"key": key}) from None
            if value is not None:
                text = file.set(text, path, value)
            elif file.has(text, path):
                text = file.remove(text, path)
        base = file.write(text, before)
    return {"file": str(file.path), "base": base, "keys": list(params.changes), "restart": True}


@method("config.text.get", Nothing, help="The file's text to edit, a mark in place of each secret.")
async def config_text_get(core: Core, client: Client, params: Nothing) -> Json:
    return config_text.shown(core.file)


@method("config.text.check", TextParams, help="Every mistake of a text, with line and column.")
async def config_text_check(core: Core, client: Client, params: TextParams) -> Json:
    return config_text.checked(core.file, params.text)


@method("config.text.set", TextSetParams, help="Write an edited text when nothing is wrong in it.")
async def config_text_set(core: Core, client: Client, params: TextSetParams) -> Json:
    async with core.file.lock:
        return config_text.put(core.file, params.text, params.base)


@method("config.schema", Nothing, help="The JSON Schema of the file.")
async def config_schema(core: Core, client: Client, params: Nothing) -> Json:
    return {"schema": json_schema(core.file.adapters)}


@method("config.check", Nothing, help="Every mistake in the file as it is now, with its place.")
async def config_check(core: Core, client: Client, params: Nothing) -> Json:
    answer: dict[str, Any] = {"file": str(core.file.path), "problems": [], "warnings": []}
    try:
        config = core.file.load(core.file.read().text)
    except RequestError as error:
        if "problems" not in error.details:
            raise
        return answer | {"ok": False, "problems": error.details["problems"]}
    return answer | {"ok": True, "warnings": rows(config.warnings)}


@method("config.state", Nothing, help="Is the file right as it is now? Its first mistake if not.")
async def config_state(core: Core, client: Client, params: Nothing) -> Json:
    problems = core.file.problems() if core.file.exists else []
    return {"ok": not problems, "count": len(problems), "first": problems[0] if problems else None}


METHODS: tuple[Method, ...] = (
    config_get,
    config_set,
    config_patch,
    config_text_get,
    config_text_check,
    config_text_set,
    config_schema,
    config_check,
    config_state,
)
