"""`logs.tail`: the end of the program's log, newest last; secrets never got into it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.errors import RequestError
from bot.gateway.frames import Params
from bot.gateway.params import Key
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.jsonio import loads
from bot.logfile import LOG_FILE, rank

MOST = 1000
_READ = 4 << 20


class TailParams(Params):
    """How many records at most, from which level on, and what must stand in them.

    With `after`, an earlier answer's `next`, only what was added since.
    """

    limit: Annotated[int, Field(ge=1, le=MOST)] = 200
    level: Literal["debug", "info", "warning", "error", "critical"] = "debug"
    search: Annotated[str, Field(max_length=200)] = ""
    after: Key | None = None


@method("logs.tail", TailParams, help="The end of the log, as records, newest last.")
async def logs_tail(core: Core, client: Client, params: TailParams) -> Json:
    return await asyncio.to_thread(_tail, core.state / LOG_FILE, params)


def _tail(path: Path, params: TailParams) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            about = os.fstat(stream.fileno())
            begin = _begin(params.after, about)
            stream.seek(begin)
            data = stream.read(about.st_size - begin)
    except FileNotFoundError:
        return {"records": [], "next": None}
    except OSError as error:
        raise RequestError("UNAVAILABLE", f"{path} cannot be read: {error.strerror}") from None
    # The last line may still be on its way into the file.
    whole = data[: data.rfind(b"\n") + 1]
    records = [one for one in _records(whole) if _wanted(one, params)]
    place = f"{about.st_ino:x}-{begin + len(whole):x}"
    return {"records": records[-params.limit :], "next": place}


def _begin(after: str | None, about: os.stat_result) -> int:
    """Where to read from; a file that was turned over is read from its beginning."""
    last = max(0, about.st_size - _READ)
    if after is None:
        return last
    try:
        inode, offset = (int(part, 16) for part in after.split("-", 1))
    except ValueError:
        raise RequestError("INVALID_PARAMS", "after is the `next` of an earlier answer") from None
    return max(last, offset) if inode == about.st_ino and offset <= about.st_size else last


def _records(data: bytes) -> Iterator[Mapping[str, Any]]:
    for line in data.splitlines():
        try:
            record = loads(line.decode("utf-8", "replace"))
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def _wanted(record: Mapping[str, Any], params: TailParams) -> bool:
    if rank(record.get("level")) < rank(params.level):
        return False
    wanted = params.search.casefold()
    return not wanted or any(wanted in str(value).casefold() for value in record.values())


METHODS: tuple[Method, ...] = (logs_tail,)
