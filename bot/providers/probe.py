"""Asks a server what it offers and whether a model answers, and says plainly why not."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Any, Protocol, runtime_checkable

from bot.providers.failures import failure
from bot.providers.found import Found
from bot.providers.http import Refused
from bot.types import Entry, Failure, Final, ModelRequest, Provider

# A local server may have to load the model first.
TIME_LIMIT = 120.0
QUESTION = "Answer with the one word OK."
MAX_TOKENS = 64

_REASONS = {
    "NO_CREDENTIALS": "auth",
    "MODEL_AUTH": "auth",
    "MODEL_BILLING": "auth",
    "NO_MODEL": "model",
    "MODEL_NOT_FOUND": "model",
    "MODEL_BAD_REQUEST": "model",
    "CONTEXT_OVERFLOW": "model",
}


@runtime_checkable
class Lists(Protocol):
    """A provider that can say which models it has."""

    async def models(self) -> list[Found]:
        """The models on offer. Raises Refused."""
        ...


@runtime_checkable
class Measures(Protocol):
    """A provider that learns how large a model's window is."""

    def window(self, model: str) -> int | None:
        """In tokens, None as long as it is not known."""
        ...


async def discover(provider: Provider) -> list[Found]:
    """The models that a provider offers; none where nobody can say. Raises Refused."""
    if not isinstance(provider, Lists):
        return []
    try:
        async with asyncio.timeout(TIME_LIMIT):
            return await provider.models()
    except TimeoutError:
        text = f"no answer within {TIME_LIMIT:g} seconds"
        raise Refused(failure("MODEL_STALL", text)) from None


async def live_test(provider: Provider, model: str) -> dict[str, Any]:
    """One short question to a model: `{ok, reason?, status?, message?, latencyMs?}`."""
    question = [Entry("user", QUESTION, time.time())]
    request = ModelRequest(model, "", question, max_tokens=MAX_TOKENS)
    begun = time.monotonic()
    wrong: Failure | None = None
    try:
        async with asyncio.timeout(TIME_LIMIT):
            async with aclosing(provider.stream(request)) as stream:  # type: ignore[type-var]
                async for event in stream:
                    if isinstance(event, Final):
                        wrong = event.failure
    except TimeoutError:
        wrong = failure("MODEL_STALL", f"no answer within {TIME_LIMIT:g} seconds")
    if wrong is not None:
        return verdict(wrong)
    return {"ok": True, "latencyMs": round((time.monotonic() - begun) * 1000)}


def verdict(wrong: Failure) -> dict[str, Any]:
    """A failed test in the words of the contract."""
    reason = _REASONS.get(wrong.code, "unreachable")
    status = {} if wrong.status is None else {"status": wrong.status}
    return {"ok": False, "reason": reason, **status, "message": wrong.message}
