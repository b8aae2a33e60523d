"""What a chat command may do with tasks: the service, as whoever typed it, where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.contract import Address
from bot.engine.port import Script
from bot.schedule.asking import Asker
from bot.schedule.drafts import Wanted
from bot.schedule.tasks import Tasks
from bot.store import inbox
from bot.store.inbox import Item

Row = Mapping[str, Any]


class ChatTasks:
    """`TasksPort` for one command; `web` is the page's channel, where nothing is delivered to."""

    def __init__(self, tasks: Tasks, item: Item, web: str) -> None:
        self._tasks = tasks
        self._item = item
        self._asker = asker_of(item, web)

    async def create(self, texts: Sequence[str]) -> Sequence[Row]:
        return await self._tasks.add(self._asker, [Wanted(text) for text in texts])

    async def list(self, *, everything: bool = False) -> Sequence[Row]:
        session, agent = self._asker.session, self._asker.agent
        return await self._tasks.mine(
            self._asker, session=session, agent=agent, everything=everything
        )

    async def get(self, name: str) -> Row:
        return await self._tasks.get(self._asker, name)

    async def edit(self, name: str, text: str) -> Row:
        return await self._tasks.edit(self._asker, name, text)

    async def pause(self, name: str) -> Row:
        return await self._tasks.pause(self._asker, name)

    async def resume(self, name: str) -> Row:
        return await self._tasks.resume(self._asker, name)

    async def remove(self, name: str) -> Row:
        return await self._tasks.remove(self._asker, name)

    async def run(self, name: str) -> Row:
        return await self._tasks.run(self._asker, name, alone=self._alone)

    async def runs(self, name: str, limit: int) -> Sequence[Row]:
        return await self._tasks.runs(self._asker, name, limit)

    async def run_row(self, run: str) -> Row:
        return await self._tasks.run_row(self._asker, run)

    async def cancel_run(self, run: str) -> Row:
        return await self._tasks.cancel_run(self._asker, run)

    async def retry_run(self, run: str) -> Row:
        return await self._tasks.retry_run(self._asker, run)

    async def timezone(self, zone: str | None) -> str:
        return await self._tasks.timezone(self._asker, zone)

    def _alone(self) -> Script[bool]:
        """Does nothing else wait in the conversation behind this command?"""
        waiting = yield from inbox.waiting(self._item.lane, 2)
        return len(waiting) < 2


def asker_of(item: Item, web: str) -> Asker:
    """Whoever wrote a command."""
    message = item.message
    on_web = message.address.channel == web
    to = item.options.get("deliverTo", message.address.key)
    home = Address.parse(to) if to is not None and not on_web else None
    return Asker(
        requester=item.requester,
        owner=bool(item.options.get("owner")),
        message=message,
        name=f"command:{item.id}",
        at=item.at,
        session=item.session_key,
        agent=item.agent,
        home=home,
        kind=None if on_web else message.kind,
    )
