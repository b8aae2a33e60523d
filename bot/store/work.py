"""Scripts over what a session's lane does beside answering: a transcript to be made shorter."""

from __future__ import annotations

from dataclasses import replace

from bot.contract import Message
from bot.engine.port import Script, Wake
from bot.store import inbox, runs


def compact(
    message: Message, *, key: str, agent: str, requester: str, run: str, now: float
) -> Script[None]:
    """Let a session's lane sum its transcript up, in a run that says nothing.

    `message` is where that came from; its text is what the summary should keep above all.
    """
    bare = replace(message, attachments=(), reply_to=None, command=None, action=None)
    yield from inbox.put(
        bare,
        kind=inbox.COMPACT,
        state="open",
        lane=key,
        requester=requester,
        rule="compaction",
        agent=agent,
        session_key=key,
        run=run,
        options={"deliverTo": None},
        now=now,
        dedupe=f"compact:{run}",
    )
    yield from runs.queue(run, key, key, agent, now)
    yield Wake("lane", key)
