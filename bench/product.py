"""Figures that only the product has: a kill in mid-flight, many chats, a long history, idling."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from bench.programs import Model, Telegram, product


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


def lines(folder: Path) -> list[str]:
    return [
        f"kill -9 with 60 of 100 messages in flight: {killed(folder / 'killed')}",
        many_chats(folder / "chats"),
    ]
