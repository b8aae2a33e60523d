"""Scripts over tools of tool servers: as they were reviewed, and as their server has them now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.engine.port import Row, Script, q


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as its server describes it; `schema` is JSON, `hash` is of name, text and schema."""

    name: str
    description: str
    schema: str
    hash: str


def tools() -> Script[list[Row]]:
    """Every tool ever seen; `hash` is null for one that nobody reviewed, `new_hash` for one that
    is as it was reviewed."""
    return (yield q("SELECT * FROM mcp_tools ORDER BY server, name"))


def listed(server: str, offers: Sequence[Offer], now: float) -> Script[None]:
    """What a server has now. The first list counts as reviewed: somebody just set the server up."""
    known = yield q("SELECT * FROM mcp_tools WHERE server = ?", server)
    rows = {row["name"]: row for row in known}
    for offer in offers:
        row = rows.pop(offer.name, None)
        if row is None:
            yield from _add(server, offer, now, reviewed=not known)
        elif row["hash"] == offer.hash:
            yield from _differs(server, offer.name, None)
        else:
            yield from _differs(server, offer.name, offer)
    for name in rows:
        # One that comes back is a new tool.
        yield q("DELETE FROM mcp_tools WHERE server = ? AND name = ?", server, name)


def _add(server: str, offer: Offer, now: float, *, reviewed: bool) -> Script[None]:
    yield q(
        "INSERT INTO mcp_tools(server, name, hash, description, schema, new_hash, new_description, "
        "new_schema, at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        server,
        offer.name,
        offer.hash if reviewed else None,
        offer.description if reviewed else "",
        offer.schema if reviewed else "{}",
        None if reviewed else offer.hash,
        None if reviewed else offer.description,
        None if reviewed else offer.schema,
        now,
    )


def _differs(server: str, name: str, offer: Offer | None) -> Script[None]:
    yield q(
        "UPDATE mcp_tools SET new_hash = ?, new_description = ?, new_schema = ? "
        "WHERE server = ? AND name = ?",
        offer.hash if offer else None,
        offer.description if offer else None,
        offer.schema if offer else None,
        server,
        name,
    )


def review(server: str, name: str | None, now: float) -> Script[list[Row]]:
    """Take a tool, or all of a server, as the server has it now. What was changed."""
    rows = yield q("SELECT name FROM mcp_tools WHERE server = ? AND new_hash IS NOT NULL", server)
    changed: list[Row] = []
    for row in rows:
        if name in (None, row["name"]):
            changed += yield q(
                "UPDATE mcp_tools SET hash = new_hash, description = new_description, "
                "schema = new_schema, new_hash = NULL, new_description = NULL, new_schema = NULL, "
                "at = ? WHERE server = ? AND name = ? RETURNING *",
                now,
                server,
                row["name"],
            )
    return changed
