"""Whose notes are whose: pure rules over paths of a workspace.

MEMORY.md and what is in every prompt belong to the owners. Notes belong to who they were made with:
those of owners are `memory/*.md`, those of anybody else `memory/people/<channel>-<peer>/*.md`. In a
room with several people there is no memory, unless the configuration of the room says so. Files
that came with messages belong to the conversation they came in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from hashlib import sha256
from zoneinfo import ZoneInfo

from bot.context.bootstrap import FILES, MEMORY
from bot.filenames import folded
from bot.keys import fold, parse_key
from bot.types import Entry, Session

FOLDER = "memory"
PEOPLE = f"{FOLDER}/people"
INBOUND = "media/inbound"
_LONGEST = 120
_QUOTED = 1000
# What every prompt is made from, and code of the operator: only owners write there.
_INSTRUCTIONS = frozenset({folded(name) for name in FILES} | {"skills", ".agents", "hooks"})


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose memory a requester has here. `folder` is where the notes are, None: no memory here.

    `owner`: MEMORY.md and the files of the prompt are theirs too, and all that ever came.
    `inbound` is where the files of this conversation's messages are.
    """

    folder: str | None
    owner: bool = False
    inbound: str | None = None

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that a search looks into; the empty one holds MEMORY.md."""
        if self.folder is None:
            return ()
        return ("", self.folder) if self.owner else (self.folder,)


def scope_of(
    *,
    owner: bool,
    channel: str,
    peer: str,
    room: bool,
    open_room: bool,
    inbound: str | None = None,
) -> Scope:
    """The memory of a requester. `open_room`: this room may hear the requester's own memory."""
    if room and not open_room:
        return Scope(None, inbound=inbound)
    if owner:
        return Scope(FOLDER, True, inbound)
    return Scope(person_folder(channel, peer), inbound=inbound)


def inbound_folder(session: Session) -> str:
    """Where files are that came with messages to a session, its named children or its helpers."""
    key = parse_key(session.key)
    base = parse_key(session.parent).base if key.kind == "subagent" and session.parent else key.base
    return f"{INBOUND}/{sha256(base.encode()).hexdigest()[:16]}"


def person_folder(channel: str, peer: str) -> str:
    """The folder of what was said with one person of a channel."""
    name = f"{fold(channel).replace('-', '%2d')}-{fold(peer)}"
    if len(name) > _LONGEST:
        name = f"{name[:80]}-{sha256(name.encode()).hexdigest()[:32]}"
    # A name that ends with a dot is another one on some systems.
    return f"{PEOPLE}/{name[:-1]}%2e" if name.endswith(".") else f"{PEOPLE}/{name}"


def holds(scope: Scope, path: str) -> bool:
    """Is this a memory file of the scope? `path` is relative to the workspace, as it is stored."""
    folder, _, name = path.rpartition("/")
    if folder == "" and scope.owner and scope.folder is not None:
        return name in (MEMORY, MEMORY.lower())
    return folder == scope.folder and name.endswith(".md")


def may_touch(scope: Scope, path: str, *, write: bool) -> bool:
    """May the requester's tools read (or write) this path of the workspace?

    Memory is for those it belongs to, and so is what came with messages; what prompts are made
    from is written by owners only. All other files are a matter of the agent's tools. `path` may be
    any spelling that names the file.
    """
    names = [folded(name) for name in path.split("/") if name not in ("", ".")]
    if not names:
        return True
    if names[0] == FOLDER:
        inside = [name for name in path.split("/") if name not in ("", ".")]
        # A folder may be looked at by whom all in it belongs to.
        return holds(scope, "/".join(inside)) or (not write and "/".join(inside) == scope.folder)
    if names[:2] == INBOUND.split("/") and not scope.owner:
        return scope.inbound is not None and names[:3] == scope.inbound.split("/")
    if names[0] == folded(MEMORY) and len(names) == 1:
        return scope.folder is not None and (scope.owner or not write)
    return scope.owner or not write or names[0] not in _INSTRUCTIONS


def lasting(path: str) -> bool:
    """Does a path seem to lead to what later runs are told: memory, or the files of prompts?"""
    names = {folded(name) for name in path.replace("\\", "/").split("/")}
    return not names.isdisjoint(_INSTRUCTIONS | {FOLDER, folded(MEMORY)})


def zone(name: str) -> tzinfo | None:
    """A zone of the configuration; None for `local`, the host's own."""
    return None if name == "local" else ZoneInfo(name)


def local_date(now: float, timezone: str) -> str:
    """The date that a person in this zone would write, at a time in seconds since the epoch."""
    return datetime.fromtimestamp(now, zone(timezone)).strftime("%Y-%m-%d")


def daily_note(scope: Scope, now: float, timezone: str) -> str | None:
    """The path of today's notes, by the date of the agent's time zone; None without memory."""
    return None if scope.folder is None else f"{scope.folder}/{local_date(now, timezone)}.md"


def session_text(entries: Sequence[Entry], most: int = 15) -> str:
    """What such a note holds: the last things that were said, without tools and reasoning."""
    said = [
        entry for entry in entries if entry.role in ("user", "assistant") and entry.text.strip()
    ]
    lines = [f"- {entry.role}: {' '.join(entry.text.split())[:_QUOTED]}" for entry in said[-most:]]
    return "\n".join(("# The end of a conversation", "", *lines, "")) if lines else ""


def session_note(scope: Scope, now: float, timezone: str) -> str | None:
    """The path of a note about one session that ends now, by the minute."""
    if scope.folder is None:
        return None
    moment = datetime.fromtimestamp(now, zone(timezone))
    return f"{scope.folder}/{moment:%Y-%m-%d-%H%M}.md"
