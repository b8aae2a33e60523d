"""The kinds of value that settings are made of, each with its own plain words when it is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path as FilePath
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from bot.config.problems import nearest
from bot.config.references import FromEnv

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PERIODS = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "hour": 3600.0, "day": 86400.0}
_FLAGS = {"true": True, "1": True, "yes": True, "on": True}
_FLAGS |= {"false": False, "0": False, "no": False, "off": False}
_MASK = re.compile(r"not set|set \(.*\d+ chars\)")


def wrong(what: str, fix: str) -> PydanticCustomError:
    """An error that carries its own fix."""
    return PydanticCustomError("wrong", "{what}", {"what": what, "fix": fix})


def named(value: object) -> str:
    """What kind of thing a value is, in the words of the file."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the flag {str(value).lower()}"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else "text"


class Secret:
    """A value that never shows itself; `reveal()` gives it, `origin` says where it was set."""

    __slots__ = ("_value", "origin")

    def __init__(self, value: str = "", origin: str = "file") -> None:
        self._value = value
        self.origin = origin

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"set ({self.origin}, {len(self._value)} chars)" if self._value else "not set"


@dataclass(frozen=True, slots=True)
class Allowance:
    """`count` events in `per` seconds."""

    count: int
    per: float

    def __str__(self) -> str:
        unit = next(name for name, seconds in _PERIODS.items() if seconds == self.per)
        return f"{self.count}/{unit}"


def _text(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise wrong(f"must be text, but is {named(value)}", "put the text in quotes")
    return str(value)


def _flag(value: object) -> object:
    if isinstance(value, FromEnv) and value.lower() in _FLAGS:
        return _FLAGS[value.lower()]
    if not isinstance(value, bool):
        meant = _FLAGS.get(str(value).lower())
        fix = "write true or false" if meant is None else f"write {str(meant).lower()}"
        raise wrong(f"must be true or false, but is {named(value)}", f"{fix} without quotes")
    return value


def _whole(value: object) -> object:
    if isinstance(value, FromEnv) and re.fullmatch(r"[-+]?\d{1,18}", value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        is_text = isinstance(value, str) and re.fullmatch(r"\d+", value)
        fix = "remove the quotes" if is_text else "write a number such as 10"
        raise wrong(f"must be a whole number, but is {_source(value)}", fix)
    return value


def _number(value: object) -> object:
    if isinstance(value, FromEnv) and re.fullmatch(r"[-+]?\d{1,18}(\.\d+)?", value):
        return float(value)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise wrong(f"must be a number, but is {_source(value)}", "write a number such as 2.5")
    return float(value)


def _source(value: object) -> str:
    return f"what {value.names[0]} holds" if isinstance(value, FromEnv) else named(value)


def _duration(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value == 0:
            return 0.0
        raise wrong("a duration needs a unit", f"write {value:g}s, or {value:g}m for minutes")
    text = value.strip() if isinstance(value, str) else ""
    if text == "0":
        return 0.0
    if not _DURATION.fullmatch(text):
        raise wrong("is not a duration", "write 500ms, 30s, 10m, 1h30m or 2d")
    return sum(float(amount) * _UNITS[unit] for amount, unit in _PIECE.findall(text))


def format_duration(seconds: float) -> str:
    """Seconds as the file writes them: 5400.0 is `1h30m`."""
    left = round(seconds * 1000)
    out = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        out += f"{count}{unit}" if count else ""
    return out or "0s"


def _allowance(value: object) -> Allowance:
    found = re.fullmatch(r"([1-9]\d{0,8}) */ *([a-z]+)", value) if isinstance(value, str) else None
    if found is None or found[2] not in _PERIODS:
        raise wrong("is not a rate", "write 20/min (or /s, /h, /day), or null for no limit")
    return Allowance(int(found[1]), _PERIODS[found[2]])


def _clock(value: object) -> time:
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if found is None:
        raise wrong("is not a time of day", 'write hours and minutes, as in "04:00"')
    return time(int(found[1]), int(found[2]))


def _zone(value: object) -> object:
    if value == "local":
        return value
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(str(value), available_timezones())
        fix = f'did you mean "{near}"?' if near else "write local, UTC or a name as Europe/Berlin"
        raise wrong("is not a time zone", fix) from None
    return str(value)


def _listed(value: object) -> object:
    """A list; one variable may fill all of it, split at commas."""
    if isinstance(value, list) and len(value) == 1 and getattr(value[0], "whole", False):
        value = value[0]
    if isinstance(value, FromEnv):
        return [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, (list, tuple)):
        raise wrong(f"must be a list, but is {named(value)}", "put it in brackets, as in [a, b]")
    return value


def _argv(value: object) -> object:
    if not isinstance(value, (list, tuple)):
        what = f"must be a list of words, but is {named(value)}"
        raise wrong(what, "write [program, argument]; no shell reads it")
    return value


def _secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    origin = f"env {', '.join(value.names)}" if isinstance(value, FromEnv) else "file"
    if value is None:
        return Secret()
    text = str(_text(value))
    if _MASK.fullmatch(text):
        raise wrong(
            "is the masked form of a secret", "give the secret itself, or leave the key out"
        )
    if text.startswith("file:"):
        return _secret_file(text.removeprefix("file:"))
    return Secret(text, origin)


def _secret_file(name: str) -> Secret:
    """The file's text without its last line end, so that `echo` may have written it."""
    path = FilePath(name)
    if not path.is_absolute():
        raise wrong("names a file by a relative path", "write file: and the whole path")
    try:
        with path.open(encoding="utf-8") as stream:
            text = stream.read(64 * 1024 + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise wrong(
            f"the file {name} cannot be read: {reason}", "check its path and rights"
        ) from None
    if not text.strip() or len(text) > 64 * 1024:
        raise wrong(f"the file {name} is empty or too large", "write the secret into it") from None
    return Secret(text.rstrip("\r\n"), f"file {name}")


def _free(value: object) -> object:
    """Free-form values keep what came from a variable apart, so that it is never shown."""
    if isinstance(value, FromEnv):
        return _secret(value)
    if isinstance(value, dict):
        return {str(key): _free(item) for key, item in value.items()}
    return [_free(item) for item in value] if isinstance(value, list) else value


def shown(value: Any) -> Any:
    """A free-form value for people: what came from a variable is masked."""
    if isinstance(value, Secret):
        return repr(value)
    if isinstance(value, Mapping):
        return {key: shown(item) for key, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, list) else value


def revealed(value: Any) -> Any:
    """A free-form value (`params`, `config`) for use: what came from a variable is filled in."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: revealed(item) for key, item in value.items()}
    return [revealed(item) for item in value] if isinstance(value, list) else value


def without_password(url: str) -> str:
    """An address as it may be shown. A password that breaks the address is hidden all the same."""
    url = re.sub(r"(//[^/@:?]*):.*@", r"\1:***@", url)
    return re.sub(r"(?i)([?&][a-z_]*password=)[^&]*", r"\1***", url)


_DURATION_SCHEMA = {"type": "string", "pattern": rf"^(0|{_DURATION.pattern})$"}

Text = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "integer"]})]
Url = Annotated[Text, PlainSerializer(without_password, when_used="json")]
Flag = Annotated[bool, BeforeValidator(_flag)]
Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_number)]
Duration = Annotated[
    float,
    BeforeValidator(_duration),
    PlainSerializer(format_duration, when_used="json"),
    WithJsonSchema({"anyOf": [_DURATION_SCHEMA, {"const": 0}]}),
]
RateLimit = Annotated[
    Allowance,
    PlainValidator(_allowance),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]* */ *(s|sec|min|h|hour|day)$"}),
]
TimeOfDay = Annotated[
    time,
    PlainValidator(_clock),
    PlainSerializer(lambda at: f"{at:%H:%M}", when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9]$"}),
]
Zone = Annotated[str, BeforeValidator(_zone)]
Names = Annotated[tuple[Text, ...], BeforeValidator(_listed)]
Argv = Annotated[tuple[Text, ...], BeforeValidator(_argv)]
SecretText = Annotated[
    Secret,
    PlainValidator(_secret),
    PlainSerializer(repr, when_used="json"),
    WithJsonSchema({"type": ["string", "integer"], "writeOnly": True}),
]
Secrets = Annotated[tuple[SecretText, ...], BeforeValidator(_listed)]
Free = Annotated[
    Mapping[str, Any],
    BeforeValidator(_free),
    PlainSerializer(shown, when_used="json"),
]


class Section(BaseModel):
    """A mapping of the file: frozen, closed, and never showing a secret.

    `short` names the field that a bare text stands for (`model: demo/demo`). A section or list
    left empty is its default.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        # The whole file is read by one validator; one for each part besides is memory for nothing.
        defer_build=True,
    )
    short: ClassVar[str | None] = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: Any) -> Any:
        if isinstance(data, str) and cls.short:
            return {cls.short: data}
        if not isinstance(data, dict):
            return data
        return {k: v for k, v in data.items() if v is not None or not cls._collection(k)}

    @classmethod
    def _collection(cls, key: str) -> bool:
        info = cls.model_fields.get(key)
        return info is not None and isinstance(info.default, (dict, tuple, Section))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = handler(core)
        if cls.short is None:
            return schema
        properties = handler.resolve_ref_schema(schema)["properties"]
        return {"anyOf": [dict(properties[cls.short]), schema]}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Every default as the file writes it; required keys are absent."""
        needed = {name for name, info in cls.model_fields.items() if info.is_required()}
        return cls.model_construct().model_dump(mode="json", exclude=needed, warnings=False)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model_dump(mode='json')})"

    __str__ = __repr__
