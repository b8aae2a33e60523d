"""Where the program's log is and how its records are ranked, for whoever writes or reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# In the state directory.
LOG_FILE = Path("logs") / "trunkline.jsonl"
LEVELS: Mapping[str, int] = {
    "debug": 10,
    "info": 20,
    "warning": 30,
    "error": 40,
    "exception": 40,
    "critical": 50,
}


def rank(level: object) -> int:
    """How grave a record is; one without a known level counts as `info`."""
    return LEVELS.get(str(level), LEVELS["info"])
