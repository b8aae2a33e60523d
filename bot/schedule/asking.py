"""Who asks for something about tasks, from where, and which tasks are theirs to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.contract import Address, Kind, Message
from bot.errors import RequestError
from bot.types import Task


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and the session they are in.

    `requester` is `<account>:<author id>` or `operator`; `message` is what they said. `session` is
    None for the operator outside of all sessions, who sees everything. `home` is the conversation
    on a platform that answers go to, None for the page and the terminal. `author` is who wrote the
    words, `foreign` where words of others in them may come from. What is asked for under one
    `name`, at `at` (seconds since the epoch), is done once however often it is asked.
    """

    requester: str
    owner: bool
    message: Message
    name: str
    at: float
    session: str | None = None
    agent: str | None = None
    home: Address | None = None
    kind: Kind | None = None
    author: Literal["person", "model"] = "person"
    foreign: str | None = None

    def sees(self, task: Task) -> bool:
        """A task is visible from its own session, and from its agent to whoever made it.

        An owner sees all tasks of the agent they are speaking with.
        """
        if self.session is None or task.session == self.session:
            return True
        return task.agent == self.agent and self.mine(task)

    def mine(self, task: Task) -> bool:
        """May they change it? What others made only owners may."""
        return self.owner or task.requester == self.requester

    def check(self, task: Task) -> Task:
        """The task, if they may change it. Raises RequestError FORBIDDEN."""
        if not self.mine(task):
            raise RequestError("FORBIDDEN", "Only whoever made this task, or an owner, may do that")
        return task


def unknown(name: str) -> RequestError:
    """The same words for a task that is not there and for one that is not theirs."""
    shown = " ".join(name.split())[:80]
    return RequestError("NOT_FOUND", f"There is no task {shown!r} here. Ids are matched exactly")


def unknown_run(name: str) -> RequestError:
    shown = " ".join(name.split())[:120]
    return RequestError(
        "NOT_FOUND", f"There is no task run {shown!r} here. Ids are matched exactly"
    )
