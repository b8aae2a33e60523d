"""Events as other processes are told of them: JSON, and back.

An answer that grows is told by its new piece, and whole now and then, so that the whole is not sent
again with every word; who has not heard what came before waits for the next that is whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from bot.codec import entry_from, entry_json
from bot.events import (
    Body,
    Compacted,
    Delta,
    Event,
    Finished,
    Note,
    RunEvent,
    Signal,
    Started,
    Thought,
    ToolEnded,
    ToolStarted,
    ToolUpdated,
)
from bot.types import Entry

Json = dict[str, Any]

SHORT = 2_000  # characters; a text up to this is always told whole
WHOLE_EVERY = 1.0  # seconds

_BODIES: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        *(Started, Delta, Thought, ToolStarted, ToolUpdated, ToolEnded),
        *(Compacted, Note, Finished),
    )
}


@dataclass(slots=True)
class Text:
    """A text that grows, as the others know it; `whole_at`: when they were last told all of it."""

    text: str = ""
    whole_at: float = 0.0


def event_json(event: Event) -> Json:
    """An event with all that belongs to it."""
    if isinstance(event, Signal):
        return {"name": event.name, "data": dict(event.data)}
    body = event.body
    data = {one.name: getattr(body, one.name) for one in fields(body)}
    if isinstance(body, Finished) and isinstance(body.entry, Entry):
        data["entry"] = _line_json(body.entry)
    for name, value in data.items():
        if isinstance(value, Mapping):
            data[name] = dict(value)
    return _framed(event) | {"body": data}


def growth_json(event: RunEvent, known: Text, now: float) -> Json:
    """A growing text, as what is new of it where the others know the rest."""
    body = event.body
    assert isinstance(body, Delta | Thought)
    before, known.text = known.text, body.text
    if len(body.text) <= SHORT or not body.text.startswith(before):
        known.whole_at = now
    elif now - known.whole_at < WHOLE_EVERY:
        return _framed(event) | {"after": len(before), "piece": body.text[len(before) :]}
    else:
        known.whole_at = now
    return _framed(event) | {"body": {"delta": body.text, "text": body.text}}


def event_from(data: Json, known: Mapping[str, str]) -> Event | None:
    """The event again; None for a piece whose beginning is not among the `known` texts.

    `known` has the texts of the run so far, by the kind of event. Raises KeyError, TypeError.
    """
    if "name" in data:
        return Signal(data["name"], data["data"])
    body: Body
    if "piece" in data:
        before = known.get(data["kind"], "")
        if len(before) < data["after"]:
            return None
        text = before[: data["after"]] + data["piece"]
        body = _BODIES[data["kind"]](text[len(before) :], text)
    else:
        body = _BODIES[data["kind"]](**data["body"])
        before = known.get(data["kind"], "")
        if isinstance(body, Delta | Thought) and body.text.startswith(before):
            body = replace(body, delta=body.text[len(before) :])
    if isinstance(body, Finished) and body.entry is not None:
        body = replace(body, entry=_line_from(body.entry))
    return RunEvent(data["run"], data["session"], data["seq"], data["at"], body)


def _framed(event: RunEvent) -> Json:
    return {
        "run": event.run,
        "session": event.session,
        "seq": event.seq,
        "at": event.at,
        "kind": type(event.body).__name__,
    }


def _line_json(entry: Entry) -> Json:
    return {
        "role": entry.role,
        "at": entry.at,
        "seq": entry.seq,
        "run": entry.run,
        "data": entry_json(entry),
    }


def _line_from(line: Json) -> Entry:
    return entry_from(
        line["data"], role=line["role"], at=line["at"], seq=line["seq"], run=line["run"]
    )
