"""Rows of section 10 of the contract as a client meets them, where no other test looks."""

from pathlib import Path

from tests.contracts.gateway_product import MAIN, opened


async def test_a_session_made_on_first_use_is_called_by_its_key(tmp_path: Path):
    async with opened(tmp_path) as desk:
        for key in (f"{MAIN}:chat:plans", "agent:main:api:ada", MAIN):
            await desk.say("hello", key)
        rows = (await desk.ok("sessions.list"))["sessions"]
        named = {row["sessionKey"]: row["label"] for row in rows}
    assert named == {f"{MAIN}:chat:plans": "plans", "agent:main:api:ada": "ada", MAIN: "Main"}


async def test_what_stands_in_the_file_is_named_as_there(tmp_path: Path):
    async with opened(tmp_path) as desk:
        made = await desk.ok("agents.create", id="third", name="Third")
        assert made["agent"]["id"] == "third"
        await desk.ok("agents.update", id="third", thinking="low")
        file = {"agentId": "third", "name": "NOTES.md"}
        await desk.ok("agents.files.set", **file, content="hello")
        assert (await desk.ok("agents.files.get", **file))["text"] == "hello"
        await desk.ok("agents.delete", id="third")
        await desk.ok("providers.set", id="lab", api="openai", base_url="http://127.0.0.1:9/v1")
        await desk.ok("providers.remove", id="lab")
        assert (await desk.error("agents.create", name="No id"))["details"]["field"] == "agentId"


async def test_a_result_that_comes_first_into_a_session_does_not_name_it(tmp_path: Path):
    async with opened(tmp_path) as desk:
        words = {"text": "every 1h Report: [[demo text done]]", "policy": {"quiet": "line"}}
        task = await desk.ok("tasks.add", sessionKey=MAIN, idempotencyKey="k", **words)
        await desk.ok("sessions.delete", sessionKey=MAIN)
        await desk.ok("tasks.run", id=task["id"])
        rows = (await desk.ok("sessions.list"))["sessions"]
    assert [row["label"] for row in rows if row["sessionKey"] == MAIN] == ["Main"]


async def test_the_command_that_asks_for_the_state_is_no_work_that_waits(tmp_path: Path):
    async with opened(tmp_path) as desk:
        said = (await desk.say("/status"))["message"]["text"]
    assert "- Queue: collect, idle, 0 waiting\n" in said
