"""How a run of a task ended, read from what its turn left in the store."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal

from bot.engine.port import Row, Script
from bot.keys import parse_key
from bot.store import children, entries, runs, task_results
from bot.tools import taint

CANCELLED = "cancelled"
_LOST = ("INTERNAL", "What the run came to is not known any more")
# A whole answer that only says that all is well, whatever it is dressed in.
_NOTHING = re.compile(r"[\s*_`>]*(?:HEARTBEAT_OK|NO_REPLY)[\s*_`.!]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a run. `text` is what it said, shaped for people, "" when it was silent.

    `error` is a code and a sentence. `foreign` says where words of others came from that it read.
    """

    status: Literal["ok", "error", "cancelled"]
    text: str
    at: float
    error: tuple[str, str] | None = None
    model: str | None = None
    input: int | None = None
    output: int | None = None
    cost: float | None = None
    foreign: str | None = None


def ended(row: Row) -> Script[Ended | None]:
    """How the run of a row ended; None while it, or a helper that it started, is on."""
    if row["result"] is not None:
        return Ended("ok", row["result"], row["started_at"])
    run = yield from runs.get(row["id"])
    if run is None:
        return Ended("error", "", row["started_at"], _LOST)
    if run["ended_at"] is None:
        return None
    last = run
    if run["state"] == "ok" and parse_key(run["session_key"]).kind == "task":
        if (yield from children.at_work(run["session_key"])):
            return None
        told = yield from task_results.told(run["session_key"])
        if any(one["ended_at"] is None for one in told):
            return None
        last = max([run, *told], key=lambda one: one["ended_at"])
    text = "" if _NOTHING.fullmatch(last["reply"] or "") else last["reply"] or ""
    error = json.loads(run["error"]) if run["error"] else {}
    status: Literal["ok", "error", "cancelled"] = "ok"
    if run["state"] != "ok":
        status = "cancelled" if run["state"] == "aborted" else "error"
    return Ended(
        status=status,
        text=text,
        at=last["ended_at"],
        error=(error.get("code", "INTERNAL"), error.get("message", "")) if error else None,
        model=run["model"],
        input=run["input_tokens"],
        output=run["output_tokens"],
        cost=run["cost"],
        foreign=(yield from _foreign(run)),
    )


def _foreign(run: Row) -> Script[str | None]:
    if not run["session"]:
        return None
    return taint.foreign((yield from entries.of_run(run["session"], run["id"])))
