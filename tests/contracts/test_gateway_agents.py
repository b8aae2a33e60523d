"""`agents.*`: the file keeps its comments, folders keep their walls."""

from pathlib import Path

from tests.contracts.gateway_product import opened

CONFIG = """\
# who works here
agents: [{id: main, model: demo/demo}]  # the first
"""
OTHER = "agent:helper:main"


async def test_an_agent_is_made_changed_and_removed_while_it_runs(tmp_path: Path):
    state = tmp_path / "state"
    async with opened(state, CONFIG) as desk:
        made = await desk.ok("agents.create", agentId="Helper", name="Helping hand")
        assert made["agent"]["id"] == "helper" and made["agent"]["name"] == "Helping hand"
        assert "hi" in (await desk.say("hi", OTHER))["message"]["text"]
        twice = await desk.error("agents.create", agentId="helper")
        assert twice["code"] == "CONFLICT" and "already" in twice["message"]
        off = await desk.ok("agents.update", agentId="helper", enabled=False, name=None)
        assert off["agent"]["enabled"] is False and off["agent"]["name"] == "helper"
        turned = {"sessionKey": OTHER, "message": "hi", "idempotencyKey": "off"}
        assert (await desk.error("chat.send", **turned))["code"] == "NOT_FOUND"
        wrong = await desk.error("agents.update", agentId="helper", nmae="x")
        assert wrong["code"] == "INVALID_PARAMS" and "name" in wrong["message"]
        gone = await desk.ok("agents.delete", agentId="helper")
        assert gone["agent"] is None
        listed = await desk.ok("agents.list")
        last = await desk.error("agents.delete", agentId="main")
    assert [row["id"] for row in listed["agents"]] == ["main"]
    assert last["code"] == "CONFLICT" and "only agent" in last["message"]
    text = (state / "config.yaml").read_text()
    assert "# who works here" in text and "# the first" in text and "helper" not in text


async def test_another_agent_becomes_the_default_at_once(tmp_path: Path):
    state = tmp_path / "state"
    async with opened(state, CONFIG) as desk:
        await desk.ok("agents.create", agentId="second", default=True)
        sent = await desk.send("hi", "main")
        assert (await desk.end(sent["runId"]))["sessionKey"] == "agent:second:main"


async def test_a_copy_has_the_settings_of_the_other_and_its_own_name(tmp_path: Path):
    state = tmp_path / "state"
    text = "agents: [{id: main, name: One, default: true, prompt: Be brief., timezone: UTC}]\n"
    async with opened(state, text) as desk:
        await desk.ok("agents.create", agentId="second", name="Two", copy="Main", timezone="CET")
        config = desk.core.config
        copy = config.agent("second")
        assert copy is not None and config.default_agent.id == "main"
        assert (copy.name, copy.prompt, copy.timezone) == ("Two", "Be brief.", "CET")
        wrong = await desk.error("agents.create", agentId="third", copy="nobody")
        assert wrong["code"] == "NOT_FOUND" and "nobody" in wrong["message"]


async def test_a_name_of_a_program_is_not_put_into_the_file(tmp_path: Path):
    state = tmp_path / "state"
    async with opened(state, CONFIG) as desk:
        wrong = await desk.error("agents.update", agentId="main", id="other")
        assert wrong["code"] == "INVALID_PARAMS" and "keeps its id" in wrong["message"]
        stale = await desk.error("agents.update", agentId="main", name="x", base="stale")
        assert stale["code"] == "CONFLICT"
    assert (state / "config.yaml").read_text() == CONFIG


async def test_files_of_a_workspace_are_listed_read_and_written(tmp_path: Path):
    state = tmp_path / "state"
    async with opened(state, CONFIG) as desk:
        top = await desk.ok("agents.files.list", agentId="main")
        names = {row["name"] for row in top["files"]}
        assert "AGENTS.md" in names, names
        read = await desk.ok("agents.files.get", agentId="main", path="AGENTS.md")
        file = {"agentId": "main", "path": "AGENTS.md"}
        stale = await desk.error("agents.files.set", **file, text="x", base="1-1-1")
        assert stale["code"] == "CONFLICT" and "changed" in stale["message"]
        wrote = await desk.ok("agents.files.set", **file, text="Be kind.\n", base=read["base"])
        again = await desk.ok("agents.files.get", **file)
        assert again == {"path": "AGENTS.md", "text": "Be kind.\n", "base": wrote["base"]}
        new = {"agentId": "main", "path": "notes/today.md"}
        await desk.ok("agents.files.set", **new, text="new")
        assert (await desk.ok("agents.files.list", agentId="main", path="notes"))["files"][0][
            "name"
        ] == "today.md"
        base = (await desk.ok("agents.files.get", **new))["base"]
        assert (await desk.ok("agents.files.set", **new, text=None, base=base))["base"] is None
    assert (state / "workspaces/main/AGENTS.md").read_text() == "Be kind.\n"


async def test_no_path_leads_out_of_the_folder(tmp_path: Path):
    state = tmp_path / "state"
    async with opened(state, CONFIG) as desk:
        await desk.ok("agents.files.list", agentId="main")
        (state / "workspaces/main/link").symlink_to(state / "config.yaml")
        for path in ("../../config.yaml", str(state / "config.yaml"), "link"):
            for call in ("get", "list"):
                error = await desk.error(f"agents.files.{call}", agentId="main", path=path)
                assert error["code"] in ("INVALID_PARAMS", "NOT_FOUND"), path
            params = {"agentId": "main", "path": path, "text": "x"}
            assert (await desk.error("agents.files.set", **params))["code"] in (
                "INVALID_PARAMS",
                "CONFLICT",
            )
        assert (await desk.error("agents.files.list", agentId="nobody"))["code"] == "NOT_FOUND"
    assert (state / "config.yaml").read_text() == CONFIG
