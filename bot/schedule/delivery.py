"""Where the result of a run goes, and what became of it there.

A result is put out in the transaction that judges its run: into the outbox under the run's own id,
or as a row that owes a web address a request. `follow` then looks at what is on its way, as often
as anything is heard of it, and after a restart. It is delivered only when a platform has given each
part an id, or a server has taken it; how the run itself went stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.contract import Address, Reply
from bot.engine.port import Engine, Row, Script
from bot.schedule.alerts import Alerts
from bot.schedule.lines import Said
from bot.schedule.runs import delivery_address
from bot.schedule.webhook import Webhooks
from bot.steps import step
from bot.store import outbox, task_told, tasks
from bot.types import Entry, Task

DELIVERED, LOST, ON_ITS_WAY, NOBODY = "delivered", "not-delivered", "unknown", "not-requested"
_TOOL = "message"
_OVER = ("failed", "held", "uncertain")


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that is over: ok, error or blocked, and what people are told of it, "" for nothing.

    `own`: it had a session of its own, so that nobody has seen its answer yet.
    """

    status: str
    text: str
    own: bool


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Tells people, and looks after it. `fitting` cuts a text into parts that a conversation can
    show, `show` lets pages see a line that a session got, `moved` hears of each task whose
    deliveries changed."""

    engine: Engine
    clock: Clock
    fitting: Callable[[Address, str], list[str]]
    webhooks: Webhooks
    alerts: Alerts
    show: Callable[[str, Entry], None]
    moved: Callable[[str], None]

    def deliver(self, task: Task, row: Row, finished: Finished, now: float) -> Script[str]:
        """Put a result out, once for each run; what is known of its delivery."""
        if task.delivery.get("mode") == "webhook":
            if not finished.text and finished.status == "ok":
                return NOBODY
            target = str(task.delivery["url"])
        else:
            found = yield from self._announced(task, row["id"], finished, now)
            if found is None:
                return NOBODY
            target = found
        yield from task_told.aimed(row["id"], target)
        yield task_told.wake(task.id)
        return ON_ITS_WAY

    def _announced(
        self, task: Task, run: str, finished: Finished, now: float
    ) -> Script[str | None]:
        """Put a text into the outbox; the address it goes to, None where nobody is told."""
        if not finished.own:
            shown = yield from task_told.parts(run, "")
            return str(shown[0]["address"]) if shown else None
        to = delivery_address(task)
        if to is None or not finished.text:
            return None
        # What the run has said there itself is not said again.
        if finished.status == "ok" and (yield from outbox.sent_by(run, _TOOL, to)):
            return to.key
        replies = [Reply(part) for part in self.fitting(to, finished.text)]
        yield from outbox.enqueue(run, to, replies, now)
        return to.key if replies else None

    async def follow(self, task: str) -> None:
        """Look at all that is on its way of a task, post what is owed, and tell of what is lost."""
        found = await self.engine.read(_open(task))
        if found is None:
            return
        for row in found[1]:
            if (record := await self.webhooks.attempt(found[0], row)) is not None:
                await self.engine.tx(record)
        for said in await self.engine.tx(self._receipts(task, self.clock.now())):
            self.show(said.session, said.entry)
        step("task.told")
        self.moved(task)

    def _receipts(self, id: str, now: float) -> Script[list[Said]]:
        found, said = (yield from _open(id)), list[Said]()
        for row in found[1] if found else ():
            delivery, error = yield from self._outcome(row)
            if (delivery, error) == (ON_ITS_WAY, row["error"]):
                continue
            yield from task_told.told(row["id"], delivery, error)
            if found is not None and delivery == LOST:
                said += yield from self.alerts.lost(found[0], row, error or "", now)
        return said

    def _outcome(self, row: Row) -> Script[tuple[str, str | None]]:
        if self.webhooks.owes(row):
            return self.webhooks.outcome(row)
        return outcome((yield from task_told.parts(row["id"], row["target"])))


def outcome(parts: Sequence[Row]) -> tuple[str, str | None]:
    """What the parts of an answer come to together, and what is or was wrong."""
    error = next((part["error"] for part in parts if part["error"]), None)
    for part in parts:
        if part["state"] in _OVER:
            return LOST, part["error"] or "it may not have arrived"
    if not parts:
        return LOST, "nothing is known of it any more"
    if any(part["state"] != "sent" for part in parts):
        return ON_ITS_WAY, error
    if any(part["ref"] is None for part in parts):
        return LOST, "the platform gave no message id"
    return DELIVERED, None


def _open(id: str) -> Script[tuple[Task, list[Row]] | None]:
    """A task with its runs whose results are on their way."""
    task, rows = (yield from tasks.get(id)), (yield from task_told.open_of(id))
    return (task, rows) if task is not None and rows else None
