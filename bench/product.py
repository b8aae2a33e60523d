"""Figures that only the product has: a kill in mid-flight, many chats, a long history, idling."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from bench.programs import Model, Telegram, floor, product


def killed(folder: Path) -> str:
    """100 messages at once, kill -9 when 40 are answered, restart."""
    found: dict[str, Any] = {}
    with Telegram() as telegram, Model(delay=0.2) as model:
        first = product(folder, telegram, model)
        load = threading.Thread(
            target=lambda: found.update(telegram.run(chats=100, messages=100, window=0, limit=60))
        )
        load.start()
        while load.is_alive() and telegram.ask("answered", {})["count"] < 40:
            time.sleep(0.002)
        first.kill()
        with product(folder, telegram, model):
            load.join()
    return (
        f"never answered {found['missing']}, answered twice {found['twice']} "
        f"(and {found['marked']} marked as perhaps doubled)"
    )


def many_chats(folder: Path) -> str:
    """What 1,000 chats of 3 messages add to the memory, and the processor time when idle."""
    with Telegram() as telegram, Model() as model, product(folder, telegram, model) as running:
        telegram.run(chats=20, messages=200, window=20)
        running.settle()
        before = running.rss()
        telegram.run(chats=1000, messages=3000, window=100)
        running.settle()
        added = running.rss() - before
        spent, began = running.cpu(), time.monotonic()
        time.sleep(20)
        idle = (running.cpu() - spent) / (time.monotonic() - began) * 100
    return f"1,000 chats of 3 messages add {added:.1f} MB; idle processor time {idle:.2f} %"


def long_history(folder: Path) -> str:
    """What a message costs with 2,000 earlier ones, beside one with 20.

    By how much the bare bot's cost grows is the model request's own share, and taken off.
    """
    bare = _cost(None, 2000) - _cost(None, 20)
    short, long = _cost(folder / "short", 20), _cost(folder / "long", 2000)
    return (
        f"a message costs {short:.2f} ms of processor time with 20 earlier ones, {long:.2f} with "
        f"2,000, of which the request {bare:.2f}: {(long - bare) / short:.2f} x"
    )


def _cost(folder: Path | None, earlier: int, messages: int = 100) -> float:
    """Milliseconds of one message, one at a time; without a folder of floor A."""
    chats = 1 if earlier > messages else 20
    with (
        Telegram() as telegram,
        Model() as model,
        product(folder, telegram, model) if folder else floor("A", telegram, model) as running,
    ):
        telegram.run(chats=chats, messages=chats * earlier // 2, window=1, limit=300)
        running.settle()
        before = running.cpu()
        telegram.run(chats=chats, messages=messages, window=1, limit=300)
        return (running.cpu() - before) / messages * 1000


def lines(folder: Path) -> list[str]:
    return [
        f"kill -9 with 60 of 100 messages in flight: {killed(folder / 'killed')}",
        many_chats(folder / "chats"),
        long_history(folder / "history"),
    ]
