"""What the pictures show: the whole product on the demo model, lived in for a week."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Browser

from adapters.fakes.telegram import FakeTelegram
from bot.cli import journal
from bot.providers.demo import Demo
from bot.testing.clock import VirtualClock
from bot.testing.model import Answering
from bot.testing.running import Bench, running
from bot.types import Final, ModelEvent, ModelRequest
from tests.browser.agents_site import Shop, shop
from tests.scenarios.exec_kit import directive

MAIN = "agent:main:main"
DAYS, DAY, HOUR = 6, 86_400.0, 3_600.0
LOOK = {"timezone_id": "Europe/Berlin", "locale": "en-GB"}
ADA, STRANGER = 12345, 67890
BASE = """\
# The assistants of the house.
limits: {per_sender: null, daily_cost: 5}
agents:
  - id: main
    name: Assistant
    model: {primary: demo/large, fallbacks: [demo/small, openai/gpt-5]}
    task_models: {cheap: demo/small}
    tools: {allow: [exec, process, web_fetch], exec: {security: allowlist}}
  - {id: ops, name: Operations, model: demo/small}
  - {id: writer, name: Writer, model: openai/gpt-5, enabled: false}
providers:
  demo:   # at a price, so that there is something to add up
    api: demo
    models:
      - {id: large, context_window: 32000, cost: {input: 15, output: 75}}
      - {id: small, context_window: 32000, cost: {input: 1, output: 5}}
  openai: {api_key: ""}
models: {demo/large: {}, demo/small: {}, openai/gpt-5: {alias: best}}
"""
CHANNELS = """\
channels:
  telegram: {{token: "{token}", base_url: "{url}", allow_from: ["12345"]}}
bindings: [{{agent: ops, match: {{account: telegram, peer: "12345"}}}}]
"""
TASKS = (
    "every day at 08:00 Asia/Tokyo Water the plants: [[demo text The plants on the balcony need "
    "water, those inside do not.]]",
    "every weekday at 9am Europe/Berlin Morning: [[demo text Two builds failed over night, both "
    "are green again.]]",
    "every 6h Service watch: Check the provider's status with a cheap check first and escalate if "
    "deeper analysis is needed.",
)
FILES = {
    "SOUL.md": "Be kind, brief and exact.\n",
    "USER.md": "Ada keeps the garden and the servers.\n",
    "memory/garden.md": "# Garden\n\nThe roses are watered on Tuesdays, the lemon tree daily.\n",
    "memory/servers.md": "# Servers\n\nBackups run at 03:00; the garden's sensors report hourly.\n",
    "skills/release-notes/SKILL.md": "---\nname: release-notes\n"
    "description: Writes release notes from the commits since the last tag.\n---\nDo it.\n",
    "skills/plan-a-trip/SKILL.md": "---\nname: plan-a-trip\n"
    "description: Finds trains and a place to stay, and asks before it books.\n---\nDo it.\n",
}
SAID = (
    ("agent:main:main:chat:holiday-plans", "Where could we go in May? [[demo stream 60 40]]"),
    ("agent:main:main:chat:release-notes", "[[demo tool session_status {}]]"),
    (MAIN, "What is new in the garden? [[demo text The lemon tree has its first flowers.]]"),
    ("agent:ops:main", "Is everything up? [[demo stream 25 30]]"),
    ("agent:main:main:chat:reading-list", "Tell me about it at length. [[demo long 900]]"),
    ("agent:ops:main", "[[demo error 429]]"),
)
TOLD = "agent:main:main:chat:what-an-answer-can-be"


class Priced(Demo):
    """The demo model, which says that it costs nothing, at the price that the configuration has."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        async for event in super().stream(request):
            if isinstance(event, Final) and event.entry.usage is not None:
                usage = replace(event.entry.usage, cost=None)
                event = replace(event, entry=replace(event.entry, usage=usage))
            yield event


def priced(bench: Bench) -> None:
    app = bench.app
    app.turns.agents = Answering(app.turns.agents, Priced(app.clock))


async def _lived(state: Path) -> None:
    """Six days: tasks run by the clock, and somebody asks something a few times a day."""
    clock = VirtualClock(time.time() - DAYS * DAY)
    async with running(state, BASE, clock=clock) as bench:
        priced(bench)
        for number, text in enumerate(TASKS):
            await bench.ask(f"/task new {text}", f"task-{number}", MAIN)
            await bench.settle()
        for label in ("Holiday plans", "Release notes", "Reading list"):
            await bench.app.sessions.create(MAIN, label)
        for day in range(DAYS):
            for number, (key, text) in enumerate(SAID[: 3 + day % 4]):
                await bench.ask(text, f"day-{day}-{number}", key)
                await clock.advance(2 * HOUR)
            await clock.advance(DAY - min(len(SAID), 3 + day % 4) * 2 * HOUR)


async def _today(web: Shop, telegram: FakeTelegram) -> None:
    """What stands open: an answer to look at, a question, and somebody at the door."""
    await web.bench.app.sessions.create(MAIN, "What an answer can be")
    asked: list[tuple[str, str]] = [
        (TOLD, "What can an answer look like? [[demo markdown]]"),
        (TOLD, "[[demo tool session_status {}]]"),
        (MAIN, directive("exec", {"command": "make deploy HOST=garden.example"})),
    ]
    for number, (key, text) in enumerate(asked):
        await web.bench.ask(text, f"today-{number}", key)
        await web.bench.settle()
    telegram.say(ADA, "Is the garden's server up?", sender=ADA)
    await telegram.wait_for(lambda: bool(telegram.visible(ADA)))
    telegram.say(STRANGER, "May I come in?", sender=STRANGER)
    await telegram.wait_for(lambda: bool(telegram.visible(STRANGER)))


def _furnished(state: Path) -> None:
    for name, text in FILES.items():
        file = state / "workspaces" / "main" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


@asynccontextmanager
async def house(browser: Browser, state: Path) -> AsyncIterator[Shop]:
    """The product with its past, served to a signed-in browser of desk size."""
    _furnished(state)
    await _lived(state)
    async with FakeTelegram() as telegram:
        config = BASE + CHANNELS.format(token=telegram.token, url=telegram.base_url)
        async with shop(browser, state, config, **LOOK) as web:
            priced(web.bench)
            journal.start(web.bench.app.config, state, level="critical")
            await _today(web, telegram)
            yield web
