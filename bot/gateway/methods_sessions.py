"""`sessions.*`: list, create, change, switch, reset, delete, export."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import AfterValidator, Field

from bot.acceptance import OPERATOR
from bot.config.agents import Agent
from bot.contract import Address, Author, Message, Ref
from bot.engine.port import Row
from bot.errors import RequestError, RunError
from bot.events import Signal
from bot.gateway.frames import Params
from bot.gateway.history import everything, shown
from bot.gateway.params import Id, OneSession
from bot.gateway.rows import when
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.runs import wait
from bot.gateway.services import Core
from bot.gateway.targets import ensure, session_key
from bot.gateway.uploads import Uploads
from bot.keys import SessionKey, main_key
from bot.store import forks, session_marks, work
from bot.store import sessions as scripts
from bot.types import Settings, Thinking

_COMPACTION = 600.0
Mode = Literal["collect", "followup", "steer", "steer-backlog", "interrupt"]


def _moment(text: str) -> str:
    try:
        known = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        known = False
    if not known:
        raise ValueError("must be a time with its offset, such as 2026-01-02T03:04:05+00:00")
    return text


class ListParams(Params):
    """All sessions, newest first, or one agent's."""

    agent_id: Id | None = None
    limit: Annotated[int, Field(ge=1, le=5000)] = 500


class CreateParams(Params):
    """A named session below an agent's main one."""

    agent_id: Id
    label: Id | None = None


class ForkParams(OneSession):
    """A new session with what was said up to the message with id `upTo`; 0: nothing of it."""

    up_to: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]
    label: Id | None = None


class QueueChoice(Params):
    """How messages that come during a run are taken."""

    mode: Mode
    debounce: Annotated[str, Field(pattern=r"^[0-9]+(ms|s|m|h)$")] | None = None
    cap: Annotated[int, Field(ge=1, le=1000)] | None = None
    drop: Literal["old", "new", "summarize"] | None = None


class PatchParams(OneSession):
    """Overrides of a session; null goes back to the agent's own.

    `pinned`, `archived` (out of sight in lists) and `readAt` are notes of the operator, the same in
    every browser; null as `readAt` makes the session unread.
    """

    label: Id | None = None
    model: Id | None = None
    thinking: Thinking | None = None
    verbose: Literal["off", "on", "full"] | None = None
    reasoning: Literal["off", "on", "stream"] | None = None
    queue: Mode | QueueChoice | None = None
    pinned: bool | None = None
    archived: bool | None = None
    read_at: Annotated[str, Field(max_length=64), AfterValidator(_moment)] | None = None


class SwitchParams(Params):
    """Which of a conversation's sessions is active: by label, slug, key or `main`."""

    session_key: Id
    to: Id


@method("sessions.list", ListParams, help="Every session, newest first.")
async def sessions_list(core: Core, client: Client, params: ListParams) -> Json:
    if params.agent_id is not None:
        core.world.agent(params.agent_id.lower(), off=True)
    agent = params.agent_id.lower() if params.agent_id else None
    rows = await core.sessions.listing(params.limit, agent)
    total = {"total": len(rows)} if len(rows) < params.limit else {}
    return {"sessions": [session_row(core, row) for row in rows], **total}


@method("sessions.create", CreateParams, help="A new named session of an agent.")
async def sessions_create(core: Core, client: Client, params: CreateParams) -> Json:
    agent = core.world.agent(params.agent_id.lower())
    row = await core.sessions.create(main_key(agent.id), params.label)
    return {"sessionKey": row["key"], "sessionId": row["id"], "label": row["label"]}


@method("sessions.fork", ForkParams, help="Go on from a message in a new session of its own.")
async def sessions_fork(core: Core, client: Client, params: ForkParams) -> Json:
    # A message is one of this transcript: a pointer may have moved since it was shown.
    key = await session_key(core, params.session_key, True)
    row = await core.sessions.fork(key.text, int(params.up_to), params.label)
    return {"sessionKey": row["key"], "sessionId": row["id"], "label": row["label"]}


@method("sessions.patch", PatchParams, help="Change a session's name, model and manners.")
async def sessions_patch(core: Core, client: Client, params: PatchParams) -> Json:
    key = await session_key(core, params.session_key, params.exact, idle=True)
    changes: dict[str, Any] = {
        name: getattr(params, name)
        for name in ("model", "thinking", "verbose", "reasoning", "queue")
        if name in params.model_fields_set
    }
    if changes.get("model") is not None:
        changes["model"] = core.world.check_model(key.agent, changes["model"])
    if changes.get("queue") is not None:
        changes["queue"] = _queue(changes["queue"])
    noted = await _noted(core, key, params)
    if not changes and params.label is None and not noted:
        raise RequestError("INVALID_PARAMS", "name something to change, such as label or model")
    await ensure(core, key)
    if params.label is not None:
        await core.sessions.rename(key.text, params.label)
    if changes:
        await core.sessions.patch(key.text, **changes)
    return await one_row(core, key.text)


async def _noted(core: Core, key: SessionKey, params: PatchParams) -> bool:
    """Note what the operator says about a session that is there; was there anything?"""
    marks = params.pinned is not None or params.archived is not None
    read = "read_at" in params.model_fields_set
    if not marks and not read:
        return False
    row = await one_row(core, key.text)
    if marks:
        said = session_marks.note(key.text, pinned=params.pinned, archived=params.archived)
        await core.engine.tx(said)
    if read:
        # Never into the future, but as far as the session goes: another process may be ahead of us.
        last = max(core.clock.now(), datetime.fromisoformat(row["updatedAt"]).timestamp())
        at = datetime.fromisoformat(params.read_at).timestamp() if params.read_at else None
        await core.engine.tx(session_marks.read(key.text, None if at is None else min(at, last)))
    core.hub.publish(Signal("sessions.changed", {"sessionKey": key.text, "noted": True}))
    return True


def _queue(choice: str | QueueChoice) -> dict[str, Any]:
    return {"mode": choice} if isinstance(choice, str) else choice.model_dump(exclude_none=True)


@method(
    "sessions.switch", SwitchParams, help="Make one of a conversation's sessions the active one."
)
async def sessions_switch(core: Core, client: Client, params: SwitchParams) -> Json:
    base = await session_key(core, params.session_key, True)
    row = await core.sessions.switch(base.base, params.to)
    return await one_row(core, row["key"])


@method("sessions.reset", OneSession, help="Put a transcript away and begin a new one.")
async def sessions_reset(core: Core, client: Client, params: OneSession) -> Json:
    key = await session_key(core, params.session_key, params.exact)
    await ensure(core, key)
    await core.sessions.reset(key.text)
    return await one_row(core, key.text)


class CompactParams(OneSession):
    """`instructions` say what the summary should keep above all."""

    instructions: Annotated[str, Field(max_length=2000)] | None = None


@method("sessions.compact", CompactParams, help="Sum up a transcript for the model; waits for it.")
async def sessions_compact(core: Core, client: Client, params: CompactParams) -> Json:
    key = await session_key(core, params.session_key, params.exact)
    before = (await ensure(core, key))["compactions"]
    run = f"compact-{uuid4()}"
    about = Message(
        Ref(Address("webchat", "webchat", key.text), run),
        Author(OPERATOR, "Operator"),
        params.instructions or "",
        datetime.fromtimestamp(core.clock.now(), UTC),
        "direct",
    )
    asked = work.compact(
        about,
        key=key.text,
        agent=key.agent,
        requester=OPERATOR,
        run=run,
        now=core.clock.now(),
    )
    await core.engine.tx(asked)
    ended = await wait(core, run, _COMPACTION)
    row = await one_row(core, key.text)
    answer = {"runId": run, "compacted": row["compactions"] > before, "session": row}
    reason = ended.get("error") or (None if answer["compacted"] else "nothing to compact")
    return answer | ({"reason": reason} if reason else {})


@method("sessions.delete", OneSession, help="Stop a session and put it away for good.")
async def sessions_delete(core: Core, client: Client, params: OneSession) -> Json:
    # What is deleted is named exactly: a pointer may have moved since the list was shown.
    key = await session_key(core, params.session_key, True, idle=True)
    if await core.sessions.get(key.text) is None:
        raise RequestError("NOT_FOUND", f"there is no session {key.text}")
    await core.lanes.stop(key.text)
    row = await core.sessions.delete(key.text)
    # A fork shows the files of what was said before it: then they stay.
    if not await core.engine.read(forks.is_source(row["id"])):
        uploads = Uploads(core.state / "uploads")
        await asyncio.to_thread(uploads.forget, key.text, core.clock.now())
    return {"sessionKey": row["key"], "sessionId": row["id"]}


@method("sessions.export", OneSession, help="A session's row and all of its messages.")
async def sessions_export(core: Core, client: Client, params: OneSession) -> Json:
    key = await session_key(core, params.session_key, params.exact, idle=True)
    row = await one_row(core, key.text)
    lines = await core.engine.read(everything(row["sessionId"]))
    rows = [shown(line, row["reasoning"] not in (None, "off")) for line in lines]
    return {"session": row, "messages": [one for one in rows if one is not None]}


async def one_row(core: Core, key: str) -> dict[str, Any]:
    """A session's row. Raises RequestError NOT_FOUND."""
    rows: Sequence[Row] = await core.engine.read(scripts.listing(1, key=key))
    if not rows:
        raise RequestError("NOT_FOUND", f"there is no session {key}")
    return session_row(core, rows[0])


def session_row(core: Core, row: Row) -> dict[str, Any]:
    """A session as clients see it; overrides are null where the agent's own values count."""
    session = scripts.session_from(row)
    agent = core.config.agent(session.agent)
    settings = session.settings
    name = (agent.name or agent.id) if agent else session.agent
    return {
        "sessionKey": session.key,
        "sessionId": session.id,
        "agentId": session.agent,
        "label": session.label,
        "displayName": f"{name} / {session.label}",
        "kind": row["kind"],
        "parent": session.parent,
        "active": (row["pointed"] or row["base"]) == session.key,
        "origin": _place(row["address"], row["chat_kind"]),
        "lastRoute": _place(row["last_route"], row["chat_kind"]),
        "model": settings.model,
        "thinking": settings.thinking,
        "verbose": settings.verbose,
        "reasoning": settings.reasoning,
        "queue": dict(settings.queue) if settings.queue else None,
        "contextUsed": row["context_used"],
        "contextLimit": _window(core, agent, settings),
        "inputTokens": row["input_tokens"],
        "outputTokens": row["output_tokens"],
        "cost": row["cost"],
        "compactions": row["compactions"],
        "running": row["running"] > 0,
        "queued": row["queued"],
        "pinned": bool(row["pinned"]),
        "archived": bool(row["archived"]),
        "readAt": when(row["read_at"]),
        "createdAt": when(session.created_at),
        "updatedAt": when(session.updated_at),
    }


def _window(core: Core, agent: Agent | None, settings: Settings) -> int | None:
    if agent is None:
        return None
    try:
        return core.catalogue.window(agent, core.world.model_of(agent, settings)[0])
    except RunError:
        return None


def _place(address: str | None, kind: str | None) -> dict[str, Any] | None:
    if not address:
        return None
    found = Address.parse(address)
    return {
        "channel": found.channel,
        "account": found.account,
        "conversation": found.conversation,
        "thread": found.thread,
        "kind": kind,
    }


METHODS: tuple[Method, ...] = (
    sessions_list,
    sessions_create,
    sessions_fork,
    sessions_patch,
    sessions_switch,
    sessions_reset,
    sessions_compact,
    sessions_delete,
    sessions_export,
)
