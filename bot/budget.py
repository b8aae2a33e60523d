"""One send budget for each limit of a platform, shared by everything that is sent.

Previews and typing signs ask first and stop when less than a third of a limit is left; answers go
at once and only count. When the platform itself says "wait", the conversation waits until then, or
the whole account where that is meant, and for a minute after it answers keep to the documented rate
as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from bot.contract import Address, Rate

RESERVE = 0.3
STRICT_FOR = 60.0
_MAX_SCOPES = 10_000
# Where a conversation's id stands otherwise.
_ACCOUNT = ""


class Budget:
    """What one account has sent lately, in each scope that its platform limits."""

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._rates = rates
        self._sent: dict[tuple[int, str], deque[float]] = {}
        self._closed: dict[str, float] = {}
        self._strict_until: dict[str, float] = {}

    def spend(self, to: Address, now: float) -> None:
        """Count one call to a conversation."""
        for scope, rate in self._scopes(to):
            sent = self._sent.setdefault(scope, deque(maxlen=rate.count))
            sent.append(now)
        if len(self._sent) > _MAX_SCOPES:
            self._forget(now)

    def room(self, to: Address, kind: str, now: float) -> bool:
        """May a preview or typing sign be sent now, with room left for answers?"""
        if self.closed_until(to, now) > now:
            return False
        return all(
            self._used(scope, rate, now) < max(1, rate.count * (1 - RESERVE))
            for scope, rate in self._scopes(to)
            if rate.scope != "group" or kind != "direct"
        )

    def due(self, to: Address, now: float) -> float:
        """When an answer may be sent: now, unless the platform asked to wait."""
        due = self.closed_until(to, now)
        for scope, rate in self._scopes(to):
            # A conversation that alone keeps to the rate of all would starve beside the others.
            if self._strict_until.get(scope[1], 0.0) <= now or rate.scope == "group":
                continue
            sent = self._sent.get(scope)
            if sent and len(sent) == rate.count:
                due = max(due, sent[0] + rate.per)
        return due

    def close(
        self, to: Address, now: float, retry_after: float, *, everywhere: bool = False
    ) -> float:
        """The platform asked to wait, `everywhere` or here; when it may be tried again."""
        until = now + max(0.0, retry_after)
        place = _ACCOUNT if everywhere else to.conversation
        self._closed[place] = until
        self._strict_until[place] = until + STRICT_FOR
        return until

    def closed_until(self, to: Address, now: float) -> float:
        return max(now, *(self._closed.get(place, 0.0) for place in (to.conversation, _ACCOUNT)))

    def _scopes(self, to: Address) -> list[tuple[tuple[int, str], Rate]]:
        return [
            ((number, _ACCOUNT if rate.scope == "account" else to.conversation), rate)
            for number, rate in enumerate(self._rates)
        ]

    def _used(self, scope: tuple[int, str], rate: Rate, now: float) -> int:
        return sum(1 for at in self._sent.get(scope, ()) if at > now - rate.per)

    def _forget(self, now: float) -> None:
        for scope in [
            scope
            for scope, sent in self._sent.items()
            if not sent or sent[-1] < now - self._rates[scope[0]].per
        ]:
            del self._sent[scope]
        for table in (self._closed, self._strict_until):
            for key in [key for key, until in table.items() if until < now]:
                del table[key]
