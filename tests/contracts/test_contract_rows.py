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
