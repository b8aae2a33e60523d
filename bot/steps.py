"""The named step boundaries between receiving a message and recording its receipt.

A process told `TRUNKLINE_CRASH_AT=<step>` (with `TRUNKLINE_TEST=1`) kills itself there with
SIGKILL: the kill matrix restarts it and proves that nothing was lost and nothing answered twice.
"""

from __future__ import annotations

import os
import signal

STEPS: dict[str, str] = {
    "inbound.received": "an adapter handed an event over, nothing is stored yet",
    "inbound.deciding": "inside the accepting transaction, before it commits",
    "inbound.stored": "the message is durable, the platform does not know it yet",
    "lane.woken": "the lane's drain begins",
    "lane.claimed": "the run and the user's entry are durable",
    "turn.prompted": "the request is built, the model is not called yet",
    "turn.streaming": "the first piece of the answer arrived",
    "turn.streamed": "the model is done, nothing of it is stored",
    "turn.called": "the assistant's tool calls are durable",
    "tool.intended": "a call's intent is durable, the tool has not run",
    "tool.ran": "the tool ran, its result is not stored",
    "tool.recorded": "the tool's result is durable",
    "compact.begun": "a transcript is about to be summed up",
    "compact.summed": "the summary is there, nothing of it is stored",
    "compact.stored": "the summary is durable",
    "turn.committing": "inside the final transaction, before it commits",
    "turn.committed": "answer, outbox and inbox are durable, nothing is sent",
    "command.ran": "a command did its work, its answer is not stored",
    "command.committed": "a command's answer is durable, nothing is sent",
    "preview.posting": "a preview is marked as being sent, not yet sent",
    "preview.posted": "the platform has the preview, its id is not stored",
    "preview.stored": "the preview's id is durable",
    "preview.edited": "the platform has an edit of the preview",
    "block.stored": "a part of an answer that is still written is durable",
    "sched.due": "due tasks were found, nothing is claimed",
    "sched.claiming": "inside the claiming transaction, before it commits",
    "sched.fired": "claim and run of a due time are durable",
    "task.settling": "inside the transaction that judges a task's run, before it commits",
    "task.settled": "what became of a task's run is durable",
    "task.told": "what is known of the delivery of a task's results is durable",
    "out.woken": "the outbox of a conversation begins",
    "out.sending": "a part is marked as being sent, not yet sent",
    "out.sent": "the platform has the part, its id is not stored",
    "out.receipt": "the part's id is durable",
}

_crash_at = (
    os.environ.get("TRUNKLINE_CRASH_AT") if os.environ.get("TRUNKLINE_TEST") == "1" else None
)


def step(name: str) -> None:
    """Pass a named boundary; dies here when the environment says so."""
    if _crash_at is not None and name == _crash_at:
        os.kill(os.getpid(), signal.SIGKILL)
