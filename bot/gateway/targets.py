"""Which session a request means, and which conversation a delivery goes to."""

from __future__ import annotations

from bot.contract import Address
from bot.engine.port import Row, Script
from bot.errors import RequestError
from bot.gateway.services import Core
from bot.gateway.webchat import WebChat
from bot.keys import SessionKey
from bot.schedule.recipients import account_of
from bot.store import sessions

_USER = "user:"


async def session_key(core: Core, text: str, exact: bool, *, idle: bool = False) -> SessionKey:
    """The key a request acts on: a base stands for its active child unless `exact`.

    `idle`: nothing runs by the request, so that the agent may be switched off.

    Raises RequestError: INVALID_PARAMS for what is no key, NOT_FOUND for an unknown agent.
    """
    key = await core.sessions.resolve(text, exact=exact)
    core.world.agent(key.agent, off=idle)
    return key


def ensured(key: SessionKey, now: float) -> Script[Row]:
    """The session of a key, made on first use."""
    return (yield from sessions.ensure(key, key.label, None, None, now))


async def ensure(core: Core, key: SessionKey) -> Row:
    return await core.engine.tx(ensured(key, core.clock.now()))


def page_of(key: SessionKey) -> Address:
    """The web page's conversation about a session."""
    return Address(WebChat.channel, WebChat.channel, key.text)


async def target(
    core: Core, key: SessionKey, channel: str | None, to: str | None, thread: str | None
) -> Address:
    """Where a result is delivered: as named, else where the session was last spoken to from.

    Raises RequestError: NO_TARGET when there is no place, NOT_FOUND for an unknown channel.
    """
    if channel is None and to is None:
        return await _last_route(core, key)
    if channel is None or to is None:
        raise RequestError("NO_TARGET", "name both channel and to, or neither")
    account, adapter = account_of(core.config, channel)
    return Address(adapter, account, to.removeprefix(_USER), thread)


async def _last_route(core: Core, key: SessionKey) -> Address:
    row = await core.sessions.get(key.text)
    route = (row["last_route"] or row["address"]) if row is not None else None
    if not route:
        raise RequestError("NO_TARGET", "no channel spoke in this session yet; name channel and to")
    return Address.parse(route)
