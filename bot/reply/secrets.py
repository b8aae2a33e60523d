"""Configured keys and tokens never leave, whoever says them and however the text was cut."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "[secret]"
SHORTEST = 8


class Secrets:
    """The values that may not be shown. Shorter ones than `SHORTEST` are words like any other."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._known: tuple[str, ...] = ()
        self._whole: re.Pattern[str] | None = None
        self._first: re.Pattern[str] | None = None
        self.use(values)

    def use(self, values: Iterable[str]) -> None:
        """Watch over these from now on."""
        kept = sorted({one for one in values if len(one) >= SHORTEST}, key=len, reverse=True)
        self._known = tuple(kept)
        self._whole = re.compile("|".join(map(re.escape, kept))) if kept else None
        letters = "".join(sorted({one[0] for one in kept}))
        self._first = re.compile(f"[{re.escape(letters)}]") if kept else None

    def clean(self, text: str) -> str:
        """A whole text without them."""
        return self._whole.sub(MASK, text) if self._whole is not None else text

    def safe(self, text: str) -> int:
        """How much of a growing text is clear: behind it one of them may have begun."""
        if self._first is None or self._whole is None:
            return len(text)
        cut = len(text)
        for found in self._first.finditer(text):
            rest = text[found.start() :]
            if any(len(one) > len(rest) and one.startswith(rest) for one in self._known):
                cut = found.start()
                break
        for match in self._whole.finditer(text):
            if match.start() < cut < match.end():
                return match.start()
        return cut


class Redactor:
    """Lets a growing text through without secrets: joined, it is `clean` of the whole."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._held = ""

    def feed(self, piece: str) -> str:
        text = self._held + piece if self._held else piece
        cut = self._secrets.safe(text)
        self._held = text[cut:]
        return self._secrets.clean(text[:cut])

    def finish(self) -> str:
        held, self._held = self._held, ""
        return self._secrets.clean(held)
