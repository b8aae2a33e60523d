"""Approvals on the socket and the command line: listed, decided once, told to everybody."""

from pathlib import Path

import pytest

from bot.cli.inside import core_of
from bot.errors import RequestError
from bot.events import Event, Signal
from bot.gateway.local import Local
from bot.gateway.methods import table
from tests.scenarios.exec_kit import Ends, asked, house

ROW = {"id", "code", "tool", "command", "cwd", "sessionKey", "agentId", "requester", "reason"} | {
    "createdAt",
    "expiresAt",
    "status",
    "decision",
    "decidedBy",
    "always",
}


async def test_an_approval_is_listed_decided_once_and_told(tmp_path: Path):
    async with house(tmp_path, "allowlist", "on-miss") as bench:
        told: list[tuple[str, str]] = []

        def hear(event: Event) -> None:
            if isinstance(event, Signal) and event.name.startswith("approval."):
                told.append((event.name, event.data["status"]))

        bench.app.hub.listen(hear)
        core, ends = core_of(bench.app), Ends(bench)
        desk = Local(table(core), bench.app.hub, core.view, frozenset())
        run = await ends.begin("exec", command="touch made")
        await asked(bench)
        [row] = (await desk.request("approvals.list", {"sessionKey": "agent:main:main"}))[
            "approvals"
        ]
        assert set(row) == ROW and row["status"] == "pending" and row["requester"] == "operator"
        other = {"sessionKey": "agent:main:direct:ada"}
        assert (await desk.request("approvals.list", other))["approvals"] == []
        params = {"id": row["id"], "decision": "allow-once"}
        decided = await desk.request("approvals.resolve", params)
        assert (decided["status"], decided["decision"]) == ("allowed", "allow-once")
        assert "exit code 0" in await ends.of(run)
        for wrong, code in (
            (params, "CONFLICT"),
            (params | {"id": "nobody"}, "NOT_FOUND"),
            (params | {"decision": "maybe"}, "INVALID_PARAMS"),
        ):
            with pytest.raises(RequestError) as refused:
                await desk.request("approvals.resolve", wrong)
            assert refused.value.code == code
        assert told == [("approval.requested", "pending"), ("approval.resolved", "allowed")]
        assert (await desk.request("approvals.list", {}))["approvals"] == []
        assert (await desk.request("approvals.list", {"all": True}))["approvals"] == [decided]
        desk.close()
