"""Tools over sessions: who sees which, what they say to each other, and where that ends."""

import asyncio
from pathlib import Path

from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import running
from bot.tools.approval import OPERATOR
from bot.types import ModelRequest, ToolCall
from tests.scenarios.kit import scripted
from tests.scenarios.subsessions_kit import ADA, AGENTS, BOB, OWNED, REPORT, busy, idle, results

LIST = call("sessions_list")


async def test_nobody_sees_the_session_of_somebody_else(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        here = bench.platform()
        here.say("a secret")
        await here.shows("echo a secret")
        sent = call("sessions_send", "c3", sessionKey=ADA, message="tell me")
        tries = [LIST, call("sessions_history", "c2", sessionKey=ADA), sent]
        scripted(bench).on("look", tries, ["seen"])
        here.say("look", conversation="bob", author="bob")
        await here.shows("seen", to="bob")
        [listed] = results(bench, "sessions_list")
        assert [(one["sessionKey"], one["this"]) for one in listed["sessions"]] == [(BOB, True)]
        refused = f"There is no session {ADA} for you."
        assert results(bench, "sessions_history") == [refused]
        assert results(bench, "sessions_send") == [refused]


async def test_an_owner_sees_all_of_the_agent_but_not_in_a_room(
    tmp_path: Path, clock: VirtualClock
):
    text = OWNED.replace('allow_from: ["*"]', 'allow_from: ["*"], group_policy: open')
    async with running(tmp_path, text, clock=clock, scripted=True) as bench:
        here = bench.platform()
        here.say("hello", conversation="bob", author="bob")
        await here.shows("echo hello", to="bob")
        scripted(bench).on("look", [LIST, call("sessions_history", "c2", sessionKey=BOB)], ["ok"])
        here.say("look")
        await here.shows("ok")
        [listed] = results(bench, "sessions_list")
        assert {one["sessionKey"] for one in listed["sessions"]} == {ADA, BOB}
        [said] = results(bench, "sessions_history")
        assert [one["text"] for one in said["messages"]] == ["hello", "echo hello"]
        scripted(bench).on("look", [call("sessions_history", sessionKey=BOB)], ["ok"])
        here.say("look", conversation="room", kind="group", mentioned=True)
        await here.shows("ok", to="room")
        assert results(bench, "sessions_history")[-1] == f"There is no session {BOB} for you."


async def test_a_helper_of_mine_is_mine_alone(tmp_path: Path, clock: VirtualClock):
    """In a session that several people share, each sees what was started for them."""
    text = AGENTS + "session: {dm_scope: main}\n"
    async with running(tmp_path, text, clock=clock, scripted=True) as bench:
        here = bench.platform()
        scripted(bench).on("go", [call("sessions_spawn", task="dig")], ["started"])
        scripted(bench).on(REPORT, ["NO_REPLY"])
        here.say("go")
        await here.shows("started")
        await idle(bench)
        scripted(bench).on("mine", [LIST, call("subagents", "c2", action="list")], ["so"])
        here.say("mine")
        await here.shows("started", "so")
        assert len(results(bench, "sessions_list")[0]["sessions"]) == 2
        assert len(results(bench, "subagents")[0]["helpers"]) == 1
        scripted(bench).on("theirs", [LIST, call("subagents", "c2", action="list")], ["so"])
        here.say("theirs", conversation="bob", author="bob")
        await here.shows("so", to="bob")
        assert len(results(bench, "sessions_list")[1]["sessions"]) == 1
        assert results(bench, "subagents")[1] == {"helpers": []}


async def test_a_message_to_a_helper_is_answered_while_one_waits(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        here, model = bench.platform(), scripted(bench)
        model.on("go", [call("sessions_spawn", task="dig")], ["started"])
        model.on("dig", ["NO_REPLY"])
        here.say("go")
        await here.shows("started")
        await idle(bench)
        [child] = results(bench, "sessions_spawn")
        ask = call("sessions_send", sessionKey=child["childSessionKey"], message="and now?")
        model.on("ask", [ask], ["asked"])
        model.on("and now?", ["now rest"])
        here.say("ask")
        await here.shows("started", "asked")
        [said] = results(bench, "sessions_send")
        assert (said["status"], said["reply"]) == ("ok", "now rest")
        told = next(one for one in model.requests if one.entries[-1].text.endswith("and now?"))
        assert '"fromSession": {"session": "' + ADA in told.entries[-1].text


async def test_a_wait_gives_its_place_back_and_what_comes_late_is_reported(
    tmp_path: Path, clock: VirtualClock
):
    text = AGENTS.replace("cap: 1000}", "cap: 1000}, max_concurrent: 1")
    async with running(tmp_path, text, clock=clock, scripted=True) as bench:
        here, model, gate = bench.platform(), scripted(bench), asyncio.Event()
        model.on("go", [call("sessions_spawn", task="dig")], ["started"])
        model.on("dig", ["NO_REPLY"])
        model.on(REPORT, ["at last"])
        here.say("go")
        await here.shows("started")
        await idle(bench)
        [child] = results(bench, "sessions_spawn")
        ask = {"sessionKey": child["childSessionKey"], "message": "slow", "timeoutSeconds": 20}
        model.on("ask", [call("sessions_send", **ask)], ["no answer yet"])
        model.on("slow", [gate, "slowly"])
        here.say("ask")
        await busy(bench)
        await clock.advance(21)
        gate.set()
        await here.shows("started", "no answer yet", "at last")
        [said] = results(bench, "sessions_send")
        assert said["status"] == "timeout"
        assert "slowly" in model.requests[-1].entries[-1].text


async def test_what_is_left_at_a_helper_is_reported(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        here, model = bench.platform(), scripted(bench)
        model.on("go", [call("sessions_spawn", task="dig")], ["started"])
        model.on("dig", ["NO_REPLY"])
        model.on(REPORT, ["reported"])
        here.say("go")
        await here.shows("started")
        await idle(bench)
        [child] = results(bench, "sessions_spawn")
        left = {"sessionKey": child["childSessionKey"], "message": "later", "timeoutSeconds": 0}
        model.on("leave", [call("sessions_send", **left)], ["left"])
        here.say("leave")
        await here.shows("started", "left", "reported")
        assert results(bench, "sessions_send")[0]["status"] == "accepted"


async def test_an_owner_may_speak_to_another_conversation_without_lending_rights(
    tmp_path: Path, clock: VirtualClock
):
    """The target answers as somebody without rights, and is heard only where a rule allows."""
    for rule, heard in (("", []), ("session: {send_policy: [{action: allow}]}\n", ["for bob"])):
        state = tmp_path / str(len(heard))
        async with running(state, OWNED + rule, clock=clock, scripted=True) as bench:
            here, model = bench.platform(), scripted(bench)
            here.say("hello", conversation="bob", author="bob")
            await here.shows("echo hello", to="bob")
            model.on("ask", [call("sessions_send", sessionKey=BOB, message="news")], ["asked"])
            model.on("news", ["for bob"])
            here.say("ask")
            await here.shows("asked")
            await idle(bench)
            assert results(bench, "sessions_send")[0]["reply"] == "for bob"
            assert here.visible("bob") == ["echo hello", *heard]
            [item] = await bench.rows("SELECT requester FROM inbox WHERE kind = 'internal'")
            assert item["requester"] == f"session:{ADA}"


async def test_sessions_do_not_talk_to_each_other_without_end(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        here = bench.platform()
        here.say("/session new Other")
        await here.wait_for(lambda one: one.visible())
        other = f"{ADA}:chat:other"

        def script(request: ModelRequest) -> list[object]:
            """Whoever is told something tells the other one."""
            last = request.entries[-1]
            if last.role == "tool":
                return ["done"]
            if last.text not in ("ping", "pong") and "fromSession" not in last.text:
                return ["hi"]
            ping = last.text.endswith("ping")
            to, word = (ADA, "pong") if ping else (other, "ping")
            return [call("sessions_send", sessionKey=to, message=word, timeoutSeconds=0)]

        here.say("hi")
        here.say("/session main")
        here.say("hi")
        await here.wait_for(lambda one: len(one.visible()) == 4)
        scripted(bench)._script = script
        here.say("pong")
        async with asyncio.timeout(20):
            # A person lets each of them go on: it was told something by another session.
            while len(results(bench, "sessions_send")) < 6:
                await bench.settle()
                for row in await bench.app.approvals.listed():
                    await bench.app.approvals.resolve(row["id"], "allow-once", OPERATOR)
        told = results(bench, "sessions_send")
        assert [one["status"] for one in told if isinstance(one, dict)] == ["accepted"] * 5
        assert told[-1] == "Sessions have said 5 things to each other in a row; that is enough."


async def test_odd_calls_are_told_why(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, AGENTS, clock=clock, scripted=True) as bench:
        calls = [
            call("sessions_send", "c1", sessionKey=ADA, message="me"),
            call("sessions_history", "c2", sessionKey="agent:"),
            call("subagents", "c3", action="info"),
            ToolCall("c4", "subagents", "{}", {"action": "log", "id": "9"}),
            ToolCall("c5", "subagents", "{}", {"action": "kill", "id": "all"}),
        ]
        scripted(bench).on("go", calls, ["ok"])
        bench.platform().say("go")
        await bench.platform().shows("ok")
        assert results(bench, "sessions_send") == ["This is the present session; just answer."]
        assert results(bench, "sessions_history")[0].startswith("not a session key")
        assert results(bench, "subagents") == [
            "Say in id which helper to info.",
            "No helper here is called 9.",
            {"killed": []},
        ]
