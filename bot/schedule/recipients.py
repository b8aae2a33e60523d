"""Where a task's results go: read from what somebody asked, checked when the task is made.

The document that is kept has `mode` (none, announce or webhook), `channel` (an account), `to`,
`threadId`, `url`, and `address`, the conversation's address as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bot.config.settings import Config
from bot.contract import Address, Caps
from bot.engine.port import Engine
from bot.errors import RequestError
from bot.schedule.asking import Asker
from bot.sending import refusal
from bot.store import sessions

MODES = ("none", "announce", "webhook")
NONE: Mapping[str, Any] = {"mode": "none"}
_FIELDS = {"mode", "channel", "to", "threadId", "url"}
_USER = "user:"
_LONGEST = 2000


def announced(address: Address) -> dict[str, Any]:
    """The document of a delivery to a conversation, its thread included."""
    return {
        "mode": "announce",
        "channel": address.account,
        "to": address.conversation,
        "threadId": address.thread,
        "address": address.key,
    }


@dataclass(frozen=True, slots=True)
class Recipients:
    """Reads and checks deliveries; `caps` is what the account of an address can do, None without
    such an account."""

    engine: Engine
    config: Callable[[], Config]
    caps: Callable[[Address], Caps | None]

    async def read(
        self, wanted: Mapping[str, Any] | None, asker: Asker, session: str
    ) -> dict[str, Any]:
        """The delivery of a task of a session; without a wish back to where it was asked for.

        Raises RequestError: INVALID_PARAMS, NO_TARGET where there is no place, NOT_FOUND for an
        unknown channel, FORBIDDEN where the asker may not send.
        """
        if not wanted:
            return dict(NONE) if asker.home is None else announced(asker.home)
        mode = self._mode(wanted)
        if mode == "none":
            return dict(NONE)
        if mode == "webhook":
            return {"mode": "webhook", "url": _url(wanted.get("url"), asker)}
        address = await self._address(wanted, asker, session)
        await self._allowed(address, asker, session)
        return announced(address)

    def _mode(self, wanted: Mapping[str, Any]) -> str:
        if extra := sorted(set(wanted) - _FIELDS):
            known = ", ".join(sorted(_FIELDS))
            raise RequestError("INVALID_PARAMS", f"delivery has no {extra[0]}; it has {known}")
        meant = "announce" if wanted.get("channel") or wanted.get("to") else "webhook"
        mode = wanted.get("mode") or (meant if meant == "announce" or wanted.get("url") else "none")
        if mode not in MODES:
            raise RequestError(
                "INVALID_PARAMS", f"delivery.mode must be {', '.join(MODES[:-1])} or {MODES[-1]}"
            )
        for name in sorted(_FIELDS):
            if not isinstance(wanted.get(name), str | None):
                raise RequestError("INVALID_PARAMS", f"delivery.{name} must be a text")
        return str(mode)

    async def _address(self, wanted: Mapping[str, Any], asker: Asker, session: str) -> Address:
        channel, to = wanted.get("channel"), wanted.get("to")
        if channel is None and to is None:
            return asker.home or await self._spoken(session)
        if channel is None and asker.home is not None:
            channel = asker.home.account
        if channel is None or to is None:
            raise RequestError("NO_TARGET", "name both channel and to, or neither")
        account, adapter = account_of(self.config(), channel)
        address = Address(adapter, account, to.removeprefix(_USER), wanted.get("threadId"))
        caps = self.caps(address)
        if caps is None:
            say = f"the channel {account} is switched off or cannot be loaded"
            raise RequestError("NO_TARGET", say)
        if address.thread is not None and not caps.threads:
            raise RequestError("INVALID_PARAMS", f"the channel {account} has no threads")
        return address

    async def _spoken(self, session: str) -> Address:
        """Where a session was last spoken to from."""
        row = await self.engine.read(sessions.current(session))
        route = (row["last_route"] or row["address"]) if row is not None else None
        if not route:
            say = "no channel spoke in this session yet; name channel and to"
            raise RequestError("NO_TARGET", say)
        return Address.parse(route)

    async def _allowed(self, to: Address, asker: Asker, session: str) -> None:
        """Only an owner may send to other places than the one they ask from."""
        here = asker.home
        own = here is not None and _room(here) == _room(to)
        if own or asker.owner:
            return
        kind = await self.engine.read(sessions.kind_at(to))
        rules = self.config().session.send_policy
        if reason := refusal(rules, session, to, kind, own=False):
            raise RequestError("FORBIDDEN", reason)


def account_of(config: Config, name: str) -> tuple[str, str]:
    """An account and its adapter, by the account's name or by its adapter's where that has one.

    Raises RequestError NOT_FOUND, INVALID_PARAMS where the name stands for several.
    """
    found = [one for one in config.channels.values() if name in (one.name, one.adapter)]
    exact = [one for one in found if one.name == name] or found
    if not exact:
        raise RequestError("NOT_FOUND", f"there is no channel {name}")
    if len(exact) > 1:
        names = ", ".join(one.name for one in exact)
        raise RequestError("INVALID_PARAMS", f"channel {name} has several accounts: {names}")
    return exact[0].name, exact[0].adapter


def _room(address: Address) -> tuple[str, str, str]:
    return address.channel, address.account, address.conversation


def _url(text: object, asker: Asker) -> str:
    """An address that results are posted to; whether it may be reached is checked when sending."""
    if not asker.owner:
        raise RequestError("FORBIDDEN", "Only an owner may have results sent to a web address")
    wrong = RequestError(
        "INVALID_PARAMS",
        "delivery.url must be an http or https address without a password in it",
    )
    if not isinstance(text, str) or len(text) > _LONGEST or text != text.strip():
        raise wrong
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise wrong from None
    if not usable or parts.username is not None or parts.password is not None:
        raise wrong
    return text
