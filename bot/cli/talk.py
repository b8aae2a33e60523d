"""One conversation with an agent: say something, follow the answer, learn how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from bot.cli import Usage
from bot.cli.client import Client
from bot.errors import RequestError

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `status` is ok, error or aborted."""

    run: str
    session: str
    status: str
    reply: str
    usage: Json | None = None
    error: Json | None = None

    def document(self) -> dict[str, Any]:
        """What `--json` prints."""
        shown = {
            "runId": self.run,
            "sessionKey": self.session,
            "status": self.status,
            "reply": self.reply,
            "usage": self.usage,
        }
        return shown | {"error": self.error} if self.error else shown


def session_of(session: str | None, agent: str | None) -> str:
    """The session key that `--session` and `--agent` mean together. Raises Usage."""
    if agent is None:
        return session or "main"
    if session in (None, "main"):
        return f"agent:{agent}:main"
    if not session.lower().startswith(f"agent:{agent.lower()}:"):
        raise Usage(f"the session {session} does not belong to the agent {agent}; name one of them")
    return session


async def say(client: Client, session: str, text: str, show: Show) -> Outcome:
    """Say something and follow it to its end. Raises RequestError."""
    run = uuid4().hex
    show.run = run
    await client.request(
        "chat.send", {"sessionKey": session, "message": text, "idempotencyKey": run}
    )
    async for name, data in client.events():
        if name == "approval.requested":
            show.asked(data)
        if data.get("runId") != run:
            continue
        if name == "agent" and data["stream"] == "tool":
            show.tool(data["data"])
        if name != "chat":
            continue
        if joined := data.get("joined"):
            run = show.run = joined
        elif data["state"] == "delta":
            show.grown(data["message"]["text"])
        else:
            return await outcome(client, run, data["sessionKey"], show)
    raise RequestError("UNAVAILABLE", "the connection ended before the answer; see: chat.history")


async def outcome(client: Client, run: str, session: str, show: Show) -> Outcome:
    """The end of a run that has ended."""
    ended = await client.request("agent.wait", {"runId": run, "timeoutMs": 0})
    error = ended.get("error")
    status = "aborted" if error and error["code"] == "ABORTED" else str(ended["status"])
    reply = ended.get("reply") or ""
    show.ended(reply)
    return Outcome(run, session, status, reply, ended.get("usage"), error)


class Show:
    """Puts a growing answer on the terminal; without `write` it only waits for the whole."""

    def __init__(self, write: Callable[[str], None] | None, note: Callable[[str], None]) -> None:
        self.run: str | None = None
        self._write = write
        self._note = note
        self._shown = ""

    def grown(self, text: str) -> None:
        """The visible answer is this now."""
        if self._write is None:
            return
        if not text.startswith(self._shown):
            self._write("\n")
            self._shown = ""
        self._write(text[len(self._shown) :])
        self._shown = text

    def tool(self, data: Json) -> None:
        if self._write is not None and data["phase"] == "start":
            self._note(f"[{data['name']}]")

    def asked(self, row: Json) -> None:
        """Something waits for a yes, here or in another session of the operator's."""
        self._note(f"Waiting for approval of {row['tool']}: {row['command']}")
        self._note(f"In another terminal: trunkline approvals decide {row['code']} allow-once")

    def ended(self, reply: str) -> None:
        self.grown(reply)
        if self._write is not None and self._shown:
            self._write("\n")
        self._shown = ""
