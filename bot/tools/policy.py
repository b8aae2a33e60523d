"""Which tools an agent holds: a profile, narrowed by allow and deny. Deny wins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

_MINIMAL = frozenset({"session_status"})
_MESSAGING = _MINIMAL | {
    "message",
    "sessions_list",
    "sessions_history",
    "sessions_send",
    "agents_list",
    "memory_search",
    "memory_get",
    "task",
    "read",
}
_CODING = _MESSAGING | {
    "write",
    "edit",
    "apply_patch",
    "exec",
    "process",
    "web_fetch",
    "web_search",
    "sessions_spawn",
    "image",
}
PROFILES: dict[str, Collection[str] | None] = {
    "minimal": _MINIMAL,
    "messaging": _MESSAGING,
    "coding": _CODING,
    "full": None,
}


def allowed(name: str, profile: str, allow: Sequence[str], deny: Sequence[str]) -> bool:
    """May an agent call a tool? `allow` adds to the profile, `deny` takes away; `*` matches."""
    wanted = name.lower()
    if any(fnmatchcase(wanted, pattern.lower()) for pattern in deny):
        return False
    members = PROFILES[profile]
    if members is None or wanted in members:
        return True
    return any(fnmatchcase(wanted, pattern.lower()) for pattern in allow)
