"""Adapters that are broken on purpose, each with the checks that must notice."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from bot.contract import Address, Caps, HttpRequest, HttpResponse, Ref, Reply
from bot.errors import BadEvent, NotSent, RateLimited, Refused, SendError, StoreError, Uncertain
from bot.testing.channel import FakeChannel
from bot.testing.conformance.core import PATIENCE
from bot.testing.conformance.memory import Sound

BROKEN: list[tuple[type[Sound], tuple[str, ...]]] = []


def breaks(*checks: str) -> Any:
    """The class below must fail these checks."""

    def note(kind: type[Sound]) -> type[Sound]:
        BROKEN.append((kind, checks))
        return kind

    return note


class Reading(Sound):
    """Changes what was read before it is handed on."""

    @classmethod
    def parse(
        cls, event: Any, *, account: str, bot_ids: Sequence[str] = (), bot_name: str = ""
    ) -> list[Any]:
        found = super().parse(event, account=account, bot_ids=bot_ids, bot_name=bot_name)
        return [cls.spoil(one) for one in found]

    @classmethod
    def spoil(cls, message: Any) -> Any:
        return message


@breaks("own-ignored")
class HearsItself(Sound):
    @classmethod
    def parse(cls, event: Any, **how: Any) -> list[Any]:
        return FakeChannel.parse.__func__(cls, event, **how)


@breaks("bots-marked")
class TakesBotsForPeople(Reading):
    @classmethod
    def spoil(cls, message: Any) -> Any:
        return replace(message, author=replace(message.author, is_bot=False))


@breaks("redelivery-one-key", "parse-pure")
class CountsDeliveries(Reading):
    numbers = itertools.count()

    @classmethod
    def spoil(cls, message: Any) -> Any:
        return replace(message, version=str(next(cls.numbers)))


@breaks("edits")
class TakesEditsForNews(Reading):
    @classmethod
    def spoil(cls, message: Any) -> Any:
        return replace(message, change="new", version="0")


@breaks("hear-thread", "answer-thread")
class ForgetsThreads(Reading):
    @classmethod
    def spoil(cls, message: Any) -> Any:
        return replace(message, ref=Ref(replace(message.address, thread=None), message.ref.id))


@breaks("mention-leading")
class NeverNamed(Reading):
    @classmethod
    def spoil(cls, message: Any) -> Any:
        return replace(message, mentioned=False)


@breaks("quotes-heard")
class DropsQuotes(Reading):
    @classmethod
    def spoil(cls, message: Any) -> Any:
        return replace(message, reply_to=None)


@breaks("authors-apart")
class KnowsOnePerson(Reading):
    @classmethod
    def spoil(cls, message: Any) -> Any:
        return replace(message, author=replace(message.author, id="somebody"))


@breaks("unicode-in")
class AsciiOnly(Reading):
    @classmethod
    def spoil(cls, message: Any) -> Any:
        return replace(message, text=message.text.encode("ascii", "replace").decode())


@breaks("two-accounts")
class OneAccount(Reading):
    @classmethod
    def spoil(cls, message: Any) -> Any:
        return replace(message, ref=Ref(replace(message.address, account="first"), message.ref.id))


@breaks("deletions")
class MissesDeletions(Sound):
    @classmethod
    def parse(cls, event: Any, **how: Any) -> list[Any]:
        return [one for one in super().parse(event, **how) if one.change != "deleted"]


@breaks("parse-any-field", "parse-not-an-event")
class Trusting(Sound):
    @classmethod
    def parse(cls, event: Any, **how: Any) -> list[Any]:
        event["author"]["id"].strip()
        return super().parse(event, **how)


@breaks("parse-pure")
class WritesIntoEvents(Sound):
    @classmethod
    def parse(cls, event: Any, **how: Any) -> list[Any]:
        if isinstance(event, dict):
            event["seen"] = True
        return super().parse(event, **how)


@breaks("render-pure")
class RendersByChance(Sound):
    @classmethod
    def render(cls, text: str) -> list[dict[str, Any]]:
        return [{"text": text, "nonce": random.random()}]


@breaks("render-pure")
class RendersBytes(Sound):
    @classmethod
    def render(cls, text: str) -> list[dict[str, Any]]:
        return [{"text": text.encode("utf-8", "replace")}]


@breaks("caps-sane")
class ImpossibleLimit(Sound):
    caps: ClassVar[Caps] = replace(Sound.caps, max_chars=-1)


@breaks("order-kept")
class Backwards(Sound):
    def __init__(self, account: str, options: Any) -> None:
        super().__init__(account, options)
        self.held: list[Any] = []

    async def _take(self, event: Any, receive: Any) -> None:
        self.held.append(event)
        if len(self.held) == 30:
            for one in reversed(self.held):
                await super()._take(one, receive)


@breaks("up")
class NeverUp(Sound):
    async def run(self, receive: Any) -> None:
        await asyncio.Event().wait()


@breaks("store-full", "store-full-order")
class SwallowsStoreErrors(Sound):
    async def _take(self, event: Any, receive: Any) -> None:
        with contextlib.suppress(StoreError):
            await super()._take(event, receive)


@breaks("killed-before-stored")
class ConfirmsFirst(Sound):
    async def _take(self, event: Any, receive: Any) -> None:
        storing = asyncio.create_task(super()._take(event, receive), name="storing later")
        await asyncio.wait([storing], timeout=0)
        self.storing = storing

    async def stop(self) -> None:
        if (storing := getattr(self, "storing", None)) is not None:
            storing.cancel()
            await asyncio.wait([storing])


@breaks("poison", "poison-fields")
class DiesOfPoison(Sound):
    async def _take(self, event: Any, receive: Any) -> None:
        for message in self.parse(event, account=self.account):
            await receive(message)


@breaks("poison")
class GivesNoReason(Sound):
    async def _take(self, event: Any, receive: Any) -> None:
        try:
            self.parse(event, account=self.account)
        except BadEvent:
            return await receive.quarantine(self.account, event, "")
        await super()._take(event, receive)


@breaks("stop-while-receiving")
class CannotBeCancelled(Sound):
    async def run(self, receive: Any) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + 10 * PATIENCE
        while loop.time() < end:
            try:
                await super().run(receive)
            except asyncio.CancelledError:
                await asyncio.sleep(5 * PATIENCE)


@breaks("nothing-left")
class LeavesATask(Sound):
    async def run(self, receive: Any) -> None:
        self.left = asyncio.create_task(asyncio.Event().wait(), name="left behind")
        await super().run(receive)


@breaks("cut-after", "no-answer", "garbage")
class SureOfTooMuch(Sound):
    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        try:
            return await super().send(to, reply, key)
        except Uncertain:
            raise NotSent("it was not sent") from None


@breaks("cut-after")
class RepeatsByItself(Sound):
    caps: ClassVar[Caps] = replace(Sound.caps, idempotent_send=False)

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        try:
            return await super().send(to, reply, key)
        except Uncertain:
            await super().send(to, reply, key)
            raise


@breaks("limited")
class WaitsForEver(Sound):
    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        try:
            return await super().send(to, reply, key)
        except RateLimited:
            raise RateLimited("too many", float("inf")) from None


@breaks("refused")
class NeverGivesUp(Sound):
    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        try:
            return await super().send(to, reply, key)
        except Refused as error:
            raise Uncertain(str(error)) from None


@breaks("server-error", "recovers")
class RaisesItsOwn(Sound):
    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        try:
            return await super().send(to, reply, key)
        except SendError as error:
            raise RuntimeError("oh") from error


@breaks("limit-true", "long-plain", "long-word")
class CutsLongTexts(Sound):
    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        return await super().send(to, replace(reply, text=reply.text[:1000]), key)


@breaks("literal-signs")
class EscapesTwice(Sound):
    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        return await super().send(to, replace(reply, text=reply.text.replace("_", "\\_")), key)


@breaks("quote-sent")
class QuotesNothing(Sound):
    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        return await super().send(to, replace(reply, reply_to=None), key)


@breaks("send-files-unsupported")
class DropsFiles(Sound):
    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        text = reply.text or "(file)"
        return await super().send(to, replace(reply, text=text, attachments=()), key)


@breaks("answer-direct")
class NamesAnotherRef(Sound):
    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        await super().send(to, reply, key)
        return Ref(to, "another")


@breaks("same-key")
class OnlyClaimsKeys(Sound):
    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        return await super().send(to, reply, f"{key}{random.random()}")


@breaks("find")
class FindsAnything(Sound):
    async def find(self, to: Address, key: str) -> Ref | None:
        return await super().find(to, key) or Ref(to, "b1")


@breaks("edit", "delete", "typing")
class SilentlyDoesNothing(Sound):
    caps: ClassVar[Caps] = replace(Sound.caps, edit=False, delete=False, typing=False)

    async def edit(self, ref: Ref, reply: Reply) -> None: ...

    async def delete(self, ref: Ref) -> None: ...

    async def typing(self, to: Address) -> None: ...


@breaks("edit-unchanged")
class RefusesTheSame(Sound):
    async def edit(self, ref: Ref, reply: Reply) -> None:
        if self.platform.messages[ref.id].text == reply.text:
            raise Refused("nothing changed")
        await super().edit(ref, reply)


@breaks("delete-gone")
class DeletesOnce(Sound):
    async def delete(self, ref: Ref) -> None:
        if self.platform.messages[ref.id].deleted:
            raise Refused("it is gone")
        await super().delete(ref)


@breaks("typing")
class TypesAloud(Sound):
    async def typing(self, to: Address) -> None:
        await self.send(to, Reply("..."), "typing")


@breaks("react")
class ClaimsReactions(Sound):
    caps: ClassVar[Caps] = replace(Sound.caps, react=True)


@breaks("caps-threads")
class DeniesThreads(Sound):
    caps: ClassVar[Caps] = replace(Sound.caps, threads=False)


@breaks("webhook-any-request")
class AcceptsEverything(Sound):
    async def handle(self, request: HttpRequest, receive: Any) -> HttpResponse:
        return HttpResponse(200)


@breaks("menu")
class ClaimsAMenu(Sound):
    caps: ClassVar[Caps] = replace(Sound.caps, native_commands=True)
