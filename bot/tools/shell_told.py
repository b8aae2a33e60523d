"""Tells a session that a command ended in its background: a message in its lane, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import structlog

from bot.clock import Clock
from bot.engine.port import Engine, Script
from bot.errand import HEARTBEAT
from bot.store import children, inbox
from bot.tools.shell_jobs import Job, Notify

log = structlog.get_logger("exec")

MAX_HOPS = 5  # ends that may wake a session one after the other before a person says something
WORDS = (
    "A command that you left in the background has ended; what it wrote is quoted above. Tell the "
    "people here what matters of it, or answer only NO_REPLY if there is nothing to say."
)


def teller(engine: Engine, clock: Clock) -> Notify:
    """Wakes the session of a command that ended by itself."""

    async def tell(job: Job, output: str) -> None:
        if not await engine.tx(_said(job, output, clock.now())):
            log.info("nobody is told of an end", job=job.id, run=job.run)

    return tell


def _said(job: Job, output: str, now: float) -> Script[bool]:
    """Say it to who had it started, where they asked; False when that would go round in circles."""
    item = yield from inbox.of_run(job.run)
    hops = int(item.options.get(inbox.HOPS, 0)) if item else MAX_HOPS
    if HEARTBEAT in job.session_key:
        return False  # a heartbeat wakes nothing: the next one can look
    if item is None or hops >= MAX_HOPS:
        return False
    place = item.options.get("deliverTo", item.message.address.key)
    yield from children.say(
        replace(children.bare(item.message, ""), text=WORDS),
        key=job.session_key,
        agent=job.agent,
        requester=item.requester,
        run=f"{job.run}:{job.id}",
        deliver_to=place,
        source=_source(job, output),
        hops=hops + 1,
        now=now,
    )
    return True


def _source(job: Job, output: str) -> Mapping[str, object]:
    return {
        "background": job.id,
        "command": job.command[:500],
        "state": job.state,
        "output": output,
    }
