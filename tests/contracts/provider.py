"""What the provider suites share: one call of a provider, held against the Provider contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.providers.openai import OpenAI
from bot.types import Entry, Final, ModelEvent, ModelRequest, Provider, TextDelta, ThinkDelta
from tests.fakes.openai_server import FakeOpenAI

NOW = 1_700_000_000.0
KEY = "sk-test-0123456789abcdef"
HELLO = ModelRequest("fake-1", "", [Entry("user", "hello", 1.0)])


class StillClock:
    """A clock that stands still."""

    def now(self) -> float:
        return NOW

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a model call waits for nobody")


@dataclass
class Result:
    """What one call gave."""

    events: list[ModelEvent]
    final: Final

    @property
    def text(self) -> str:
        return self.final.entry.text

    @property
    def code(self) -> str:
        assert self.final.failure is not None, self.final
        return self.final.failure.code

    @property
    def message(self) -> str:
        assert self.final.failure is not None, self.final
        return self.final.failure.message


def checked(events: Sequence[ModelEvent]) -> Result:
    """Exactly one Final, last; the deltas joined are its text; no call is in a failed entry."""
    final = events[-1]
    assert isinstance(final, Final)
    assert not any(isinstance(event, Final) for event in events[:-1])
    entry = final.entry
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == entry.text
    assert "".join(e.text for e in events if isinstance(e, ThinkDelta)) == entry.thinking
    if final.failure is not None:
        assert entry.stop in ("error", "overflow")
        assert entry.calls == ()
        assert entry.error == {"code": final.failure.code, "message": final.failure.message}
        sentence = final.failure.message
        assert len(sentence) < 500
        assert not any(bad in sentence for bad in ("\n", "Traceback", "{", KEY))
    else:
        assert entry.stop in ("end", "tools", "length")
    return Result(list(events), final)


async def call(provider: Provider, request: ModelRequest = HELLO, **changes: object) -> Result:
    request = replace(request, **changes)  # type: ignore[arg-type]
    return checked([event async for event in provider.stream(request)])


def openai(server: FakeOpenAI | str, *keys: str, **options: object) -> OpenAI:
    url = server if isinstance(server, str) else server.url
    return OpenAI("fake", url, keys or (KEY,), clock=StillClock(), **options)  # type: ignore[arg-type]
