"""Session keys: which conversation shares which memory, as text that people can read and type.

A key is `agent:<agent>:` and one of: `main`; `direct:<peer>` behind no, one (channel) or two
(channel, account) parts; `<channel>:<account>:group|channel:<conversation>`; then `:thread:<id>`
for a thread and `:chat:<slug>` for a named child; or `subagent|hook|api:<id>`,
`task:<task>:run:<run>`. Other words behind the agent make a session of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import quote, unquote

from bot.contract import Address, Kind

Scope = Literal["main", "peer", "channel-peer", "account-channel-peer"]
SessionKind = Literal[
    "main", "direct", "group", "channel", "thread", "child", "subagent", "task", "hook", "api"
]

_SLUG_RUN = re.compile(r"[^a-z0-9]+")
_LONE: tuple[SessionKind, ...] = ("subagent", "hook", "api")


@dataclass(frozen=True, slots=True)
class SessionKey:
    """A key taken apart. `base` is the key without its named child, `slug` that child's name."""

    text: str
    agent: str
    kind: SessionKind
    base: str
    slug: str | None = None

    @property
    def label(self) -> str:
        """What its session is called until somebody names it."""
        return "Main" if self.kind == "main" else unquote(self.text.rpartition(":")[2])[:64]


@lru_cache(4096)
def fold(part: str) -> str:
    """One part of a key: lower case, everything outside `[a-z0-9._+@=-]` percent-encoded."""
    return quote(part.lower(), safe="._+@=-").replace("~", "%7E").lower()


def main_key(agent: str) -> str:
    return f"agent:{fold(agent)}:main"


def conversation_key(agent: str, address: Address, kind: Kind, peer: str, scope: Scope) -> str:
    """The base key of a conversation; `peer` is the author's id and counts in direct chats only."""
    if kind == "direct":
        if scope == "main":
            return main_key(agent)
        where = {
            "peer": (),
            "channel-peer": (address.channel,),
            "account-channel-peer": (address.channel, address.account),
        }[scope]
        parts: tuple[str, ...] = (*where, "direct", peer)
    else:
        parts = (address.channel, address.account, kind, address.conversation)
    if address.thread is not None:
        parts = (*parts, "thread", address.thread)
    return ":".join(("agent", fold(agent), *(fold(part) for part in parts)))


def child_key(base: str, slug: str) -> str:
    return f"{base}:chat:{slug}"


def slug_of(label: str) -> str:
    """A label as the last part of a key: lower-case words joined by dashes, at most 48 letters."""
    return _SLUG_RUN.sub("-", label.lower()).strip("-")[:48].strip("-") or "chat"


@lru_cache(4096)
def parse_key(text: str, default_agent: str | None = None) -> SessionKey:
    """Read a key as typed (`main` stands for the default agent's). Raises ValueError."""
    if text.strip().lower() == "main" and default_agent:
        text = main_key(default_agent)
    parts = [_refold(part) for part in text.strip().split(":")]
    if len(parts) < 3 or parts[0] != "agent" or not all(parts):
        raise ValueError(f"not a session key: {text!r}; write agent:<agent>:main or main")
    slug = parts[-1] if len(parts) > 4 and parts[-2] == "chat" else None
    base = parts[:-2] if slug else parts
    return SessionKey(
        text=":".join(parts),
        agent=parts[1],
        kind="child" if slug else _kind(base[2:]),
        base=":".join(base),
        slug=slug,
    )


def _refold(part: str) -> str:
    """Fold a part that may be encoded already."""
    return quote(part.lower(), safe="._+@=-%").replace("~", "%7E").lower()


def _kind(rest: list[str]) -> SessionKind:
    if rest == ["main"]:
        return "main"
    if len(rest) > 2 and rest[-2] == "thread":
        return "thread"
    if rest[0] == "task" and len(rest) == 4 and rest[2] == "run":
        return "task"
    for kind in _LONE:
        if rest[0] == kind and len(rest) > 1:
            return kind
    if len(rest) >= 2 and rest[-2] == "direct":
        return "direct"
    if len(rest) == 4 and rest[2] == "group":
        return "group"
    if len(rest) == 4 and rest[2] == "channel":
        return "channel"
    if rest[-1] in ("direct", "group", "channel", "thread", "chat", "task", *_LONE):
        raise ValueError(f"the session key ends too early after {rest[-1]!r}")
    return "child"
