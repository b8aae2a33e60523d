"""When to show a growing answer by posting and editing one message.

A reducer: the state says what stands on the platform, `decide` says what to do now, and the caller
reports back what became of it. One action is in flight at a time and the newest text wins, so a
slow or angry platform costs edits, never the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

Draft = Callable[[str], tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Preview:
    """One preview. All times are in seconds on the caller's clock.

    `began`: when the first delta came. `first_after`: an answer that is done sooner is never
    previewed. `edit_interval`: how far apart two actions are. `max_edits`: None is no limit.
    """

    began: float
    first_after: float = 0.7
    edit_interval: float = 1.0
    max_edits: int | None = None
    shown: str = ""
    posted: bool = False
    busy: bool = False
    full: bool = False
    closed: bool = False
    edits: int = 0
    next_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing to do until the text or the state changes."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`; None: until there is room to send."""

    until: float | None


@dataclass(frozen=True, slots=True)
class Post:
    """Send the preview. `full`: this is all of the answer that fits into it."""

    text: str
    full: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the preview's text."""

    text: str
    full: bool = False


def decide(
    state: Preview, text: str, now: float, draft: Draft, allowed: bool = True
) -> Hold | Wait | Post | Edit:
    """What to do about the visible text so far.

    `draft` makes of it what a preview may show, and says whether the rest no longer fits; it is
    called only when an action is due. `allowed`: the send budget has room for previews.
    """
    if state.closed or state.busy or state.full or not text.strip():
        return Hold()
    if state.posted and state.max_edits is not None and state.edits >= state.max_edits:
        return Hold()
    due = state.next_at if state.posted else max(state.next_at, state.began + state.first_after)
    if now < due:
        return Wait(due)
    shown, full = draft(text)
    if not shown.strip() or shown == state.shown:
        return Hold()
    if not allowed:
        return Wait(None)
    return Edit(shown, full) if state.posted else Post(shown, full)


def started(state: Preview) -> Preview:
    """The action that was decided is on its way."""
    return replace(state, busy=True)


def posted(state: Preview, action: Post, now: float) -> Preview:
    """The preview stands on the platform."""
    return _done(replace(state, posted=True), action, now)


def edited(state: Preview, action: Edit, now: float) -> Preview:
    """The preview shows the new text."""
    return _done(replace(state, edits=state.edits + 1), action, now)


def _done(state: Preview, action: Post | Edit, now: float) -> Preview:
    return replace(
        state,
        busy=False,
        shown=action.text,
        full=action.full,
        next_at=max(state.next_at, now + state.edit_interval),
    )


def failed(state: Preview, now: float, until: float | None) -> Preview:
    """The action certainly did not happen; nothing is tried before `until`.

    None gives the preview up: it was refused, or a post may have happened unseen and would double.
    """
    if until is None:
        return replace(state, busy=False, closed=True)
    return replace(state, busy=False, next_at=max(state.next_at, until, now + state.edit_interval))


def closed(state: Preview) -> Preview:
    """The final takes over, or the run ended; an action in flight is awaited by the caller."""
    return replace(state, closed=True)
