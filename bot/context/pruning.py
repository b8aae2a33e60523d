"""Old tool results made small for the request alone; the transcript keeps them whole.

What is pruned is decided by pauses that stand in the transcript, never by the time of asking: a
request goes on to begin as the one before it did, so that a prompt cache is used until it has run
out anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.context.compaction import shortened
from bot.tokens import LETTERS, of_entries
from bot.types import Entry

PAUSE = 300.0
CLEARED = "[An old tool result was left out here. Call the tool again if it is needed.]"
_LONG = 4000
_KEPT = 3000
_CLEARABLE = 50_000
_KEPT_TURNS = 3
_LARGEST_SHARE = 0.3


def pruned(entries: Sequence[Entry], window: int) -> Sequence[Entry]:
    """A conversation with its old, long tool results shortened, or left out when it is very full.

    Never touched: images, the last three answers before the pause, what stands before the first
    question. A single result larger than its share of the window is shortened wherever it stands.
    """
    largest = max(_KEPT, int(window * _LARGEST_SHARE) * LETTERS)
    results = [one for one in entries if one.role == "tool"]
    if not any(len(one.text) > min(_LONG, largest) for one in results):
        return entries
    small = [_fitted(entry, largest) for entry in entries]
    old = _old(entries)
    if not old:
        return small
    full = of_entries(small[: old[-1] + 1]) / window
    if full <= 0.3:
        return small
    for place in old:
        small[place] = _fitted(small[place], _LONG, _KEPT)
    if full > 0.5 and sum(len(small[place].text) for place in old) >= _CLEARABLE:
        for place in old:
            small[place] = replace(small[place], text=CLEARED)
    # What the server counted was counted with all of it.
    return [replace(one, usage=None) if one.usage else one for one in small]


def _fitted(entry: Entry, letters: int, kept: int | None = None) -> Entry:
    if entry.role != "tool" or len(entry.text) <= letters:
        return entry
    return replace(entry, text=shortened(entry.text, kept or letters, 0.5))


def _old(entries: Sequence[Entry]) -> list[int]:
    """The places of tool results that were old when the conversation last paused."""
    end, answers, first = 0, 0, len(entries)
    for place in range(len(entries) - 1, 0, -1):
        if entries[place].role == "user" and entries[place].at - entries[place - 1].at > PAUSE:
            end = place
            break
    while end and answers < _KEPT_TURNS:
        end -= 1
        answers += entries[end].role == "assistant"
    for place, entry in enumerate(entries):
        if entry.role == "user":
            first = place
            break
    return [
        place
        for place in range(first, end)
        if entries[place].role == "tool" and not entries[place].attachments
    ]
