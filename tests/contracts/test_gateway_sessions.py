"""Sessions, people, channels and stories through the methods, on the whole product."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.gateway.local import Local
from bot.gateway.methods import table
from bot.store import upkeep
from tests.contracts.gateway_product import MAIN, Desk, opened, telegram_message
from tests.fakes.openai_server import FakeOpenAI, call_piece, stream_of, text_stream


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path) as desk:
        yield desk


async def test_030_a_named_session_is_empty_listed_and_moves_no_pointer(desk: Desk):
    await desk.say("[[demo text one]]")
    made = await desk.ok("sessions.create", agentId="main", label="Plans")
    assert made["label"] == "Plans" and made["sessionKey"] == f"{MAIN}:chat:plans"
    assert (await desk.ok("chat.history", sessionKey=made["sessionKey"]))["messages"] == []
    rows = {row["sessionKey"]: row for row in (await desk.ok("sessions.list"))["sessions"]}
    assert rows[MAIN]["active"] is True and rows[made["sessionKey"]]["active"] is False
    row = rows[made["sessionKey"]]
    assert row["displayName"] == "Assistant / Plans" and row["parent"] == MAIN
    assert (row["kind"], row["agentId"], row["running"]) == ("child", "main", False)
    unnamed = await desk.ok("sessions.create", agentId="main")
    assert unnamed["label"] == "Chat 1"


async def test_033_a_base_key_addresses_its_active_child_and_exact_the_key_itself(desk: Desk):
    made = (await desk.ok("sessions.create", agentId="main", label="Plans"))["sessionKey"]
    switched = await desk.ok("sessions.switch", sessionKey=MAIN, to="plans")
    assert switched["sessionKey"] == made and switched["active"] is True
    end = await desk.say("[[demo text child]]")
    assert end["sessionKey"] == made
    end = await desk.say("[[demo text base]]", exact=True)
    assert end["sessionKey"] == MAIN
    assert (await desk.ok("chat.history", sessionKey=MAIN))["sessionKey"] == made
    back = await desk.ok("sessions.switch", sessionKey=MAIN, to="main")
    assert back["sessionKey"] == MAIN
    error = await desk.error("sessions.switch", sessionKey=MAIN, to="nowhere")
    assert error["code"] == "NOT_FOUND"


async def test_what_the_operator_notes_of_a_session_stays_over_a_reset_and_ends_with_it(desk: Desk):
    made = (await desk.ok("sessions.create", agentId="main", label="Plans"))["sessionKey"]
    row = await desk.ok("sessions.patch", sessionKey=made, pinned=True)
    assert (row["pinned"], row["archived"], row["readAt"]) == (True, False, None)
    updated = row["updatedAt"]
    row = await desk.ok("sessions.patch", sessionKey=made, archived=True, readAt=updated)
    assert (row["pinned"], row["archived"], row["readAt"]) == (True, True, updated)
    assert row["updatedAt"] == updated
    # Who is behind does not take back what another browser has read; null does.
    row = await desk.ok("sessions.patch", sessionKey=made, readAt="2001-01-01T00:00:00+02:00")
    assert row["readAt"] == updated
    row = await desk.ok("sessions.reset", sessionKey=made)
    assert (row["pinned"], row["readAt"]) == (True, updated)
    assert (await desk.ok("sessions.patch", sessionKey=made, readAt=None))["readAt"] is None
    for wrong in ("yesterday", "2001-01-01T00:00:00", 7):
        error = await desk.error("sessions.patch", sessionKey=made, readAt=wrong)
        assert error["code"] == "INVALID_PARAMS"
    nowhere = {"sessionKey": f"{MAIN}:chat:none", "pinned": True}
    assert (await desk.error("sessions.patch", **nowhere))["code"] == "NOT_FOUND"
    await desk.ok("sessions.delete", sessionKey=made)
    again = await desk.ok("sessions.create", agentId="main", label="Plans")
    assert again["sessionKey"] == made
    rows = (await desk.ok("sessions.list"))["sessions"]
    assert [row["pinned"] for row in rows if row["sessionKey"] == made] == [False]


async def test_an_agent_that_is_off_can_be_looked_at_and_answers_nobody(desk: Desk):
    await desk.ok("agents.create", agentId="helper")
    await desk.ok("chat.inject", sessionKey="agent:helper:main", text="kept")
    async with desk.again() as other:
        await desk.ok("agents.update", agentId="helper", enabled=False)
        assert (await other.socket.event("agents.changed"))["payload"] == {}
    here = {"sessionKey": "agent:helper:main"}
    assert [row["text"] for row in (await desk.ok("chat.history", **here))["messages"]] == ["kept"]
    for method in ("models.list", "skills.list", "tools.list", "sessions.list", "memory.status"):
        await desk.ok(method, agentId="helper")
    assert (await desk.ok("sessions.patch", **here, label="Old"))["label"] == "Old"
    error = await desk.error("chat.send", **here, message="hello", idempotencyKey="k1")
    assert error["code"] == "NOT_FOUND"
    await desk.ok("sessions.delete", **here)


async def test_038_039_overrides_are_the_sessions_own_and_can_be_cleared(desk: Desk):
    file = desk.app.state / "config.yaml"
    before = file.read_bytes()
    row = await desk.ok("sessions.patch", sessionKey=MAIN, model="demo/second", verbose="full")
    assert (row["model"], row["verbose"], row["thinking"]) == ("demo/second", "full", None)
    end = await desk.say("hello")
    assert end["message"]["model"] == "demo/second"
    assert file.read_bytes() == before
    row = await desk.ok("sessions.patch", sessionKey=MAIN, model=None, queue="followup")
    assert row["model"] is None and row["queue"] == {"mode": "followup"}
    assert (await desk.say("hello"))["message"]["model"] == "demo/demo"
    agents = (await desk.ok("agents.list"))["agents"]
    assert agents[0]["model"]["primary"] == "demo/demo"
    for wrong in ({"model": "nobody/x"}, {"thinking": "huge"}, {"queue": {"mode": "x"}}, {}):
        assert (await desk.error("sessions.patch", sessionKey=MAIN, **wrong))["code"] in (
            *("INVALID_PARAMS", "FORBIDDEN", "NOT_FOUND"),
        )


async def test_a_reset_begins_a_new_transcript_under_the_same_key(desk: Desk):
    await desk.say("[[demo text one]]")
    before = (await desk.ok("chat.history", sessionKey=MAIN))["sessionId"]
    row = await desk.ok("sessions.reset", sessionKey=MAIN)
    assert row["sessionKey"] == MAIN and row["sessionId"] != before
    assert (await desk.ok("chat.history", sessionKey=MAIN))["messages"] == []


async def test_a_transcript_is_summed_up_for_the_model_and_people_still_see_it(tmp_path: Path):
    config = "agents: [{id: main, compaction: {keep_recent: 100}}]\n"
    async with opened(tmp_path, config) as desk:
        first = await desk.ok("sessions.compact", sessionKey=MAIN)
        assert (first["compacted"], first["reason"]) == (False, "nothing to compact")
        for _ in range(2):
            await desk.say("[[demo long 1500]]")
        done = await desk.ok("sessions.compact", sessionKey=MAIN, instructions="keep the numbers")
        assert done["compacted"] is True and "reason" not in done
        assert done["session"]["compactions"] == 1
        rows = (await desk.ok("chat.history", sessionKey=MAIN))["messages"]
        assert [row["role"] for row in rows] == ["user", "assistant"] * 2 + ["note"]
        assert rows[-1]["name"] == "compaction"
        assert "Summary by the demo model" in rows[-1]["text"]


async def test_a_deleted_session_is_stopped_and_gone(desk: Desk):
    made = (await desk.ok("sessions.create", agentId="main", label="Plans"))["sessionKey"]
    run = (await desk.send("[[demo stream 500 20]]", made))["runId"]
    await desk.growing(run)
    assert (await desk.ok("sessions.delete", sessionKey=made))["sessionKey"] == made
    assert (await desk.end(run))["state"] == "aborted"
    assert made not in [row["sessionKey"] for row in (await desk.ok("sessions.list"))["sessions"]]
    assert (await desk.error("sessions.delete", sessionKey=made))["code"] == "NOT_FOUND"


async def test_163_an_export_has_everything(desk: Desk):
    await desk.say("[[demo tool session_status {}]]")
    exported = await desk.ok("sessions.export", sessionKey=MAIN)
    roles = [row["role"] for row in exported["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant"]
    calling, told = exported["messages"][1], exported["messages"][2]
    assert calling["toolCalls"][0]["id"] == told["toolCallId"]
    assert exported["session"]["sessionKey"] == MAIN


async def test_163_what_a_tool_told_is_in_the_next_request(tmp_path: Path):
    async with FakeOpenAI() as server:
        config = f"""
agents: [{{id: main, model: far/m}}]
providers: {{far: {{api: openai, base_url: "{server.url}", api_key: k}}}}
"""
        async with opened(tmp_path / "state", config) as desk:
            asked = {"tool_calls": [call_piece(0, "c1", "session_status", "{}")]}
            server.answer(*stream_of(asked, finish="tool_calls"))
            server.answer(*text_stream("I looked."))
            server.answer(*text_stream("Always."))
            await desk.say("look")
            await desk.say("thanks")
            exported = (await desk.ok("sessions.export", sessionKey=MAIN))["messages"]
    roles = ["user", "assistant", "tool", "assistant", "user", "assistant"]
    assert [row["role"] for row in exported] == roles
    sent = [one for one in server.requests[-1].body["messages"] if one["role"] != "system"]
    assert [one["role"] for one in sent] == roles[:-1]
    assert sent[1]["tool_calls"][0]["id"] == sent[2]["tool_call_id"]
    assert exported[2]["text"] and exported[2]["text"] in str(sent[2]["content"])
    assert (sent[0]["content"], sent[3]["content"]) == ("look", "I looked.")


async def test_165_messages_of_the_page_share_one_session(desk: Desk):
    """The first makes it and the second finds it; however many of the first come at once."""
    for text in ("one", "two"):
        await desk.say(f"[[demo text {text}]]")
    said = (await desk.ok("sessions.export", sessionKey=MAIN))["messages"]
    assert [row["text"] for row in said if row["role"] == "assistant"] == ["one", "two"]
    crowd, client = "agent:other:main", Local(table(desk.core), desk.app.hub, desk.core.view)
    first = {"sessionKey": crowd, "message": "[[demo text hi]]"}
    sends = [client.request("chat.send", {**first, "idempotencyKey": f"f{n}"}) for n in range(50)]
    await asyncio.gather(*sends)
    client.close()
    rows = (await desk.ok("sessions.list"))["sessions"]
    assert sorted(row["sessionKey"] for row in rows) == [MAIN, crowd]


async def test_160_a_channels_session_tells_its_origin_and_the_page_does_not_change_it(desk: Desk):
    await desk.app.inbound(telegram_message("hi"))
    pairings = (await desk.ok("pairing.list"))["pairings"]
    assert [(one["account"], one["author"]["id"]) for one in pairings] == [("telegram", "12345")]
    assert pairings[0]["createdAt"].endswith("+00:00")
    approved = await desk.ok("pairing.approve", code=pairings[0]["code"].lower())
    assert approved["id"] == pairings[0]["id"]
    assert (await desk.ok("pairing.list"))["pairings"] == []
    assert (await desk.error("pairing.approve", code="AAAAAAAA"))["code"] == "NOT_FOUND"
    await desk.app.inbound(telegram_message("[[demo text hello]]", "778"))
    [session] = (await desk.ok("sessions.list"))["sessions"]
    key = "agent:other:telegram:telegram:direct:12345"
    assert session["sessionKey"] == key
    place = {
        **{"channel": "telegram", "account": "telegram", "conversation": "12345"},
        **{"thread": None, "kind": "direct"},
    }
    assert session["origin"] == place and session["lastRoute"] == place
    end = await desk.say("[[demo text from the page]]", key)
    assert end["sessionKey"] == key
    [session] = (await desk.ok("sessions.list"))["sessions"]
    assert session["lastRoute"] == place


async def test_a_denied_request_is_gone(desk: Desk):
    await desk.app.inbound(telegram_message("hi"))
    [asked] = (await desk.ok("pairing.list"))["pairings"]
    await desk.ok("pairing.deny", id=asked["id"])
    assert (await desk.error("pairing.approve", code=asked["code"]))["code"] == "NOT_FOUND"
    assert (await desk.error("pairing.deny"))["code"] == "INVALID_PARAMS"


async def test_why_tells_the_whole_story(desk: Desk):
    end = await desk.say("[[demo tool session_status {}]][[demo text done]]")
    while (await desk.core.engine.read(upkeep.counts()))["outbox"]:
        pass  # the socket would slow so many questions down
    story = await desk.ok("why", id=end["runId"])
    assert story["message"]["text"].startswith("[[demo tool")
    assert story["admission"]["allowed"] is True and story["admission"]["rule"]
    assert story["route"]["sessionKey"] == MAIN and story["route"]["agentId"] == "main"
    assert story["run"]["status"] == "ok" and story["run"]["usage"]
    kinds = [step["kind"] for step in story["steps"]]
    assert kinds == ["inbox", "run", "model", "tool", "model", "run"]
    assert [(part["part"], part["state"]) for part in story["parts"]] == [(0, "sent")]
    await desk.app.inbound(telegram_message("hi", "4711"))
    refused = await desk.ok("why", id="4711")
    assert refused["admission"]["allowed"] is False and refused["run"] is None
    assert (await desk.error("why", id="nothing"))["code"] == "NOT_FOUND"
    assert (await desk.error("why", id="%"))["code"] == "NOT_FOUND"


async def test_what_there_is(desk: Desk):
    agents = (await desk.ok("agents.list"))["agents"]
    assert [(one["id"], one["default"]) for one in agents] == [("main", True), ("other", False)]
    models = (await desk.ok("models.list"))["models"]
    assert {"demo/demo", "demo/second"} == {one["ref"] for one in models}
    assert (await desk.error("models.list", agentId="no"))["code"] == "NOT_FOUND"
    for method in ("channels.list", "channels.status"):
        [channel] = (await desk.ok(method))["channels"]
        assert (channel["account"], channel["state"], channel["enabled"]) == (
            "telegram",
            "off",
            False,
        )
        assert channel["agent"] == "other" and "binding 1" in channel["matchedBy"]
        assert channel["quarantined"] == 0 and channel["lastEventAt"] is None
    health = await desk.ok("health")
    assert health["ok"] is True and health["channels"] == {"telegram": "off"}
    status = await desk.ok("status")
    assert status["ready"] is True and status["waiting"] == {"inbox": 0, "outbox": 0}
    assert status["startedAt"].endswith("+00:00")
    assert "1:x" not in repr(status)


async def test_a_sign_in_link_is_for_who_knows_the_token(desk: Desk):
    assert "/login?code=" in (await desk.ok("login.link"))["url"]


def test_every_method_has_help_and_its_parameters_are_camel_case(tmp_path: Path):
    from_table = table(None)  # type: ignore[arg-type]
    names = from_table.names
    assert {"agent", "agent.wait", "chat.send", "sessions.list", "why"} <= set(names)
    for name in names:
        found = from_table._methods[name]
        assert found.help.endswith("."), name
        if name.startswith("providers."):
            continue  # it mirrors the file and keeps its keys
        for field_name, info in found.params.model_fields.items():
            assert "_" not in (info.alias or field_name)


async def test_a_fork_has_what_was_said_up_to_a_message_and_leaves_the_old_one(desk: Desk):
    await desk.say("[[demo text one]]")
    await desk.ok("sessions.patch", sessionKey=MAIN, model="demo/second")
    await desk.say("[[demo tool session_status {}]][[demo text two]]")
    before = (await desk.ok("chat.history", sessionKey=MAIN))["messages"]
    one = next(row for row in before if row["text"] == "one")
    made = await desk.ok("sessions.fork", sessionKey=MAIN, upTo=one["id"])
    assert made["label"] == "Main branch" and made["sessionKey"] == f"{MAIN}:chat:main-branch"
    texts = [row["text"] for row in await messages(desk, made["sessionKey"])]
    assert texts == ["[[demo text one]]", "one"]
    await desk.say("[[demo text other]]", key=made["sessionKey"])
    assert (await desk.ok("chat.history", sessionKey=MAIN))["messages"] == before
    # A call is never left without its result.
    call = next(row for row in before if row["toolCalls"])
    half = await desk.ok("sessions.fork", sessionKey=MAIN, upTo=call["id"], label="Half")
    assert [row["role"] for row in await messages(desk, half["sessionKey"])][-2:] == [
        "assistant",
        "tool",
    ]
    none = await desk.ok("sessions.fork", sessionKey=MAIN, upTo="0")
    assert await messages(desk, none["sessionKey"]) == []
    rows = {row["sessionKey"]: row for row in (await desk.ok("sessions.list"))["sessions"]}
    assert rows[made["sessionKey"]]["model"] == "demo/second"
    missing = await desk.error("sessions.fork", sessionKey=f"{MAIN}:chat:none", upTo="1")
    assert missing["code"] == "NOT_FOUND"


async def messages(desk: Desk, key: str) -> list[dict]:
    return (await desk.ok("chat.history", sessionKey=key))["messages"]
