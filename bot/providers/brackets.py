"""Follows the brackets and strings of JSON-like text that arrives in pieces. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

MAX_KEY = 64

_MARK = re.compile(r"\S")
_SKIP = re.compile(r"[^\"'{}\[\],]+")
_STRING_END = {'"': re.compile(r'["\\]'), "'": re.compile(r"['\\]")}


class Brackets:
    """One value from its first bracket to the last.

    `known` are the keys that its object, or each object of its list, may have; None is any. `keys`
    are those seen; `foreign` is set once there is something else, and then only brackets count.
    """

    def __init__(self, known: Collection[str] | None) -> None:
        self.keys: set[str] = set()
        self.foreign = False
        self._known = known
        self._begun = False
        self._depth = 0
        self._base = 1
        self._quote = ""
        self._escaped = False
        self._at_key = False
        self._key: str | None = None

    def feed(self, text: str) -> int:
        """Take text; the place behind the last bracket, -1 while it is open.

        Where it turns foreign, it stops and gives that place.
        """
        at, before = 0, self.foreign
        while at < len(text):
            if self._quote:
                at = self._string(text, at)
            elif found := _MARK.search(text, at):
                at = found.end()
                self._mark(found[0])
                if self.closed:
                    return at
                at = self._skip(text, at)
            else:
                return -1
            if self.foreign and not before:
                return at
        return -1

    @property
    def closed(self) -> bool:
        """The last bracket was there."""
        return self._begun and self._depth <= 0

    def _skip(self, text: str, at: int) -> int:
        """Past what means nothing: colons, numbers, words."""
        skipped = None if self._quote or self._at_key else _SKIP.match(text, at)
        return skipped.end() if skipped else at

    def _mark(self, mark: str) -> None:
        was_at_key, self._at_key = self._at_key, False
        if mark in "{[":
            self._open(mark, was_at_key)
        elif not self._begun:
            return  # words between a tag and the value it announces
        elif mark in "}]":
            self._depth -= 1
        elif mark == '"' or (mark == "'" and not self.foreign):
            self._quote = mark
            self._key = "" if was_at_key else None
        elif was_at_key:
            self.foreign = True
        elif mark == "," and self._depth == self._base:
            self._at_key = self._watching

    @property
    def _watching(self) -> bool:
        return self._known is not None and not self.foreign

    def _open(self, mark: str, was_at_key: bool) -> None:
        if was_at_key and not (mark == "{" and self._depth == self._base - 1):
            self.foreign = True
        self._begun = True
        self._depth += 1
        if self._depth == 1:
            self._base = 2 if mark == "[" else 1
            self._at_key = self._watching
        elif self._depth == self._base and mark == "{":
            self._at_key = self._watching

    def _string(self, text: str, at: int) -> int:
        """Go on in a string; the place behind what was taken."""
        if self._escaped:
            self._escaped = False
            return at + 1
        found = _STRING_END[self._quote].search(text, at)
        if self._key is not None:
            self._key = (self._key + text[at : found.start() if found else None])[: MAX_KEY + 1]
        if found is None:
            return len(text)
        if found[0] == "\\":
            self._escaped = True
            return found.end()
        self._quote = ""
        if self._key is not None:
            self._close_key(self._key)
        return found.end()

    def _close_key(self, key: str) -> None:
        self._key = None
        self.keys.add(key)
        if self._known is not None and key not in self._known:
            self.foreign = True
