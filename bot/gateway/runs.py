"""Runs as clients see them: started once for each key, waited for, and told by their rows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from typing import Any

from bot.acceptance import OPERATOR, Accepted, Request
from bot.contract import Address, Author, Message, Ref
from bot.engine.port import Row
from bot.errors import RequestError
from bot.gateway.rows import error_row, usage_row, when
from bot.gateway.services import Core
from bot.gateway.uploads import FileParam, Uploads, attachments
from bot.keys import SessionKey
from bot.store import runs
from bot.types import Usage

_POLL = 1.0
# How long an error waits for the same run to begin again, so that it is not told for good.
GRACE = 0.5

Json = dict[str, Any]


async def submit(
    core: Core,
    key: SessionKey,
    run: str,
    text: str,
    *,
    seen_at: Address,
    deliver_to: Address | None,
    commands: bool,
    options: Mapping[str, Any],
    files: Sequence[FileParam] | None = None,
) -> Accepted:
    """Store what the operator says to exactly this session. Raises RequestError."""
    now = core.clock.now()
    message = Message(
        Ref(seen_at, run),
        Author(OPERATOR, "Operator"),
        text,
        datetime.fromtimestamp(now, UTC),
        "direct",
    )
    if files:
        uploads = Uploads(core.state / "uploads")
        kept = await asyncio.to_thread(attachments, uploads, files, key.text, now)
        message = replace(message, attachments=kept)
    request = Request(
        key, run, exact=True, deliver_to=deliver_to, commands=commands, options=options
    )
    accepted = await core.inbound.submit(message, request)
    if accepted.state == "refused":
        raise RequestError("FORBIDDEN", "this message was refused; the log has the rule")
    return accepted


async def find(core: Core, run: str) -> Row:
    """A run's row. Raises RequestError NOT_FOUND."""
    row = await core.engine.read(runs.get(run))
    if row is None:
        raise RequestError("NOT_FOUND", f"there is no run {run}")
    return row


async def wait(core: Core, run: str, seconds: float) -> Json:
    """The result of a run, or status `timeout` when it has none yet; the wait stops nothing.

    A run that was joined has the result of the one that answers its message. An error is the
    result when the run has not begun again a moment later.
    """
    ended = asyncio.create_task(core.chat.ended(run), name=f"wait:{run}")
    until = core.clock.now() + seconds
    try:
        row = await find(core, run)
        while (left := min(until, _told_at(row)) - core.clock.now()) > 0:
            # The store is asked again now and then: another process may have ended the run.
            pause = asyncio.create_task(core.clock.sleep(min(left, _POLL)), name="wait-pause")
            waits = {pause} if ended.done() else {pause, ended}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            pause.cancel()
            row = await find(core, run)
    finally:
        ended.cancel()
    if row["joined"] is not None:
        return await wait(core, row["joined"], max(0.0, until - core.clock.now()))
    return result(row)


def _told_at(row: Row) -> float:
    """When the end of a run may be told: at once, or after the grace of an error."""
    if row["ended_at"] is None:
        return inf
    ended = float(row["ended_at"])
    return ended + GRACE if row["state"] == "error" else ended


def result(row: Row) -> Json:
    """`{status, startedAt, endedAt, error?, reply?, usage?}` of a run's row."""
    times = {"startedAt": when(row["started_at"]), "endedAt": when(row["ended_at"])}
    if row["ended_at"] is None:
        return {"status": "timeout", **times}
    answer: Json = {"status": "ok", **times, "reply": row["reply"] or ""}
    if row["state"] != "ok":
        answer["status"] = "error"
        answer["error"] = failure(row)
    if usage := usage_of(row):
        answer["usage"] = usage
    return answer


def failure(row: Row) -> Json | None:
    """Why a run failed, None when it did not."""
    if row["state"] not in ("error", "aborted"):
        return None
    if row["error"]:
        return error_row(json.loads(row["error"]))
    return {"code": "ABORTED", "message": "The run was stopped"}


def usage_of(row: Row) -> Json | None:
    if row["input_tokens"] is None:
        return None
    return usage_row(Usage(row["input_tokens"], row["output_tokens"] or 0, row["cost"]))
