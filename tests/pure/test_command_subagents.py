"""`/subagents` in a chat in memory."""

import pytest

from tests.pure.command_chat import Chat, Subagents

DIGGER = {
    "number": 1,
    "id": "d1",
    "label": "Digger",
    "sessionKey": "agent:main:subagent:d1",
    "runId": "r1",
    "task": "dig",
    "status": "running",
    "report": None,
    "result": "",
    "seconds": 3.5,
}
BAKER = DIGGER | {
    "number": 2,
    "id": "b2",
    "label": "Baker",
    "status": "ok",
    "report": "undelivered",
    "result": "bread",
}


@pytest.fixture
def chat() -> Chat:
    return Chat(subagents=Subagents([DIGGER, BAKER]))


async def test_the_list_shows_what_is_at_work_and_what_was_not_delivered(chat: Chat):
    assert await chat.say("/subagents") == (
        "1. `Digger` running (3.5 s)\n2. `Baker` ok (3.5 s, result undelivered)"
    )
    assert await Chat().say("/subagents list") == "No helper was started here."


async def test_info_shows_the_task_and_the_result(chat: Chat):
    said = await chat.say("/subagents info 2")
    assert "Task: `dig`" in said and said.endswith("\n\nbread")
    assert await chat.say("/subagents info 7") == "No helper here is called 7."


async def test_the_log_is_what_was_said(chat: Chat):
    assert await chat.say("/subagents log 1") == "Nothing was said there yet."
    chat.subagents.lines = [{"role": "user", "text": "dig"}, {"role": "assistant", "text": "ok"}]
    assert await chat.say("/subagents log 1") == "user: `dig`\n\nassistant: `ok`"


async def test_one_or_all_are_stopped(chat: Chat):
    assert await chat.say("/subagents kill 2") == "None was at work."
    assert await chat.say("/subagents kill ALL") == "Stopped 1 helper."
    assert chat.subagents.killed == ["d1"]


async def test_a_helper_is_told_something(chat: Chat):
    assert await chat.say("/subagents send 1") == "Say it too: `/subagents send ID TEXT`."
    assert await chat.say("/subagents send 1 dig deeper") == (
        "Told `Digger`. Its answer comes here."
    )
    assert chat.subagents.told == [("d1", "dig deeper")]
