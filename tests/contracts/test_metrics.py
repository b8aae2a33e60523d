"""Figures for Prometheus, read by its own parser."""

from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bot.clock import SystemClock
from tests.contracts.gateway_kit import BEARER
from tests.contracts.gateway_product import CONFIG, Desk, opened, telegram_message

Figures = dict[tuple[str, ...], float]


class Ahead(SystemClock):
    """The machine's clock, and how far it is ahead of it."""

    seconds = 0.0

    def now(self) -> float:
        return super().now() + self.seconds


async def figures(desk: Desk, clock: Ahead) -> Figures:
    """Every sample by its name and its labels' values, in the order of the labels' names."""
    clock.seconds += 5.0  # what was just committed is counted a second later
    async with aiohttp.ClientSession(desk.url, headers=BEARER) as http:
        answer = await http.get("/metrics")
        assert answer.status == 200 and answer.content_type == "text/plain"
        text = await answer.text()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_runs_messages_tools_and_tokens_are_counted_once(tmp_path: Path) -> None:
    clock = Ahead()
    async with opened(tmp_path, clock=clock) as desk:
        before = await figures(desk, clock)
        assert not [name for name, *_ in before if name == "trunkline_messages_total"]
        await desk.say("hello")
        await desk.say("[[demo tool session_status {}]] [[demo text done]]")
        await desk.say('[[demo tool web_fetch {"url": 1}]]')
        await desk.say("[[demo error 429]]")
        for _ in range(2):
            seen = await figures(desk, clock)
            assert seen["trunkline_messages_total", "webchat", "accepted"] == 4
            assert seen["trunkline_runs_total", "ok"] == 3
            assert seen["trunkline_runs_total", "error"] == 1
            assert seen["trunkline_run_errors_total", "MODEL_RATE_LIMIT"] == 1
            assert seen[("trunkline_rate_limited_total",)] == 1
            assert seen["trunkline_waits_asked_total", "model", "demo/demo"] == 1
            assert seen["trunkline_tool_calls_total", "ok", "session_status"] == 1
            assert seen["trunkline_tool_calls_total", "error", "web_fetch"] == 1
            assert seen[("trunkline_reply_seconds_count",)] == 3
            assert seen[("trunkline_first_token_seconds_count",)] >= 2
            assert seen[("trunkline_queue_wait_seconds_count",)] == 4
            assert seen["trunkline_model_tokens_total", "input", "demo/demo"] > 0


async def test_no_label_names_a_person_or_a_place(tmp_path: Path) -> None:
    clock = Ahead()
    config = CONFIG.replace("enabled: false", "enabled: true")
    async with opened(tmp_path, config, clock=clock) as desk:
        await desk.core.inbound(telegram_message("let me in"))
        seen = await figures(desk, clock)
        assert seen["trunkline_messages_total", "telegram", "refused"] == 1
        assert not [key for key in seen if any("12345" in part or "Ada" in part for part in key)]


async def test_figures_are_for_the_token(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, aiohttp.ClientSession(desk.url) as http:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            answer = await http.get("/metrics", headers=headers)
            assert answer.status == 401
