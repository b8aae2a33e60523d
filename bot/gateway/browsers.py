"""Signed-in browsers, kept in the store so that a restart signs nobody out."""

from __future__ import annotations

from bot.engine.port import Engine
from bot.store import browsers

_FRESH = 86400.0  # a page load must not cost a commit: once a day is enough to slide on


class StoredBrowsers:
    """`bot.gateway.auth.Browsers` on the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, hash: str, now: float, expires_at: float, agent: str) -> None:
        await self._engine.tx(browsers.add(hash, now, expires_at, agent))

    async def seen(self, hash: str, now: float, expires_at: float) -> bool:
        last = await self._engine.read(browsers.last_seen(hash, now))
        if last is None:
            return False
        if now - last > _FRESH:
            await self._engine.tx(browsers.extend(hash, now, expires_at))
        return True

    async def revoke(self, hash: str) -> None:
        await self._engine.tx(browsers.revoke(hash))
