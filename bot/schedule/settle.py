"""What becomes of a run that has ended: judged, told, noted, and the task moved on, once.

`settle` looks at every run of a task that has ended and is not settled, in one transaction. So it
may be called at any time and as often as one likes: a kill before the commit changes nothing, and
one behind it leaves nothing to do. A check that asks for a strong run stays unsettled until that
one has begun, which is two seconds after its end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from bot.clock import Clock
from bot.config.settings import Config
from bot.engine.port import Engine, Row, Script, Wake
from bot.errors import RequestError
from bot.schedule import evaluator, heartbeat, limits, policy
from bot.schedule.checks import Pending, pending_of, remembered, state_of
from bot.schedule.delivery import Finished
from bot.schedule.ended import CANCELLED, Ended, ended
from bot.schedule.evaluator import Verdict
from bot.schedule.lines import Said, line
from bot.schedule.runs import isolated
from bot.schedule.terms import Policy, policy_of
from bot.steps import step
from bot.store import task_results, task_runs, tasks
from bot.store.task_results import Result
from bot.types import Entry, Task

ALERT = 3  # failures in a row that are told
DONE = "done"
_SUMMARY = 500
_COUNTED = ("due", "strong")  # causes whose failures let the schedule wait

Deliver = Callable[[Task, Row, Finished, float], Script[str]]


class Start(Protocol):
    """Claims and begins one run; its id, None when it was claimed before. Raises RequestError."""

    def __call__(
        self, task: Task, cause: str, now: float, *, due: float | None = None, strong: bool = False
    ) -> Script[str | None]: ...


@dataclass(frozen=True, slots=True)
class _Judged:
    """A run that is settled: its task afterwards, its status, and what it said to a session."""

    task: Task
    status: str
    said: Said | None


@dataclass(frozen=True, slots=True)
class Settling:
    """Settles runs. `start` begins a strong run, `deliver` tells people (its answer is what became
    of that), `show` lets pages see a line that a session got."""

    engine: Engine
    clock: Clock
    config: Callable[[], Config]
    start: Start
    deliver: Deliver
    show: Callable[[str, Entry], None]

    async def settle(self, task: str) -> None:
        """Judge whatever of a task has ended."""
        for said in await self.engine.tx(self._settle(task, self.clock.now())):
            self.show(said.session, said.entry)
        step("task.settled")

    def _settle(self, id: str, now: float) -> Script[list[Said]]:
        before = task = yield from tasks.get(id)
        said: list[Said] = []
        if task is None:
            return said
        status = None
        for row in (yield from task_runs.open_of(id)):
            end = yield from ended(row)
            if end is None:
                continue
            made = yield from self._run(task, row, end, now)
            task, status = made.task, made.status or status
            if made.said is not None:
                said.append(made.said)
        if task.enabled and task.next_at is None and not (yield from _more(id)):
            task = replace(task, enabled=False, because=DONE)
        if task is not before:
            yield from task_results.judged(task, status)
        step("task.settling")
        return said

    def _run(self, task: Task, row: Row, end: Ended, now: float) -> Script[_Judged]:
        """Judge one run that has ended; one that waits for a strong run stays as it is."""
        wanted = policy_of(task.policy)
        check = wanted.mode == "cheap" and not row["strong"]
        verdict = evaluator.judge(end.text) if check else _plain(wanted, end.text)
        if check:
            task, at = self._signalled(task, row, wanted, verdict, end)
            if at is not None and at > now:
                yield Wake("sched", f"task:{task.id}", at)
                return _Judged(task, "", None)
            if at is not None and (yield from self._strong(task, row, now)):
                return (yield from self._close(task, row, wanted, end, verdict, None, now))
            if at is not None:
                task = remembered(task, evaluator.settled(state_of(task)), None)
            text = evaluator.delivered(verdict, strong_follows=False, quiet=wanted.quiet)
        else:
            if row["strong"]:
                task = remembered(task, evaluator.settled(state_of(task)), None)
            text = heartbeat.rest(verdict.rest) if heartbeat.is_one(task) else verdict.rest
        return (yield from self._close(task, row, wanted, end, verdict, text, now))

    def _signalled(
        self, task: Task, row: Row, wanted: Policy, verdict: Verdict, end: Ended
    ) -> tuple[Task, float | None]:
        """The task with what its check signals, and when a strong run begins for it."""
        pending = pending_of(task)
        if pending is not None and pending.run == row["id"]:
            return task, pending.at
        state = state_of(task)
        after, at = evaluator.escalation(
            state, verdict, end.status == "ok", end.at, wanted.escalations
        )
        if at is not None:
            pending = Pending(row["id"], at, after.pending or "", end.foreign)
        return remembered(task, after, pending), at

    def _strong(self, task: Task, row: Row, now: float) -> Script[bool]:
        """Begin the strong run of a check, once; False when its task cannot run now."""
        try:
            yield from self.start(task, "strong", now, due=row["due_at"], strong=True)
        except RequestError:
            return False
        return True

    def _close(
        self,
        task: Task,
        row: Row,
        wanted: Policy,
        end: Ended,
        verdict: Verdict,
        text: str | None,
        now: float,
    ) -> Script[_Judged]:
        """Settle a row: status, delivery, the line in the session, and what the task does next.

        `text` goes to people; None: a strong run does the work now.
        """
        status, reason = _status(end)
        if text is not None:
            task = _counted(task, row, wanted, end, status, reason, verdict.rest)
        if status != "ok":
            text = _alert(task, status, reason)
        own = isolated(wanted, bool(row["strong"]))
        finished = Finished(status, text or "", own)
        delivery = yield from self.deliver(task, row, finished, now)
        said = (yield from line(task, row["id"], text, end.foreign, now)) if text and own else None
        result = Result(
            status=status,
            reason=reason,
            summary=_short(verdict.rest if status == "ok" else reason or ""),
            text=verdict.rest,
            delivery=delivery,
            model=None if wanted.mode in ("skill", "text") else end.model,
            input=end.input,
            output=end.output,
            cost=end.cost,
            ended_at=end.at,
        )
        yield from task_results.settle(row["id"], result, now)
        yield from task_runs.forget(task.id, self.config().tasks.keep_runs)
        return _Judged(task, status, said)


def _more(task: str) -> Script[bool]:
    """Has the task runs that are on, or wait?"""
    on = yield from task_runs.open_of(task)
    return bool(on or (yield from task_runs.waiting_of(task)))


def _plain(wanted: Policy, text: str) -> Verdict:
    """An answer that signals nothing; a strong run may repeat what its check has said."""
    return Verdict("none", "", evaluator.without_cues(text) if wanted.mode == "cheap" else text)


def _status(end: Ended) -> tuple[Literal["ok", "error", "blocked"], str | None]:
    if end.status == "ok":
        return "ok", None
    if end.status == "cancelled":
        return "error", CANCELLED
    code, sentence = end.error or (None, "It failed")
    if (hint := limits.access_failure(code, sentence)) is not None:
        return "blocked", f"{hint} ({sentence})"
    return "error", f"{sentence} ({code})" if code else sentence


def _counted(
    task: Task,
    row: Row,
    wanted: Policy,
    end: Ended,
    status: str,
    reason: str | None,
    text: str,
) -> Task:
    """The task after a run: how it went, when it goes on, and whether it does at all."""
    errors, successes = int(task.state.get("errors", 0)), int(task.state.get("successes", 0))
    if status == "ok":
        errors, successes = 0, successes + 1
    elif row["cause"] in _COUNTED and reason != CANCELLED:
        errors += 1
    task = replace(task, state={**task.state, "errors": errors, "successes": successes})
    if status == "blocked":
        return _off(task, reason or "")
    if errors and status == "error" and row["cause"] in _COUNTED:
        until = end.at + limits.backoff(errors)
        why = f"it failed {errors} times in a row" if errors > 1 else "it failed the last time"
        task = policy.delayed(task, until, why)
    counters = limits.Counters(task.runs, successes)
    because = limits.stops(wanted, counters, "ok" if status == "ok" else "error", text)
    return _off(task, because) if because is not None and task.enabled else task


def _off(task: Task, because: str) -> Task:
    state: dict[str, Any] = {name: one for name, one in task.state.items() if name != "held"}
    return replace(task, enabled=False, because=because, next_at=None, state=state)


def _alert(task: Task, status: str, reason: str | None) -> str:
    """What people hear of a failure: the third in a row, and one that nothing follows."""
    if reason == CANCELLED:
        return ""
    if status == "error" and task.next_at is not None and task.state.get("errors") != ALERT:
        return ""
    return f"The task “{task.name}” failed. {reason}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SUMMARY else f"{flat[: _SUMMARY - 2]} …"
