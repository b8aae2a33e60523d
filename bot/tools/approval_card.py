"""The card of an approval, what it becomes, and its row on the wire. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

from bot.contract import Button, File, Reply
from bot.engine.port import Row

_LONGEST = 1000
_SAID = {
    "allow-once": "allowed once",
    "allow-session": "allowed for this session",
    "allow-always": "allowed for always",
    "deny": "denied",
}


def approval_row(row: Row) -> dict[str, Any]:
    """An approval as clients read it; `always`: what allow-always would let the agent run."""
    return {
        "id": row["id"],
        "code": row["code"],
        "tool": row["tool"],
        "command": row["command"],
        "cwd": row["cwd"],
        "sessionKey": row["session_key"],
        "agentId": row["agent"],
        "requester": row["requester"],
        "reason": row["reason"],
        "createdAt": _when(row["created_at"]),
        "expiresAt": _when(row["expires_at"]),
        "status": row["state"],
        "decision": row["decision"],
        "decidedBy": row["decided_by"],
        "always": [
            {"program": rule["program"], "script": rule.get("script")}
            for rule in json.loads(row["remember"])
        ],
    }


def card(row: Row, requester: str, now: float) -> Reply:
    """The question: what would run, where, for whom, why it is asked, and how to answer."""
    command, code = spelled(row["command"]), row["code"]
    shown: str = command
    files: tuple[File, ...] = ()
    if len(command) > _LONGEST:
        shown = f"{command[:_LONGEST]}\n[{len(command) - _LONGEST} more, see the file]"
        files = (File(f"approval-{code}.txt", "text/plain", command.encode()),)
    minutes = max(1, round((row["expires_at"] - now) / 60))
    where = f" in `{spelled(row['cwd'])}`" if row["cwd"] else ""
    text = (
        f"**Approval {code}**: {row['agent']} wants to use {row['tool']}{where}, "
        f"asked by {spelled(requester)[:64]}.\n{_fenced(shown)}\n{spelled(row['reason'])}. "
        f"Without an answer in {minutes} min it is denied. In words: "
        f"`/approve {code} allow-once`, `allow-session` or `deny`."
    )
    buttons = (
        Button("Allow once", f"/approve {code} allow-once", "primary"),
        Button("Allow for this session", f"/approve {code} allow-session"),
        Button("Deny", f"/approve {code} deny", "danger"),
    )
    return Reply(text, attachments=files, buttons=buttons)


def outcome(row: Row, by: str | None) -> Reply:
    """What the card becomes."""
    said = _SAID.get(row["decision"] or "", row["state"])
    who = f" by {spelled(by)[:64]}" if by else ""
    command = spelled(row["command"])
    shown = command if len(command) <= _LONGEST else f"{command[:_LONGEST]}\n[cut here]"
    return Reply(f"**Approval {row['code']}**: {said}{who}.\n{_fenced(shown)}")


def spelled(text: str) -> str:
    """Text with what is invisible or turns the reading direction spelled out."""
    return "".join(one if _visible(one) else f"[U+{ord(one):04X}]" for one in text)


def _visible(letter: str) -> bool:
    return letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cf", "Zl", "Zp", "Co")


def _fenced(text: str) -> str:
    """Text as a block of code that it cannot end by itself."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
