"""The chain from a caller to a delivered answer: each missing link is named (acceptance row 1)."""

from pathlib import Path

import aiohttp

from tests.contracts.channels_kit import ADA, OPEN, connected
from tests.contracts.gateway_kit import Socket
from tests.contracts.gateway_product import MAIN


async def test_each_missing_link_has_its_own_error_and_the_whole_chain_one_answer(tmp_path: Path):
    async with connected(tmp_path, **OPEN) as (desk, fake):
        errors = []
        for number, link in enumerate(({"agentId": "nobody"}, {"sessionId": "none"}, {})):
            errors.append(
                await desk.error(
                    "agent", message="hello", idempotencyKey=f"k{number}", deliver=True, **link
                )
            )
        assert [error["code"] for error in errors] == ["NOT_FOUND", "NOT_FOUND", "NO_TARGET"]
        assert "agent nobody" in errors[0]["message"]
        assert "session" in errors[1]["message"]
        assert (await desk.ok("sessions.list"))["sessions"] == []
        assert fake.called("sendMessage") == []
        sent = await desk.ok(
            "agent",
            message="[[demo text at last]]",
            idempotencyKey="whole",
            agentId="main",
            sessionKey=MAIN,
            deliver=True,
            channel="telegram",
            to=str(ADA),
        )
        await desk.end(sent["runId"])
        await fake.wait_for(lambda: fake.visible(ADA), 20)
        await desk.app.engine.idle()
        assert fake.visible(ADA) == ["at last"]


async def test_without_a_sign_in_nothing_is_looked_at(tmp_path: Path):
    async with connected(tmp_path, **OPEN) as (desk, _):
        url = desk.core.link().partition("/login")[0]
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/ws") as ws:
            socket = Socket(ws)
            params = {"protocol": 1, "caps": [], "auth": {"token": "wrong"}}
            refused = await socket.request("connect", params)
            assert refused["error"]["code"] == "UNAUTHORIZED"
