"""What the agent's own tool may do with tasks: the service, as the run that calls it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.contract import Address
from bot.errors import RequestError
from bot.schedule.asking import Asker
from bot.schedule.drafts import Wanted
from bot.schedule.tasks import Tasks
from bot.store import tasks as store
from bot.types import Task, ToolContext

RUNS = 20
_CHANGES = ("text", "schedule", "name", "prompt", "delivery", "policy", "enabled")


@dataclass(frozen=True, slots=True)
class ToolTasks:
    """Acts for a run, in its session and for its requester; `web` is the page's channel.

    A run of a task acts for the session of that task, where people read what comes of it.
    """

    tasks: Tasks
    web: str

    async def __call__(self, action: str, args: Mapping[str, Any], ctx: ToolContext) -> Any:
        """Do one action; its answer is what the socket's method of that name answers."""
        asker = await self._asker(ctx)
        if action == "list":
            everything = bool(args.get("all"))
            here = {"session": asker.session, "agent": asker.agent}
            return {"tasks": await self.tasks.mine(asker, **here, everything=everything)}
        if action == "add":
            names = ("text", "schedule", "name", "prompt", "delivery", "policy")
            wanted = Wanted(**{name: args.get(name) for name in names})
            return (await self.tasks.add(asker, [wanted]))[0]
        if action in ("cancelRun", "retryRun"):
            run = _given(args, "runId", action)
            if action == "cancelRun":
                return await self.tasks.cancel_run(asker, run)
            return await self.tasks.retry_run(asker, run)
        return await self._one(action, asker, _given(args, "id", action), args, ctx)

    async def _one(
        self, action: str, asker: Asker, id: str, args: Mapping[str, Any], ctx: ToolContext
    ) -> Any:
        tasks = self.tasks
        if action == "update":
            return await tasks.update(asker, id, {n: args[n] for n in _CHANGES if n in args})
        if action == "runs":
            return {"runs": await tasks.runs(asker, id, args.get("limit", RUNS))}
        if action == "run":
            return await self._run(asker, id, ctx)
        plain = {
            "get": tasks.get,
            "remove": tasks.remove,
            "pause": tasks.pause,
            "resume": tasks.resume,
        }
        return await plain[action](asker, id)

    async def _run(self, asker: Asker, id: str, ctx: ToolContext) -> Any:
        row = await self.tasks.get(asker, id)
        # A run in this very session begins when this one is over: waiting for it would be in vain.
        behind = row["policy"]["target"] == "main" and row["sessionKey"] == ctx.turn.session.key
        async with ctx.away():
            return await self.tasks.run(asker, id, patience=0.0 if behind else None)

    async def _asker(self, ctx: ToolContext) -> Asker:
        turn = ctx.turn
        session, home = turn.session.key, turn.deliver_to
        if turn.errand is not None:
            task = await self.tasks.engine.read(store.get(turn.errand.task))
            if task is not None:
                session, home = task.session, _home(task)
        # A call that is made again after a crash asks for the same, at the same time.
        at = turn.message.at.timestamp() + zlib.crc32(ctx.call.encode()) % 1000 / 1000
        return Asker(
            requester=turn.requester,
            owner=ctx.owner,
            message=turn.message,
            name=f"tool:{turn.id}:{ctx.call}",
            at=at,
            session=session,
            agent=turn.session.agent,
            home=home if home is not None and home.channel != self.web else None,
            kind=turn.message.kind,
            author="model",
            foreign=ctx.foreign,
        )


def _home(task: Task) -> Address | None:
    text = task.delivery.get("address")
    return Address.parse(text) if text else None


def _given(args: Mapping[str, Any], name: str, action: str) -> str:
    value = args.get(name)
    if not value:
        raise RequestError("INVALID_PARAMS", f"say in {name} which one to {action}")
    return str(value)
