"""What went wrong with a model, as one of the contract's codes and one sentence without secrets.

Pure. Servers differ in statuses and wording, so the wording counts where a status is shared: see
https://platform.openai.com/docs/guides/error-codes and https://openrouter.ai/docs/api-reference/errors
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from bot.jsonio import clean_text
from bot.types import Failure

MAX_MESSAGE = 300
MAX_WAIT = 86_400.0

_RETRYABLE = {"MODEL_RATE_LIMIT", "MODEL_OVERLOADED", "MODEL_STALL", "MODEL_CUT"}
_OVERFLOW = re.compile(
    r"context[ _-]?(?:length|window|size)|maximum context|prompt is too long|input is too long"
    r"|too many (?:input )?tokens|exceeds? the (?:model'?s? )?(?:maximum|max|input) (?:number of )?"
    r"(?:input )?tokens?|input length|reduce the length of the|input token count"
    r"|request[ _]too[ _]large",
    re.IGNORECASE,
)
_BILLING = re.compile(
    r"insufficient[ _](?:quota|funds|credits|balance)|billing|credit balance|payment required"
    r"|exceeded your current quota",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model[_ ]not[_ ]found|model\b.{0,120}\b(?:does not exist|not found)|no such model"
    r"|(?:unknown|invalid) model|not a valid model",
    re.IGNORECASE | re.DOTALL,
)
# Errors inside a stream have a type where a response would have a status.
_STATUS_OF_TYPE = {
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "billing_error": 402,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "invalid_request_error": 400,
    "overloaded_error": 529,
}
_CODE_OF_STATUS = {
    401: "MODEL_AUTH",
    402: "MODEL_BILLING",
    403: "MODEL_AUTH",
    404: "MODEL_NOT_FOUND",
    407: "MODEL_AUTH",
    408: "MODEL_OVERLOADED",
    429: "MODEL_RATE_LIMIT",
}
_WAIT = re.compile(
    r"(?:try|retry)[^.\d]{0,40}?\bin\s+(?=\d)(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)\s*(ms|s\w*)?)?",
    re.IGNORECASE,
)
_SECRET_SHAPES = re.compile(
    r"(?i:bearer)\s+\S+|\b(?:sk|pk|rk|key|gsk|xai|AIza)[-_][\w*.-]{6,}|(?<=://)[^\s/@]+@"
)
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Said:
    """What a server said about an error: its words, and its own code and type."""

    message: str = ""
    kind: str = ""
    status: int | None = None
    retry_after: float | None = None


def failure(code: str, message: str, status: int | None = None) -> Failure:
    """A failure that is retryable exactly when its code is."""
    return Failure(code, message, status, retryable=code in _RETRYABLE)


def read_error(body: Any) -> Said:
    """An error document in any of the forms that compatible servers use."""
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, str):
        return Said(body)
    if not isinstance(body, dict):
        return Said()
    error = body.get("error", body)
    if not isinstance(error, dict):
        return Said(str(error), str(body.get("error_type") or ""))
    words = (error.get(name) for name in ("message", "detail", "error", "msg"))
    message = next((word for word in words if isinstance(word, str)), "")
    kinds = (error.get(name) for name in ("code", "type", "status"))
    kind = " ".join(str(kind) for kind in kinds if isinstance(kind, str))
    return Said(message, kind, _status(error), _number(error.get("retry_after")))


def refusal(
    name: str,
    said: Said,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    now: float = 0.0,
    secrets: Iterable[str] = (),
) -> Failure:
    """The failure behind an error status, or behind an error inside a stream (`status` None).

    `now` is in seconds since the epoch, for a `Retry-After` that is a date.
    """
    known = status or said.status
    code = _code(known or 500, f"{said.kind} {said.message}")
    wait = _retry_after(headers or {}, said, now) if code in _RETRYABLE else None
    return Failure(
        code,
        _sentence(name, known, scrub(said.message, secrets)),
        known,
        wait,
        retryable=code in _RETRYABLE,
    )


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """A stranger's words on one short line, without keys, URL credentials or dumped documents."""
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    text = _SECRET_SHAPES.sub("[secret]", text[: MAX_MESSAGE * 4])
    text = clean_text(_CONTROL.sub(" ", text)).strip()
    if text.startswith(("<", "{", "[{")):
        return ""
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1].rstrip() + "…"


def _code(status: int, words: str) -> str:
    if (status in (400, 402, 403, 429) or status >= 500) and _BILLING.search(words):
        return "MODEL_BILLING"
    if (status in (400, 413, 422) or status >= 500) and _OVERFLOW.search(words):
        return "CONTEXT_OVERFLOW"
    if status in (400, 422) and _NO_MODEL.search(words):
        return "MODEL_NOT_FOUND"
    if status >= 500:
        return "MODEL_OVERLOADED"
    return _CODE_OF_STATUS.get(status, "MODEL_BAD_REQUEST")


def _sentence(name: str, status: int | None, words: str) -> str:
    if status is None:
        return f"{name} broke off with an error{': ' + words if words else ''}"
    if 300 <= status < 400:
        return f"{name} answered {status}, a redirect, which is not followed; check its base_url"
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Overloaded" if status == 529 else ""
    return (
        f"{name} answered {status}{' ' + phrase if phrase else ''}{': ' + words if words else ''}"
    )


def _status(error: Mapping[str, Any]) -> int | None:
    for name in ("code", "status", "status_code"):
        value = error.get(name)
        if isinstance(value, str) and value.isascii() and value.isdecimal():
            value = int(value[:4])
        if isinstance(value, int) and 400 <= value < 600:
            return value
    for name in ("code", "type"):
        if (status := _STATUS_OF_TYPE.get(str(error.get(name)))) is not None:
            return status
    return None


def _retry_after(headers: Mapping[str, str], said: Said, now: float) -> float | None:
    wait = _number(headers.get("retry-after-ms"))
    if wait is not None:
        wait /= 1000
    elif header := headers.get("retry-after"):
        wait = _number(header)
        wait = _date(header, now) if wait is None else wait
    if wait is None:
        wait = said.retry_after if said.retry_after is not None else _wait_in_words(said.message)
    return None if wait is None else min(max(wait, 0.0), MAX_WAIT)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _date(text: str, now: float) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None


def _wait_in_words(message: str) -> float | None:
    """`Please try again in 6m0.5s`, `in 120ms`, `in 20 seconds`."""
    found = _WAIT.search(message[:2000])
    if not found:
        return None
    hours, minutes, seconds, unit = found.groups()
    if seconds and unit == "ms":
        seconds = str(float(seconds) / 1000)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)
