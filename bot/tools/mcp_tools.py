"""Tools of other programs, by the Model Context Protocol.

What the model is offered comes from rows: the text and the schema that were reviewed. A tool whose
server describes it otherwise now, or that is new there, is not offered before somebody looked.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.clock import Clock
from bot.config.settings import Config
from bot.engine.port import Engine, Row
from bot.errors import FetchError, RequestError
from bot.jsonio import dumps
from bot.store import mcp as scripts
from bot.tools.mcp_server import Server
from bot.tools.untrusted import harmless, quoted
from bot.types import Risk, Tool, ToolContext, ToolResult

log = structlog.get_logger("mcp")

_MAX_TEXT = 40_000
_MAX_NAME = 64
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(slots=True)
class McpTool:
    """One tool of a server, as it was reviewed."""

    server: Server
    offered: Callable[[], Mapping[str, Tool]]
    remote: str
    name: str
    description: str
    schema: Mapping[str, Any]
    risk: Risk = "exec"
    repeatable: bool = False
    tags: Collection[str] = ("mcp",)

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        try:
            await self.server.look()
            if self.name not in self.offered():
                said = "it changed on its server, and waits until somebody reviews it"
                raise FetchError(f"{said}: trunkline mcp review {self.server.name}")
            answer = await self.server.call(self.remote, args)
        except FetchError as error:
            return ToolResult(f"The tool server failed: {error}.", is_error=True)
        facts = {"server": self.server.name, "tool": self.remote}
        return ToolResult(quoted(facts, _text(answer)[:_MAX_TEXT]), is_error=bool(answer.is_error))


class Servers:
    """The tool servers of the configuration."""

    def __init__(self, engine: Engine, clock: Clock, config: Callable[[], Config]) -> None:
        self._engine = engine
        self._clock = clock
        self._servers = {
            name: Server(name, settings, clock, self._listed)
            for name, settings in config().mcp.servers.items()
        }
        self._tools: Mapping[str, Tool] = {}
        self._meeting: asyncio.Task[None] | None = None

    def tools(self) -> Mapping[str, Tool]:
        """Those that may be used now, by their whole names."""
        return self._tools

    async def start(self) -> None:
        """Offer what is known; servers never seen before are met beside everything else."""
        if not self._servers:
            return
        known = await self._load()
        strangers = [one for name, one in self._servers.items() if name not in known]
        if strangers:
            self._meeting = asyncio.create_task(_meet(strangers), name="mcp-meet")

    async def close(self) -> None:
        if self._meeting is not None:
            self._meeting.cancel()
            await asyncio.gather(self._meeting, return_exceptions=True)
        await asyncio.gather(*(one.close() for one in self._servers.values()))

    async def rows(self) -> list[dict[str, Any]]:
        """Every server with its tools; `waits` is what a changed one says now."""
        kept = await self._engine.read(scripts.tools())
        return [
            {
                "name": name,
                "state": server.state,
                "error": server.error,
                "tools": [_row(row) for row in kept if row["server"] == name],
            }
            for name, server in self._servers.items()
        ]

    async def review(self, server: str, tool: str | None) -> list[str]:
        """Take a tool, or all of a server, as it is now; their names. Raises RequestError."""
        found = await self._engine.tx(scripts.review(server, tool, self._clock.now()))
        if not found:
            what = server if tool is None else full_name(server, tool)
            raise RequestError("NOT_FOUND", f"{what}: nothing waits for review; see: mcp list")
        await self._load()
        return [full_name(server, row["name"]) for row in found]

    async def check(self, server: str) -> None:
        """Ask a server for its tools now. Raises RequestError."""
        found = self._servers.get(server)
        if found is None:
            known = ", ".join(self._servers) or "none"
            raise RequestError("NOT_FOUND", f"there is no tool server {server}; there are: {known}")
        try:
            await found.close()
            await found.connected()
        except FetchError as error:
            raise RequestError("UNAVAILABLE", str(error), retryable=True) from None

    async def _listed(self, server: str, offers: Sequence[scripts.Offer]) -> None:
        await self._engine.tx(scripts.listed(server, offers, self._clock.now()))
        await self._load()

    async def _load(self) -> set[str]:
        """Offer what the rows say; the servers that they know."""
        kept = await self._engine.read(scripts.tools())
        offered: dict[str, Tool] = {}
        for row in kept:
            server, name = self._servers.get(row["server"]), full_name(row["server"], row["name"])
            if server is None:
                continue
            if row["new_hash"] is not None:
                log.warning("tool waits for review", tool=name, new=row["hash"] is None)
            elif name in offered:
                log.warning("tool left out", tool=name, reason="two have this name")
            else:
                offered[name] = self._tool(server, name, row)
        self._tools = offered
        return {row["server"] for row in kept}

    def _tool(self, server: Server, name: str, row: Row) -> McpTool:
        text = harmless(row["description"]) or f"The tool {row['name']} of {server.name}."
        return McpTool(server, self.tools, row["name"], name, text, json.loads(row["schema"]))


async def _meet(servers: Sequence[Server]) -> None:
    for server in servers:
        try:
            await server.connected()
        except FetchError as error:
            log.warning("tool server cannot be met", server=server.name, error=str(error))


def full_name(server: str, tool: str) -> str:
    """`<server>__<tool>`, in the characters and the length that every model takes."""
    return _UNFIT.sub("_", f"{server}__{tool}")[:_MAX_NAME]


def _row(row: Row) -> dict[str, Any]:
    state = "ok" if row["new_hash"] is None else "new" if row["hash"] is None else "changed"
    waits = None
    if state != "ok":
        waits = {"description": row["new_description"], "schema": json.loads(row["new_schema"])}
    return {
        "name": full_name(row["server"], row["name"]),
        "tool": row["name"],
        "state": state,
        "description": row["description"],
        "waits": waits,
    }


def _text(answer: Any) -> str:
    """The words of an answer; what is no text is named."""
    parts = []
    for block in answer.content:
        resource = getattr(block, "resource", None)
        if (text := getattr(block, "text", None) or getattr(resource, "text", None)) is not None:
            parts.append(str(text))
        else:
            kind = getattr(block, "mime_type", None) or getattr(block, "type", "data")
            parts.append(f"[{kind}, not shown]")
    if not parts and answer.structured_content is not None:
        parts.append(dumps(answer.structured_content))
    return "\n".join(parts) or "(no text)"
