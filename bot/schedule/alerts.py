"""What people hear when results do not arrive: once, until one arrives again or a day has passed.

Failures of the runs themselves are told with the result, where it goes; see `settle`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.contract import Address, Reply
from bot.engine.port import Row, Script
from bot.schedule.lines import Said, line
from bot.store import outbox, task_told
from bot.types import Task

AGAIN = 86400.0


@dataclass(frozen=True, slots=True)
class Alerts:
    """Tells of results that are lost. `fitting` cuts a text into parts, `clean` takes out what may
    not be shown, `there` says whether a conversation can be reached and is not the page's."""

    fitting: Callable[[Address, str], list[str]]
    clean: Callable[[str], str]
    there: Callable[[Address], bool]

    def lost(self, task: Task, row: Row, error: str, now: float) -> Script[list[Said]]:
        """A run's result did not arrive: a line in the task's session, and a message to where the
        task was made if that is another place."""
        if task.delivery.get("bestEffort") or (yield from _known(task.id, row["id"], now)):
            return []
        yield from task_told.alerted(row["id"], now)
        text = self.clean(
            f"A result of the task “{task.name}” was not delivered to {named(row['target'])}: "
            f"{error}. It is kept: /task show {task.id}"
        )
        home = task.asked.address
        if self.there(home) and not _same_room(home, row["target"]):
            replies = [Reply(part) for part in self.fitting(home, text)]
            yield from outbox.enqueue(f"alert:{row['id']}", home, replies, now)
        return [(yield from line(task, row["id"], text, None, now))]


def named(target: str) -> str:
    """A target for people: an account and its conversation, or only the host of a web address."""
    if "://" in target:
        return target.split("/")[2]
    to = Address.parse(target)
    return f"{to.account} {to.conversation}"


def _same_room(home: Address, target: str) -> bool:
    if "://" in target:
        return False
    to = Address.parse(target)
    room = (to.channel, to.account, to.conversation)
    return (home.channel, home.account, home.conversation) == room


def _known(task: str, run: str, now: float) -> Script[bool]:
    """Were people told already, since the last result that arrived?"""
    for row in (yield from task_told.before(task, run)):
        if row["delivery"] == "delivered":
            return False
        if row["alerted_at"] is not None and now - row["alerted_at"] < AGAIN:
            return True
    return False
