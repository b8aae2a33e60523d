"""`chat.*`: a conversation as the page and the terminal hold it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from bot.engine.port import Script
from bot.events import Signal
from bot.gateway import runs
from bot.gateway.history import history
from bot.gateway.params import Id, OneSession, Said, plain
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.gateway.targets import ensured, page_of, session_key
from bot.gateway.uploads import Files
from bot.keys import SessionKey
from bot.store import entries
from bot.types import Entry, Thinking


class SendParams(OneSession):
    """A message, as typed in a chat: a slash command is one. With files it may be empty."""

    attachments: Files | None = None
    message: str
    idempotency_key: Id
    thinking: Thinking | None = None

    @field_validator("message")
    @classmethod
    def _says_something(cls, text: str, before: ValidationInfo) -> str:
        clean = plain(text)
        if not clean.strip() and not before.data.get("attachments"):
            raise ValueError("must not be empty")
        return clean


class HistoryParams(OneSession):
    """A page of a transcript: the last `limit` messages, before the message with id `before`."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    before: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")] | None = None


class AbortParams(OneSession):
    """Everything of a session, or one run."""

    run_id: Id | None = None


class InjectParams(OneSession):
    """A note for people; the agent never sees it."""

    text: Said


@method("chat.send", SendParams, help="Say something in a session; the key is the run's id.")
async def chat_send(core: Core, client: Client, params: SendParams) -> Json:
    key = await session_key(core, params.session_key, params.exact)
    page = page_of(key)
    accepted = await runs.submit(
        core,
        key,
        params.idempotency_key,
        params.message,
        seen_at=page,
        deliver_to=page,
        commands=True,
        options={} if params.thinking is None else {"thinking": params.thinking},
        files=params.attachments,
    )
    run = params.idempotency_key
    return {"runId": run, "status": await _status(core, run, known=accepted.state == "known")}


async def _status(core: Core, run: str, *, known: bool) -> str:
    row = await runs.find(core, run)
    if known:
        return "ok" if row["ended_at"] is not None else "in_flight"
    if row["lane"] != row["session_key"]:
        return "started"  # a command waits behind no run
    active = await core.sessions.active_runs(row["session_key"])
    first = active[0]["id"] if active else run
    return "started" if first == run else "queued"


@method("chat.history", HistoryParams, help="A session's messages, oldest first, and what is on.")
async def chat_history(core: Core, client: Client, params: HistoryParams) -> Json:
    key = await session_key(core, params.session_key, params.exact, idle=True)
    before = None if params.before is None else int(params.before)
    return await history(core, key, params.limit, before)


@method("chat.abort", AbortParams, help="Stop a session's run and withdraw what waits.")
async def chat_abort(core: Core, client: Client, params: AbortParams) -> Json:
    key = await session_key(core, params.session_key, params.exact)
    stopped = await core.lanes.stop(key.text, params.run_id)
    return {"aborted": stopped.aborted, "withdrawn": stopped.withdrawn}


@method("chat.inject", InjectParams, help="Put a note for people into a session; no run.")
async def chat_inject(core: Core, client: Client, params: InjectParams) -> Json:
    key = await session_key(core, params.session_key, params.exact)
    note = Entry(role="note", text=params.text, at=core.clock.now())
    stored = await core.engine.tx(_noted(key, note))
    core.hub.publish(Signal("sessions.changed", {"sessionKey": key.text}))
    return {"id": str(stored.seq)}


def _noted(key: SessionKey, note: Entry) -> Script[Entry]:
    row = yield from ensured(key, note.at)
    return (yield from entries.append(row["id"], [note]))[0]


METHODS: tuple[Method, ...] = (chat_send, chat_history, chat_abort, chat_inject)
