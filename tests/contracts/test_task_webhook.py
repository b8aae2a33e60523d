"""Results of tasks that go to a web address: what is sent there, how often, and where not."""

import hashlib
import hmac
import json
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.testing.clock import START, VirtualClock
from bot.testing.running import CONFIG, Bench, running
from tests.contracts.web_kit import Listener, serving
from tests.scenarios.kit import scripted
from tests.scenarios.tasks_kit import ADA, EVERY, ID, scheduled, until

ALLOWED = CONFIG + 'tools: {web: {allow_private: ["127.0.0.1"]}}\n'
PROMPT = "look"
AGENT = {"mode": "agent"}


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@dataclass
class Receiver:
    """A server that keeps what it is sent. `answers` are its next statuses, then 204."""

    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        status = self.answers.pop(0) if self.answers else 204
        where = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=where)


@asynccontextmanager
async def receiving(*answers: int) -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver(list(answers))
    async with serving({"/in": receiver.take, "/elsewhere": receiver.take}) as base:
        yield receiver, f"{base}/in?key=s3cret"


def known(row: Any) -> bool:
    return row["delivery"] in ("delivered", "not-delivered")


def tried(times: int) -> Callable[[Any], bool]:
    return lambda row: row["attempts"] == times


async def begun(bench: Bench, clock: VirtualClock, url: str) -> None:
    """A task that is due once, whose result goes to an address."""
    scripted(bench).on(PROMPT, ["Disk 3 is full."])
    to = {"mode": "webhook", "url": url}
    await scheduled(bench, PROMPT, policy=AGENT, delivery=to, at=EVERY)
    await clock.advance(EVERY)


async def test_a_result_is_posted_once_signed_over_time_and_body(
    tmp_path: Path, clock: VirtualClock
):
    async with (
        receiving() as (there, url),
        running(tmp_path, ALLOWED, clock=clock, scripted=True) as bench,
    ):
        await begun(bench, clock, url)
        row = await until(bench, known)
        assert (row["status"], row["delivery"], row["target"]) == ("ok", "delivered", url)
        [(headers, body)] = there.got
        event = json.loads(body)
        assert event["task"] == {"id": ID, "name": "Watch", "agentId": "main"}
        assert (event["event"], event["run"]) == ("task.run.finished", row["id"])
        assert (event["status"], event["text"]) == ("ok", "Disk 3 is full.")
        assert headers["Idempotency-Key"] == row["id"]
        assert headers["Content-Type"] == "application/json"
        at, file = headers["X-Trunkline-Timestamp"], tmp_path / "webhook-secret"
        assert int(at) >= START and stat.S_IMODE(file.stat().st_mode) == 0o600
        secret = file.read_text().strip().encode()
        wanted = hmac.new(secret, at.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert headers["X-Trunkline-Signature"] == f"v1={wanted}"
        assert await bench.transcript(ADA) == [("assistant", "Disk 3 is full.")]


async def test_a_busy_server_gets_it_again_later_under_the_same_name(
    tmp_path: Path, clock: VirtualClock
):
    async with (
        receiving(503, 429) as (there, url),
        running(tmp_path, ALLOWED, clock=clock, scripted=True) as bench,
    ):
        await begun(bench, clock, url)
        row = await until(bench, tried(1))
        assert (row["delivery"], row["error"]) == ("unknown", "the server answers 503")
        await clock.advance(10)
        await until(bench, tried(2))
        assert len(there.got) == 2, "not before its time"
        await clock.advance(60)
        row = await until(bench, known)
        assert (row["delivery"], row["error"]) == ("delivered", None)
        assert len({body for _, body in there.got}) == 1 and len(there.got) == 3
        assert {headers["Idempotency-Key"] for headers, _ in there.got} == {row["id"]}


async def test_a_restart_between_two_attempts_loses_nothing(tmp_path: Path, clock: VirtualClock):
    async with receiving(500) as (there, url):
        async with running(tmp_path, ALLOWED, clock=clock, scripted=True) as bench:
            await begun(bench, clock, url)
            await until(bench, tried(1))
        async with running(tmp_path, ALLOWED, clock=clock, scripted=True) as bench:
            assert len(there.got) == 1
            await clock.advance(60)
            row = await until(bench, known)
            assert (row["delivery"], row["status"]) == ("delivered", "ok")
        assert len(there.got) == 2 and there.got[0][1] == there.got[1][1]


@pytest.mark.parametrize(("answers", "attempts"), [((500,) * 9, 4), ((410,), 1), ((302,), 4)])
async def test_in_the_end_it_is_lost_and_told_once(
    answers: tuple[int, ...], attempts: int, tmp_path: Path, clock: VirtualClock
):
    async with (
        receiving(*answers * 4) as (there, url),
        running(tmp_path, ALLOWED, clock=clock, scripted=True) as bench,
    ):
        await begun(bench, clock, url)
        for number, wait in enumerate((10, 60, 300)[: attempts - 1], 1):
            await until(bench, tried(number))
            await clock.advance(wait)
        row = await until(bench, known)
        assert (row["status"], row["delivery"], row["attempts"]) == (
            "ok",
            "not-delivered",
            attempts,
        )
        assert len(there.got) == attempts
        await clock.advance(3600)
        await bench.settle()
        assert len(there.got) == attempts
        await bench.platform().wait_for(lambda at: len(at.visible()) == 1)
        [alert] = bench.platform().visible()
        assert "was not delivered to 127.0.0.1" in alert
        assert "s3cret" not in alert, "an address may hold a key"


async def test_private_addresses_are_not_reached(tmp_path: Path, clock: VirtualClock):
    async with (
        Listener().listening() as private,
        running(tmp_path, clock=clock, scripted=True) as bench,
    ):
        await begun(bench, clock, f"http://127.0.0.1:{private.port}/in")
        row = await until(bench, tried(1))
        assert "private" in row["error"] and row["delivery"] == "unknown"
        for number, wait in enumerate((10, 60, 300), 2):
            await clock.advance(wait)
            row = await until(bench, tried(number))
        row = await until(bench, known)
        assert row["delivery"] == "not-delivered" and private.connects == 0


async def test_a_failure_is_posted_too_and_a_quiet_run_is_not(tmp_path: Path, clock: VirtualClock):
    async with (
        receiving() as (there, url),
        running(tmp_path, ALLOWED, clock=clock, scripted=True) as bench,
    ):
        scripted(bench).on(PROMPT, ["NO_REPLY"], [ZeroDivisionError("x")])
        to = {"mode": "webhook", "url": url}
        await scheduled(bench, PROMPT, policy=AGENT, delivery=to)
        await clock.advance(EVERY)
        row = await until(bench, lambda one: one["settled_at"])
        assert (row["status"], row["delivery"]) == ("ok", "not-requested") and there.got == []
        await clock.advance(EVERY)
        row = await until(bench, known)
        assert (row["status"], row["delivery"]) == ("error", "delivered")
        assert json.loads(there.got[0][1])["status"] == "error"
