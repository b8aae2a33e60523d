"""Approvals: who is asked where, who may decide, and what a decision is good for."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.contract import Action, Address, Author, Message, Ref, utcnow
from bot.errors import RequestError
from bot.testing.clock import VirtualClock
from bot.testing.running import Bench
from bot.tools.approval import OPERATOR, Decider
from tests.scenarios.exec_kit import PATIENCE, Ends, asked, directive, folder, house

ASKING = ("allowlist", "on-miss", ("/bin/echo",))


def ask_for(bench: Bench, command: str, chat: str = "ada", **more: object) -> None:
    bench.platform().say(directive("exec", {"command": command, **more}), chat)


async def shown(bench: Bench, text: str, chat: str = "ada", account: str = "idempotent") -> str:
    """Wait until a person sees a message with this text; the message."""
    platform = bench.platform(account)
    await platform.wait_for(lambda one: any(text in said for said in one.visible(chat)), PATIENCE)
    return next(said for said in platform.visible(chat) if text in said)


async def press(bench: Bench, value: str, author: str, chat: str = "ada") -> None:
    """Somebody presses a button of a card."""
    ref = Ref(Address("idempotent", "idempotent", chat), "card")
    message = Message(
        ref,
        Author(author, author.title()),
        "",
        utcnow() + timedelta(0),
        "direct",
        change="action",
        version=f"{author}:{value}",
        action=Action("button", "b", value),
    )
    await bench.app.inbound(message)


async def test_nothing_starts_before_somebody_says_yes(tmp_path: Path):
    async with house(tmp_path, *ASKING) as bench:
        ask_for(bench, "touch made")
        card = await shown(bench, "**Approval")
        [row] = await asked(bench)
        assert "touch made" in card and row["code"] in card and str(folder(bench)) in card
        assert row["requester"] == "idempotent:ada" and row["status"] == "pending"
        assert not (folder(bench) / "made").exists()
        await press(bench, f"/approve {row['code']} allow-once", "ada")
        await shown(bench, "exit code 0")
        assert (folder(bench) / "made").exists()
        assert "allowed once by Ada" in await shown(bench, f"**Approval {row['code']}**")
        assert len(bench.platform().visible("ada")) == 2, "the card became the outcome"


async def test_the_text_form_decides_by_the_short_code(tmp_path: Path):
    async with house(tmp_path, *ASKING) as bench:
        ask_for(bench, "touch made")
        [row] = await asked(bench)
        bench.platform().say("/approve", "ada")
        await shown(bench, "Waiting for a decision")
        bench.platform().say(f"/approve {row['code'].lower()} deny", "ada")
        said = await shown(bench, "This was denied by idempotent:ada")
        assert "did not run" in said
        bench.platform().say(f"/approve {row['code']} allow-once", "ada")
        await shown(bench, f"Approval {row['code']} is denied by idempotent:ada already.")
        bench.platform().say("/approve nope deny", "ada")
        await shown(bench, "There is no approval nope.")
        assert not (folder(bench) / "made").exists()


async def test_time_up_denies_and_says_so(tmp_path: Path):
    clock = VirtualClock()
    async with house(tmp_path, *ASKING, clock=clock, more="approvals: {timeout: 5m}") as bench:
        ask_for(bench, "touch made")
        await clock.settle()
        [row] = await bench.app.approvals.listed()
        await clock.advance(299)
        assert len(await bench.app.approvals.listed()) == 1
        await clock.advance(2)
        said = "\n".join(bench.platform().visible("ada"))
        assert "expired" in said and "did not run" in said
        with pytest.raises(RequestError, match="expired") as refused:
            await bench.app.approvals.resolve(row["id"], "allow-once", OPERATOR)
        assert refused.value.code == "CONFLICT"
        assert not (folder(bench) / "made").exists()


@pytest.mark.parametrize("author", ["eve", "mallory"])
async def test_others_may_not_decide(tmp_path: Path, author: str):
    async with house(tmp_path, *ASKING) as bench:
        ask_for(bench, "touch made")
        [row] = await asked(bench)
        await press(bench, f"/approve {row['code']} allow-once", author)
        await shown(bench, "Only who asked for it, an approver or an owner can decide this.")
        [still] = await bench.app.approvals.listed()
        assert still["status"] == "pending" and not (folder(bench) / "made").exists()


async def test_approvers_and_owners_decide_for_others(tmp_path: Path):
    more = 'approvals: {approvers: ["idempotent:vera"], forward: ["readable:readable:desk"]}'
    async with house(tmp_path, *ASKING, more=more) as bench:
        ask_for(bench, "touch one")
        [row] = await asked(bench)
        assert row["code"] in await shown(bench, "**Approval", "desk", "readable")
        await press(bench, f"/approve {row['code']} allow-always", "vera", "vera")
        await shown(bench, "Only an owner can allow", "vera")
        await press(bench, f"/approve {row['code']} allow-once", "vera", "vera")
        await shown(bench, "exit code 0")
        assert "allowed once by Vera" in await shown(bench, "**Approval", "desk", "readable")
        ask_for(bench, "touch two", "bob")
        [row] = await asked(bench)
        await press(bench, f"/approve {row['code']} allow-always", "boss", "boss")
        await shown(bench, "exit code 0", "bob")


async def test_a_hundred_racing_decisions_give_one(tmp_path: Path):
    async with house(tmp_path, *ASKING) as bench:
        ask_for(bench, "touch made")
        [row] = await asked(bench)
        deciders = [Decider(f"owner:{number}", "Owner", owner=True) for number in range(100)]
        answers = await asyncio.gather(
            *(
                bench.app.approvals.resolve(row["id"], "deny" if number % 2 else "allow-once", by)
                for number, by in enumerate(deciders)
            ),
            return_exceptions=True,
        )
        refused = [one for one in answers if isinstance(one, RequestError)]
        assert len(refused) == 99 and {one.code for one in refused} == {"CONFLICT"}
        [kept] = await bench.app.approvals.listed(pending=False)
        [won] = [one for one in answers if isinstance(one, dict)]
        assert won == kept


async def decide(bench: Bench, ends: Ends, command: str, decision: str, **more: object) -> str:
    """Ask for a command that has to be approved, decide, and give the result."""
    run = await ends.begin("exec", command=command, **more)
    [row] = await asked(bench)
    await bench.app.approvals.resolve(row["id"], decision, OPERATOR)
    return await ends.of(run)


async def test_allow_once_is_not_remembered(tmp_path: Path):
    async with house(tmp_path, *ASKING) as bench:
        ends = Ends(bench)
        for _ in range(2):
            assert "exit code 0" in await decide(bench, ends, "touch a", "allow-once")


async def test_allow_session_is_for_exactly_this_in_this_session(tmp_path: Path):
    async with house(tmp_path, *ASKING) as bench:
        ends = Ends(bench)
        await decide(bench, ends, "touch a", "allow-session")
        assert "exit code 0" in await ends.call("exec", command="touch a")
        assert "denied" in await decide(bench, ends, "touch b", "deny")
        assert "denied" in await decide(bench, ends, "touch a", "deny", env={"A": "1"})
        assert "denied" in await decide(bench, ends, "touch a", "deny", key="agent:main:direct:x")


async def test_allow_always_is_for_the_program_and_the_agent(tmp_path: Path):
    async with house(tmp_path, *ASKING) as bench:
        ends = Ends(bench)
        await decide(bench, ends, "nice touch a", "allow-always")
        assert "exit code 0" in await ends.call("exec", command="touch b")
        assert "exit code 0" in await ends.call("exec", "agent:main:direct:x", command="touch c")
        assert "denied" in await decide(bench, ends, "mkdir d", "deny")
        [grant] = await bench.rows("SELECT * FROM grants")
        assert grant["program"].endswith("/touch") and grant["used_at"] is not None


async def test_allow_always_stores_nothing_for_what_could_be_anything(tmp_path: Path):
    async with house(tmp_path, *ASKING) as bench:
        ends = Ends(bench)
        for command in ("touch a > b", "python3 -c 1", "sh -c 'touch a; ls'"):
            await decide(bench, ends, command, "allow-always")
        assert await bench.rows("SELECT * FROM grants") == []


async def test_a_script_that_changed_after_the_yes_does_not_start(tmp_path: Path):
    async with house(tmp_path, *ASKING) as bench:
        ends, script = Ends(bench), folder(bench) / "run.sh"
        for command in ("sh run.sh", "./run.sh", "sh run.sh > out"):
            script.write_text("#!/bin/sh\ntouch good\n")
            script.chmod(0o755)
            run = await ends.begin("exec", command=command)
            [row] = await asked(bench)
            script.write_text("#!/bin/sh\ntouch evil\n")
            await bench.app.approvals.resolve(row["id"], "allow-once", OPERATOR)
            assert "changed after it was judged" in await ends.of(run)
        assert not (folder(bench) / "evil").exists() and not (folder(bench) / "good").exists()


async def test_a_stopped_run_takes_its_question_back(tmp_path: Path):
    async with house(tmp_path, *ASKING) as bench:
        ends = Ends(bench)
        run = await ends.begin("exec", command="touch made")
        [row] = await asked(bench)
        await bench.app.lanes.stop("agent:main:main", run)
        await ends.of(run)
        assert await bench.app.approvals.listed() == []
        with pytest.raises(RequestError, match="already"):
            await bench.app.approvals.resolve(row["id"], "allow-once", OPERATOR)


async def test_who_waits_gives_back_the_place_and_the_time(tmp_path: Path):
    """One place for all, a run limit shorter than the wait: others go on, and the yes counts."""
    clock = VirtualClock()
    async with house(tmp_path, *ASKING, clock=clock, more="messages: {max_concurrent: 1}") as bench:
        ask_for(bench, "touch made")
        await clock.settle()
        [row] = await bench.app.approvals.listed()
        bench.platform().say("[[demo text still here]]", "bob")
        await clock.advance(1)
        assert bench.platform().visible("bob") == ["still here"]
        await bench.app.approvals.resolve(row["id"], "allow-once", OPERATOR)
        await shown(bench, "exit code 0")


async def test_what_is_invisible_is_spelled_out_on_the_card(tmp_path: Path):
    async with house(tmp_path, *ASKING) as bench:
        ask_for(bench, "touch a\u202e\u200b ``` **b**")
        card = await shown(bench, "**Approval")
        assert "a[U+202E][U+200B] ``` **b**" in card and "````" in card
        assert "\u202e" not in card


async def test_a_long_command_comes_with_a_file(tmp_path: Path):
    async with house(tmp_path, *ASKING) as bench:
        ask_for(bench, "touch " + "a" * 3000 + " hidden-at-the-end")
        await shown(bench, "more, see the file")
        [row] = await bench.rows("SELECT reply FROM outbox WHERE run LIKE 'approval:%'")
        assert '"files"' in row["reply"]
        [listed] = await bench.app.approvals.listed()
        assert listed["command"].endswith("hidden-at-the-end")
