"""The message tool: through the outbox, once, where it is allowed, and only what a platform can."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.contract import Address, Ref
from bot.engine.port import Row
from bot.errors import NotSent
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.platform import Fault
from bot.testing.running import CONFIG, running
from tests.scenarios.kit import scripted
from tests.scenarios.subsessions_kit import idle, results

AGENT = CONFIG + "agents: [{id: main, tools: {profile: messaging}}]\n"
FULL = CONFIG + "agents: [{id: main, tools: {profile: full}}]\n"
OPEN = AGENT + "session: {send_policy: [{action: allow, channel: readable}]}\n"
SEND = call("message", action="send", message="Hello there")


async def test_136_what_was_sent_is_not_said_again(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, AGENT, clock=clock, scripted=True) as bench:
        scripted(bench).on("go", [SEND], ["hello  THERE"])
        bench.platform().say("go")
        await idle(bench)
        assert bench.platform().visible() == ["Hello there"]
        [told] = results(bench, "message")
        [row] = await bench.rows("SELECT ref FROM outbox WHERE run LIKE 'message:%'")
        assert told == {"to": "idempotent:idempotent:ada", "status": "done", "messageId": row[0]}


async def test_141_what_else_is_said_comes_once(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, AGENT, clock=clock, scripted=True) as bench:
        scripted(bench).on("go", ["On it.", SEND], ["On it."], ["never"])
        bench.platform().say("go")
        await idle(bench)
        assert sorted(bench.platform().visible()) == ["Hello there", "On it."]


async def test_142_a_failed_tool_is_not_told_beside_what_was_sent(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, AGENT, clock=clock, scripted=True) as bench:
        broken = call("memory_get", "c2", path="memory/none.md")
        scripted(bench).on("go", [SEND, broken], ["NO_REPLY"])
        scripted(bench).on("alone", [broken], [""])
        bench.platform().say("go")
        await idle(bench)
        assert bench.platform().visible() == ["Hello there"]
        bench.platform().say("alone")
        await idle(bench)
        assert len(bench.platform().visible()) == 2


async def test_161_other_conversations_are_open_by_rule_only(tmp_path: Path, clock: VirtualClock):
    calls = [
        call("message", "c1", action="send", message="hi", channel="readable", target="bob"),
        call("message", "c2", action="send", message="hi", channel="keyless", target="bob"),
        call("message", "c3", action="send", message="hi", target="bob"),
        call("message", "c4", action="send", message="hi", channel="nowhere", target="bob"),
        call("message", "c5", action="send", message="hi", channel="readable"),
    ]
    async with running(tmp_path, OPEN, clock=clock, scripted=True) as bench:
        scripted(bench).on("go", calls, ["done"])
        bench.platform().say("go")
        await idle(bench)
        assert bench.platform("readable").visible("bob") == ["hi"]
        assert bench.platform("keyless").visible("bob") == []
        assert bench.platform().visible("bob") == []
        told = results(bench, "message")
        assert told[0]["to"] == "readable:readable:bob"
        assert "may not write to keyless:keyless:bob" in told[1]
        assert "may not write to idempotent:idempotent:bob" in told[2]
        assert "there is no channel account nowhere" in told[3].lower()
        assert "say in target which conversation" in told[4].lower()


async def test_176_own_messages_are_edited_and_deleted_others_not(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, AGENT, clock=clock, scripted=True) as bench:
        here, model = bench.platform(), scripted(bench)
        model.on("go", [SEND], ["NO_REPLY"])
        asked = here.say("go")
        await idle(bench)
        ref = results(bench, "message")[0]["messageId"]
        model.on(
            "change",
            [
                call("message", "c1", action="edit", messageId=ref, message="Hello you"),
                call("message", "c2", action="edit", messageId=asked, message="mine"),
                call("message", "c3", action="delete", messageId="nothing"),
                call("message", "c4", action="edit", message="which?"),
                call("message", "c5", action="react", emoji="+1"),
                call("message", "c6", action="send", message="x", threadId="t"),
            ],
            ["NO_REPLY"],
        )
        here.say("change")
        await idle(bench)
        assert here.visible() == ["Hello you"]
        told = results(bench, "message")[1:]
        assert told[0]["status"] == "done"
        assert f"message {asked} is none that you sent there" in told[1]
        assert "is none that you sent there" in told[2].lower()
        assert "say in messageid which message to edit" in told[3].lower()
        assert "idempotent does not support reactions" in told[4].lower()
        assert "idempotent has no threads" in told[5].lower()
        model.on("remove", [call("message", action="delete", messageId=ref)], ["NO_REPLY"])
        here.say("remove")
        await idle(bench)
        assert here.visible() == []


async def test_a_send_that_cannot_go_out_yet_is_queued_and_comes(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, AGENT, clock=clock, scripted=True) as bench:
        here = bench.platform()
        here.fail("send", Fault("not-sent"))
        scripted(bench).on("go", [SEND], ["NO_REPLY"])
        here.say("go")
        await idle(bench)
        [told] = results(bench, "message")
        assert told["status"] == "queued" and told["reason"]
        await clock.advance(10)
        await here.shows("Hello there")


async def test_files_of_the_workspace_go_along(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, FULL, clock=clock, scripted=True) as bench:
        folder = tmp_path / "workspaces" / "main"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plan.txt").write_text("a plan")
        with_file = call("message", action="send", message="Here", media=["plan.txt"])
        gone = call("message", "c2", action="send", media=["../../config.yaml"])
        scripted(bench).on("go", [with_file, gone], ["NO_REPLY"])
        bench.platform().say("go")
        await idle(bench)
        [row] = await bench.rows("SELECT reply FROM outbox WHERE run LIKE 'message:%'")
        assert '"plan.txt", "text/plain"' in row["reply"]
        assert isinstance(results(bench, "message")[1], str)


async def test_141_texts_and_files_are_compared_apart(tmp_path: Path, clock: VirtualClock):
    """What stands there by this run is not sent again; the next run may say the same."""
    async with running(tmp_path, FULL, clock=clock, scripted=True) as bench:
        folder = tmp_path / "workspaces" / "main"
        folder.mkdir(parents=True, exist_ok=True)
        for name, words in (("a.txt", "a plan"), ("same.txt", "a plan"), ("b.txt", "another")):
            (folder / name).write_text(words)
        sends = [
            call("message", "c1", action="send", message="Here", media=["a.txt"]),
            call("message", "c2", action="send", message="here ", media=["same.txt"]),
            call("message", "c3", action="send", message="Here", media=["b.txt"]),
            call("message", "c4", action="send", message="And", media=["a.txt"]),
        ]
        scripted(bench).on("go", sends, ["Here"])
        scripted(bench).on("again", sends[:1], ["NO_REPLY"])
        bench.platform().say("go")
        await idle(bench)
        rows = await bench.rows("SELECT reply FROM outbox WHERE run LIKE 'message:%' ORDER BY id")
        sent = [(one["text"], [file[0] for file in one.get("files", [])]) for one in map(_of, rows)]
        assert sent == [("Here", ["a.txt"]), ("", ["b.txt"]), ("And", [])]
        told = results(bench, "message")
        assert "before in this run" in told[1]["note"] and "note" not in told[2]
        assert bench.platform().visible() == ["Here", "", "And"]
        bench.platform().say("again")
        await idle(bench)
        assert bench.platform().visible()[3:] == ["Here"]


async def test_141_what_was_taken_back_may_be_sent_again(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, AGENT, clock=clock, scripted=True) as bench:
        back = call("message", "c2", action="delete", messageId="b1")
        once_more = call("message", "c3", action="send", message="Hello there")
        scripted(bench).on("go", [SEND], [back], [once_more], ["NO_REPLY"])
        bench.platform().say("go")
        await idle(bench)
        assert results(bench, "message")[0]["messageId"] == "b1"
        assert bench.platform().messages["b1"].deleted
        assert bench.platform().visible() == ["Hello there"]


def _of(row: Row) -> dict[str, Any]:
    return dict(json.loads(row["reply"]))


async def test_reasoning_and_secrets_do_not_leave_through_it(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, AGENT, clock=clock, scripted=True) as bench:
        leak = call("message", action="send", message="<think>hmm</think>Hi")
        bare = call("message", "c2", action="send", message="<think>hmm</think>")
        scripted(bench).on("go", [leak, bare], ["NO_REPLY"])
        bench.platform().say("go")
        await idle(bench)
        assert bench.platform().visible() == ["Hi"]
        assert "nothing to send" in results(bench, "message")[1]


async def test_a_reaction_goes_under_the_message_that_is_answered(
    tmp_path: Path, clock: VirtualClock
):
    put: list[tuple[Ref, str]] = []
    async with running(tmp_path, AGENT, clock=clock, scripted=True) as bench:
        adapter = bench.app.supervisor.get("idempotent")
        assert adapter is not None

        async def react(ref: Ref, emoji: str) -> None:
            if not put:
                put.append((ref, "lost"))
                raise NotSent("later")
            put.append((ref, emoji))

        adapter.caps = replace(adapter.caps, react=True)
        adapter.react = react
        scripted(bench).on("go", [call("message", action="react", emoji="👍")], ["NO_REPLY"])
        asked = bench.platform().say("go")
        await idle(bench)
        await clock.advance(5)
        ref = Ref(Address("idempotent", "idempotent", "ada"), asked)
        assert put == [(ref, "lost"), (ref, "👍")]
