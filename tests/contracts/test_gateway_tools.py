"""`tools.list`, and the wallet policy in the configuration file."""

from pathlib import Path

from tests.contracts.channels_kit import connected, file


async def test_tools_list_says_what_an_agent_may_call(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        rows = {row["name"]: row for row in (await desk.ok("tools.list"))["tools"]}
        assert list(rows) == sorted(rows)
        assert set(rows["read"]) == {"name", "description", "risk", "tags", "allowed"}
        assert (rows["read"]["risk"], rows["read"]["allowed"]) == ("read", True)
        assert (rows["write"]["risk"], rows["write"]["allowed"]) == ("write", False)
        assert rows["exec"]["risk"] == "exec"
        assert (await desk.ok("tools.list", agentId="OTHER"))["tools"]
        assert (await desk.error("tools.list", agentId="nobody"))["code"] == "NOT_FOUND"


async def test_025_the_wallet_policy_survives_a_round_trip_through_the_file(tmp_path: Path):
    key = "agents.other.tools.payments"
    async with connected(tmp_path) as (desk, _):
        assert (await desk.ok("config.get", key=key))["value"] == "deny"
        await desk.ok("config.set", key=key, value="ask")
        assert "payments: ask" in file(desk)
        assert (await desk.ok("config.get", key=key))["value"] == "ask"
        error = await desk.error("config.set", key=key, value="yes")
        assert error["code"] == "INVALID_PARAMS" and "payments" in error["message"]
        assert (await desk.ok("config.get", key=key))["value"] == "ask"
