"""The work of one store split between real processes: pages, connections and agents apart."""

import json
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import pytest

from adapters.fakes.telegram import FakeTelegram
from tests.contracts.cli_support import Running
from tests.contracts.gateway_kit import BEARER, TOKEN
from tests.contracts.gateway_product import MAIN, Talk
from tests.contracts.postgres_kit import database
from tests.contracts.test_cluster_account import ADA, OPEN
from tests.contracts.test_cluster_two_gateways import AT_MOST, TRIALS, Machine, client, mark
from tests.kill.test_cluster import AT_ONCE, passed

PASSWORD = "hunter2-of-the-store"
SILENT = 6.0


@pytest.fixture
def empty() -> Iterator[str]:
    with database(empty=True) as made:
        yield made


def with_password(url: str) -> str:
    """The same store; the server of the tests takes any password."""
    parts = urlsplit(url)
    place = f"{parts.username}:{PASSWORD}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=place))


class House:
    """A Telegram, and a machine for each part of the work."""

    def __init__(self, folder: Path, url: str, fake: FakeTelegram, more: str = "") -> None:
        self.fake = fake
        self._folder, self._url = folder, url
        self._account = OPEN.format(ada=ADA, token=fake.token, url=fake.base_url) + more
        self.stack = AsyncExitStack()
        self.machines: dict[str, Machine] = {}

    def up(self, name: str, *parts: str) -> Running:
        """A process on a machine of its own that does these parts."""
        machine = self.machines[name] = Machine(self._folder / name, self._url, self._account)
        words = [word for part in parts for word in ("--only", part)]
        return self.stack.enter_context(machine.program.up(*words))

    async def answer(self, text: str) -> None:
        """Ada asks and is answered once."""
        before = len(self.fake.visible(ADA))
        self.fake.say(ADA, f"[[demo text {text}]]", sender=ADA)
        await self.fake.wait_for(lambda: self.fake.visible(ADA)[before:] == [text])


@asynccontextmanager
async def house(folder: Path, url: str) -> AsyncIterator[House]:
    async with FakeTelegram() as fake:
        built = House(folder, url, fake)
        async with built.stack:
            yield built


async def get(url: str, **headers: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
        text = await answer.text()
        return answer.status, text


async def ready(running: Running) -> bool:
    return (await get(f"{running.url}/readyz"))[0] == 200


async def until_ready(running: Running) -> None:
    while not await ready(running):
        await passed(0.05)


def holders(status: dict[str, Any]) -> dict[str, Any]:
    return {row["account"]: row["holder"] and row["holder"]["pid"] for row in status["channels"]}


async def test_three_parts_answer_as_one(tmp_path: Path, empty: str):
    async with house(tmp_path, empty) as home:
        gateway, channels = home.up("gateway", "gateway"), home.up("channels", "channels")
        async with client(gateway) as talk:
            # Nobody runs agents yet: what was said is kept, and the operator is told.
            early = await talk.send("[[demo text kept]]")
            assert "--only worker" in (await talk.ok("status"))["problem"]
            worker = home.up("worker", "worker")
            assert (await talk.end(early["runId"]))["message"]["text"] == "kept"
            await until_ready(channels)
            await _web_chat(home, talk)
            await home.answer("over Telegram")
            await _stops_and_approves(home, talk)
            status = await talk.ok("status")
        assert holders(status) == {"telegram": channels.process.pid}
        assert [row["state"] for row in status["channels"]] == ["up"]
        roles = {row["pid"]: row["role"] for row in status["processes"] if row["alive"]}
        assert roles == {
            gateway.process.pid: "gateway",
            channels.process.pid: "channels",
            worker.process.pid: "worker",
        }
        assert status["problem"] is None
        await _health(gateway, channels, worker)
        for running in (gateway, channels, worker):
            assert running.stop()[0] == 0
        left = json.loads(home.machines["worker"].program.ok("status", "--deep", "--json"))
        assert left["deep"]["processes"] == [], "who stops well leaves the list"


async def _web_chat(home: House, talk: Talk) -> None:
    """An answer grows on the page of one process and is written by another."""
    sent = await talk.send(f"{mark('web')}[[demo stream 30 60]]")
    waited = await talk.ok("agent.wait", runId=sent["runId"], timeoutMs=60_000)
    assert waited["status"] == "ok"
    assert (await talk.end(sent["runId"]))["message"]["text"].endswith("word30")
    assert len([one for one in talk.of(sent["runId"], "chat") if one["state"] == "delta"]) > 3
    assert home.machines["worker"].ran("web") and not home.machines["gateway"].ran("web")


async def _stops_and_approves(home: House, talk: Talk) -> None:
    """What is decided on the page is done where the run is, at once."""
    took = []
    for number in range(TRIALS):
        sent = await talk.send("[[demo stream 2000 50]]")
        await talk.growing(sent["runId"])
        began = time.monotonic()
        await talk.ok("chat.send", sessionKey=MAIN, message="/stop", idempotencyKey=f"s{number}")
        assert (await talk.end(sent["runId"]))["state"] == "aborted"
        took.append(time.monotonic() - began)
    assert sorted(took)[TRIALS // 2] < AT_MOST, took
    took = []
    for number in range(TRIALS):
        sent = await talk.send(mark(f"asked{number}"), key="agent:asks:main")
        card = (await talk.socket.event("approval.requested"))["payload"]
        began = time.monotonic()
        await talk.ok("approvals.resolve", id=card["id"], decision="allow-once")
        assert (await talk.end(sent["runId"]))["state"] == "final"
        took.append(time.monotonic() - began)
        assert home.machines["worker"].ran(f"asked{number}", "asks")
    assert sorted(took)[TRIALS // 2] < AT_MOST, took


async def _health(gateway: Running, channels: Running, worker: Running) -> None:
    assert gateway.ready.endswith("/chat\n") and worker.ready.endswith("/readyz\n")
    for running in (gateway, channels, worker):
        assert (await get(f"{running.url}/healthz"))[0] == 200
        assert (await get(f"{running.url}/readyz"))[0] == 200
        assert (await get(f"{running.url}/metrics", **BEARER))[0] == 200
        assert (await get(f"{running.url}/metrics"))[0] == 401
    for path in ("/chat", "/login", "/ws", "/v1/models"):
        assert (await get(worker.url + path))[0] == (await get(channels.url + path))[0] == 404
    async with aiohttp.ClientSession() as http:
        for running, status in ((channels, 401), (worker, 404)):
            async with http.post(f"{running.url}/channels/telegram", json={}) as answer:
                assert answer.status == status, "platforms call who holds their connections"
    # A probe names the address it was given; pages answer to their own names alone.
    named = {"Host": "10.1.2.3:7440"}
    assert (await get(f"{worker.url}/readyz", **named))[0] == 200
    assert (await get(f"{gateway.url}/readyz", **named))[0] == 404
    assert (await get(f"{worker.url}/metrics", **BEARER, **named))[0] == 404


async def test_who_holds_an_account_is_shown_and_who_waits_is_ready(tmp_path: Path, empty: str):
    async with house(tmp_path, with_password(empty)) as home:
        first = home.up("first", "channels", "worker")
        await until_ready(first)
        second = home.up("second")
        await until_ready(second)
        async with client(second) as talk:
            for verb in ("status", "channels.status"):
                [row] = (await talk.ok(verb))["channels"]
                assert (row["state"], row["holder"]["pid"]) == ("up", first.process.pid)
            assert (await talk.ok("health"))["ok"]
            shown = home.machines["second"].program.ok("status", "--deep")
            [line] = [one for one in shown.splitlines() if "channels+worker" in one]
            assert str(first.process.pid) in line and line.endswith("telegram")
            # A machine without a gateway asks the store itself.
            beside = home.machines["first"].program.json("channels", "status")
            assert beside["channels"][0]["holder"]["pid"] == first.process.pid
            first.process.send_signal(signal.SIGKILL)
            began = time.monotonic()
            while holders(await talk.ok("status")) != {"telegram": second.process.pid}:
                assert time.monotonic() - began < AT_ONCE + SILENT
            await home.answer("by the other")
            while True:
                status = await talk.ok("status")
                [dead] = [one for one in status["processes"] if one["pid"] == first.process.pid]
                if not dead["alive"]:
                    break
                await passed(0.2)
            assert time.monotonic() - began < SILENT + AT_ONCE
            assert "silent since" in home.machines["second"].program.ok("status", "--deep")
            await _hidden(home, talk, second)


async def _hidden(home: House, talk: Talk, running: Running) -> None:
    """The password of the store stands nowhere but in the file."""
    program = home.machines["second"].program
    said = [json.dumps(await talk.ok(verb)) for verb in ("status", "config.get", "config.text.get")]
    for words in (
        ["status", "--deep"],
        ["config", "get"],
        ["store", "status"],
        ["store", "migrate"],
    ):
        said.append(program.ok(*words))
    answer = await talk.say(f"[[demo text {PASSWORD}]]")
    said.append(answer["message"]["text"])
    listed = Path(f"/proc/{running.process.pid}/cmdline").read_bytes().decode()
    files = [one.read_text() for one in program.home.rglob("*.jsonl")]
    code, out, err = running.stop()
    assert code == 0
    for text in (*said, *files, listed, out, err):
        assert PASSWORD not in text, text
    assert TOKEN not in err
    # And where the store cannot be reached, or the address is none.
    for broken in (f"postgresql://bob:{PASSWORD}@127.0.0.1:1/x", f"mysql://bob:{PASSWORD}@db/x"):
        program.config(f'store: {{url: "{broken}"}}\n')
        done = program.run("up", "--no-browser", "--port", "0")
        assert done.returncode != 0 and PASSWORD not in done.stderr + done.stdout
        assert "Traceback" not in done.stderr


def test_parts_need_a_store_that_processes_share(tmp_path: Path):
    machine = Machine(tmp_path / "one", "sqlite")
    for part in ("channels", "worker"):
        refused = machine.program.run("up", "--only", part)
        assert refused.returncode == 2 and refused.stderr.count("\n") == 1
        assert f"--only {part} needs a store" in refused.stderr and "PostgreSQL" in refused.stderr
    with machine.program.up("--only", "gateway") as running:
        assert "hello" in machine.program.ok("chat", "-m", "hello")
        assert running.stop()[0] == 0
