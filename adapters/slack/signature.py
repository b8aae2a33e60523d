"""Proof that a request comes from Slack: its signature, its age, and that it is the first one.

See docs.slack.dev/authentication/verifying-requests-from-slack.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping

from slack_sdk.signature import SignatureVerifier

# Seconds a signature is remembered: twice as long as Slack's time window lets it be valid.
REMEMBERED = 600.0
# Beyond these the oldest are forgotten: a bound on memory, above what Slack sends in that time.
_MOST = 20_000


class _Clock:
    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now


class Signatures:
    """Accepts each signed request once."""

    def __init__(self, secret: str, now: Callable[[], float] = time.time) -> None:
        self._verifier = SignatureVerifier(secret, clock=_Clock(now))  # type: ignore[arg-type]
        self._now = now
        self._seen: dict[bytes, float] = {}

    def accept(self, body: bytes, headers: Mapping[str, str]) -> bytes | None:
        """The name to `forget` the request by, None when it is not Slack's or not new."""
        try:
            valid = self._verifier.is_valid_request(body, dict(headers))
        except Exception:  # The library raises on malformed headers and on bodies that are no text.
            return None
        name = hashlib.sha256(headers.get("x-slack-signature", "").encode()).digest()
        if not valid or name in self._seen_now():
            return None
        self._seen[name] = self._now()
        return name

    def forget(self, name: bytes) -> None:
        """A request that could not be stored may come again as it was."""
        self._seen.pop(name, None)

    def _seen_now(self) -> Mapping[bytes, float]:
        limit = self._now() - REMEMBERED
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest] >= limit and len(self._seen) < _MOST:
                break
            del self._seen[oldest]
        return self._seen
