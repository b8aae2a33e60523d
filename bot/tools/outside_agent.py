"""What an external agent wants to do with tools of its own: a person is asked, or it is denied."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from uuid import uuid4

from bot.errors import Fenced
from bot.jsonio import dumps
from bot.providers.acp_agent import Permit
from bot.providers.acp_wire import Permission
from bot.tools.approval import Approvals, Wanted
from bot.types import ToolContext

REASON = "an external agent asks before it does this with a tool of its own"
_LONGEST = 20_000


def permit(approvals: Approvals, asking: Callable[[str, str], ToolContext | None]) -> Permit:
    """Decides questions of external agents. `asking(session key, call)` is the run that asks."""

    async def decide(wanted: Permission) -> bool:
        # The agent's process does not outlive ours, so no later attempt takes this question up.
        ctx = asking(wanted.session, f"acp/{uuid4().hex}")
        question = _asked(wanted)
        if ctx is None or question is None:
            return False
        try:
            decision = await approvals.ask(question, ctx)
        except Fenced:
            return False
        return decision.allowed and (not decision.asked or await approvals.begin(ctx))

    return decide


def _asked(wanted: Permission) -> Wanted | None:
    """The question for people; None for what is longer than anybody would read."""
    exact = dumps([wanted.kind, wanted.title, wanted.input])
    if len(exact) > _LONGEST:
        return None
    digest = hashlib.sha256(exact.encode("utf-8", "surrogatepass")).hexdigest()
    return Wanted("external agent", exact, REASON, digest)
