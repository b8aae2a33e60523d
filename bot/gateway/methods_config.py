"""`config.*`: the configuration file, read and changed; secrets are only counted."""

from __future__ import annotations

from typing import Any

from bot.config import show
from bot.config.problems import split_key
from bot.config.schema import json_schema
from bot.errors import RequestError
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


METHODS: tuple[Method, ...] = (config_get, config_set, config_schema, config_check)
