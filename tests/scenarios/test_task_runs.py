"""What runs when a task is due, what came of it, and who hears of it: on the whole app."""

import asyncio
from pathlib import Path

from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import Bench, running
from tests.scenarios.kit import Probe, scripted
from tests.scenarios.subsessions_kit import REPORT, busy
from tests.scenarios.tasks_kit import (
    ADA,
    EVERY,
    MODELS,
    NO,
    YES,
    passes,
    row_of,
    runs_of,
    scheduled,
)

PROMPT = "look"


async def test_61_a_yes_causes_one_strong_run_two_seconds_later_and_its_answer_alone_is_told(
    bench: Bench, clock: VirtualClock
):
    scripted(bench).on(PROMPT, [YES], ["All about provider X."])
    await scheduled(bench, PROMPT)
    await passes(bench, clock, EVERY)
    [check] = await runs_of(bench)
    assert check["settled_at"] is None and bench.platform().visible() == []
    await passes(bench, clock, 1.5)
    assert len(await runs_of(bench)) == 1
    await passes(bench, clock, 1.0)
    check, strong = await runs_of(bench)
    assert (check["status"], strong["status"]) == ("ok", "ok")
    assert (check["cause"], strong["cause"], strong["strong"]) == ("due", "strong", 1)
    assert strong["started_at"] == check["ended_at"] + 2.0
    assert bench.platform().visible() == ["All about provider X."]
    assert check["delivery"] == "not-requested" and check["summary"] == "Provider X is down."
    await passes(bench, clock, 60)
    assert len(await runs_of(bench)) == 2


async def test_61_each_positive_cue_has_its_strong_run_also_after_a_quiet_one(
    bench: Bench, clock: VirtualClock
):
    answers = [[YES], ["first"], [NO], [YES], ["second"]]
    scripted(bench).on(PROMPT, *answers)
    await scheduled(bench, PROMPT)
    await passes(bench, clock, 3 * EVERY + 10)
    assert [row["cause"] for row in await runs_of(bench)] == [
        "due",
        "strong",
        "due",
        "due",
        "strong",
    ]
    assert bench.platform().visible() == ["first", "second"]


async def test_61_a_no_causes_nothing_and_a_line_where_it_is_wanted(
    bench: Bench, clock: VirtualClock
):
    scripted(bench).on(PROMPT, [NO])
    await scheduled(bench, PROMPT)
    await scheduled(bench, PROMPT, id="task-line-0a1b2c", policy={"quiet": "line"})
    await passes(bench, clock, EVERY + 10)
    assert [row["cause"] for row in await runs_of(bench)] == ["due"]
    assert bench.platform().visible() == ["All is well."]


async def test_61_no_cue_line_is_ever_seen_by_anybody(bench: Bench, clock: VirtualClock):
    echoed = f"> {YES}\n\nI looked closely: it is down."
    scripted(bench).on(PROMPT, [YES], [echoed])
    await scheduled(bench, PROMPT)
    await passes(bench, clock, EVERY + 10)
    [shown] = bench.platform().visible()
    assert "deeper" not in shown and "I looked closely" in shown
    assert all("deeper" not in text for _, text in await bench.transcript(ADA))


async def test_61_strong_runs_have_a_limit_in_each_hour(bench: Bench, clock: VirtualClock):
    scripted(bench).on(PROMPT, [YES], ["strong"], [YES], ["strong"])
    await scheduled(bench, PROMPT, policy={"maxEscalations": 0})
    await passes(bench, clock, EVERY + 10)
    assert [row["cause"] for row in await runs_of(bench)] == ["due"]
    assert bench.platform().visible() == ["Provider X is down."]


async def test_15_checks_and_what_they_find_have_the_models_of_their_roles(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, MODELS, clock=clock, scripted=True) as bench:
        scripted(bench).on(PROMPT, [YES], ["strong"])
        await scheduled(bench, PROMPT)
        await passes(bench, clock, EVERY + 10)
        assert [one.model for one in scripted(bench).requests] == ["mini", "max"]
        assert [row["model"] for row in await runs_of(bench)] == ["cheapo/mini", "strongo/max"]


async def test_15_without_roles_the_agents_own_model_answers(bench: Bench, clock: VirtualClock):
    scripted(bench).on(PROMPT, [YES], ["strong"])
    await scheduled(bench, PROMPT)
    await passes(bench, clock, EVERY + 10)
    assert [row["model"] for row in await runs_of(bench)] == ["demo/demo", "demo/demo"]


async def test_166_a_run_has_its_own_empty_history_and_does_not_block_the_chat(
    bench: Bench, clock: VirtualClock
):
    here, gate = bench.platform(), asyncio.Event()
    scripted(bench).on(PROMPT, [gate, "found it"])
    await scheduled(bench, PROMPT, policy={"mode": "agent"})
    here.say("a secret of the chat")
    await here.shows("echo a secret of the chat")
    await clock.advance(EVERY)
    await busy(bench)
    here.say("hello")
    await here.shows("echo a secret of the chat", "echo hello")
    [asked] = [one for one in scripted(bench).requests if one.entries[-1].text.endswith(PROMPT)]
    assert len(asked.entries) == 1 and "secret" not in asked.entries[0].text
    assert len(asked.system) < len(scripted(bench).requests[0].system)
    gate.set()
    await here.shows("echo a secret of the chat", "echo hello", "found it")
    [row] = await runs_of(bench)
    assert row["session_key"].startswith(f"agent:main:task:{row['task']}:run:{row['task']}@")
    assert await bench.transcript(row["session_key"]) == [
        ("user", PROMPT),
        ("assistant", "found it"),
    ]


async def test_what_a_run_gave_is_known_in_later_turns_of_its_session(
    bench: Bench, clock: VirtualClock
):
    here = bench.platform()
    scripted(bench).on(PROMPT, ["Disk 3 is full."])
    await scheduled(bench, PROMPT, policy={"mode": "agent"})
    await passes(bench, clock, EVERY)
    here.say("what did you mean?")
    await here.shows("Disk 3 is full.", "echo what did you mean?")
    told = scripted(bench).requests[-1].entries
    assert [one.role for one in told] == ["user"]
    assert '"text": "Disk 3 is full."' in told[0].text and '"name": "Watch"' in told[0].text
    assert await bench.transcript(ADA) == [
        ("assistant", "Disk 3 is full."),
        ("user", "what did you mean?"),
        ("assistant", "echo what did you mean?"),
    ]


async def test_a_result_that_comes_while_a_tool_is_called_leaves_call_and_result_together(
    tmp_path: Path, clock: VirtualClock
):
    tool = Probe()
    tool.gate = asyncio.Event()
    async with running(tmp_path, MODELS, clock=clock, scripted=True, tools=[tool]) as bench:
        here = bench.platform()
        scripted(bench).on("go", [call("probe", what="x")], ["done"])
        await scheduled(bench, "drink water", policy={"mode": "text"}, at=5.0)
        here.say("go")
        await tool.began.wait()
        await clock.advance(5.0)
        await here.shows("drink water")
        tool.gate.set()
        await here.shows("drink water", "done")
        roles = [one.role for one in scripted(bench).requests[-1].entries]
        assert roles == ["user", "assistant", "tool"]
        here.say("more")
        await here.shows("drink water", "done", "echo more")
        entries = scripted(bench).requests[-1].entries
        assert [one.role for one in entries] == ["user", "assistant", "tool", "assistant", "user"]
        assert "drink water" in entries[-1].text


async def test_a_reminder_is_told_as_it_is_and_asks_no_model(bench: Bench, clock: VirtualClock):
    await scheduled(bench, "remind me to stretch", policy={"mode": "text"}, at=60.0)
    await passes(bench, clock, 60)
    assert bench.platform().visible() == ["remind me to stretch"]
    assert scripted(bench).requests == []
    [row], task = await runs_of(bench), await row_of(bench)
    assert (row["status"], row["model"]) == ("ok", None)
    assert (task["enabled"], task["because"], task["next_at"]) == (0, "done", None)
    assert (task["last_status"], task["runs"]) == ("ok", 1)


async def test_one_call_of_a_tool_runs_without_a_model_under_the_agents_policy(
    tmp_path: Path, clock: VirtualClock
):
    tool = Probe()
    skill = {"mode": "skill", "tool": "probe", "toolInput": {"what": "the wallet"}}
    async with running(tmp_path, MODELS, clock=clock, scripted=True, tools=[tool]) as bench:
        await scheduled(bench, policy=skill)
        await passes(bench, clock, EVERY)
        assert bench.platform().visible() == ["saw the wallet"]
        assert tool.calls == [{"what": "the wallet"}] and scripted(bench).requests == []
        [row] = await runs_of(bench)
        assert (row["status"], row["model"], row["cost"]) == ("ok", None, 0.0)


async def test_a_tool_that_the_agent_may_not_use_is_refused_to_its_task_too(
    tmp_path: Path, clock: VirtualClock
):
    tool = Probe()
    skill = {"mode": "skill", "tool": "probe", "toolInput": {}}
    denied = MODELS.replace("{profile: full}", "{profile: full, deny: [probe]}")
    async with running(tmp_path, denied, clock=clock, scripted=True, tools=[tool]) as bench:
        await scheduled(bench, policy=skill)
        await passes(bench, clock, EVERY)
        assert tool.calls == []
        [shown] = bench.platform().visible()
        assert "probe is not allowed" in shown


async def test_a_check_has_no_tools_but_those_it_was_given(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, MODELS, clock=clock, scripted=True) as bench:
        scripted(bench).on(PROMPT, [YES], ["strong"])
        await scheduled(bench, PROMPT, policy={"skills": ["web_fetch"]})
        await passes(bench, clock, EVERY + 10)
        check, strong = scripted(bench).requests
        assert {one.name for one in check.tools} == {"web_fetch", "read"}
        assert "exec" in {one.name for one in strong.tools}
        assert "Needs deeper analysis: yes" in check.system
        assert "Needs deeper analysis" not in strong.system
        assert "Provider X is down." in strong.entries[0].text
        assert "Provider X" not in strong.system


async def test_a_run_in_the_session_itself_knows_its_history_and_answers_there(
    bench: Bench, clock: VirtualClock
):
    here = bench.platform()
    scripted(bench).on(PROMPT, ["as we said"])
    await scheduled(bench, PROMPT, policy={"mode": "agent", "target": "main"})
    here.say("the code is 7")
    await here.shows("echo the code is 7")
    await clock.advance(EVERY)
    await here.shows("echo the code is 7", "as we said")
    await passes(bench, clock, 1)
    told = scripted(bench).requests[-1].entries
    assert [one.role for one in told] == ["user", "assistant", "user"]
    assert '"scheduledTask"' in told[-1].text and told[-1].text.endswith(PROMPT)
    [row] = await runs_of(bench)
    assert (row["status"], row["session_key"]) == ("ok", ADA)
    assert [role for role, _ in await bench.transcript(ADA)] == ["user", "assistant"] * 2


async def test_a_task_of_the_page_leaves_its_result_in_the_session_alone(
    bench: Bench, clock: VirtualClock
):
    seen: list[object] = []
    bench.app.hub.listen(seen.append)
    scripted(bench).on(PROMPT, ["news"])
    await scheduled(
        bench,
        PROMPT,
        session="agent:main:main",
        delivery={"mode": "none"},
        policy={"mode": "agent"},
    )
    await passes(bench, clock, EVERY)
    assert await bench.transcript("agent:main:main") == [("assistant", "news")]
    [row] = await runs_of(bench)
    assert (row["delivery"], row["status"]) == ("not-requested", "ok")
    live = [
        one.data["message"]["text"]
        for one in seen
        if getattr(one, "name", "") == "chat"
        and getattr(one, "data", {})["sessionKey"] == "agent:main:main"
    ]
    assert live == ["news"]


async def test_silence_is_told_to_nobody_and_counts_as_well(bench: Bench, clock: VirtualClock):
    scripted(bench).on(PROMPT, ["NO_REPLY"], ["HEARTBEAT_OK"])
    await scheduled(bench, PROMPT, policy={"mode": "agent"})
    await passes(bench, clock, 2 * EVERY)
    assert [row["status"] for row in await runs_of(bench)] == ["ok", "ok"]
    assert bench.platform().visible() == []
    assert await bench.transcript(ADA) == []


async def test_a_run_waits_for_the_helpers_that_it_started(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, MODELS, clock=clock, scripted=True) as bench:
        gate, model = asyncio.Event(), scripted(bench)
        model.on(PROMPT, [call("sessions_spawn", task="dig")], ["started"])
        model.on("dig", [gate, "gold"])
        model.on(REPORT, ["the helper found gold"])
        await scheduled(bench, PROMPT, policy={"mode": "agent"}, at=5.0)
        await clock.advance(6.0)
        await busy(bench)
        [row] = await runs_of(bench)
        assert row["settled_at"] is None and bench.platform().visible() == []
        gate.set()
        await bench.platform().shows("the helper found gold")
        [row] = await runs_of(bench)
        assert row["status"] == "ok"


async def test_21_raw_markup_of_a_run_is_shaped_as_in_the_chat(bench: Bench, clock: VirtualClock):
    raw = 'Here.\n<tool_call>{"name": "exec", "arguments": {}}</tool_call>'
    scripted(bench).on(PROMPT, [raw])
    scripted(bench).on("the same", [raw])
    await scheduled(bench, PROMPT, policy={"mode": "agent"})
    here = bench.platform()
    here.say("the same")
    await here.wait_for(lambda one: len(one.visible()) == 1)
    await passes(bench, clock, EVERY)
    chat, task = here.visible()
    assert chat == task and "tool_call" not in task
