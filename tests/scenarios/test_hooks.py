"""Every hook at work, in a package that was installed and is named in `plugins`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.platform import Fault
from bot.testing.running import CONFIG, Bench, running
from bot.types import Failure
from tests.scenarios.hooks_kit import DIARY, Diary, done, install
from tests.scenarios.kit import ADA, Probe, run_row, scripted

MAIN = "agent:main:main"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module", autouse=True)
def installed(site: Path) -> Iterator[None]:
    sys.path.insert(0, str(site))
    yield
    sys.path.remove(str(site))


@pytest.fixture
def diary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Diary:
    made = Diary(tmp_path)
    monkeypatch.setenv("DIARY", str(made.file))
    monkeypatch.setenv("RULES", str(made.rules))
    return made


@pytest.fixture
async def bench(tmp_path: Path, clock: VirtualClock, diary: Diary) -> AsyncIterator[Bench]:
    state = tmp_path / "state"
    async with running(state, DIARY, clock=clock, scripted=True, tools=[Probe()]) as running_bench:
        yield running_bench


async def say(bench: Bench, text: str = "hi", run: str = "r1") -> Any:
    """The operator says something; the run's row when it is over."""
    await bench.ask(text, run)
    await done(bench)
    return await run_row(bench, run)


def asks_for(bench: Bench, *answers: Any) -> None:
    """The model answers `go` so."""
    scripted(bench).on("go", *([one] for one in answers))


async def test_before_model_resolve_hears_no_messages_and_decides_the_call(
    bench: Bench, diary: Diary
):
    diary.answer(before_model_resolve={"modelOverride": "other", "providerOverride": "nowhere"})
    row = await say(bench)
    assert diary.heard("before_model_resolve") == [{"prompt": "hi"}]
    assert row["state"] == "error" and "nowhere/other" in row["error"]
    diary.answer(before_model_resolve={"modelOverride": "demo/demo"})
    assert (await say(bench, run="r2"))["state"] == "ok"


async def test_half_an_override_keeps_the_other_half(bench: Bench, diary: Diary):
    diary.answer(before_model_resolve={"modelOverride": "other"})
    assert (await say(bench))["state"] == "ok"
    [event] = diary.heard("llm_input")
    assert (event["provider"], event["model"]) == ("demo", "other")


async def test_a_failing_before_model_resolve_ends_the_run(bench: Bench, diary: Diary):
    diary.answer(before_model_resolve="raise")
    row = await say(bench)
    assert row["state"] == "error" and "HOOK_FAILED" in row["error"]
    assert scripted(bench).requests == []


async def test_before_prompt_build_puts_words_before_the_message(bench: Bench, diary: Diary):
    diary.answer(
        before_prompt_build={"systemPrompt": "You are a bell.", "prependContext": "It is noon."},
        before_agent_start={"systemPrompt": "You are a gong.", "prependContext": "It rains."},
    )
    await say(bench)
    [event] = diary.heard("before_prompt_build")
    assert [one["content"] for one in event["messages"]] == ["hi"]
    [request] = scripted(bench).requests
    assert request.system == "You are a bell.", "the explicit hook wins"
    assert request.entries[-1].text == "It is noon.\n\nIt rains.\n\nhi"
    assert (await bench.transcript("main"))[0] == ("user", "hi"), "the transcript is as it was said"


async def test_before_agent_start_is_still_honoured(bench: Bench, diary: Diary):
    diary.answer(before_agent_start={"modelOverride": "other", "systemPrompt": "You are a gong."})
    await say(bench)
    assert diary.heard("llm_input")[0]["model"] == "other"
    assert scripted(bench).requests[0].system == "You are a gong."
    diary.answer(before_agent_start="raise")
    assert (await say(bench, run="r3"))["state"] == "ok"


async def test_llm_input_and_output_are_what_went_over_the_wire(bench: Bench, diary: Diary):
    await say(bench)
    [request], [event] = scripted(bench).requests, diary.heard("llm_input")
    assert event["systemPrompt"] == request.system and event["prompt"] == "hi"
    said = [(one["role"], one["content"]) for one in event["historyMessages"]]
    assert said == [(one.role, one.text) for one in request.entries]
    assert (event["runId"], event["provider"], event["model"]) == ("r1", "demo", "demo")
    [answer] = diary.heard("llm_output")
    assert answer["assistantTexts"] == ["echo hi"] and answer["usage"]["input"] == 10
    [ctx] = diary.contexts("llm_output")
    assert ctx["sessionKey"] == MAIN and ctx["agentId"] == "main" and ctx["workspaceDir"]


async def test_agent_end_comes_once_also_on_error_and_stop(
    bench: Bench, diary: Diary, clock: VirtualClock
):
    model = scripted(bench)
    model.on("break", [Failure("MODEL_AUTH", "no")])
    model.on("take your time", [1000.0, "late"])
    await say(bench)
    await say(bench, "break", "r2")
    await bench.ask("take your time", "r3")
    await bench.settle()
    assert (await bench.app.lanes.stop(MAIN)).aborted == ["r3"]
    await done(bench)
    ends = {one["runId"]: one for one in diary.heard("agent_end")}
    assert [one["runId"] for one in diary.heard("agent_end")] == ["r1", "r2", "r3"]
    assert ends["r1"]["success"] and ends["r1"]["error"] is None
    assert ends["r1"]["messages"][-1]["content"] == "echo hi"
    assert not ends["r2"]["success"] and ends["r2"]["error"]
    assert not ends["r3"]["success"] and ends["r3"]["durationMs"] >= 0


async def test_before_tool_call_changes_params(bench: Bench, diary: Diary):
    diary.answer(before_tool_call={"params": {"word": "world"}})
    asks_for(bench, call("lookup", word="answer"), "done")
    await say(bench, "go")
    [event] = diary.heard("before_tool_call")
    assert (event["toolName"], event["params"]) == ("lookup", {"word": "answer"})
    assert ("tool", "world: 42") in await bench.transcript("main")


async def test_params_of_a_hook_are_held_to_the_schema(bench: Bench, diary: Diary):
    diary.answer(before_tool_call={"params": {"word": 7, "more": 1}})
    asks_for(bench, call("lookup", word="answer"), "done")
    await say(bench, "go")
    assert not diary.heard("after_tool_call"), "it was not called"


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"block": True, "blockReason": "not on Sundays"}, "not on Sundays"),
        ({"block": True}, "does not allow"),
        ("raise", "failed"),
        ("hang", "failed"),
        ({"block": "yes"}, "failed"),
        ({"params": []}, "failed"),
        ([1], "failed"),
    ],
)
async def test_a_block_and_a_fault_of_policy_are_final(
    bench: Bench, diary: Diary, rule: Any, says: str
):
    bench.app.hooks.handlers.patience = 0.05
    diary.answer(before_tool_call=rule)
    asks_for(bench, call("lookup", word="answer"), "done")
    assert (await say(bench, "go"))["state"] == "ok"
    [result] = [text for role, text in await bench.transcript("main") if role == "tool"]
    assert says in result and "42" not in result
    assert scripted(bench).requests[-1].entries[-1].text == result, "the model sees the reason"


async def test_after_tool_call_hears_result_or_error_and_alters_nothing(bench: Bench, diary: Diary):
    diary.answer(after_tool_call={"result": "lies"})
    asks_for(bench, call("lookup", word="a"), call("lookup", "c2", word="unknown"), "done")
    await say(bench, "go")
    good, bad = diary.heard("after_tool_call")
    assert good["result"] == "a: 42" and good["durationMs"] >= 0 and "error" not in good
    assert bad["error"] == "no such word"
    assert ("tool", "a: 42") in await bench.transcript("main")


async def test_tool_result_persist_changes_what_is_kept(bench: Bench, diary: Diary):
    diary.answer(tool_result_persist={"message": {"content": "[cut]"}})
    asks_for(bench, call("lookup", word="a"), "done")
    await say(bench, "go")
    [event] = diary.heard("tool_result_persist")
    assert event["message"]["content"] == "a: 42" and event["isSynthetic"] is False
    assert ("tool", "[cut]") in await bench.transcript("main")


@pytest.mark.parametrize("rule", ["coroutine", "raise", ["x"], {"message": {"content": 7}}])
async def test_a_bad_hook_of_the_transcript_is_ignored(bench: Bench, diary: Diary, rule: Any):
    diary.answer(tool_result_persist=rule, before_message_write=rule)
    asks_for(bench, call("lookup", word="a"), "done")
    assert (await say(bench, "go"))["state"] == "ok"
    assert ("tool", "a: 42") in await bench.transcript("main")


async def test_before_message_write_sees_every_line_and_can_withhold_it(bench: Bench, diary: Diary):
    asks_for(bench, call("lookup", word="a"), "done")
    await say(bench, "go")
    roles = [one["message"]["role"] for one in diary.heard("before_message_write")]
    assert roles == ["user", "assistant", "tool", "assistant"]
    diary.answer(before_message_write={"block": True, "message": {"content": "x"}})
    await say(bench, "secret", "r2")
    assert not [one for one in await bench.rows("SELECT * FROM entries") if "secret" in one["body"]]
    diary.answer(before_message_write={"message": {"content": "blessed"}})
    await say(bench, "other", "r3")
    assert [text for _, text in await bench.transcript("main")][-2:] == ["blessed", "blessed"]


async def test_what_a_run_hears_on_its_way_is_a_line_too(
    tmp_path: Path, clock: VirtualClock, diary: Diary
):
    probe = Probe()
    probe.gate = asyncio.Event()
    settings = DIARY.replace("mode: followup", "mode: steer")
    state = tmp_path / "state"
    async with running(state, settings, clock=clock, scripted=True, tools=[probe]) as bench:
        asks_for(bench, call("probe"), "done")
        bench.platform().say("go")
        await probe.began.wait()
        bench.platform().say("left instead")
        await bench.settle()
        probe.gate.set()
        await done(bench)
    said = [one["message"]["content"] for one in diary.heard("before_message_write")]
    assert said.count("left instead") == 1
    assert ("user", "left instead") in [
        (one.role, one.text) for one in scripted(bench).requests[1].entries
    ]


async def test_messages_of_a_channel_are_heard_coming_and_going(bench: Bench, diary: Diary):
    bench.platform().say("hello")
    await done(bench)
    [event], [ctx] = diary.heard("message_received"), diary.contexts("message_received")
    assert event["content"] == "hello" and event["from"] == "ada"
    assert ctx["channelId"] == ctx["accountId"] == "idempotent" and ctx["conversationId"]
    [sending], [sent] = diary.heard("message_sending"), diary.heard("message_sent")
    assert sending["content"] == sent["content"] == "echo hello"
    assert sent["success"] is True and sent["error"] is None
    [started] = diary.contexts("session_start")
    assert started["sessionKey"] == ADA and started["messageProvider"] == "idempotent"


async def test_a_message_that_the_platform_refuses_is_told_with_its_error(
    bench: Bench, diary: Diary
):
    bench.platform().fail("send", Fault("refused"))
    bench.platform().say("hello")
    await done(bench)
    assert bench.platform().visible() == []
    [sent] = diary.heard("message_sent")
    assert (sent["success"], sent["error"]) == (False, "the platform says no")


async def test_a_message_can_be_rewritten_and_cancelled(bench: Bench, diary: Diary):
    platform = bench.platform()
    diary.answer(message_sending={"content": "rewritten", "cancel": False})
    platform.say("hello")
    await done(bench)
    assert platform.visible() == ["rewritten"]
    diary.answer(message_sending={"cancel": True})
    platform.say("again")
    await done(bench)
    assert platform.visible() == ["rewritten"]
    [row] = await bench.rows("SELECT * FROM outbox WHERE error IS NOT NULL")
    assert "cancelled by the hook diary" in row["error"]
    assert len(diary.heard("message_sent")) == 1


@pytest.mark.parametrize("rule", ["raise", "hang", {"content": 7}, "words"])
async def test_a_bad_message_hook_lets_the_message_go(bench: Bench, diary: Diary, rule: Any):
    bench.app.hooks.handlers.patience = 0.05
    diary.answer(message_sending=rule, message_received=rule, message_sent=rule)
    bench.platform().say("hello")
    await done(bench)
    assert bench.platform().visible() == ["echo hello"]


async def test_the_page_is_a_channel_for_hooks_too(bench: Bench, diary: Diary):
    await say(bench)
    assert [one["content"] for one in diary.heard("message_received")] == ["hi"]
    assert [one["content"] for one in diary.heard("message_sent")] == ["echo hi"]


async def test_a_session_begins_and_ends_under_one_id(bench: Bench, diary: Diary):
    await say(bench)
    await say(bench, "more", "r2")
    first = (await bench.app.sessions.get("main"))["id"]
    await bench.app.sessions.reset("main", "reset")
    await say(bench, "fresh", "r3")
    one, two = diary.heard("session_start")
    [end], [reset] = diary.heard("session_end"), diary.heard("before_reset")
    assert one == {"sessionId": first, "resumedFrom": None}
    assert (end["sessionId"], end["messageCount"]) == (first, 4)
    assert two["sessionId"] != first and two["resumedFrom"] == first
    assert reset["reason"] == "reset" and reset["messages"][0]["content"] == "hi"


async def test_the_process_starts_and_stops_once(tmp_path: Path, diary: Diary):
    async with running(tmp_path / "state", DIARY, clock=VirtualClock(), scripted=True) as bench:
        await done(bench)
        assert diary.heard("gateway_start") == [{"port": bench.app.config.gateway.port}]
        assert not diary.heard("gateway_stop")
    assert len(diary.heard("gateway_stop")) == len(diary.heard("gateway_start")) == 1


async def test_compaction_is_told_with_its_counts(bench: Bench, diary: Diary):
    model = scripted(bench)
    await say(bench, "my cat is called Mog, and there is much to say about it " * 20)
    assert not diary.heard("before_compaction")
    overflow = Failure("CONTEXT_OVERFLOW", "prompt is too long", 400)
    model.on("go", [overflow], ["done"])
    assert (await say(bench, "go", "r2"))["state"] == "ok"
    [before], [after] = diary.heard("before_compaction"), diary.heard("after_compaction")
    assert before["messageCount"] == 3 and before["compactingCount"] == after["compactedCount"] > 0
    assert after["tokenCount"] < before["tokenCount"]


async def test_sub_sessions_are_heard_from_spawn_to_end(bench: Bench, diary: Diary):
    spawn = call("sessions_spawn", task="dig", label="Digger")
    asks_for(bench, spawn, "started")
    bench.platform().say("go")
    await done(bench)
    [spawning], [spawned] = diary.heard("subagent_spawning"), diary.heard("subagent_spawned")
    child = spawning["childSessionKey"]
    assert spawned["childSessionKey"] == child and spawned["label"] == "Digger"
    assert spawning["requester"] == {"requester": "idempotent:ada", "sessionKey": ADA}
    [target] = diary.heard("subagent_delivery_target")
    assert target["requesterOrigin"] == "idempotent:idempotent:ada"
    [ended] = diary.heard("subagent_ended")
    assert (ended["targetSessionKey"], ended["outcome"]) == (child, "ok")


async def test_a_hook_sends_the_report_elsewhere(bench: Bench, diary: Diary):
    diary.answer(subagent_delivery_target={"origin": "idempotent:idempotent:bob"})
    asks_for(bench, call("sessions_spawn", task="dig"), "started")
    bench.platform().say("go")
    await done(bench)
    assert bench.platform().visible() == ["started"]
    assert bench.platform().visible("bob")


@pytest.mark.parametrize("rule", [{"status": "error", "error": "not today"}, "raise", "hang"])
async def test_a_refused_sub_session_is_not_begun(bench: Bench, diary: Diary, rule: Any):
    bench.app.hooks.handlers.patience = 0.05
    diary.answer(subagent_spawning=rule)
    asks_for(bench, call("sessions_spawn", task="dig"), "sorry")
    await say(bench, "go")
    told = scripted(bench).requests[-1].entries[-1].text
    assert "not today" in told or "diary failed" in told
    assert not diary.heard("subagent_spawned")


async def test_an_observer_that_fails_or_hangs_changes_nothing(bench: Bench, diary: Diary):
    bench.app.hooks.handlers.patience = 0.05
    diary.answer(llm_input="raise", llm_output="hang", agent_end="raise", session_start="hang")
    assert (await say(bench))["state"] == "ok"
    assert diary.heard("agent_end")


async def test_a_package_adds_a_provider_and_a_command(
    tmp_path: Path, clock: VirtualClock, diary: Diary
):
    settings = CONFIG + (
        "plugins: [diary]\nproviders: {bird: {api: diary}}\n"
        "agents: [{id: main, model: bird/grey}]\n"
    )
    async with running(tmp_path / "state", settings, clock=clock) as bench:
        assert (await say(bench, "pretty"))["reply"] == "pretty"
        bench.platform().say("/diary")
        await done(bench)
        assert bench.platform().visible() == ["The diary of idempotent:ada."]


async def test_nothing_of_a_package_is_there_before_it_is_named(
    tmp_path: Path, clock: VirtualClock, diary: Diary
):
    async with running(tmp_path / "state", CONFIG, clock=clock, scripted=True) as bench:
        await say(bench)
        assert bench.app.turns.tools.get("lookup") is None
        assert bench.app.commands.resolve("diary") is None
    assert diary.lines == []


async def test_a_tool_of_a_package_is_there_once_it_is_named(bench: Bench):
    assert bench.app.turns.tools.get("lookup") is not None
