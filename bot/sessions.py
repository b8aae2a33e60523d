"""Sessions for people: match or create, named children, switch, rename, reset.

Every change is one transaction and announced on the hub. `ConversationSessions` is what a command
sees: the same operations bound to one conversation, each done once even if the command runs again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.clock import Clock
from bot.contract import Address
from bot.engine.port import Engine, Row, Script
from bot.errors import RequestError
from bot.events import Hub, Signal
from bot.hooks.points import Hooks
from bot.keys import SessionKey, parse_key
from bot.store import entries, forks, runs, session_marks, sessions, upkeep
from bot.types import Entry, Session

MAX_LABEL = 64
_WHOLE = 100_000
MAX_TOLD = 1000  # lines of a transcript that hooks are told


def not_found(key: str) -> RequestError:
    return RequestError("NOT_FOUND", f"There is no session {key}")


class Sessions:
    """The sessions of the store."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        hub: Hub,
        default_agent: str,
        hooks: Hooks | None = None,
    ) -> None:
        self.hooks = hooks or Hooks()
        self._engine = engine
        self._clock = clock
        self._hub = hub
        self.default_agent = default_agent

    def key(self, text: str) -> SessionKey:
        """Read a key as typed. Raises RequestError INVALID_PARAMS."""
        try:
            return parse_key(text, self.default_agent)
        except ValueError as error:
            raise RequestError("INVALID_PARAMS", str(error)) from None

    async def resolve(self, text: str, *, exact: bool = False) -> SessionKey:
        """The key that a message to this key goes to: a base stands for its active child."""
        key = self.key(text)
        if exact or key.slug:
            return key
        return parse_key(await self._engine.read(sessions.active_key(key.base)))

    async def get(self, text: str) -> Row | None:
        return await self._engine.read(sessions.current(self.key(text).text))

    async def by_id(self, session: str) -> Row | None:
        return await self._engine.read(sessions.by_id(session))

    async def listing(self, limit: int = 500, agent: str | None = None) -> list[Row]:
        return await self._engine.read(sessions.listing(limit, agent))

    async def children(self, base: str) -> list[Row]:
        return await self._engine.read(sessions.children(base))

    async def create(self, base: str, label: str | None, *, activate: bool = False) -> Row:
        """A new named child of a base session. Raises RequestError."""
        key = self.key(base)
        now = self._clock.now()
        row = await self._engine.tx(
            sessions.create_child(key, checked_label(label), now, activate=activate)
        )
        return self._changed(row)

    async def fork(self, text: str, up_to: int, label: str | None) -> Row:
        """A new child that has a session's transcript up to an entry. Raises RequestError."""
        key = self.key(text)
        row = await self._engine.tx(forks.fork(key, up_to, checked_label(label), self._clock.now()))
        return self._changed(row or self._missing(text))

    async def switch(self, base: str, to: str | None) -> Row:
        """Make a child (by label, slug or key) or the base itself active. Raises RequestError."""
        row = await self._engine.tx(switch(self.key(base), to, self._clock.now()))
        return self._changed(row)

    async def rename(self, text: str, label: str) -> Row:
        checked = checked_label(label)
        if checked is None:
            raise RequestError("INVALID_PARAMS", "A label needs at least one letter")
        key = self.key(text).text
        row = await self._engine.tx(sessions.rename(key, checked, self._clock.now()))
        return self._changed(row or self._missing(text))

    async def patch(self, text: str, **changes: Any) -> Row:
        """Change overrides (model, thinking, verbose, reasoning, queue); None clears one."""
        key = self.key(text).text
        row = await self._engine.tx(sessions.patch(key, changes, self._clock.now()))
        return self._changed(row or self._missing(text))

    async def reset(self, text: str, reason: str = "reset") -> Row:
        """Put the transcript away and begin a new one under the same key."""
        key = self.key(text).text
        async with leaving(self._engine, self._clock, self.hooks, key, reason):
            row = await self._engine.tx(sessions.reset(key, reason, self._clock.now()))
        return self._changed(row or self._missing(text))

    async def delete(self, text: str) -> Row:
        """Put a session away for good; its transcript stays in the store."""
        key = self.key(text).text
        async with leaving(self._engine, self._clock, self.hooks, key, "deleted"):
            row = await self._engine.tx(_gone(key, self._clock.now()))
        return self._changed(row or self._missing(text))

    async def history(self, session: str, limit: int, before: int | None = None) -> list[Entry]:
        """The last entries of a session id (before a number), oldest first."""
        return await self._engine.read(entries.tail(session, limit, before))

    async def active_runs(self, key: str) -> list[Row]:
        return await self._engine.read(runs.active(key))

    def _missing(self, text: str) -> Row:
        raise not_found(text)

    def _changed(self, row: Row) -> Row:
        self._hub.publish(Signal("sessions.changed", {"sessionKey": row["key"]}))
        return row


def _gone(key: str, now: float) -> Script[Row | None]:
    yield from session_marks.forget(key)
    return (yield from sessions.archive(key, "deleted", now))


@asynccontextmanager
async def leaving(
    engine: Engine, clock: Clock, hooks: Hooks, key: str, reason: str
) -> AsyncIterator[None]:
    """Tell hooks of a session that is put away inside: before, with its transcript, and after.

    One in which nothing was said never began for them, and does not end.
    """
    row = None
    if hooks.wants("before_reset", "session_start", "session_end"):
        row = await engine.read(sessions.current(key))
    if row is None or not row["last_seq"]:
        yield
        return
    said = await engine.read(entries.tail(row["id"], MAX_TOLD))
    await hooks.before_reset(row, said, reason)
    yield
    hooks.session_end(row, row["last_seq"], clock.now() - row["created_at"])


def checked_label(label: str | None) -> str | None:
    """A label fit to be shown, None when there is nothing in it."""
    if label is None:
        return None
    clean = " ".join(label.split())[:MAX_LABEL]
    if clean.lower() == "main":
        raise RequestError("INVALID_PARAMS", "Main is the first session's name; choose another")
    return clean or None


def switch(base: SessionKey, to: str | None, now: float) -> Script[Row]:
    """Point a conversation at one of its sessions. Raises RequestError NOT_FOUND."""
    wanted = (to or "").strip().lower()
    if wanted in ("", "main", base.base):
        row = yield from sessions.ensure(parse_key(base.base), "Main", None, None, now)
        yield from sessions.point(base.base, base.base)
        return row
    for row in (yield from sessions.children(base.base)):
        if wanted in (row["key"], row["slug"], row["label"].lower()):
            yield from sessions.point(base.base, row["key"])
            return row
    raise RequestError("NOT_FOUND", f"No session here is called {to}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command was given: the conversation's base key and the key it speaks in."""

    base: str
    key: str
    address: Address | None
    chat_kind: str | None
    label: str


class ConversationSessions:
    """`SessionsPort` for one conversation; `command` names the inbox row that asks."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        hub: Hub,
        place: Place,
        command: str,
        check_model: Callable[[str], str],
        hooks: Hooks | None = None,
    ) -> None:
        self._hooks = hooks or Hooks()
        self.base = place.base
        self.key = place.key
        self._engine = engine
        self._clock = clock
        self._hub = hub
        self._place = place
        self._command = command
        self._check_model = check_model
        self._effects = 0

    async def current(self) -> Session:
        return await self._once(self._ensured(self.key))

    async def children(self) -> list[Session]:
        rows = await self._engine.read(sessions.children(self.base))
        return [sessions.session_from(row) for row in rows]

    async def create(self, label: str | None) -> Session:
        return await self._once(self._created(checked_label(label)))

    async def switch(self, name: str | None) -> Session:
        return await self._once(self._switched(name))

    async def rename(self, label: str) -> Session:
        checked = checked_label(label)
        if checked is None:
            raise RequestError("INVALID_PARAMS", "A label needs at least one letter")
        return await self._once(self._found(sessions.rename(self.key, checked, self._clock.now())))

    async def reset(self, reason: str) -> Session:
        async with leaving(self._engine, self._clock, self._hooks, self.key, reason):
            return await self._once(self._reset(reason))

    async def patch(self, **settings: Any) -> Session:
        if settings.get("model") is not None:
            settings["model"] = self._check_model(settings["model"])
        return await self._once(self._patched(settings))

    async def history(self) -> list[Entry]:
        row = await self._engine.read(sessions.current(self.key))
        return await self._engine.read(entries.tail(row["id"], _WHOLE)) if row is not None else []

    async def _once(self, script: Script[str]) -> Session:
        """Do a change one time, however often the command runs; the session it ended with."""
        self._effects += 1
        now = self._clock.now()
        key = f"{self._command}:{self._effects}"
        session = await self._engine.tx(upkeep.once(key, script, now))
        row = await self._engine.read(sessions.by_id(session))
        assert row is not None
        self._hub.publish(Signal("sessions.changed", {"sessionKey": row["key"]}))
        return sessions.session_from(row)

    def _ensured(self, key: str) -> Script[str]:
        place = self._place
        row = yield from sessions.ensure(
            parse_key(key), place.label, place.address, place.chat_kind, self._clock.now()
        )
        return str(row["id"])

    def _created(self, label: str | None) -> Script[str]:
        yield from self._ensured(self.base)
        row = yield from sessions.create_child(
            parse_key(self.base), label, self._clock.now(), activate=True
        )
        return str(row["id"])

    def _switched(self, name: str | None) -> Script[str]:
        yield from self._ensured(self.base)
        row = yield from switch(parse_key(self.base), name, self._clock.now())
        return str(row["id"])

    def _reset(self, reason: str) -> Script[str]:
        yield from self._ensured(self.key)
        return (yield from self._found(sessions.reset(self.key, reason, self._clock.now())))

    def _patched(self, settings: dict[str, Any]) -> Script[str]:
        yield from self._ensured(self.key)
        return (yield from self._found(sessions.patch(self.key, settings, self._clock.now())))

    def _found(self, script: Script[Row | None]) -> Script[str]:
        row = yield from script
        if row is None:
            raise not_found(self.key)
        return str(row["id"])
