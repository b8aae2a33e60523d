"""`tasks.*`: made, seen, changed and run by the operator, each way in and each refusal."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli.inside import core_of
from bot.errors import RequestError
from bot.gateway.local import Local
from bot.gateway.methods import table
from bot.testing.running import CONFIG, Bench, running
from tests.scenarios.kit import ADA

CONFIGURED = CONFIG + (
    "agents: [{id: main}, {id: support}, {id: old, enabled: false}]\n"
    "tasks: {timezone: UTC, max_per_person: 3}\n"
)
WATCH = "every 1h Service watch: Check the status page"
MAIN = "agent:main:main"


class Wire:
    """The operator's end: calls by name, and what they are refused with."""

    def __init__(self, bench: Bench) -> None:
        core = core_of(bench.app)
        self.bench = bench
        self.local = Local(table(core), bench.app.hub, core.view)
        self._made = 0

    async def __call__(self, name: str, /, **params: Any) -> Any:
        return await self.local.request(f"tasks.{name}", params)

    async def add(self, text: str | None = WATCH, **more: Any) -> Any:
        self._made += 1
        named = {"sessionKey": MAIN} if not {"sessionKey", "agentId"} & more.keys() else {}
        words = {} if text is None else {"text": text}
        return await self("add", idempotencyKey=f"k{self._made}", **named, **words, **more)

    async def refused(self, name: str, /, **params: Any) -> tuple[str, str]:
        with pytest.raises(RequestError) as refusal:
            await self(name, **params)
        return refusal.value.code, str(refusal.value)


@asynccontextmanager
async def wire(state: Path, config: str = CONFIGURED) -> AsyncIterator[Wire]:
    async with running(state, config, scripted=True) as bench:
        yield Wire(bench)


async def test_a_task_has_an_agent_a_session_and_no_channel(tmp_path: Path):
    """Rows 35, 50, 51: what is left out is completed, and the answer says all of it."""
    async with wire(tmp_path) as tasks:
        row = await tasks.add(agentId="support")
        assert (row["agentId"], row["sessionKey"]) == ("support", "agent:support:main")
        assert row["id"].startswith("task-service-watch-") and len(row["id"]) == 25
        assert (row["said"], len(row["upcoming"])) == ("every hour", 3)
        assert row["nextRunAt"] == row["upcoming"][0] and row["nextRunAt"].endswith("+00:00")
        assert row["plan"].startswith("cheap check on demo/demo")
        assert row["delivery"] == dict.fromkeys(("channel", "to", "threadId", "url")) | {
            "mode": "none"
        }
        stored = await tasks.bench.rows("SELECT agent, session_key FROM tasks")
        assert [tuple(one) for one in stored] == [("support", "agent:support:main")]
        other = await tasks.add(sessionKey=ADA)
        assert (other["agentId"], other["sessionKey"]) == ("main", ADA)


@pytest.mark.parametrize(
    ("params", "code", "part"),
    [
        ({"text": WATCH, "agentId": None}, "INVALID_PARAMS", "agentId"),
        ({"text": WATCH, "agentId": "nobody"}, "NOT_FOUND", "nobody"),
        ({"text": WATCH, "agentId": "old"}, "NOT_FOUND", "old"),
        ({"text": WATCH, "agentId": "support", "sessionKey": MAIN}, "INVALID_PARAMS", "belongs"),
        ({"text": "whenever"}, "INVALID_PARAMS", "write"),
        ({"text": "every 10s Quick: look"}, "INVALID_PARAMS", "min_interval"),
        ({"prompt": "x"}, "INVALID_PARAMS", "schedule"),
        (
            {"schedule": {"kind": "every", "everyMs": 1000}, "prompt": "x"},
            "INVALID_PARAMS",
            "min_interval",
        ),
        (
            {"schedule": {"kind": "cron", "expr": "*/5 * * * * *"}, "prompt": "x"},
            "INVALID_PARAMS",
            "min_interval",
        ),
        (
            {"schedule": {"kind": "at", "at": "2020-01-01T00:00"}, "prompt": "x"},
            "INVALID_PARAMS",
            "passed",
        ),
        ({"schedule": {"kind": "every", "everyMs": 3600000}}, "INVALID_PARAMS", "prompt"),
        ({"text": WATCH, "schedule": {"kind": "at"}}, "INVALID_PARAMS", "both"),
        ({"text": WATCH, "policy": {"mode": "magic"}}, "INVALID_PARAMS", "mode"),
        ({"text": WATCH, "policy": {"model": "no/such"}}, "NOT_FOUND", "no/such"),
        ({"text": WATCH, "delivery": {"mode": "mail"}}, "INVALID_PARAMS", "mode"),
        ({"text": WATCH, "delivery": {"mode": "announce"}}, "NO_TARGET", "to"),
        ({"text": WATCH, "delivery": {"channel": "nowhere", "to": "x"}}, "NOT_FOUND", "nowhere"),
        (
            {"text": WATCH, "delivery": {"mode": "webhook", "url": "ftp://x/y"}},
            "INVALID_PARAMS",
            "http",
        ),
        (
            {"text": WATCH, "delivery": {"mode": "webhook", "url": "https://me:pw@x/y"}},
            "INVALID_PARAMS",
            "password",
        ),
    ],
)
async def test_what_cannot_be_makes_nothing(
    tmp_path: Path, params: Mapping[str, Any], code: str, part: str
):
    """Rows 50, 51: one line that says what to write; nothing is kept."""
    async with wire(tmp_path) as tasks:
        named = {"agentId": "main", **params}
        found, said = await tasks.refused("add", idempotencyKey="k", **named)
        assert found == code and part in said and "\n" not in said
        assert not (await tasks("list", all=True))["tasks"]


async def test_one_key_makes_one_task(tmp_path: Path):
    async with wire(tmp_path) as tasks:
        wanted = {"sessionKey": MAIN, "text": WATCH, "idempotencyKey": "same"}
        first, again = await tasks("add", **wanted), await tasks("add", **wanted)
        assert first["id"] == again["id"]
        assert len((await tasks("list"))["tasks"]) == 1


async def test_nobody_has_more_than_their_share(tmp_path: Path):
    """D15."""
    async with wire(tmp_path) as tasks:
        for _ in range(3):
            await tasks.add()
        code, said = await tasks.refused("add", sessionKey=MAIN, text=WATCH, idempotencyKey="x")
        assert code == "RATE_LIMITED" and "max_per_person" in said


async def test_a_preview_keeps_nothing(tmp_path: Path):
    """Row 41: the form reads back what it would make."""
    async with wire(tmp_path) as tasks:
        seen = await tasks("preview", agentId="main", text="every friday at 5pm", prompt="Sum up.")
        assert seen["said"] == "every Friday at 17:00 (UTC)" and len(seen["upcoming"]) == 3
        assert "id" not in seen and not (await tasks("list", all=True))["tasks"]


async def test_the_source_channel_is_offered_only_where_there_is_one(tmp_path: Path):
    """Row 42."""
    async with wire(tmp_path) as tasks:
        platform = tasks.bench.platform()
        platform.say("hello", "ada")
        await platform.shows("echo hello")
        row = await tasks.add(sessionKey=ADA, delivery={"mode": "announce"})
        place = {"mode": "announce", "channel": "idempotent", "to": "ada"}
        assert row["delivery"] == {**place, "threadId": None, "url": None}
        back = {"sessionKey": MAIN, "text": WATCH, "idempotencyKey": "x"}
        code, _ = await tasks.refused("add", **back, delivery={"mode": "announce"})
        assert code == "NO_TARGET"


async def test_a_change_keeps_id_owner_and_history(tmp_path: Path):
    """Row 49."""
    async with wire(tmp_path) as tasks:
        row = await tasks.add(sessionKey=ADA)
        ran = await tasks("run", id=row["id"])
        to = {"mode": "announce", "channel": "idempotent", "to": "ada"}
        changed = await tasks("update", id=row["id"], delivery=to)
        kept = ("id", "agentId", "sessionKey", "requester", "schedule", "nextRunAt", "prompt")
        assert [changed[name] for name in kept] == [row[name] for name in kept]
        assert changed["delivery"]["to"] == "ada"
        runs = (await tasks("runs", id=row["id"]))["runs"]
        assert [one["runId"] for one in runs] == [ran["runId"]]


async def test_words_change_a_task(tmp_path: Path):
    async with wire(tmp_path) as tasks:
        row = await tasks.add()
        changed = await tasks("update", id=row["id"], edit="every 30m and rename to Night watch")
        assert (changed["said"], changed["name"]) == ("every 30 minutes", "Night watch")
        assert changed["changed"] == "schedule, name"
        strong = await tasks("update", id=row["id"], edit="use strong model")
        assert strong["policy"]["mode"] == "strong" and strong["policy"]["chosenBy"] == "user"
        limited = await tasks("update", id=row["id"], policy={"maxRunsPerHour": 2})
        assert limited["policy"]["mode"] == "strong", "what a person fixed stays"
        code, said = await tasks.refused("update", id=row["id"], edit="every 5s")
        assert code == "INVALID_PARAMS" and "min_interval" in said
        code, _ = await tasks.refused("update", id=row["id"])
        assert code == "INVALID_PARAMS"


async def test_run_now_leaves_the_schedule_alone(tmp_path: Path):
    """Row 54: also when it is off, once, and its end is told."""
    async with wire(tmp_path) as tasks:
        row = await tasks.add()
        paused = await tasks("pause", id=row["id"])
        assert not paused["enabled"] and paused["nextRunAt"] is None and paused["because"]
        ran = await tasks("run", id=row["id"], idempotencyKey="once")
        assert (ran["status"], ran["cause"], ran["delivery"]) == ("ok", "manual", "not-requested")
        assert ran["model"] == "demo/demo" and ran["usage"]["inputTokens"] == 10
        assert ran["seconds"] is not None and "echo Check" in ran["summary"]
        after = await tasks("get", id=row["id"])
        assert not after["enabled"] and after["nextRunAt"] is None and after["runs"] == 1
        resumed = await tasks("resume", id=row["id"])
        assert resumed["enabled"] and resumed["because"] is None
        assert resumed["schedule"] == row["schedule"], "the grid is the same"


async def test_a_removed_task_is_gone_and_its_run_stopped(tmp_path: Path):
    """Row 55."""
    async with wire(tmp_path) as tasks:
        model = tasks.bench.model
        assert model is not None
        model.on("Check the status page", [60.0, "late"])
        row = await tasks.add()
        ran = await tasks("run", id=row["id"], wait=False)
        assert ran["status"] == "running"
        gone = await tasks("remove", id=row["id"])
        assert (gone["id"], gone["stopped"]) == (row["id"], 1)
        await tasks.bench.app.chat.ended(ran["runId"])
        [stored] = await tasks.bench.rows("SELECT state FROM runs WHERE id = ?", ran["runId"])
        assert stored["state"] == "aborted"
        assert not (await tasks("list", all=True))["tasks"]
        assert (await tasks.refused("remove", id=row["id"]))[0] == "NOT_FOUND"


async def test_a_run_is_cancelled_and_tried_again(tmp_path: Path):
    async with wire(tmp_path) as tasks:
        model = tasks.bench.model
        assert model is not None
        model.on("Check the status page", [60.0, "late"], ["All is well."])
        row = await tasks.add()
        ran = await tasks("run", id=row["id"], wait=False)
        code, said = await tasks.refused("retryRun", runId=ran["runId"])
        assert code == "CONFLICT" and "not over" in said
        stopped = await tasks("cancelRun", runId=ran["runId"])
        assert stopped["status"] == "error" and stopped["reason"]
        assert (await tasks.refused("cancelRun", runId=ran["runId"]))[0] == "CONFLICT"
        again = await tasks("retryRun", runId=ran["runId"])
        assert again["cause"] == "retry" and again["runId"] != ran["runId"]
        assert (await tasks.refused("cancelRun", runId="task-x@1"))[0] == "NOT_FOUND"


async def test_lists_are_sorted_and_move_nothing(tmp_path: Path):
    """Rows 24, 52."""
    async with wire(tmp_path) as tasks:
        later = await tasks.add("every 3h Later: look")
        sooner = await tasks.add("every 2h Sooner: look")
        theirs = await tasks.add("every 1h Theirs: look", agentId="support")
        await tasks("pause", id=sooner["id"])
        rows = (await tasks("list"))["tasks"]
        assert [row["id"] for row in rows] == [theirs["id"], later["id"]]
        rows = (await tasks("list", all=True))["tasks"]
        assert [row["id"] for row in rows] == [theirs["id"], later["id"], sooner["id"]]
        rows = (await tasks("list", agentId="main"))["tasks"]
        assert [row["id"] for row in rows] == [later["id"]]
        assert (await tasks("get", id=later["id"]))["nextRunAt"] == later["nextRunAt"]


async def test_a_document_is_taken_as_it_is(tmp_path: Path):
    async with wire(tmp_path) as tasks:
        day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
        once = {"kind": "at", "at": f"{day}T09:00:00+02:00"}
        row = await tasks.add(None, schedule=once, prompt="Remind me to call Ada", name="Call")
        assert row["nextRunAt"] == f"{day}T07:00:00+00:00" and row["policy"]["mode"] == "text"
        cron = {"kind": "cron", "expr": "0 9 * * 1-5", "tz": "Europe/Berlin"}
        row = await tasks.add(None, schedule=cron, prompt="What is new?")
        assert (row["timezone"], row["schedule"]["tz"]) == ("Europe/Berlin", "Europe/Berlin")


async def test_changes_are_told_to_pages(tmp_path: Path):
    async with wire(tmp_path) as tasks:
        heard: list[Any] = []
        tasks.bench.app.hub.listen(heard.append)
        row = await tasks.add()
        await tasks("remove", id=row["id"])
        told = [one.data for one in heard if getattr(one, "name", "") == "tasks.changed"]
        assert [one["taskId"] for one in told] == [row["id"]] * 2


async def test_a_removed_channel_leaves_its_tasks_listed(tmp_path: Path):
    """Row 6: and says so."""
    async with wire(tmp_path) as tasks:
        to = {"mode": "announce", "channel": "readable", "to": "ada"}
        row = await tasks.add(delivery=to)
    smaller = CONFIGURED.replace("  readable: *open\n", "")
    async with wire(tmp_path, smaller) as tasks:
        [kept] = (await tasks("list"))["tasks"]
        assert kept["id"] == row["id"] and kept["enabled"]
        assert kept["because"] == "the channel readable was removed, so results stay in the session"


async def test_an_agent_that_is_gone_runs_nothing_and_says_so(tmp_path: Path):
    """Row 28: switched off or removed, and nobody else runs its tasks."""
    async with wire(tmp_path) as tasks:
        row = await tasks.add(agentId="support")
    for agents, why in (("{id: support, enabled: false}", "switched off"), ("{id: x}", "removed")):
        changed = CONFIGURED.replace("{id: support}", agents)
        async with wire(tmp_path, changed) as tasks:
            kept = await tasks("get", id=row["id"])
            assert kept["because"] == f"the agent support {'is' if 'off' in why else 'was'} {why}"
            code, said = await tasks.refused("run", id=row["id"])
            assert code == "CONFLICT" and "agent support" in said
            assert not (await tasks("runs", id=row["id"]))["runs"]
