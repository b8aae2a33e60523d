"""Results of tasks beyond the outbox, through kills and on both engines: webhooks, heartbeats."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.engine.postgres import connect, put, run_script
from bot.schedule.heartbeat import FILE
from bot.store.tasks import CLOCK
from tests.contracts.engine_kit import ENGINES
from tests.contracts.postgres_kit import database
from tests.contracts.web_kit import serving
from tests.kill.house import PATIENCE, House, house
from tests.kill.test_cluster import passed, workers
from tests.kill.test_tasks import schedule

pytestmark = pytest.mark.kill

PRIVATE = 'tools: {web: {allow_private: ["127.0.0.1"]}}\n'
BEATS = "agents: [{id: main, heartbeat: {every: 1h}}]\n"
PROMPT = '[[demo tool count {"what": "x"}]][[demo text Disk 3 is full.]]'


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "cluster":
        with database() as made:
            yield made
    else:
        yield None


class Receiver:
    """A server that never answers its first request, and is busy at its second."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.came = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        self.came.set()
        if len(self.got) == 1:
            await asyncio.Event().wait()
        return web.Response(status=503 if len(self.got) == 2 else 204)


async def row_of(home: House, test: str) -> dict[str, object]:
    """The one run of the store's one task, as soon as this is true of it."""
    async with asyncio.timeout(PATIENCE):
        while not (rows := home.rows(f"SELECT * FROM task_runs WHERE {test}")):
            await passed(0.1)
    assert home.rows("SELECT count(*) AS n FROM task_runs")[0]["n"] == 1
    return dict(rows[0])


async def test_a_webhook_is_posted_again_under_the_same_name_after_a_kill_in_its_request(
    store: str | None, tmp_path: Path
):
    there = Receiver()
    async with (
        serving({"/in": there.take}) as base,
        house(tmp_path, "idempotent", store=store, beside=PRIVATE) as home,
    ):
        to = {"mode": "webhook", "url": f"{base}/in"}
        schedule(home, "idempotent", PROMPT, {"mode": "agent"}, delivery=to)
        await home.start()
        async with asyncio.timeout(PATIENCE):
            await there.came.wait()
        await home.kill()
        await home.start()
        if store is not None:
            await home.start()
        row = await row_of(home, "delivery <> 'unknown'")
        assert (row["status"], row["delivery"], row["attempts"]) == ("ok", "delivered", 1)
        assert [headers["Idempotency-Key"] for headers, _ in there.got] == [row["id"]] * 3
        assert len({body for _, body in there.got}) == 1
        secret = (tmp_path / "webhook-secret").read_text().strip().encode()
        for headers, body in there.got:
            signed = headers["X-Trunkline-Timestamp"].encode() + b"." + body
            wanted = hmac.new(secret, signed, hashlib.sha256).hexdigest()
            assert headers["X-Trunkline-Signature"] == f"v1={wanted}"
        assert json.loads(there.got[0][1])["text"] == "Disk 3 is full."
        await home.quiet()
        told = home.rows(
            "SELECT body FROM entries e JOIN sessions s ON s.id = e.session "
            "WHERE s.key LIKE '%:direct:ada'"
        )
        assert len(told) == 1, "told once"
        assert home.counted() == ["x"]
        assert home.platforms["idempotent"].visible("ada") == []


async def test_a_heartbeat_of_several_processes_comes_once(tmp_path: Path):
    """Its time is brought forward, as an hour is long."""
    with database() as store:
        async with house(tmp_path, "idempotent", store=store, agents=BEATS) as home:
            looks = home.edited.parent / FILE
            looks.write_text("- is the disk full?\n")
            for _ in range(2):
                await home.start()
            await workers(home, 2)
            async with asyncio.timeout(PATIENCE):
                while not home.rows("SELECT 1 FROM tasks"):
                    await passed(0.1)
            assert home.rows("SELECT id FROM tasks") == [{"id": "task-heartbeat-main"}]
            with connect(store) as shared:
                shared.execute("UPDATE tasks SET next_at = 1.0 * floor(extract(epoch FROM now()))")
                run_script(shared, put({CLOCK: 0.0}), [])
            row = await row_of(home, "settled_at IS NOT NULL")
            assert (row["cause"], row["status"], row["delivery"]) == ("due", "ok", "not-requested")
            await home.quiet()
            assert home.rows("SELECT count(*) AS n FROM runs") == [{"n": 1}]
            assert home.platforms["idempotent"].visible("ada") == []
