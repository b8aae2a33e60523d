"""An external agent asks before it uses a tool of its own: a person decides, else it is denied."""

import json
import sys
from pathlib import Path

import pytest

from bot.testing.running import running
from bot.tools.approval import OPERATOR
from tests.scenarios.exec_kit import Ends, asked

FAKE = Path(__file__).resolve().parents[1] / "fakes" / "acp_agent.py"
CONFIG = """
providers: {{helper: {{api: acp, command: {command}}}}}
agents: [{{id: main, model: helper/any}}]
logging: {{level: error}}
"""


@pytest.mark.parametrize(
    ("decision", "option"), [("allow-once", "allow_once"), ("deny", "reject_once")]
)
async def test_a_person_decides_what_an_external_agent_does(
    tmp_path: Path, decision: str, option: str
):
    command = json.dumps([sys.executable, str(FAKE), str(tmp_path / "log")])
    async with running(tmp_path / "state", CONFIG.format(command=command)) as bench:
        ends = Ends(bench)
        await bench.ask("\nask", "r1")
        [row] = await asked(bench)
        assert (row["tool"], row["sessionKey"]) == ("external agent", "agent:main:main")
        assert "Delete all" in row["command"] and "execute" in row["command"]
        await bench.app.approvals.resolve(row["code"], decision, OPERATOR)
        assert f"o-{option}" in await ends.of("r1")
        await bench.ask("\nask", "r2")
        [again] = await asked(bench)
        assert again["id"] != row["id"], "a yes to one question is none to the next"
        await bench.app.approvals.resolve(again["code"], decision, OPERATOR)
        await ends.of("r2")


async def test_a_question_that_is_too_long_to_read_is_denied(tmp_path: Path):
    long = tmp_path / "agent.py"
    long.write_text(FAKE.read_text().replace('{"a": 1}', '{"a": "x" * 30_000}'))
    command = json.dumps([sys.executable, str(long), str(tmp_path / "log")])
    async with running(tmp_path / "state", CONFIG.format(command=command)) as bench:
        ends = Ends(bench)
        await bench.ask("\nask", "r1")
        assert "o-reject_once" in await ends.of("r1")
        assert await bench.app.approvals.listed(pending=False) == []
