"""How a run ends: what people see, the last line, and one transaction for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.contract import Reply
from bot.delivery import Delivery
from bot.engine.port import Script
from bot.loop import Outcome, unanswered
from bot.reply import final_text, joined
from bot.speech import Speech
from bot.steps import step
from bot.store import children, entries, inbox, outbox, over, runs, sessions, usage, work
from bot.types import Entry, Turn

STOPPED = "The run was stopped before this call ended. It may have had its effect."


@dataclass(frozen=True, slots=True)
class Ending:
    """A run that is over. `reply` is what people see of it, "" when it is silent.

    `entry` is the transcript's line of it, None for work that answers nobody.
    """

    turn: Turn
    outcome: Outcome
    state: Literal["ok", "error", "aborted"]
    reply: str
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Committed:
    """What the final transaction did: whether the lane has more, the transcript's last lines with
    their numbers, the answer's behind them all, and the part that is being sent with it."""

    more: bool
    lines: list[Entry]
    sending: outbox.Part | None


def ending(
    turn: Turn,
    outcome: Outcome,
    speech: Speech,
    aborted: bool,
    now: float,
    transcript: Sequence[Entry] = (),
) -> Ending:
    """What a run comes to. A stop keeps the partial text, as it is; an error adds its line.

    What its tools have shown in the conversation themselves, by the transcript, is not said again.
    """
    speech.broke_off()
    told = [text for one in transcript if one.role == "tool" for text in _told(one, turn.id)]
    said = joined(speech.texts, told)
    if outcome.status == "ok":
        state: Literal["ok", "aborted"] = "aborted" if aborted else "ok"
        if outcome.entry is None:
            return Ending(turn, outcome, state, outcome.text if turn.deliver_to else "", None)
        entry = replace(outcome.entry, run=turn.id, at=now)
        tool_error = None if speech.silent or told else outcome.tool_error
        reply = final_text("" if speech.silent else said, tool_error=tool_error)
        return Ending(turn, outcome, state, reply, entry)
    assert outcome.error is not None
    code, message = outcome.error
    entry = Entry(
        role="assistant",
        text=speech.texts[-1] if speech.texts else "",
        at=now,
        run=turn.id,
        stop="aborted" if aborted else "error",
        error={"code": code, "message": message},
        thinking=speech.thinking,
    )
    if aborted:
        return Ending(turn, outcome, "aborted", said, entry)
    return Ending(turn, outcome, "error", final_text(said, error=outcome.error), entry)


def _told(entry: Entry, run: str) -> Sequence[str]:
    """What a tool, by its entry, has shown in the conversation if it was called by the run."""
    if entry.run != run or entry.origin is None:
        return ()
    said: Sequence[str] = entry.origin.get("said", ())
    return said


def footer(end: Ending) -> str:
    """What is put below an answer in a channel, where the session wants to see what it used."""
    wanted = end.turn.session.settings.usage or "off"
    if wanted == "off" or not end.reply:
        return ""
    used = end.outcome.usage
    words = [f"{used.input:,} tokens in, {used.output:,} out"]
    if wanted == "full":
        words = [*filter(None, [end.entry.model if end.entry else None]), *words]
        words += [f"${used.cost:.4f}"] if used.cost is not None else []
        words += [f"context {end.outcome.context:,}"] if end.outcome.context else []
    return f"\n\n*{' · '.join(words)}*"


def commit(
    end: Ending,
    replies: list[Reply],
    delivery: Delivery,
    now: float,
    begun: int = 0,
    first_at: float | None = None,
) -> Script[Committed]:
    """Answer, outbox, inbox and counters in one transaction; `begun` parts are out already.

    `first_at` is when the first visible text came.
    """
    turn, outcome = end.turn, end.outcome
    yield from runs.fence(turn.lane, turn.epoch)
    stopped = yield from _stopped_calls(turn, outcome, now)
    lines = [*stopped, *([end.entry] if end.entry else [])]
    last = yield from sessions.count(
        turn.session.id, outcome.usage, outcome.context, len(lines), now
    )
    stored = yield from entries.put(turn.session.id, last, lines)
    model = end.entry.model if end.entry else None
    yield from runs.end(
        turn.id,
        end.state,
        now,
        reply=end.reply,
        error=end.entry.error if end.entry else None,
        usage=outcome.usage,
        model=model,
        first_at=first_at,
    )
    yield from usage.add(turn.session.key, turn.session.agent, model, outcome.usage, now)
    state = children.SILENT if _nothing_to_say(end) else end.state
    yield from over.ended(turn.id, state, end.reply, now)
    for item in turn.inbox:
        yield from inbox.finish(item, now)
    sending = None
    if turn.deliver_to is not None:
        yield from outbox.enqueue(turn.id, turn.deliver_to, replies, now, begun)
        sending = yield from delivery.at_once(turn.id, turn.deliver_to)
    more = yield from inbox.more(turn.lane)
    if outcome.crowded and not more:
        # What waits makes room for itself before it asks the model.
        about = replace(turn.message, text="")
        session, run = turn.session, f"compact-{turn.id}"
        yield from work.compact(
            about,
            key=session.key,
            agent=session.agent,
            requester=turn.requester,
            run=run,
            now=now,
        )
        more = True
    step("turn.committing")
    return Committed(more, stored, sending)


def _nothing_to_say(end: Ending) -> bool:
    """Did the model answer with the word for silence?"""
    said = end.entry is not None and bool(end.entry.text.strip())
    return end.state == "ok" and not end.reply and said


def _stopped_calls(turn: Turn, outcome: Outcome, now: float) -> Script[list[Entry]]:
    """A result for each call that a stop left without one; models refuse calls without."""
    if outcome.status == "ok":
        return []
    pending = unanswered((yield from entries.of_run(turn.session.id, turn.id)))
    return [
        Entry("tool", STOPPED, now, call_id=call.id, name=call.name, is_error=True, run=turn.id)
        for call in (pending.calls if pending else ())
    ]
