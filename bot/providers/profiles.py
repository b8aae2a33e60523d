"""Several credentials for one provider: asked in order, rested after failures, kept per session."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol, cast, runtime_checkable

import structlog

from bot.clock import Clock
from bot.engine.port import Engine, Script
from bot.errors import StoreError
from bot.providers.cooldown import EVERY_MODEL, ROTATING, Rest, after, order, resting, scope
from bot.providers.found import Found
from bot.providers.http import Refused
from bot.providers.probe import Lists, Measures
from bot.store import profiles as rows
from bot.store import slowdowns
from bot.types import Entry, Final, ModelEvent, ModelRequest, Notice, Provider, Restart

Events = AsyncGenerator[ModelEvent, None]

log = structlog.get_logger("providers")


@runtime_checkable
class Keyed(Protocol):
    """A provider that can be asked with another credential over the same connections."""

    def with_key(self, key: str) -> Provider: ...


@dataclass(frozen=True, slots=True)
class Profile:
    """One credential. `id` names it over restarts, and gives nothing of it away.

    `secret` answers it (raises Refused); None: the provider is asked as it is. `renew` gets a
    fresh one after a refusal, False when that cannot be.
    """

    id: str
    secret: Callable[[], Awaitable[str]] | None = None
    renew: Callable[[], Awaitable[bool]] | None = None


def of_key(provider: str, key: str) -> Profile:
    """The profile of a configured key, known again in whatever place of the file it stands."""

    async def secret() -> str:
        return key

    return Profile(f"{provider}:{hashlib.sha256(key.encode()).hexdigest()[:12]}", secret)


@dataclass(slots=True)
class Keeper:
    """Which credentials rest, and which place stays with which. Without an engine, in memory only.

    A place is a session between two resets or compactions.
    """

    clock: Clock
    engine: Engine | None = None
    _rests: dict[tuple[str, str], Rest] = field(default_factory=dict)
    _pins: dict[str, str] = field(default_factory=dict)
    _loaded: bool = False

    async def load(self) -> None:
        """Remember what the store knows; once."""
        if self._loaded:
            return
        self._loaded = True
        if self.engine is not None:
            known = await self.engine.read(_known())
            self._rests, self._pins = known[0] | self._rests, known[1] | self._pins

    async def order(self, profiles: Sequence[str], model: str, place: str) -> list[str]:
        """The credentials to ask now, first to last."""
        await self.load()
        return order(self._rests, profiles, self._pins.get(place), model, self.clock.now())

    def rest(self, profiles: Sequence[str], model: str) -> Rest | None:
        """What keeps all of these from a model now, the rest that ends first; None: one is free."""
        now = self.clock.now()
        found = [resting(self._rests, one, model, now) for one in profiles]
        ends = [one for one in found if one is not None]
        return min(ends, key=lambda one: one.until) if len(ends) == len(found) else None

    async def saw(
        self, profiles: Sequence[str], profile: str, asked: ModelRequest, final: Final
    ) -> None:
        """What became of a call with one of these credentials."""
        failure, now = final.failure, self.clock.now()
        if failure is not None:
            where = scope(failure.code, asked.model)
            if where is not None:
                rest = after(self._rests.get((profile, where)), failure, now)
                self._rests[profile, where] = rest
                await self._store(_rested(profile, where, asked.model, rest))
            return
        held = [one for one in (asked.model, EVERY_MODEL) if (profile, one) in self._rests]
        if held:
            for one in held:
                del self._rests[profile, one]
            await self._store(rows.works(profile, held))
        if asked.place and self._pins.get(asked.place, profiles[0]) != profile:
            self._pins[asked.place] = profile
            await self._store(rows.pin(asked.place, profile, now))

    async def _store(self, script: Script[None]) -> None:
        if self.engine is None:
            script.close()
            return
        try:
            await self.engine.tx(script)
        except StoreError as error:
            # It counts while this process lives; no answer fails for it.
            log.warning("credential state was not stored", reason=str(error))


def _rested(profile: str, where: str, model: str, rest: Rest) -> Script[None]:
    yield from rows.rest(profile, where, rest.until, rest.errors, rest.code, rest.at)
    if rest.code == "MODEL_RATE_LIMIT":
        name = f"{profile.partition(':')[0]}/{model}"
        yield from slowdowns.asked("model", name, rest.until, rest.at)


def _known() -> Script[tuple[dict[tuple[str, str], Rest], dict[str, str]]]:
    rests = {
        (row["profile"], row["model"]): Rest(row["until"], row["errors"], row["code"], row["at"])
        for row in (yield from rows.rests())
    }
    pins = {row["place"]: row["profile"] for row in (yield from rows.pins())}
    return rests, pins


class Rotating:
    """A Provider that asks another one with each of its credentials, until one is taken."""

    def __init__(self, base: Provider, profiles: Sequence[Profile], keeper: Keeper) -> None:
        self.base = base
        self._profiles = {one.id: one for one in profiles}
        self._ids = tuple(self._profiles)
        self._keeper = keeper
        self._twins: dict[str, Provider] = {}
        # Asked with every run; a protocol takes long to say so.
        self._measures = base if isinstance(base, Measures) else None

    def __repr__(self) -> str:
        return f"Rotating({self.base!r})"

    async def rest(self, model: str) -> Rest | None:
        """What keeps every credential from a model now; None: it can be asked."""
        await self._keeper.load()
        return self.known_rest(model)

    def known_rest(self, model: str) -> Rest | None:
        """As `rest`, by what this process knows: nothing, until it has asked a model."""
        return self._keeper.rest(self._ids, model)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Call the model; see `bot.types.Provider`. What a refused credential said is unsaid."""
        left = await self._keeper.order(self._ids, request.model, request.place)
        renewed = False
        while True:
            profile, final, said = self._profiles[left[0]], None, False
            async with aclosing(self._asked(profile, request)) as events:
                async for event in events:
                    if isinstance(event, Final):
                        final = event
                    else:
                        said = said or not isinstance(event, Notice)
                        yield event
            assert final is not None, "a provider ended without its final event"
            code = final.failure.code if final.failure else None
            if code == "MODEL_AUTH" and not renewed and profile.renew and await profile.renew():
                renewed = True
            else:
                await self._keeper.saw(self._ids, left.pop(0), request, final)
                if not left or code not in ROTATING:
                    yield final
                    return
            if said:
                yield Restart()

    async def _asked(self, profile: Profile, request: ModelRequest) -> Events:
        try:
            provider = await self._with(profile)
        except Refused as refused:
            now = self._keeper.clock.now()
            yield Final(Entry("assistant", "", now, stop="error"), refused.failure)
            return
        async with aclosing(provider.stream(request)) as events:  # type: ignore[type-var]
            async for event in events:
                yield event

    async def _with(self, profile: Profile) -> Provider:
        """The provider with a credential. Raises Refused."""
        if profile.secret is None:
            return self.base
        secret = await profile.secret()
        if secret not in self._twins:
            if len(self._twins) > len(self._ids):
                # Tokens change with the hours.
                self._twins.clear()
            self._twins[secret] = cast(Keyed, self.base).with_key(secret)
        return self._twins[secret]

    async def models(self) -> list[Found]:
        """The models on offer, as the first usable credential sees them. Raises Refused."""
        first, *_ = await self._keeper.order(self._ids, EVERY_MODEL, "")
        provider = await self._with(self._profiles[first])
        return await provider.models() if isinstance(provider, Lists) else []

    def window(self, model: str) -> int | None:
        """In tokens, None as long as it is not known."""
        return self._measures.window(model) if self._measures is not None else None

    async def close(self) -> None:
        """Close every connection."""
        await self.base.close()
