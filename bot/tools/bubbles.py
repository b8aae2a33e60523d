"""What people see of tools where a session is verbose: a message when one starts, and what it gave.

The message is a row of the same transaction as the call's own, so that it is there exactly once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from bot.contract import Reply
from bot.engine.port import Script, q
from bot.reply.shape import output_line, started_line
from bot.store import outbox
from bot.types import Entry, ToolCall, Turn


@dataclass(frozen=True, slots=True)
class Bubbles:
    """The messages of one run. `clean` takes configured secrets out of a text."""

    turn: Turn
    clean: Callable[[str], str]

    def started(self, call: ToolCall, now: float) -> Script[None]:
        """A call begins."""
        if (yield from self._verbose()) != "off":
            yield from self._say(started_line(call.name, call.args), now)

    def ended(self, entry: Entry) -> Script[None]:
        """A call has its result."""
        if (yield from self._verbose()) == "full":
            line = output_line(entry.name or "", entry.text, entry.is_error)
            yield from self._say(line, entry.at)

    def _verbose(self) -> Script[str]:
        """How much is shown now: a change counts at once, also for a run that is on."""
        turn = self.turn
        if turn.deliver_to is None or turn.verbose is not None:
            return turn.verbose or "off" if turn.deliver_to else "off"
        rows = yield q("SELECT settings FROM sessions WHERE id = ?", turn.session.id)
        return str(json.loads(rows[0]["settings"]).get("verbose") or "off") if rows else "off"

    def _say(self, text: str, now: float) -> Script[None]:
        assert self.turn.deliver_to is not None
        reply = Reply(self.clean(text))
        yield from outbox.beside(self.turn.id, self.turn.deliver_to, reply, now)
