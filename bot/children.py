"""The children of a session, as people and models look after them: list, log, tell, stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from bot.clock import Clock
from bot.engine.port import Engine, Row, Script
from bot.errors import RequestError
from bot.store import children, entries, sessions
from bot.types import Entry

MAX_SHOWN = 4000  # characters of one message as another session sees it


class Children:
    """What sessions gave others to do. `stop` ends a session's work with all that it started; it is
    filled in by the composition root."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self.stop: Callable[[str], Awaitable[object]] | None = None

    async def history(self, session: str, limit: int) -> list[dict[str, Any]]:
        """The last messages of a session (its id), without tools and reasoning, oldest first."""
        lines = await self._engine.read(entries.tail(session, min(500, limit * 4)))
        return [_line(one) for one in lines if one.role in ("user", "assistant") and one.text][
            -limit:
        ]

    async def listing(self, parent: str, requester: str | None) -> list[dict[str, Any]]:
        """The work that a session gave, newest first, numbered; for one requester, or for all."""
        rows = await self._engine.read(children.listing(parent))
        mine = [row for row in rows if requester in (None, row["requester"])]
        return [_child(row, number, self._clock.now()) for number, row in enumerate(mine, 1)]

    async def find(self, parent: str, requester: str | None, name: str) -> dict[str, Any]:
        """One of them by number, id, key or label. Raises RequestError NOT_FOUND."""
        wanted = name.strip().lower().removeprefix("#")
        rows = await self.listing(parent, requester)
        for row in rows:
            if wanted in (str(row["number"]), row["id"], row["sessionKey"], row["label"].lower()):
                return row
        near = [row for row in rows if len(wanted) >= 4 and row["id"].startswith(wanted)]
        if len({row["sessionKey"] for row in near}) == 1:
            return near[0]
        raise RequestError("NOT_FOUND", f"No helper here is called {name[:80]}.")

    async def log(self, row: Mapping[str, Any], limit: int = 20) -> list[dict[str, Any]]:
        """What a child said and was told last."""
        session = await self._engine.read(sessions.current(row["sessionKey"]))
        return await self.history(session["id"], limit) if session is not None else []

    async def kill(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Stop these children with all that they started; those that were at work."""
        at_work = [row for row in rows if row["status"] == "running"]
        for key in dict.fromkeys(str(row["sessionKey"]) for row in at_work):
            assert self.stop is not None
            await self._engine.tx(children.stopped([key]))
            await self.stop(key)
        return at_work

    async def tell(
        self, row: Mapping[str, Any], text: str, again: str, deliver_to: str | None
    ) -> str:
        """A person says something to a child; the run that answers, reported when it is done.

        `again` names the asking, so that it happens once.
        """
        run = str(uuid5(NAMESPACE_URL, again))
        await self._engine.tx(self._tell(row, text, run, deliver_to))
        return run

    def _tell(
        self, row: Mapping[str, Any], text: str, run: str, deliver_to: str | None
    ) -> Script[None]:
        known = yield from children.of_run(row["runId"])
        assert known is not None
        work = children.work_of(known, run, text, deliver_to)
        now = self._clock.now()
        yield from children.owe(work, now)
        yield from children.say(
            children.bare(work.message, text),
            key=work.key,
            agent=work.agent,
            requester=work.requester,
            run=run,
            deliver_to=None,
            source={"session": work.parent, "gives": "message"},
            hops=work.hops,
            now=now,
        )


def _line(entry: Entry) -> dict[str, Any]:
    text = entry.text
    if len(text) > MAX_SHOWN:
        text = f"{text[:MAX_SHOWN]} [{len(text) - MAX_SHOWN} more characters]"
    return {"role": entry.role, "text": text}


def _child(row: Row, number: int, now: float) -> dict[str, Any]:
    return {
        "number": number,
        "id": row["key"].rpartition(":")[2],
        "label": row["name"] or row["label"],
        "sessionKey": row["key"],
        "runId": row["run"],
        "task": row["task"],
        "status": "running" if row["ended_at"] is None else row["state"],
        "report": _report(row),
        "result": row["result"] or "",
        "seconds": round((row["ended_at"] or now) - row["created_at"], 1),
    }


def _report(row: Row) -> str | None:
    """What became of a report: pending, reported, undelivered; None when there is none."""
    if row["ended_at"] is None or row["state"] in (children.STOPPED, children.SILENT):
        return None
    if row["report"] in ("queued", "running"):
        return "pending"
    lost = row["report"] in ("error", "aborted") or row["sent"] in ("failed", "held", "uncertain")
    return "undelivered" if lost else "reported"
