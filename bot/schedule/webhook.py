"""Results that go to a web address: a signed request for each run, repeated until it is taken.

The run's own row is what owes the request, so a kill between two attempts loses nothing. Whoever
receives it tells a repeated one by its `Idempotency-Key`, which is the run's id.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bot.clock import Clock
from bot.engine.port import Row, Script
from bot.errors import ConfigError, FetchError
from bot.schedule.rows import local
from bot.store import task_told
from bot.tools.web_client import WebClient
from bot.types import Task

log = structlog.get_logger("tasks")

EVENT = "task.run.finished"
TIMESTAMP, SIGNATURE, KEY = "X-Trunkline-Timestamp", "X-Trunkline-Signature", "Idempotency-Key"
TIMEOUT = 10.0
BACKOFF = (10.0, 60.0, 300.0)  # after the first, second and third attempt; the fourth is the last
_ANSWER = 4096
_PASSING = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class _Failed:
    error: str
    final: bool


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Posts results through `web`, signed with the `secret`; `clean` takes out what may not be
    shown. Raises nothing."""

    clock: Clock
    web: WebClient
    secret: Callable[[], str]
    clean: Callable[[str], str]

    def owes(self, row: Row) -> bool:
        """Does the result of a run go to a web address?"""
        return "://" in (row["target"] or "")

    def outcome(self, row: Row) -> tuple[str, str | None]:
        """What is known of a request that was not taken so far."""
        return ("not-delivered" if _ended(row) else "unknown"), row["error"]

    async def attempt(self, task: Task, row: Row) -> Script[None] | None:
        """Make the next attempt if it is due; what keeps its outcome, None where none is owed."""
        if not self.owes(row) or _ended(row):
            return None
        now = self.clock.now()
        if row["retry_at"] is not None and row["retry_at"] > now:
            return _wait(task.id, row["retry_at"])
        failed = await self._post(str(row["target"]), self._event(task, row), row["id"])
        if failed is None:
            return task_told.told(row["id"], "delivered", None)
        attempts = row["attempts"] + 1
        log.warning("webhook failed", run=row["id"], attempts=attempts, reason=failed.error)
        if failed.final or attempts > len(BACKOFF):
            return task_told.later(row["id"], attempts, None, failed.error)
        at = self.clock.now() + BACKOFF[attempts - 1]
        return _again(task.id, row["id"], attempts, at, failed.error)

    def _event(self, task: Task, row: Row) -> bytes:
        text = row["result"] if row["status"] == "ok" else row["reason"]
        return event(task, row, self.clean(text or ""))

    async def _post(self, url: str, body: bytes, run: str) -> _Failed | None:
        """One request; None when the server has taken it."""
        try:
            at = str(int(self.clock.now()))
            headers = {
                "Content-Type": "application/json",
                KEY: run,
                TIMESTAMP: at,
                SIGNATURE: signature(self.secret(), at, body),
            }
            answer = await self.web.request(
                "POST",
                url,
                max_bytes=_ANSWER,
                headers=headers,
                body=body,
                redirects=0,
                timeout=TIMEOUT,
            )
        except ConfigError as error:
            return _Failed(str(error), final=False)
        except FetchError as error:
            return _Failed(str(error), final=False)
        if 200 <= answer.status < 300:
            log.info("webhook taken", run=run, status=answer.status)
            return None
        final = 400 <= answer.status < 500 and answer.status not in _PASSING
        return _Failed(f"the server answers {answer.status}", final)


def event(task: Task, row: Row, text: str) -> bytes:
    """The body that tells of a run, the same for each attempt."""
    document = {
        "event": EVENT,
        "task": {"id": task.id, "name": task.name, "agentId": task.agent},
        "run": row["id"],
        "status": row["status"],
        "text": text,
        "cause": row["cause"],
        "dueAt": local(row["due_at"], task.zone),
        "startedAt": local(row["started_at"], task.zone),
        "endedAt": local(row["ended_at"], task.zone),
        "model": row["model"],
    }
    return json.dumps(document, ensure_ascii=False).encode()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """`v1=` and the HMAC-SHA256 of `<timestamp>.<body>` in hexadecimal digits."""
    signed = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={signed.hexdigest()}"


def _ended(row: Row) -> bool:
    """Was the last attempt made?"""
    return row["attempts"] > 0 and row["retry_at"] is None


def _wait(task: str, at: float) -> Script[None]:
    yield task_told.wake(task, at)


def _again(task: str, run: str, attempts: int, at: float, error: str) -> Script[None]:
    yield from task_told.later(run, attempts, at, error)
    yield task_told.wake(task, at)
