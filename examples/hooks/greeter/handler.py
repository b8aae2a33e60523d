"""Greets whoever began a new session."""

from __future__ import annotations

from typing import Any


async def handle(event: dict[str, Any]) -> None:
    who = event["context"]["senderId"]
    event["messages"].append(f"Fresh page, {who}. /help shows what I can do.")
