"""A signed request of Slack that is played back: known by what it says, also after a restart.

The signatures that an account has seen are kept in memory. What an event says is kept in the store,
and each of its messages counts once: that is what a replay meets after a restart.
"""

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from adapters.fakes.slack import SECRET, FakeSlack
from bot.contract import HttpRequest
from bot.testing.running import running
from tests.contracts.slack_support import body_of, raw, request, said
from tests.scenarios.surfaces import OPEN

FORM = "application/x-www-form-urlencoded"
BUTTON = {
    "type": "block_actions",
    "user": {"id": "U1", "name": "ada"},
    "team": {"id": "T1"},
    "container": {"message_ts": "1767323045.000900"},
    "channel": {"id": "D1", "name": "directmessage"},
    "message": {"ts": "1767323045.000900"},
    "actions": [
        {"type": "button", "action_id": "b", "value": "yes", "action_ts": "1767323050.000001"}
    ],
}
COMMAND = {
    "command": "/trunkline",
    "text": "whoami",
    "user_id": "U1",
    "user_name": "ada",
    "channel_id": "D1",
    "channel_name": "directmessage",
    "team_id": "T1",
    "trigger_id": "1.2.abc",
}


def direct(**more: Any) -> dict[str, Any]:
    return said("hello", channel="D1", channel_type="im", **more)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (raw(direct()), "application/json"),
        (raw(body_of(direct()["event"], event_id="Ev1")), "application/json"),
        (urlencode(COMMAND).encode(), FORM),
        (urlencode({"payload": json.dumps(BUTTON)}).encode(), FORM),
    ],
)
async def test_what_was_taken_once_is_not_taken_again_after_a_restart(
    tmp_path: Path, body: bytes, kind: str
):
    played = request(body, time.time(), kind)
    async with FakeSlack() as fake:
        options = {"bot_token": fake.token, "signing_secret": SECRET, "base_url": fake.base_url}
        config = json.dumps({"channels": {"slack": {**OPEN, **options}}})
        for attempt in ("first", "replayed"):
            async with running(tmp_path, config, scripted=True) as bench:
                assert await _handled(bench, played) == 200
                assert await _handled(bench, played) == 401, "within one life by its signature"
                await bench.app.engine.idle()
                assert len(await bench.rows("SELECT 1 FROM runs")) == 1, attempt
        assert len(fake.workspace.visible("D1")) == 1


async def _handled(bench: Any, played: HttpRequest) -> int:
    adapter = bench.app.supervisor.get("slack")
    return int((await adapter.handle(played, bench.app.inbound)).status)
