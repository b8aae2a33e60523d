"""The processes of the store as clients see them, and which of them has an account's connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bot.engine.port import Member
from bot.gateway.rows import when
from bot.gateway.services import Core
from bot.inbound import ChannelState
from bot.roles import runs_lanes
from bot.supervisor import resource_of

NOBODY = "no process that runs now holds it; start one with: trunkline up"


class Connection(NamedTuple):
    """How an account is connected, and the process that holds the connection."""

    state: ChannelState
    holder: Member | None


def connection(core: Core, members: Sequence[Member], account: str) -> Connection:
    """How an account is connected, wherever that is."""
    resource = resource_of(account)
    having = [one for one in members if one.alive and resource in one.holds]
    holder = max(having, key=lambda one: one.holds[resource], default=None)
    here = core.inbound.states.get(account)
    if core.role.receives and here is not None and here.state != "standby":
        return Connection(here, holder)
    if holder is not None and (told := _told(holder, account)) is not None:
        return Connection(told, holder)
    if here is not None and here.state == "standby":
        return Connection(here, holder)
    return Connection(_unheld(core), holder)


def _unheld(core: Core) -> ChannelState:
    """The state of an account that nobody has: it may come, unless this process never takes it."""
    return ChannelState() if core.role.receives else ChannelState("down", NOBODY)


def _told(member: Member, account: str) -> ChannelState | None:
    """What a process said of an account. One of another version may say it otherwise."""
    told = member.told.get("accounts", {}).get(account)
    if not isinstance(told, Mapping):
        return None
    return ChannelState(told.get("state", ""), told.get("error"), told.get("last_event_at"))


def holder_row(holder: Member | None, account: str) -> dict[str, Any] | None:
    """The process that holds an account, and since when."""
    if holder is None:
        return None
    since = when(holder.holds[resource_of(account)])
    return {"id": holder.id, "host": holder.host, "pid": holder.pid, "since": since}


def process_rows(members: Sequence[Member]) -> list[dict[str, Any]]:
    """Every process with what it has in hand."""
    return [
        {
            "id": one.id,
            "role": one.role,
            "host": one.host,
            "pid": one.pid,
            "version": one.version,
            "startedAt": when(one.started_at),
            "seenAt": when(one.seen_at),
            "alive": one.alive,
            "lanes": one.lanes,
            "holds": {
                name.partition(":")[2]: when(since) for name, since in sorted(one.holds.items())
            },
        }
        for one in members
    ]


def problem(members: Sequence[Member]) -> str | None:
    """What the processes of a store lack to do all its work."""
    if members and not any(one.alive and runs_lanes(one.role) for one in members):
        return "no process runs agents, and messages wait; start one: trunkline up --only worker"
    return None
