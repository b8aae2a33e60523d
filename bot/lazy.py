"""Libraries that are imported when they are first needed: most are optional, and few are needed.

So are those that a process without visitors of its pages can do without.
"""

from __future__ import annotations

import importlib
from typing import Any

from bot.errors import MissingExtra

EXTRAS = {
    "mcp": "mcp",
    "opentelemetry": "otel",
    "playwright": "browser",
    "psycopg": "cluster",
    "procrastinate": "cluster",
    "prometheus_client": "metrics",
}


def optional(module: str) -> Any:
    """A module of an optional library, or of ours that needs one.

    Raises MissingExtra that says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        raise MissingExtra(library, EXTRAS[library]) from None
