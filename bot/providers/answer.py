"""The bytes of an answer to deltas and the final entry: streamed or whole, good or broken. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Protocol

from bot import jsonio
from bot.providers.draft import Deltas
from bot.providers.failures import failure, read_error, refusal
from bot.providers.sse import MAX_EVENT, Event, Parser
from bot.types import Entry, Failure, Final, Stop

MAX_ANSWER = 64 << 20

_BLANK = b" \t\r\n\xef\xbb\xbf"


class Assembly(Protocol):
    """What a wire format makes of the documents of one answer.

    `finish` is the server's word for why it stopped, None before it has; `complete`: nothing that
    may still come matters; `cut_call`: the output limit fell into a tool call.
    """

    finish: str | None
    complete: bool

    @property
    def stop(self) -> Stop: ...

    @property
    def cut_call(self) -> bool: ...

    def feed(self, document: Mapping[str, Any]) -> Deltas:
        """Take one document, a piece or a whole answer; what to show at once."""
        ...

    def end(self) -> Deltas:
        """What was held back; called once, when nothing follows."""
        ...

    def entry(self, at: float, model: str, stop: Stop) -> Entry:
        """The assistant's entry. Without a regular end no call is in it: none may be run."""
        ...


class Framing(Protocol):
    """Cuts bytes into events. `whole`: an answer that begins as JSON is one document."""

    whole: bool

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that are complete. Raises ValueError when one is too large."""
        ...

    def end(self) -> list[Event]:
        """The event that needs no end, when nothing follows."""
        ...


class Answer:
    """One answer. `complete`: nothing that may still come matters; `failure` says what is wrong."""

    def __init__(
        self,
        provider: str,
        assembly: Assembly,
        secrets: Collection[str] = (),
        framing: Framing | None = None,
    ) -> None:
        self.complete = False
        self.failure: Failure | None = None
        self.assembly = assembly
        self._provider = provider
        self._secrets = secrets
        self._framing: Framing = framing or Parser()
        self._size = 0
        self._head: bytes | None = b""
        self._whole: bytearray | None = None

    def feed(self, chunk: bytes) -> Deltas:
        """What these bytes bring, neighbours of one kind joined into one delta.

        Not the server's label but the first byte tells a whole JSON answer from a stream.
        """
        self._size += len(chunk)
        if self._size > MAX_ANSWER:
            self._fail(f"sent more than {MAX_ANSWER >> 20} MiB")
        if self.complete:
            return []
        if self._head is not None:
            chunk = self._begin(chunk)
        if self._whole is not None:
            self._whole += chunk
            return []
        return _joined(self._stream(chunk))

    def end(self) -> Deltas:
        """What was still held back; call it once, when nothing follows."""
        deltas: Deltas = []
        if self._whole is not None and not self.complete:
            deltas = self._document(self._whole.decode("utf-8", "replace"))
        elif not self.complete:
            for event in self._framing.end():
                deltas += self._event(event)
        return _joined([*deltas, *self.assembly.end()])

    def final(self, at: float, model: str, lost: Failure | None = None) -> Final:
        """The last event. `lost`: how the connection ended, if not well.

        What was finished before the connection broke counts; what was not is a failure.
        """
        assembly = self.assembly
        wrong = self.failure or (None if assembly.finish else lost) or self._verdict()
        if wrong is None:
            return Final(assembly.entry(at, model, assembly.stop))
        stop = "overflow" if wrong.code == "CONTEXT_OVERFLOW" else "error"
        entry = assembly.entry(at, model, "overflow" if stop == "overflow" else "error")
        return Final(replace(entry, error={"code": wrong.code, "message": wrong.message}), wrong)

    def _verdict(self) -> Failure | None:
        if self.assembly.finish is None:
            text = f"{self._provider} ended its answer in the middle"
            return failure("MODEL_CUT", text)
        if self.assembly.cut_call:
            text = f"{self._provider} reached its output limit inside a tool call; raise max_tokens"
            return Failure("MODEL_CUT", text)
        if self.assembly.stop == "error":
            text = f"{self._provider} stopped the answer: {self.assembly.finish}"
            return Failure("MODEL_BAD_REQUEST", text)
        return None

    def _begin(self, chunk: bytes) -> bytes:
        """Hold blank bytes back until the first other one tells what the answer is."""
        assert self._head is not None
        chunk = self._head + chunk
        first = chunk.lstrip(_BLANK)[:1]
        if not first:
            self._head = chunk
            return b""
        self._head = None
        if first == b"{" and self._framing.whole:
            self._whole = bytearray()
        elif first == b"<":
            self._fail("sent a web page instead of an answer; check its base_url")
        return chunk

    def _stream(self, chunk: bytes) -> Deltas:
        deltas: Deltas = []
        try:
            events = self._framing.feed(chunk)
        except ValueError:
            self._fail(f"sent one event of more than {MAX_EVENT >> 20} MiB")
            return deltas
        for event in events:
            if self.complete:
                break
            deltas += self._event(event)
        return deltas

    def _event(self, event: Event) -> Deltas:
        if event.data == "[DONE]":
            self.complete = True
            return []
        if event.type == "error":
            self._report(_decoded(event.data) or event.data)
            return []
        return self._document(event.data) if event.data else []

    def _document(self, text: str) -> Deltas:
        document = _decoded(text)
        if not isinstance(document, dict):
            self._fail("sent something that is not JSON")
            return []
        if document.get("error"):
            self._report(document)
            return []
        deltas = self.assembly.feed(document)
        self.complete = self.assembly.complete
        return deltas

    def _report(self, document: Any) -> None:
        said = read_error(document)
        self.failure = refusal(self._provider, said, secrets=self._secrets)
        self.complete = True

    def _fail(self, what: str) -> None:
        self.failure = failure("MODEL_CUT", f"{self._provider} {what}")
        self.complete = True


def _decoded(text: str) -> Any:
    try:
        return jsonio.loads(text, max_bytes=MAX_ANSWER)
    except ValueError:
        return None


def _joined(deltas: Deltas) -> Deltas:
    """Fewer, longer deltas: what came in one piece of the network is shown in one step."""
    if len(deltas) < 2:
        return deltas
    joined: Deltas = []
    texts: list[str] = []
    for place, delta in enumerate(deltas):
        texts.append(delta.text)
        if place + 1 == len(deltas) or type(deltas[place + 1]) is not type(delta):
            joined.append(type(delta)("".join(texts)))
            texts = []
    return joined
