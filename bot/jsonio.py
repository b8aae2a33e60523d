"""JSON from strangers, and text that can be stored: one decoder without the standard one's traps.

The standard decoder overflows the stack on deep nesting, accepts NaN and repeated keys, and lets
lone surrogates through, which no database and no socket takes.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_DIGITS = 308  # what still fits a float

_SURROGATE = re.compile("[\ud800-\udfff]")
# The escapes of NUL and of surrogates, paired ones too: only their text needs a second look.
_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def loads(data: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Decode one JSON document; every string in it can be stored (`clean_text`).

    `max_bytes` counts bytes, or characters when `data` is text. Raises ValueError with a sentence:
    too large, too deep, not UTF-8, not JSON, NaN or a number out of range, a key given twice.
    """
    if len(data) > max_bytes:
        raise ValueError(f"the JSON is larger than {max_bytes} bytes")
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"the JSON is not UTF-8 at byte {error.start}") from None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    if text.count("[") + text.count("{") > max_depth and _deeper([value], max_depth + 1):
        raise ValueError(f"the JSON is nested more than {max_depth} levels deep")
    if _ESCAPED.search(text) or (isinstance(data, str) and not _storable(text)):
        return _clean(value)
    return value


def dumps(value: Any) -> str:
    """Encode compactly, as text that can be stored and sent.

    Raises ValueError for NaN and infinities, TypeError for what JSON has no form for.
    """
    return clean_text(_ENCODER.encode(value))


class Encoded:
    """A value as its text: for what stands in one document after the other."""

    __slots__ = ("text",)

    def __init__(self, value: Any) -> None:
        self.text = dumps(value)


def document(fields: Mapping[str, Any]) -> bytes:
    """Encode an object, of which some values may be `Encoded` already. Raises as `dumps` does."""
    made = {name: value for name, value in fields.items() if isinstance(value, Encoded)}
    text = dumps({name: value for name, value in fields.items() if name not in made})
    for name, value in made.items():
        comma = "" if text == "{}" else ","
        text = f"{text[:-1]}{comma}{dumps(name)}:{value.text}}}"
    return text.encode()


def clean_text(text: str) -> str:
    """Text that every database and socket takes: NUL and lone surrogates become U+FFFD."""
    if _storable(text):
        return text
    return _SURROGATE.sub("�", text).replace("\0", "�")


def _storable(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _deeper(value: Any, limit: int) -> bool:
    """Is there a list or object in more than `limit` levels of them; found level by level."""
    level = [value]
    for _ in range(limit):
        inner = (item.values() if type(item) is dict else item for item in level)
        level = [item for items in inner for item in items if type(item) in (dict, list)]
        if not level:
            return False
    return True


def _clean(value: Any) -> Any:
    """The same value with storable strings; two keys that become one count as given twice."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return _unique([(clean_text(key), _clean(item)) for key, item in value.items()])
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the JSON has the key {twice[:80]!r} twice in one object")
    return result


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("the JSON has a number out of range")
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("the JSON has a number out of range")
    return int(text)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"the JSON has {name}, which is not a JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_float, parse_int=_integer, parse_constant=_constant
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
