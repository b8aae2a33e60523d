"""A scheduled run: how it differs from an answer to somebody who writes now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

HEARTBEAT = "task-heartbeat-"  # how the ids of tasks begin that are an agent's heartbeat


@dataclass(frozen=True, slots=True)
class Errand:
    """What a run of a task is given.

    `task` and `name` are the task's, `place` the address where its results go. `author` says who
    wrote its text (person or model), `foreign` where words of others in it came from. `signal` is
    why a check asked for it. `model` (a reference or an alias) is asked in the place of the
    session's own. `tools` and `skills` are the names of those it may use at most; None: all that
    its agent has. `max_tokens` and `max_cost` (US dollars) are what it may use. `call` is the name
    of the one tool that it calls without a model, `given` its arguments.
    """

    task: str
    name: str
    place: str | None = None
    author: str = "person"
    foreign: str | None = None
    signal: str | None = None
    model: str | None = None
    tools: tuple[str, ...] | None = None
    skills: tuple[str, ...] | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    call: str | None = None
    given: Mapping[str, Any] | None = None

    @property
    def tainted(self) -> str | None:
        """Why its text is not simply the word of a person; None when it is."""
        if self.foreign:
            return f"a scheduled task with words of others: {self.foreign}"
        return "a scheduled task that a model wrote" if self.author == "model" else None


_LISTS = ("tools", "skills")


def errand_json(errand: Errand) -> dict[str, Any]:
    """An errand as JSON, without what is not there."""
    return {name: value for name, value in asdict(errand).items() if value is not None}


def errand_from(document: Mapping[str, Any] | None) -> Errand | None:
    """The errand of an inbox row; None for an ordinary message."""
    if document is None:
        return None
    lists = {name: tuple(document[name]) for name in _LISTS if name in document}
    return Errand(**{**document, **lists})
