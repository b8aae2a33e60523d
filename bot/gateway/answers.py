"""How the gateway answers over HTTP: one shape of error, and the same headers on every answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import structlog
from aiohttp import web
from multidict import CIMultiDict

from bot.errors import RequestError
from bot.jsonio import dumps

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger("gateway")

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; font-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
_POWERS = (
    *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "hid"),
    *("magnetometer", "microphone", "midi", "payment", "serial", "usb"),
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{power}=()" for power in _POWERS),
}
STATUS: Mapping[str, int] = {
    "INVALID_PARAMS": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "UNKNOWN_METHOD": 405,
    "CONFLICT": 409,
    "TOO_LARGE": 413,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}
_PARTIAL = ("Range", "If-None-Match", "If-Modified-Since")
_CODES = {status: code for code, status in STATUS.items()} | {408: "UNAVAILABLE"}


def json_answer(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        text=dumps(body), status=status, headers=headers, content_type="application/json"
    )


def error_answer(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """`{"error": {code, message}}`, as every refusal looks."""
    return json_answer({"error": {"code": code, "message": message}}, status, headers)


def refusal(error: RequestError) -> web.Response:
    """A refused request as an HTTP answer."""
    wait = error.details.get("retryAfterMs")
    headers = {"Retry-After": str(-(-wait // 1000))} if isinstance(wait, int) else None
    return error_answer(STATUS.get(error.code, 400), error.code, str(error), headers)


def harden(headers: CIMultiDict[str]) -> None:
    """Put on what every answer carries, and take off what names our software."""
    headers.update(HEADERS)
    headers.setdefault("Cache-Control", "no-store")
    headers["Server"] = "trunkline"


async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
    """The last touch to every answer of the application."""
    if request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-cache"
    harden(response.headers)


@web.middleware
async def shield(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost layer: a line for the log, and no failure without a plain answer."""
    began = time.perf_counter()
    response = await _shielded(request, handler)
    if isinstance(response, web.FileResponse):
        _compress(request, response)
    tell = log.debug if request.path.startswith("/static/") else log.info
    tell(
        "request",
        method=request.method,
        path=request.rel_url.raw_path[:200],  # never the query: it may carry a sign-in code
        status=response.status,
        ms=round((time.perf_counter() - began) * 1000, 1),
        peer=request.remote,
    )
    return response


def _compress(request: web.Request, response: web.FileResponse) -> None:
    """Send a whole file compressed. The library would put a compressed nothing behind a 304."""
    response.headers["Vary"] = "Accept-Encoding"
    if request.method == "GET" and not any(name in request.headers for name in _PARTIAL):
        response.enable_compression()


async def _shielded(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPRedirection as redirection:
        return web.Response(
            status=redirection.status, headers={"Location": redirection.headers["Location"]}
        )
    except web.HTTPException as error:
        code = _CODES.get(error.status, "INVALID_PARAMS")
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return error_answer(error.status, code, error.reason, allow)
    except RequestError as error:
        return refusal(error)
    except ConnectionError:
        raise
    except Exception:
        number = uuid4().hex[:8]
        log.exception("request failed", id=number, path=request.rel_url.raw_path[:200])
        return error_answer(500, "INTERNAL", f"something went wrong; the log has it as {number}")
