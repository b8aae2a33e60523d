"""What commands may ask of the rest: agents, models, runs, approvals, helpers, tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class AgentsPort(Protocol):
    """What commands may do with agents and models."""

    current: str

    def list(self) -> Sequence[Mapping[str, Any]]: ...

    async def switch(self, name: str) -> str: ...

    def models(self) -> Sequence[Mapping[str, Any]]:
        """The models on offer here, as rows of the contract.

        A row may also have `api`, `endpoint` and `credentials`: the profiles' names, no secrets.
        """
        ...


class ContextPort(Protocol):
    """What commands may know of what the model is given."""

    async def report(self) -> Mapping[str, Any]:
        """Everything that the next request here begins with: see `bot.context.report`."""
        ...

    async def skills(self) -> Sequence[Mapping[str, Any]]:
        """The rows of `skills.list` for the agent of this conversation."""
        ...


class RunsPort(Protocol):
    """What commands may do with runs: stop this session's, and see its state."""

    async def stop(self) -> tuple[int, int]:
        """Abort the active run and withdraw what is queued; how many of each."""
        ...

    async def status(self) -> Mapping[str, Any]:
        """What `/status` shows: version, agent, session, model, context, queue, thinking, ..."""
        ...

    async def usage(self) -> Mapping[str, Any]:
        """What `usage.summary` answers for this session."""
        ...

    async def why(self, id: str | None) -> Mapping[str, Any]:
        """What `why` answers for a message of this session, by any id of it; None: the last one.

        Owners may ask about every session. Raises RequestError with a sentence for the user.
        """
        ...


class ApprovalsPort(Protocol):
    """What commands may do with approvals, as the person who typed them."""

    async def pending(self) -> Sequence[Mapping[str, Any]]:
        """The rows that wait for a decision in this session; for owners, in all."""
        ...

    async def boxed_in(self) -> str | None:
        """Why their commands may not leave the sandbox in this session, None when they may."""
        ...

    async def decide(self, name: str, decision: str) -> Mapping[str, Any]:
        """Decide by id or code; the row. Raises RequestError with a sentence for the user."""
        ...


class SubagentsPort(Protocol):
    """What commands may do with the helpers that this session started for who typed them.

    Rows have number, id, label, sessionKey, runId, task, status, report, result, seconds. Methods
    raise RequestError with a sentence for the user.
    """

    async def list(self) -> Sequence[Mapping[str, Any]]: ...

    async def find(self, name: str) -> Mapping[str, Any]:
        """One by number, id or label."""
        ...

    async def log(self, row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """The last messages, as role and text."""
        ...

    async def kill(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Stop them with all that they started; how many were at work."""
        ...

    async def send(self, row: Mapping[str, Any], text: str) -> None:
        """Say something to one; its answer comes as a report."""
        ...


class TasksPort(Protocol):
    """What commands may do with scheduled tasks, as the person who typed them, in this session.

    Rows are those of section 10 of the contract, task and task run. A task is theirs to see when
    it belongs to this session or to its agent. Methods raise RequestError with a sentence for the
    user; what is not there and what is not theirs are refused with the same words. What changes
    something does so once, even if the command runs again.
    """

    async def create(self, texts: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Make a task of each text behind `/task new`, all or none; their rows, each with `said`
        (the schedule in words) and `upcoming` (the next three runs, ISO 8601)."""
        ...

    async def list(self, *, everything: bool = False) -> Sequence[Mapping[str, Any]]:
        """The enabled tasks of this session; with `everything` the agent's and the inactive too."""
        ...

    async def get(self, name: str) -> Mapping[str, Any]:
        """One task by its id."""
        ...

    async def edit(self, name: str, text: str) -> Mapping[str, Any]:
        """Change a task by the words behind `/task edit ID`; its row, with `changed` in words."""
        ...

    async def pause(self, name: str) -> Mapping[str, Any]: ...

    async def resume(self, name: str) -> Mapping[str, Any]: ...

    async def remove(self, name: str) -> Mapping[str, Any]:
        """Delete the definition and stop a run of it that is on; the row it had."""
        ...

    async def run(self, name: str) -> Mapping[str, Any]:
        """Run now, once, enabled or not; the run's row when it ended or after two minutes."""
        ...

    async def runs(self, name: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """The last runs of a task, newest first."""
        ...

    async def run_row(self, run: str) -> Mapping[str, Any]:
        """One run of a task."""
        ...

    async def cancel_run(self, run: str) -> Mapping[str, Any]: ...

    async def retry_run(self, run: str) -> Mapping[str, Any]: ...

    async def timezone(self, zone: str | None) -> str:
        """Keep the author's time zone (None: only ask); the zone that counts for them now."""
        ...
