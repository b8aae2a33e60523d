"""Keeps files with keys out of the hands of models, and credentials out of the transcript."""

from __future__ import annotations

import re
from typing import Any

PRIORITY = 100

_PRIVATE = re.compile(r"(^|/)(\.env|id_[a-z0-9]+|.*\.pem)$")
_KEY = re.compile(r"\bsk-[A-Za-z0-9]{8,}")


async def before_tool_call(event: dict[str, Any], ctx: dict[str, Any]) -> dict[str, Any] | None:
    path = str(event["params"].get("path", ""))
    if _PRIVATE.search(path):
        return {"block": True, "blockReason": f"{path} holds keys; ask the operator."}
    return None


def tool_result_persist(event: dict[str, Any], ctx: dict[str, Any]) -> dict[str, Any] | None:
    message = event["message"]
    return {"message": {**message, "content": _KEY.sub("[key]", message["content"])}}
