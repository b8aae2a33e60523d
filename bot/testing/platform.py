"""A chat platform that remembers: what people said, what they see now, and in which order.

It delivers an update again until its number is confirmed, and its verbs fail when told to, before
or after they had their effect.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bot.errors import NotSent, RateLimited, Refused, SendError, Uncertain

FaultKind = Literal["limited", "not-sent", "uncertain", "refused", "broken"]
Json = Mapping[str, Any]

PATIENCE = 30.0


class Wire(Protocol):
    """How an adapter reaches a platform: in process, or over HTTP."""

    async def call(self, verb: str, body: Json) -> dict[str, Any]:
        """One verb: poll, send, edit, delete, react, typing, find. Raises SendError."""
        ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class Shown:
    """A message of the bot. `texts` are all it ever said, the last one is what people see."""

    id: str
    conversation: str
    thread: str | None
    key: str
    texts: list[str]
    reply_to: str | None = None
    deleted: bool = False

    @property
    def text(self) -> str:
        return self.texts[-1]


@dataclass(frozen=True, slots=True)
class Fault:
    """How a verb fails: `shown` says that it had its effect all the same.

    limited, not-sent, uncertain and refused are the four failures; broken is an adapter's own bug.
    """

    kind: FaultKind
    shown: bool = False
    retry_after: float = 1.0

    def error(self) -> Exception:
        kinds: dict[str, Callable[[], Exception]] = {
            "limited": lambda: RateLimited("too many requests", self.retry_after),
            "not-sent": lambda: NotSent("no connection"),
            "uncertain": lambda: Uncertain("the connection was cut"),
            "refused": lambda: Refused("the platform says no"),
            "broken": lambda: KeyError("id"),
        }
        return kinds[self.kind]()


@dataclass(slots=True)
class Platform:
    """One platform. `idempotent`: a key that was sent shows nothing a second time.

    `calls` has every verb in order with its body, `confirmed` the number below which all updates
    are done with.
    """

    idempotent: bool = False
    messages: dict[str, Shown] = field(default_factory=dict)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    confirmed: int = 0
    _updates: list[dict[str, Any]] = field(default_factory=list)
    _faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    _last: int = 0
    _ids: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def say(
        self,
        text: str,
        conversation: str = "ada",
        *,
        author: str | None = None,
        id: str | None = None,
        **more: Any,
    ) -> str:
        """A person says something; its message id. `more` are fields of an update (see channel)."""
        self._ids += 1
        message = id or f"u{self._ids}"
        name = author or conversation
        self.push(
            {
                "id": message,
                "conversation": conversation,
                "text": text,
                "author": {"id": name, "name": name.title()},
                **more,
            }
        )
        return message

    def push(self, update: Any) -> None:
        """Something happens: any update, well formed or not."""
        self._last += 1
        self._updates.append({"update": self._last, "event": update})
        self.wake()

    def fail(self, verb: str, *faults: Fault) -> None:
        """The next calls of a verb fail like this, one after the other."""
        self._faults[verb].extend(faults)

    def heal(self) -> None:
        """No call fails any more."""
        self._faults.clear()

    def visible(self, conversation: str = "ada", thread: str | None = None) -> list[str]:
        """What a person sees of the bot in a conversation, in order."""
        return [
            message.text
            for message in self.messages.values()
            if (message.conversation, message.thread) == (conversation, thread)
            and not message.deleted
        ]

    def count(self, verb: str) -> int:
        return sum(1 for name, _ in self.calls if name == verb)

    async def wait_for(
        self, test: Callable[[Platform], object], patience: float = PATIENCE
    ) -> None:
        """Return when `test` of this platform is true.

        Raises AssertionError with what is shown when it did not come to that in `patience` seconds
        of real time.
        """
        try:
            async with asyncio.timeout(patience):
                await self._until(test)
        except TimeoutError:
            shown = [(one.conversation, one.text[:200]) for one in self.messages.values()]
            raise AssertionError(f"it did not come to that; shown are {shown}") from None

    async def _until(self, test: Callable[[Platform], object]) -> None:
        while not test(self):
            self._changed.clear()
            await self._changed.wait()

    async def all_taken(self, patience: float = PATIENCE) -> None:
        """Return when every update was confirmed."""
        await self.wait_for(lambda one: one._last < max(1, one.confirmed), patience)

    async def shows(self, *texts: str, to: str = "ada", thread: str | None = None) -> None:
        """Return when a person sees exactly these messages."""
        await self.wait_for(lambda one: one.visible(to, thread) == list(texts))

    async def call(self, verb: str, body: Json) -> dict[str, Any]:
        if verb == "poll":
            return await self._poll(int(body["offset"]))
        self.calls.append((verb, body))
        fault = self._faults[verb].pop(0) if self._faults[verb] else None
        answer = self._do(verb, body) if fault is None or fault.shown else {}
        self.wake()
        if fault is not None:
            raise fault.error()
        return answer

    async def close(self) -> None:
        """Nothing is open."""

    async def _poll(self, offset: int) -> dict[str, Any]:
        """The updates from a number on, when there are any; those below it are confirmed."""
        self.confirmed = max(self.confirmed, offset)
        self._updates = [one for one in self._updates if one["update"] >= offset]
        self.wake()
        await self._until(lambda one: one._updates)
        return {"updates": list(self._updates)}

    def _do(self, verb: str, body: Json) -> dict[str, Any]:
        if verb == "send":
            return {"id": self._send(body)}
        if verb == "find":
            found = [one.id for one in self.messages.values() if one.key == body["key"]]
            return {"id": found[0] if found else None}
        if verb == "edit":
            self._edit(body)
        elif verb == "delete" and (gone := self.messages.get(body["id"])):
            gone.deleted = True
        return {}

    def _send(self, body: Json) -> str:
        for message in self.messages.values():
            if self.idempotent and message.key == body["key"]:
                return message.id
        id = f"b{len(self.messages) + 1}"
        self.messages[id] = Shown(
            id,
            body["conversation"],
            body.get("thread"),
            body["key"],
            [body["text"]],
            body.get("reply_to"),
        )
        return id

    def _edit(self, body: Json) -> None:
        message = self.messages.get(body["id"])
        if message is None or message.deleted:
            raise Refused("there is no such message")
        message.texts.append(body["text"])

    def wake(self) -> None:
        """Let everyone who waits look again."""
        self._changed.set()


FAULTS: Mapping[type[SendError], FaultKind] = {
    RateLimited: "limited",
    NotSent: "not-sent",
    Uncertain: "uncertain",
    Refused: "refused",
}
