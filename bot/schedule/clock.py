"""The clock of scheduled tasks: each due time becomes one run, or a row that says why not.

Truth is the table: a task's `next_at` is its first due time that nobody has judged. `tick` looks
for what is due; one transaction for each task claims a due time by its unique row, begins the run
and moves the task on, so that neither a restart nor a second process can do it twice. The engine's
delayed wake is the alarm; its sweep each minute finds what a changed clock or a sleeping machine
has made due meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import structlog

from bot.clock import Clock
from bot.config.settings import Config
from bot.engine.port import Engine, Handler, Script, Wake
from bot.errors import Fenced, RequestError, StoreError
from bot.schedule import policy
from bot.schedule.limits import HOUR, allowed
from bot.schedule.policy import Judged, Passed
from bot.schedule.terms import Policy, policy_of
from bot.schedule.trigger import Schedule, next_after, schedule_of
from bot.steps import step
from bot.store import task_runs, tasks, upkeep
from bot.types import Task

log = structlog.get_logger("tasks")

Fire = Callable[[Task, str, str, bool, float], Script[None]]
"""Begin a claimed run: task, run id, cause, strong, now. RequestError: it cannot, and why."""

BATCH = 50
MARK = "tasks.clock"
# The sweep comes each minute, so an alarm further away than this would only be noise.
AHEAD = 60.0
# Of the time at which the clock was last looked at, to notice that it was set back.
MARKED = 30.0
JUMP = 60.0
WAITS = "It waits for the run before it"


def run_id(task: str, due: float, cause: str) -> str:
    """The name of a run, the same for the same due time: `<task id>@20261121-090000[.<cause>]`."""
    at = datetime.fromtimestamp(round(due, 3), UTC)
    text = f"{at:%Y%m%d-%H%M%S}" + (f"-{at.microsecond // 1000:03}" if at.microsecond else "")
    return f"{task}@{text}" + ("" if cause == "due" else f".{cause}")


class TaskClock:
    """Finds what is due and begins it. `changed` is told the id of each task that moved, `gate`
    says why one is passed over this time."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        config: Callable[[], Config],
        fire: Fire,
        changed: Callable[[str], None] = lambda task: None,
        gate: Callable[[str], Awaitable[str | None]] | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._config = config
        self._fire = fire
        self._changed = changed
        self._gate = gate
        self._alarm = 0.0
        self._slot = 0.0  # when the next task may catch up

    def handler(self, settle: Callable[[str], Awaitable[None]]) -> Handler:
        """The handler of the engine's kind `sched`: `settle(task id)` judges runs that ended."""

        async def handle(key: str) -> None:
            kind, _, task = key.partition(":")
            if kind == "task":
                await settle(task)
                await self.release(task)
            else:
                await self.tick()

        return handle

    async def tick(self) -> None:
        """Judge every due time up to now, and ask to be woken for the next."""
        if not self._config().tasks.enabled:
            return
        seen: set[tuple[str, float]] = set()
        while True:
            now = self._clock.now()
            before, found = await self._engine.read(self._look(now))
            if before - now > JUMP:
                await self._set_back(before, now)
                continue
            fresh = [id for id, due in found if (id, due) not in seen]
            seen.update(found)
            more = len(found) == BATCH and bool(fresh)
            if fresh:
                step("sched.due")
            work = [self._take(id, now) for id in fresh]
            # Behind the claims, and in one commit with them.
            last = [] if more else [self._engine.tx(self._looked(before, now))]
            await asyncio.gather(*work, *last)
            if not more:
                return

    async def release(self, task: str) -> None:
        """Begin the oldest run that waits, once nothing of the task is on any more."""
        if not self._config().tasks.enabled or not await self._engine.read(
            task_runs.waiting_of(task)
        ):
            return
        try:
            if await self._engine.tx(self._released(task, self._clock.now())):
                step("sched.fired")
        except _NotBegun as refusal:
            await self._engine.tx(self._dropped(task, str(refusal), self._clock.now()))
        self._changed(task)

    def start(
        self,
        task: Task,
        cause: str,
        now: float,
        *,
        due: float | None = None,
        strong: bool = False,
    ) -> Script[str | None]:
        """Claim and begin a run outside the schedule: manual, retry or strong.

        The task's next time stays; it may be switched off. `due` names the run (now if None): the
        same due time and cause is claimed once. The run's id, or None when it was claimed before.
        RequestError when the task's agent is switched off or gone.
        """
        if why := self._agent_off(task):
            raise RequestError("CONFLICT", why)
        due = round(now, 3) if due is None else due
        run = run_id(task.id, due, cause)
        if not (yield from task_runs.claim(run, task.id, cause, due, now, strong=strong)):
            return None
        yield from tasks.began(task.id, now)
        yield from self._fire(task, run, cause, strong, now)
        return run

    async def _take(self, id: str, now: float) -> None:
        """Judge one task; whatever it does, the others go on."""
        try:
            fired = await self._attempt(id, now)
        except (StoreError, Fenced):
            raise
        except Exception as error:
            known = isinstance(error, RequestError)
            log.error("task not begun", task=id, error=str(error), exc_info=not known)
            await self._engine.tx(self._fault(id, str(error) or type(error).__name__, now))
            fired = False
        if fired:
            step("sched.fired")
        self._changed(id)

    async def _attempt(self, id: str, now: float) -> bool:
        why = await self._gate(id) if self._gate is not None else None
        try:
            return await self._engine.tx(self._judged(id, now, why))
        except _NotBegun as refusal:
            return await self._engine.tx(self._judged(id, now, str(refusal)))

    def _judged(self, id: str, now: float, refusal: str | None = None) -> Script[bool]:
        """Judge the due times of a task up to now; did a run begin?"""
        task = yield from tasks.get(id)
        if task is None or task.next_at is None or task.next_at > now:
            return False  # another process was here
        if not task.enabled:
            yield from tasks.advance(replace(task, next_at=None), task.next_at)
            return False
        settings, wanted = self._config().tasks, policy_of(task.policy)
        missed = wanted.missed or settings.missed
        judged = policy.judge(task, _schedule(task), missed, settings.missed_window, now)
        if not judged.run:
            return (yield from self._over(task, judged, 0, False, now))
        if (again := self._too_soon(task, now)) is not None:
            later = policy.delayed(task, again, "the run before had only just begun")
            yield from tasks.advance(later, task.next_at)
            return False
        why = refusal or (yield from self._refusal(task, wanted, now))
        if why is None and judged.late and (slot := self._catch_up(now)) > now:
            yield from self._pass(task, judged.passed, now)
            later = policy.delayed(task, slot, policy.CATCH_UP, due=judged.run[0], seen=now)
            yield from tasks.advance(later, task.next_at)
            return False
        on, waiting = yield from task_runs.busy(id)
        why = why or policy.overlap(wanted.overlap, on, waiting)
        if why is not None:
            yield from self._pass(task, policy.refused(judged, why), now)
            return (yield from self._over(task, judged, 0, False, now))
        claimed, fired = yield from self._claimed(task, judged, bool(on), now)
        return (yield from self._over(task, judged, claimed, fired, now))

    def _claimed(
        self, task: Task, judged: Judged, on: bool, now: float
    ) -> Script[tuple[int, bool]]:
        """Claim what shall run: the first begins unless one is on, the others wait."""
        claimed, fired = 0, False
        for due in judged.run:
            run = run_id(task.id, due, "due")
            waits = WAITS if on or fired else None
            if not (yield from task_runs.claim(run, task.id, "due", due, now, waits=waits)):
                continue
            claimed += 1
            if waits is None:
                yield from self._begin(task, run, "due", False, now)
                fired = True
        step("sched.claiming")
        return claimed, fired

    def _begin(self, task: Task, run: str, cause: str, strong: bool, now: float) -> Script[None]:
        try:
            yield from self._fire(task, run, cause, strong, now)
        except RequestError as error:
            raise _NotBegun(str(error)) from error

    def _over(
        self, task: Task, judged: Judged, claimed: int, fired: bool, now: float
    ) -> Script[bool]:
        """Move a judged task on to its next time."""
        yield from self._pass(task, judged.passed, now)
        state = {name: value for name, value in task.state.items() if name not in _PASSING}
        moved = replace(task, next_at=judged.next_at, state=state)
        if fired:
            moved = replace(moved, runs=task.runs + 1, last_run_at=now)
        elif not claimed:
            moved = replace(moved, last_status="skipped")
        if judged.next_at is None and not claimed:
            moved = replace(moved, enabled=False, because="its time has passed")
        yield from tasks.advance(moved, task.next_at)
        yield from task_runs.forget(task.id, self._config().tasks.keep_runs)
        return fired

    def _pass(self, task: Task, passed: Passed | None, now: float) -> Script[None]:
        """Note what does not run: one row, however many due times it stands for."""
        if passed is None:
            return
        run = run_id(task.id, passed.last, "due")
        reason = policy.said(passed, task.zone)
        yield from task_runs.skip(run, task.id, passed.last, reason, now)

    def _released(self, id: str, now: float) -> Script[bool]:
        task = yield from tasks.get(id)
        if task is None or (yield from task_runs.open_of(id)):
            return False
        if (again := self._too_soon(task, now)) is not None:
            yield Wake("sched", f"task:{id}", again)
            return False
        wanted = policy_of(task.policy)
        for row in (yield from task_runs.waiting_of(id)):
            why = yield from self._refusal(task, wanted, now)
            if not task.enabled:
                why = f"The task was switched off: {task.because or 'nobody said why'}"
            if why is None:
                yield from task_runs.begin(row["id"], now)
                yield from tasks.began(id, now)
                yield from self._begin(task, row["id"], row["cause"], bool(row["strong"]), now)
                return True
            yield from task_runs.drop(row["id"], why, now)
        return False

    def _dropped(self, id: str, why: str, now: float) -> Script[None]:
        """The run that should have begun cannot; the next one is looked at."""
        rows = yield from task_runs.waiting_of(id)
        if rows:
            yield from task_runs.drop(rows[0]["id"], why, now)
            yield Wake("sched", f"task:{id}")

    def _refusal(self, task: Task, wanted: Policy, now: float) -> Script[str | None]:
        """Why a run may not begin: its agent, or its limit."""
        if why := self._agent_off(task):
            return why
        if wanted.max_runs_per_hour is None:
            return None
        return allowed(wanted, (yield from task_runs.starts(task.id, now - HOUR, now)), now)

    def _agent_off(self, task: Task) -> str | None:
        agents = {agent.id: agent.enabled for agent in self._config().agents}
        if task.agent not in agents:
            return f"The agent {task.agent} is gone, and no other runs its tasks"
        return None if agents[task.agent] else f"The agent {task.agent} is switched off"

    def _too_soon(self, task: Task, now: float) -> float | None:
        """When a task may begin again that began just now."""
        if task.last_run_at is None or not 0 <= now - task.last_run_at < policy.REFIRE:
            return None
        return task.last_run_at + policy.REFIRE

    def _catch_up(self, now: float) -> float:
        """When one more task may catch up: one after another, all of them within an hour."""
        slot = max(now, self._slot)
        if slot > now + policy.SPREAD:
            slot = now
        self._slot = slot + policy.STAGGER
        return slot

    def _fault(self, id: str, error: str, now: float) -> Script[None]:
        """A task could not be begun: try again in a minute, and switch it off after three times."""
        task = yield from tasks.get(id)
        if task is None or task.next_at is None:
            return
        faults = int(task.state.get("faults", 0)) + 1
        counted = replace(task, state={**task.state, "faults": faults})
        if faults < policy.FAULTS:
            later = policy.delayed(counted, now + policy.FAULT, "it could not be started")
            yield from tasks.advance(later, task.next_at)
            return
        because = f"it could not be started {faults} times: {error}"
        due = policy.first_due(task)
        yield from task_runs.skip(
            run_id(id, due, "due"), id, due, f"It could not be started: {error}", now
        )
        off = replace(task, enabled=False, because=because, next_at=None, state={})
        yield from tasks.advance(off, task.next_at)

    def _look(self, now: float) -> Script[tuple[float, list[tuple[str, float]]]]:
        """The last time at which anybody looked, and what is due now."""
        kept = yield from upkeep.marked(MARK)
        return (float(kept) if kept else 0.0), (yield from tasks.due(now, BATCH))

    def _looked(self, before: float, now: float) -> Script[None]:
        """Remember the time, and ask once to be woken at the next due time."""
        if now - before >= MARKED:
            yield from upkeep.mark(MARK, repr(now))
        due = yield from tasks.next_due()
        if due is None or due > now + AHEAD or now < self._alarm <= due:
            return
        self._alarm = due
        yield Wake("sched", tasks.CLOCK.key, due)

    async def _set_back(self, before: float, now: float) -> None:
        """The clock was set back: let no task wait for a time that is far away now."""
        log.warning("the clock was set back", seconds=round(before - now))
        rewind = partial(self._rewound, before=before, now=now)
        after = ""
        while some := await self._engine.read(tasks.alarmed(after, BATCH)):
            await asyncio.gather(*(self._engine.tx(rewind(id)) for id in some))
            after = some[-1]
        await self._engine.tx(upkeep.mark(MARK, repr(now)))

    def _rewound(self, id: str, before: float, now: float) -> Script[None]:
        task = yield from tasks.get(id)
        if task is None or task.next_at is None:
            return
        schedule = _schedule(task)
        natural, until = next_after(schedule, now), policy.first_due(task)
        if natural is None or natural >= until:
            return
        had = yield from task_runs.claimed(id, now, until)
        known = yield from task_runs.oldest(id, self._config().tasks.keep_runs)
        due = policy.rewound(schedule, now, until, had, known)
        state = {name: value for name, value in task.state.items() if name not in _PASSING}
        yield from tasks.advance(replace(task, next_at=due, state=state), task.next_at)
        if due != natural:
            why = (
                f"The clock was set back by {policy.span(before - now)}. What was due until "
                f"{policy.shown(due, task.zone)} was judged before"
            )
            yield from task_runs.skip(
                run_id(id, round(now, 3), "clock"), id, round(now, 3), why, now, cause="clock"
            )


_PASSING = ("held", "faults")


class _NotBegun(Exception):
    """The run that was claimed cannot begin; the text says why."""


def _schedule(task: Task) -> Schedule:
    return schedule_of(task.schedule, task.created_at, task.zone)
