"""What a process does of all that there is to do: everything, or what `up --only` names."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple


class Part(StrEnum):
    """What can be done apart."""

    GATEWAY = "gateway"
    CHANNELS = "channels"
    WORKER = "worker"


EVERYTHING = "everything"
# A process of `trunkline chat` and the like, which works until its own run has ended.
TERMINAL = "terminal"


class Role(NamedTuple):
    """What a process does.

    `kinds` are the wakes that it handles, None: all. `serves`: the pages and the socket.
    `receives`: it may hold the connections to platforms. `sends`: it calls platforms at all.
    """

    name: str = EVERYTHING
    kinds: frozenset[str] | None = None
    serves: bool = True
    receives: bool = True
    sends: bool = True


# Whoever runs a lane sends its previews, and so its answers too; whoever holds a connection sends
# what is due. Both only by requests, so that neither has to be where the connection is.
_PARTS = {
    "gateway": Role("gateway", frozenset(), serves=True, receives=False, sends=False),
    "channels": Role("channels", frozenset({"out"}), serves=False, receives=True, sends=True),
    "worker": Role("worker", None, serves=False, receives=False, sends=True),
}


def runs_lanes(name: str) -> bool:
    """Does a process run the lanes of sessions that calls itself by this role?"""
    return name in (EVERYTHING, TERMINAL) or "worker" in name.split("+")


def role_of(parts: Collection[str]) -> Role:
    """The role of a process that does these parts; of none named, everything."""
    roles = [_PARTS[name] for name in _PARTS if name in parts]
    if not roles or len(roles) == len(_PARTS):
        return Role()
    kinds = [one.kinds for one in roles]
    return Role(
        "+".join(one.name for one in roles),
        None if None in kinds else frozenset().union(*(one for one in kinds if one is not None)),
        serves=any(one.serves for one in roles),
        receives=any(one.receives for one in roles),
        sends=any(one.sends for one in roles),
    )
