"""Tools in a run: beside each other or in turn, bounded, stopped, counted, and never a surprise."""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.events import Note, ToolEnded, ToolStarted, ToolUpdated
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import CONFIG, Bench, running
from bot.tools.approval import OPERATOR
from bot.tools.bounds import MAX_RESULT, MAX_UPDATE
from bot.types import Risk, ToolContext, ToolResult
from tests.scenarios.kit import Watch, run_row, scripted

AGENT = CONFIG + "agents: [{id: main, tools: {profile: full}}]\n"


class Does:
    """A tool that does what the test says."""

    description = "Does."
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {"what": {"type": "string"}, "size": {"type": "integer"}},
        "additionalProperties": False,
    }

    def __init__(
        self,
        name: str,
        work: Callable[[Mapping[str, Any], ToolContext], Any],
        risk: Risk = "write",
        tags: Collection[str] = (),
    ) -> None:
        self.name, self.risk, self.tags = name, risk, tags
        self.repeatable = risk == "read"
        self._work = work

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        answer = self._work(args, ctx)
        return await answer if asyncio.iscoroutine(answer) else answer  # type: ignore[no-any-return]


def says(bench: Bench) -> list[str]:
    """What the model was told by tools in its last request."""
    return [one.text for one in scripted(bench).requests[-1].entries if one.role == "tool"]


async def test_191_calls_that_look_run_together_and_answer_in_order(
    tmp_path: Path, clock: VirtualClock
):
    here, everybody = [], asyncio.Event()

    async def look(args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        here.append(args["what"])
        if len(here) == 3:
            everybody.set()
        await everybody.wait()
        return ToolResult(f"saw {args['what']}")

    tools = [Does("look", look, "read")]
    async with running(tmp_path, AGENT, clock=clock, scripted=True, tools=tools) as bench:
        watch = Watch(bench)
        calls = [call("look", f"c{n}", what=f"{n}") for n in (1, 2, 3)]
        scripted(bench).on("go", calls, ["done"])
        await bench.ask("go", "r1")
        await bench.app.engine.idle()
        assert says(bench) == ["saw 1", "saw 2", "saw 3"]
        entries = scripted(bench).requests[-1].entries
        assert [one.call_id for one in entries if one.role == "tool"] == ["c1", "c2", "c3"]
        assert [role for role, _ in await bench.transcript("main")] == [
            *("user", "assistant", "tool", "tool", "tool", "assistant"),
        ]
        kinds = [type(one.body) for one in watch.of("r1") if hasattr(one.body, "call_id")]
        assert kinds == [ToolStarted] * 3 + [ToolEnded] * 3


async def test_calls_with_an_effect_run_one_after_the_other(tmp_path: Path, clock: VirtualClock):
    running_now, most, order = 0, 0, []

    async def act(args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        nonlocal running_now, most
        running_now += 1
        most = max(most, running_now)
        await bench.settle()
        order.append(args["what"])
        running_now -= 1
        return ToolResult("ok")

    tools = [Does("act", act), Does("look", act, "read")]
    async with running(tmp_path, AGENT, clock=clock, scripted=True, tools=tools) as bench:
        names = ("look", "act", "act", "look")
        calls = [call(name, f"c{n}", what=str(n)) for n, name in enumerate(names)]
        scripted(bench).on("go", calls, ["done"])
        await bench.ask("go", "r1")
        await bench.app.engine.idle()
        assert (order, most) == (["0", "1", "2", "3"], 1)


async def test_135_a_flood_is_bounded_for_the_model_the_events_and_the_store(
    tmp_path: Path, clock: VirtualClock
):
    image = "data:image/png;base64," + "iVBORw0KGgo" * 2000

    def flood(args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        for number in range(10_000):
            ctx.update(f"{number} {'u' * 100_000}")
        return ToolResult(image + "x" * 10_000_000 + "\0\ud800end")

    tools = [Does("flood", flood)]
    async with running(tmp_path, AGENT, clock=clock, scripted=True, tools=tools) as bench:
        watch = Watch(bench)
        scripted(bench).on("go", [call("flood", what=image)], ["done"])
        await bench.ask("go", "r1")
        await bench.app.engine.idle()
        [told] = says(bench)
        assert len(told) <= MAX_RESULT and told.endswith("\ufffd\ufffdend")
        assert "characters were cut here" in told
        bodies = [one.body for one in watch.of("r1")]
        updates = [one.text for one in bodies if isinstance(one, ToolUpdated)]
        assert len(updates) == 1 and len(updates[0]) <= MAX_UPDATE
        [started] = [one for one in bodies if isinstance(one, ToolStarted)]
        assert len(str(started.args)) < 200 and "not shown]" in str(started.args)
        [ended] = [one for one in bodies if isinstance(one, ToolEnded)]
        assert ended.text == told
        assert "iVBORw0KGgoiVBORw0KGgo" not in str(bodies)


async def test_updates_come_at_most_four_times_a_second(tmp_path: Path, clock: VirtualClock):
    async def long(args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        for number in range(100):
            ctx.update(f"step {number}")
            await bench.app.clock.sleep(0.05)
        return ToolResult("ok")

    tools = [Does("long", long)]
    async with running(tmp_path, AGENT, clock=clock, scripted=True, tools=tools) as bench:
        watch = Watch(bench)
        scripted(bench).on("go", [call("long")], ["done"])
        await bench.ask("go", "r1")
        await clock.advance(10)
        await bench.app.engine.idle()
        told = [one for one in watch.of("r1") if isinstance(one.body, ToolUpdated)]
        assert 15 <= len(told) <= 21


@pytest.mark.parametrize(
    ("work", "says_"),
    [
        (lambda *_: 1 / 0, "The tool odd failed."),
        (lambda *_: exit(3), "The tool odd failed."),
        (lambda *_: None, "The tool odd answered something that is no text."),
        (lambda *_: ToolResult(b"x"), "The tool odd answered something that is no text."),
        (lambda *_: "just text", "just text"),
    ],
)
async def test_a_tool_may_do_anything(
    tmp_path: Path, clock: VirtualClock, work: Callable[..., Any], says_: str
):
    tools = [Does("odd", work)]
    async with running(tmp_path, AGENT, clock=clock, scripted=True, tools=tools) as bench:
        scripted(bench).on("go", [call("odd")], ["I see."])
        await bench.ask("go", "r1")
        await bench.app.engine.idle()
        assert says(bench) == [says_]
        assert (await run_row(bench, "r1"))["reply"] == "I see."


@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_tool_that_hangs_is_stopped_and_cleans_up(
    tmp_path: Path, clock: VirtualClock, stubborn: bool
):
    """One that does not heed being stopped is left behind: the lane goes on all the same."""
    began, cleaned, never = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hang(args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        began.set()
        try:
            await never.wait()
        except asyncio.CancelledError:
            cleaned.set()
            if stubborn:
                await never.wait()
            raise
        return ToolResult("never")

    tools = [Does("hang", hang)]
    async with running(tmp_path, AGENT, clock=clock, scripted=True, tools=tools) as bench:
        scripted(bench).on("go", [call("hang")], ["never"])
        await bench.ask("go", "r1")
        async with asyncio.timeout(30):
            await began.wait()
            assert (await bench.app.lanes.stop("agent:main:main")).aborted == ["r1"]
            await cleaned.wait()
            await bench.app.engine.idle()
            assert (await run_row(bench, "r1"))["state"] == "aborted"
            await bench.ask("next", "r2")
            await bench.app.engine.idle()
        assert (await run_row(bench, "r2"))["reply"] == "echo next"
        never.set()


@pytest.mark.parametrize(
    ("args", "says_"),
    [
        ({"what": 5}, "The argument `what` of odd must be text, but is a whole number."),
        ({"size": None, "what": "x"}, "{'what': 'x'}"),
        ({"other": 1}, "odd has no argument `other`; it takes what, size."),
    ],
)
async def test_arguments_that_do_not_fit_come_back_to_the_model(
    tmp_path: Path, clock: VirtualClock, args: dict[str, Any], says_: str
):
    tools = [Does("odd", lambda args, _: str(dict(args)))]
    async with running(tmp_path, AGENT, clock=clock, scripted=True, tools=tools) as bench:
        scripted(bench).on("go", [call("odd", **args)], ["done"])
        await bench.ask("go", "r1")
        await bench.app.engine.idle()
        assert says(bench) == [says_]


async def test_098_a_model_that_turns_in_circles_is_warned_blocked_and_ended(
    tmp_path: Path, clock: VirtualClock
):
    calls: list[Any] = []
    tools = [Does("look", lambda args, _: calls.append(args) or "same", "read")]
    async with running(tmp_path, AGENT, clock=clock, scripted=True, tools=tools) as bench:
        watch = Watch(bench)
        scripted(bench).on("go", [call("look", what="x")])
        await bench.ask("go", "r1")
        await bench.app.engine.idle()
        assert len(calls) == 19
        assert len(scripted(bench).requests) == 30
        told = says(bench)
        assert told[18] == "same" and "called 20 times with the same arguments" in told[19]
        notes = [one.body for one in watch.of("r1") if isinstance(one.body, Note)]
        assert [one.code for one in notes] == ["tool-loop", "tool-loop"]
        assert "10 times" in notes[0].text and "30 times" in notes[1].text
        row = await run_row(bench, "r1")
        assert row["state"] == "error" and "times" not in row["reply"]
        assert json.loads(row["error"])["code"] == "MODEL_BAD_REQUEST"
        assert watch.kinds("r1").count("Finished") == 1


@pytest.mark.parametrize("payments", ["deny", "ask"])
async def test_025_a_payment_is_denied_with_a_reason_and_recorded(
    tmp_path: Path, clock: VirtualClock, payments: str
):
    """Under `ask` with nobody to ask, none is made either; with a yes it is."""
    paid: list[Any] = []
    config = CONFIG + f"agents: [{{id: main, tools: {{profile: full, payments: {payments}}}}}]\n"
    tools = [Does("pay", lambda args, _: paid.append(args) or "paid", tags=["payment"])]
    async with running(tmp_path, config, clock=clock, scripted=True, tools=tools) as bench:
        watch = Watch(bench)
        bench.app.turns.approve = None
        scripted(bench).on("go", [call("pay")], ["No."])
        scripted(bench).on("again", [call("pay")], ["Yes."])
        await bench.ask("go", "r1")
        await bench.app.engine.idle()
        policy = bench.app.world.policy("main", "demo/demo", "agent:main:main")
        offered = [one.name for one in bench.app.turns.tools.specs(policy)]
        assert ("pay" in offered) is (payments == "ask")
        [told] = says(bench)
        assert "spends money" in told and paid == []
        [note] = [one.body for one in watch.of("r1") if isinstance(one.body, Note)]
        assert (note.code, note.text) == ("payment-denied", told)
        assert ("tool", told) in await bench.transcript("main")

        async def yes(*_: Any) -> str | None:
            return None

        bench.app.turns.approve = yes
        await bench.ask("again", "r2")
        await bench.app.engine.idle()
        assert len(paid) == (payments == "ask")


@pytest.mark.parametrize("decision", ["allow-once", "deny"])
async def test_025_a_person_decides_about_a_payment(
    tmp_path: Path, clock: VirtualClock, decision: str
):
    paid: list[Any] = []
    config = CONFIG + "agents: [{id: main, tools: {profile: full, payments: ask}}]\n"
    tools = [Does("pay", lambda args, _: paid.append(args) or "paid", tags=["payment"])]
    async with running(tmp_path, config, clock=clock, scripted=True, tools=tools) as bench:
        asked = asyncio.Event()
        bench.app.hub.listen(
            lambda event: (
                asked.set() if getattr(event, "name", "") == "approval.requested" else None
            )
        )
        scripted(bench).on("buy", [call("pay", what="a book")], ["Well."])
        await bench.ask("buy", "r1")
        async with asyncio.timeout(30):
            await asked.wait()
            assert paid == []
            [row] = await bench.app.approvals.listed()
            assert "a book" in row["command"]
            await bench.app.approvals.resolve(row["id"], decision, OPERATOR)
            await bench.app.engine.idle()
        assert paid == ([{"what": "a book"}] if decision == "allow-once" else [])
        assert (says(bench) == ["paid"]) is (decision == "allow-once")
        assert (await run_row(bench, "r1"))["reply"].endswith("Well.")


async def test_169_163_file_tools_work_in_a_run_and_the_transcript_keeps_all_of_it(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, AGENT, clock=clock, scripted=True) as bench:
        scripted(bench).on(
            "go",
            [call("write", "c1", path="a/notes.md", content="one\n")],
            [call("edit", "c2", path="a/notes.md", old="one", new="two")],
            [call("read", "c3", path="a/notes.md")],
            ["It says two."],
        )
        await bench.ask("go", "r1")
        await bench.app.engine.idle()
        requests = scripted(bench).requests
        assert [len(one.entries) for one in requests] == [1, 3, 5, 7]
        assert says(bench)[-1] == "two\n"
        file = tmp_path / "workspaces" / "main" / "a" / "notes.md"
        assert file.read_text() == "two\n"
        await bench.ask("again", "r2")
        await bench.app.engine.idle()
        roles = [one.role for one in scripted(bench).requests[-1].entries]
        assert roles == ["user", *["assistant", "tool"] * 3, "assistant", "user"]
        calls = await bench.rows("SELECT name, state FROM calls ORDER BY started_at, call")
        assert [tuple(one) for one in calls] == [
            ("write", "done"),
            ("edit", "done"),
            ("read", "done"),
        ]


async def test_157_an_image_of_the_workspace_reaches_the_model_and_no_event(
    tmp_path: Path, clock: VirtualClock
):
    png = b"\x89PNG\r\n\x1a\n" + b"pixels" * 100
    async with running(tmp_path, AGENT, clock=clock, scripted=True) as bench:
        watch = Watch(bench)
        folder = tmp_path / "workspaces" / "main"
        folder.mkdir(parents=True)
        (folder / "a.png").write_bytes(png)
        (folder / "b.png").symlink_to("/etc/passwd")
        (folder / "c.png").write_text("no image")
        scripted(bench).on(
            "go",
            [call("image", f"c{n}", path=f"{n}.png", prompt="the cat") for n in "abc"],
            ["A cat."],
        )
        await bench.ask("go", "r1")
        await bench.app.engine.idle()
        entries = scripted(bench).requests[-1].entries
        [shown] = [one for entry in entries for one in entry.attachments]
        assert shown["url"].startswith("data:image/png;base64,")
        told = says(bench)
        assert told[0] == "a.png (image/png, 608 bytes). Look for: the cat"
        assert "is a link" in told[1] and "no image" in told[2]
        assert "base64" not in str(watch.of("r1")) and "pixels" not in str(watch.of("r1"))
        stored = await bench.rows("SELECT body FROM entries")
        assert "base64" not in str([dict(one) for one in stored])
