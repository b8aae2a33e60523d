"""How a run ends: what people see, the last line, and one transaction for all of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bot.contract import Reply
from bot.delivery import Delivery
from bot.engine.port import Script
from bot.loop import Outcome, unanswered
from bot.reply import final_text
from bot.speech import Speech
from bot.steps import step
from bot.store import entries, inbox, outbox, runs, sessions
from bot.types import Entry, Turn

STOPPED = "The run was stopped before this call ended. It may have had its effect."


@dataclass(frozen=True, slots=True)
class Ending:
    """A run that is over. `reply` is what people see of it, "" when it is silent."""

    turn: Turn
    outcome: Outcome
    state: Literal["ok", "error", "aborted"]
    reply: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Committed:
    """What the final transaction did: whether the lane has more, the transcript's last lines with
    their numbers, the answer's behind them all, and the part that is being sent with it."""

    more: bool
    lines: list[Entry]
    sending: outbox.Part | None


def ending(turn: Turn, outcome: Outcome, speech: Speech, aborted: bool, now: float) -> Ending:
    """What a run comes to. A stop keeps the partial text, as it is; an error adds its line."""
    if outcome.status == "ok" and outcome.entry is not None:
        entry = replace(outcome.entry, run=turn.id, at=now)
        said = "" if speech.silent else speech.text
        tool_error = None if speech.silent else outcome.tool_error
        reply = final_text(said, error=None, tool_error=tool_error)
        return Ending(turn, outcome, "aborted" if aborted else "ok", reply, entry)
    assert outcome.error is not None
    code, message = outcome.error
    entry = Entry(
        role="assistant",
        text=speech.text,
        at=now,
        run=turn.id,
        stop="aborted" if aborted else "error",
        error={"code": code, "message": message},
        thinking=speech.thinking,
    )
    if aborted:
        return Ending(turn, outcome, "aborted", speech.text, entry)
    reply = final_text(speech.text, error=outcome.error, tool_error=None)
    return Ending(turn, outcome, "error", reply, entry)


def commit(end: Ending, replies: list[Reply], delivery: Delivery, now: float) -> Script[Committed]:
    """Answer, outbox, inbox and counters in one transaction."""
    turn, outcome = end.turn, end.outcome
    yield from runs.fence(turn.lane, turn.epoch)
    stopped = yield from _stopped_calls(turn, outcome, now)
    lines = [*stopped, end.entry]
    last = yield from sessions.count(
        turn.session.id, outcome.usage, outcome.context, len(lines), now
    )
    stored = yield from entries.put(turn.session.id, last, lines)
    yield from runs.end(
        turn.id,
        end.state,
        now,
        reply=end.reply,
        error=end.entry.error,
        usage=outcome.usage,
        model=end.entry.model,
    )
    for item in turn.inbox:
        yield from inbox.finish(item, now)
    sending = None
    if turn.deliver_to is not None:
        yield from outbox.enqueue(turn.id, turn.deliver_to, replies, now)
        sending = yield from delivery.at_once(turn.id, turn.deliver_to)
    step("turn.committing")
    return Committed((yield from inbox.more(turn.lane)), stored, sending)


def _stopped_calls(turn: Turn, outcome: Outcome, now: float) -> Script[list[Entry]]:
    """A result for each call that a stop left without one; models refuse calls without."""
    if outcome.status == "ok":
        return []
    pending = unanswered((yield from entries.of_run(turn.session.id, turn.id)))
    return [
        Entry("tool", STOPPED, now, call_id=call.id, name=call.name, is_error=True, run=turn.id)
        for call in (pending.calls if pending else ())
    ]
