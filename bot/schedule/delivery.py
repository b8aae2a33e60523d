"""Where the result of a run goes: to a conversation, or nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.contract import Address, Reply
from bot.engine.port import Row, Script
from bot.schedule.runs import delivery_address
from bot.store import outbox
from bot.types import Task


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Tells people. `fitting` cuts a text into parts that a conversation can show."""

    fitting: Callable[[Address, str], list[str]]

    def deliver(self, task: Task, row: Row, text: str, now: float) -> Script[str]:
        """Put a result out, once for each run; what is known of its delivery."""
        to = delivery_address(task)
        if to is None:
            return "not-requested"
        replies = [Reply(part) for part in self.fitting(to, text)]
        yield from outbox.enqueue(row["id"], to, replies, now)
        return "unknown"
