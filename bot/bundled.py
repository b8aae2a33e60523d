"""Hooks that come with the program; each is off until `plugins` names it.

session-memory   a note of what was said last, when a session is put away
boot-md          BOOT.md of each agent is its first message when the gateway has started
command-logger   a line in the log for every command
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import structlog

from bot.admission import is_owner
from bot.clock import Clock
from bot.config.settings import Config
from bot.context.memory import FOLDER, Scope, scope_of, session_note, session_text
from bot.context.reading import read_text
from bot.folder import Folder
from bot.hooks.handlers import Event, Handler
from bot.hooks.load import Found
from bot.keys import main_key, parse_key
from bot.notes import add
from bot.types import Entry

log = structlog.get_logger("hooks")

BOOT = "BOOT.md"
MAX_BOOT = 20_000


@dataclass(slots=True)
class Bundled:
    """What the bundled hooks reach. `ask` gives an agent a message in a session of its own."""

    clock: Clock
    config: Callable[[], Config]
    path: Callable[[str], Path]
    folder: Callable[[str], Folder]
    ask: Callable[[str, str], Awaitable[None]]

    def found(self) -> Mapping[str, Found]:
        """Each of them by its name."""
        made = [
            self._one("session-memory", "before_reset", self.keep_session),
            self._one("boot-md", "gateway:startup", self.boot),
            self._one("command-logger", "command", self.log_command),
        ]
        return {one.name: one for one in made}

    def _one(self, name: str, point: str, run: Callable[..., Awaitable[None]]) -> Found:
        about = (run.__doc__ or "").strip()
        return Found(name, "bundled", __name__, [Handler(name, point, run)], about)

    async def keep_session(self, event: Event, ctx: Event) -> None:
        """Keeps what was said last in a note of its owner when a session is put away."""
        agent, now = ctx["agentId"], self.clock.now()
        found = self.config().agent(agent)
        zone = (found.timezone if found else None) or self.config().tasks.timezone
        path = session_note(self._scope(ctx), now, zone)
        said = [Entry(row["role"], row["content"], 0.0) for row in event["messages"]]
        text = session_text(said)
        if path is not None and text:
            await asyncio.to_thread(add, self.folder(agent), path, text)

    async def boot(self, event: Event) -> None:
        """Gives each agent its BOOT.md as a message when the gateway has started."""
        for agent in self.config().agents:
            if agent.enabled:
                found = await asyncio.to_thread(read_text, self.path(agent.id), BOOT, MAX_BOOT)
                if found.text.strip():
                    await self.ask(main_key(agent.id), found.text.strip())

    async def log_command(self, event: Event) -> None:
        """Writes a line into the log for every command."""
        context = event["context"]
        log.info(
            "command",
            name=event["action"],
            session=event["sessionKey"],
            sender=context["senderId"],
            channel=context["channelId"],
        )

    def _scope(self, ctx: Mapping[str, Any]) -> Scope:
        """Whose memory a session has: the operator's own, or that of the one who speaks in it."""
        key = parse_key(ctx["sessionKey"])
        base = parse_key(key.base)
        if base.kind == "main":
            return Scope(FOLDER, True)
        if base.kind != "direct":
            return Scope(None)
        parts = [unquote(part) for part in base.base.split(":")[2:]]
        channel = ctx["messageProvider"] or parts[0]
        account = parts[1] if len(parts) > 3 else channel
        # A key is in lower case, whatever the platform's ids are in.
        owners = [owner.lower() for owner in self.config().owners]
        owner = is_owner(channel, account, parts[-1], owners)
        return scope_of(owner=owner, channel=channel, peer=parts[-1], room=False, open_room=False)
