"""The service of scheduled tasks: made, listed, changed, run now, removed.

Chats, the socket, the command line and the agent's tool all come through here, each as an `Asker`.
Whatever cannot be done is refused with a RequestError whose sentence is for who asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bot.clock import Clock
from bot.config.settings import Config
from bot.engine.port import Engine, Row, Script
from bot.errors import RequestError
from bot.events import Hub, Signal
from bot.schedule import rows
from bot.schedule.asking import Asker, unknown, unknown_run
from bot.schedule.drafts import Drafts, Wanted
from bot.schedule.trigger import next_after, schedule_of
from bot.schedule.waiting import CHANGED, Waiting, patient
from bot.store import task_lists, task_runs, task_told, upkeep
from bot.store import tasks as store
from bot.store.sessions import ensure
from bot.types import Task

PATIENCE = 120.0  # seconds that who runs a task now waits for its end
SECTION = 200  # tasks of one list, at most
_TROUBLE = ("held", "faults", "errors")  # what a task remembers of what went wrong

Json = dict[str, Any]


class Starter(Protocol):
    """What begins runs: the clock."""

    def start(
        self, task: Task, cause: str, now: float, *, due: float | None = None, strong: bool = False
    ) -> Script[str | None]:
        """Claim a due time and begin its run; its id, None when it was claimed before."""
        ...


@dataclass(slots=True)
class Tasks:
    """The tasks of a process. `stop` ends one run in a session; `start` begins one."""

    engine: Engine
    clock: Clock
    hub: Hub
    config: Callable[[], Config]
    drafts: Drafts
    starter: Starter
    stop: Callable[[str, str], Awaitable[Any]]
    waiting: Waiting

    async def add(self, asker: Asker, wanted: Sequence[Wanted]) -> list[Json]:
        """Make all of these or none; their rows with `said` and `upcoming`, in their order."""
        made = [await self.drafts.draft(asker, one) for one in wanted]
        kept = await self.engine.tx(self._put(asker, made))
        for task in kept:
            self.tell(task)
        return [self._shown(task) for task in kept]

    def _put(self, asker: Asker, made: Sequence[Task]) -> Script[list[Task]]:
        kept, most = [], self.config().tasks.max_per_person
        have = yield from store.of_person(asker.requester)
        for number, task in enumerate(made):
            name = f"{asker.name}/{number}"
            if (known := (yield from store.made(name))) is not None:
                kept.append(known)
                continue
            have += 1
            if have > most:
                say = f"You have {have - 1} tasks, and tasks.max_per_person is {most}"
                raise RequestError("RATE_LIMITED", f"{say}; remove one first")
            yield from ensure(*self.drafts.session_of(asker, task), asker.at)
            yield from store.put(task, name)
            kept.append(task)
        return kept

    async def preview(self, asker: Asker, wanted: Wanted) -> Json:
        """What a wish would make, without making it: its row without an id."""
        row = self._shown(await self.drafts.draft(asker, wanted))
        return {name: value for name, value in row.items() if name != "id"}

    async def mine(
        self, asker: Asker, *, session: str | None, agent: str | None, everything: bool
    ) -> list[Json]:
        """The tasks of a session, of an agent or of all, that the asker may see; enabled first."""
        if session is not None and not everything:
            return await self._rows(await self._some(session=session, enabled=True))
        found = [] if session is None else await self._some(session=session)
        if session is None or asker.session is not None:
            only = None if asker.owner else asker.requester
            enabled = None if everything else True
            others = await self._some(agent=agent, requester=only, enabled=enabled)
            found += [task for task in others if task.session != session]
        return await self._rows(sorted(found, key=_soonest))

    async def _rows(self, tasks: Sequence[Task]) -> list[Json]:
        """Rows that say which tasks have lost their last result."""
        lost = await self.engine.read(task_told.lost([task.id for task in tasks]))
        return [self._row(task) | rows.lost(lost.get(task.id)) for task in tasks]

    async def _some(self, **which: Any) -> list[Task]:
        return await self.engine.read(task_lists.listing(limit=SECTION, **which))

    async def get(self, asker: Asker, name: str) -> Json:
        task = await self._found(asker, name)
        [row] = await self._rows([task])
        return row | self._shown(task)

    async def edit(self, asker: Asker, name: str, text: str) -> Json:
        """Change a task by words; its row with `changed`, in words."""
        task = asker.check(await self._found(asker, name))
        changed, said = await self.drafts.edited(asker, task, text)
        return await self._changed(changed) | {"changed": said}

    async def update(self, asker: Asker, name: str, changes: Mapping[str, Any]) -> Json:
        """Change what is named: name, prompt, text or schedule, delivery, policy, enabled."""
        task = asker.check(await self._found(asker, name))
        changed = await self.drafts.updated(asker, task, changes)
        if changes.get("enabled") is not None and changes["enabled"] != changed.enabled:
            changed = self._resumed(changed) if changes["enabled"] else _paused(changed, asker)
        return await self._changed(changed)

    async def pause(self, asker: Asker, name: str) -> Json:
        task = asker.check(await self._found(asker, name))
        return await self._changed(_paused(task, asker)) if task.enabled else self._shown(task)

    async def resume(self, asker: Asker, name: str) -> Json:
        """Enable a task; what blocked it is looked at again first. Raises RequestError CONFLICT."""
        task = asker.check(await self._found(asker, name))
        return self._shown(task) if task.enabled else await self._changed(self._resumed(task))

    def _resumed(self, task: Task) -> Task:
        self.drafts.check(task)
        schedule = schedule_of(task.schedule, task.created_at, task.zone)
        due = next_after(schedule, self.clock.now())
        if due is None:
            raise RequestError("CONFLICT", "Its time has passed; give it another one with edit")
        state = {name: one for name, one in task.state.items() if name not in _TROUBLE}
        return replace(task, enabled=True, because=None, next_at=due, state=state)

    async def _changed(self, task: Task) -> Json:
        now = self.clock.now()
        await self.engine.tx(store.change(task, now))
        self.tell(task)
        return self._shown(replace(task, updated_at=now))

    async def remove(self, asker: Asker, name: str) -> Json:
        """Forget a task with its history, and stop what runs of it; the row it had."""
        known = await self.engine.read(upkeep.known(asker.name))
        task = asker.check(await self._found(asker, name)) if not known else None
        row = await self.engine.tx(upkeep.once(asker.name, self._removed(task, name), asker.at))
        for run in row.pop("open"):
            await self.stop(run["session"], run["id"])
        if task is not None:
            self.tell(task)
        return dict(row)

    def _removed(self, task: Task | None, name: str) -> Script[Json]:
        if task is None or not (yield from self._gone(task)):
            raise unknown(name)
        runs = yield from task_runs.open_of(task.id)
        yield from store.remove(task.id)
        on = [{"id": row["id"], "session": row["session_key"] or task.session} for row in runs]
        return self._row(task) | {"open": on, "stopped": len(on)}

    def _gone(self, task: Task) -> Script[bool]:
        """Is it still there at this moment?"""
        return (yield from store.get(task.id)) is not None

    async def run(
        self,
        asker: Asker,
        name: str,
        alone: Callable[[], Script[bool]] = patient,
        patience: float | None = None,
    ) -> Json:
        """Run now, enabled or not; the run's row when it ended, or as it is after two minutes.

        It is not waited for when somebody else waits behind the asker, who is then not `alone`.
        `patience` in seconds is another limit.
        """
        task = asker.check(await self._found(asker, name))
        run = await self._begin(asker, task, "manual")
        await self.waiting.until_settled(
            task.id, run, PATIENCE if patience is None else patience, alone
        )
        return await self.run_row(asker, run)

    async def retry_run(self, asker: Asker, run: str) -> Json:
        """Do a run that is over once more; the new one's row. Raises RequestError CONFLICT."""
        task, row = await self._run_found(asker, run)
        asker.check(task)
        if row["settled_at"] is None:
            raise RequestError("CONFLICT", f"The run {run} is not over yet; cancel it first")
        return await self.run_row(asker, await self._begin(asker, task, "retry"))

    async def _begin(self, asker: Asker, task: Task, cause: str) -> str:
        self.drafts.check(task)
        begun = await self.engine.tx(self._start(task, cause, asker))
        if begun is None:
            raise RequestError("CONFLICT", "A run of this task begins at this moment already")
        self.tell(task)
        return begun

    def _start(self, task: Task, cause: str, asker: Asker) -> Script[str | None]:
        """Begin a run that is named after its asking: asked again, it is the same one."""
        run = yield from self.starter.start(task, cause, self.clock.now(), due=round(asker.at, 3))
        return run or (yield from task_lists.run_of(task.id, round(asker.at, 3), cause))

    async def runs(self, asker: Asker, name: str, limit: int) -> list[Json]:
        """The last runs of a task, newest first."""
        task = await self._found(asker, name)
        found = await self.engine.read(task_runs.history(task.id, limit))
        return [rows.run_row(row, task.zone) for row in found]

    async def run_row(self, asker: Asker, run: str) -> Json:
        task, row = await self._run_found(asker, run)
        return rows.run_row(row, task.zone)

    async def cancel_run(self, asker: Asker, run: str) -> Json:
        """Stop a run that is on. Raises RequestError CONFLICT when it is over."""
        task, row = await self._run_found(asker, run)
        asker.check(task)
        if row["settled_at"] is not None:
            raise RequestError("CONFLICT", f"The run {run} is over: {row['status']}")
        if row["started_at"] is None:
            why = "it was cancelled while it waited"
            await self.engine.tx(task_runs.drop(run, why, self.clock.now()))
        await self.stop(row["session_key"] or task.session, run)
        await self.waiting.until_settled(task.id, run, 5.0)
        self.tell(task)
        return await self.run_row(asker, run)

    async def timezone(self, asker: Asker, zone: str | None) -> str:
        """Keep the asker's zone, if one is named; the zone that counts for them."""
        if zone is not None:
            await self.engine.tx(store.keep_zone(asker.requester, self.drafts.zone_named(zone)))
        return await self.drafts.zone(asker, asker.agent)

    def tell(self, task: Task) -> None:
        """Tell pages that a task, or something of it, changed."""
        data = {"taskId": task.id, "agentId": task.agent, "sessionKey": task.session}
        self.hub.publish(Signal(CHANGED, data))

    def moved(self, id: str) -> None:
        """Something of a task was begun or judged: tell who waits for it, and pages."""
        self.waiting.hear(id)
        self.hub.publish(Signal(CHANGED, {"taskId": id}))

    async def _found(self, asker: Asker, name: str) -> Task:
        task = await self.engine.read(store.get(name))
        if task is None or not asker.sees(task):
            raise unknown(name)
        return task

    async def _run_found(self, asker: Asker, run: str) -> tuple[Task, Row]:
        row = await self.engine.read(task_runs.get(run))
        task = await self.engine.read(store.get(row["task"])) if row is not None else None
        if row is None or task is None or not asker.sees(task):
            raise unknown_run(run)
        return task, row

    def _row(self, task: Task) -> Json:
        row = rows.task_row(task, self.drafts.plan(task), self.config().tasks.missed)
        return row | {"because": task.because or self.drafts.trouble(task)}

    def _shown(self, task: Task) -> Json:
        """A row with its schedule in words and its next three runs."""
        said, upcoming = self.drafts.said(task, self.clock.now())
        return self._row(task) | {"said": said, "upcoming": upcoming}


def _soonest(task: Task) -> tuple[bool, bool, float, float]:
    """Enabled before inactive, then by the next run, then the last changed."""
    return not task.enabled, task.next_at is None, task.next_at or 0.0, -task.updated_at


def _paused(task: Task, asker: Asker) -> Task:
    author = asker.message.author
    return replace(
        task, enabled=False, because=f"paused by {author.name or author.id}", next_at=None
    )
