"""Programs as models: a command with its output as the answer, and an agent on stdio."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.providers import command as command_module
from bot.providers.acp import Acp
from bot.providers.acp_agent import Permit
from bot.providers.acp_wire import Permission
from bot.providers.command import Command
from bot.testing.clock import VirtualClock
from bot.types import Entry, ModelRequest, TextDelta, ThinkDelta
from tests.contracts.provider import HELLO, Result, call, checked

FAKES = Path(__file__).parents[1] / "fakes"
PRINTER = [sys.executable, str(FAKES / "printer.py")]


def said(text: str, *before: Entry, session: str = "s1", system: str = "") -> ModelRequest:
    return ModelRequest("default", system, [*before, Entry("user", text, 1.0)], session=session)


def command(*words: str, **options: Any) -> Command:
    return Command("fake", [*PRINTER, *words], **{"clock": SystemClock(), **options})


async def test_085_the_prompt_goes_in_and_what_is_printed_comes_out():
    asked = said("second", Entry("user", "first", 0.0), Entry("assistant", "yes", 0.5), system="Be")
    result = await call(command("stdin"), asked)
    assert result.text == "Be\n\nUser: first\n\nAssistant: yes\n\nUser: second"
    assert result.final.entry.model == "fake/default"
    assert (await call(command("stdin"))).text == "hello"


async def test_the_model_is_a_word_and_no_shell_reads_it(tmp_path: Path):
    program = command("=in {model} $(touch x)", cwd=tmp_path / "new")
    result = await call(program, said("hi"))
    assert result.text == "in default $(touch x)"
    assert (tmp_path / "new").is_dir() and not list((tmp_path / "new").iterdir())


async def test_text_comes_as_it_is_printed_without_blanks_at_its_end():
    stream = command("=  one\\n", "hang").stream(HELLO)
    assert await asyncio.wait_for(anext(stream), 20) == TextDelta("  one")
    await stream.aclose()  # type: ignore[attr-defined]
    assert (await call(command("=a\\n", "=b \\n\\n"))).text == "a\nb"


async def test_a_program_that_reads_nothing_is_no_failure():
    request = said("x" * 1_000_000)
    assert (await call(command("=ok"), request)).text == "ok"


FAILURES = [
    (["=part", "?it hurts", "?here", "#3"], "MODEL_CUT", "fake ended with exit code 3: here"),
    (["#1"], "MODEL_CUT", "fake ended with exit code 1"),
    ([], "MODEL_CUT", "fake ended without printing an answer"),
]


@pytest.mark.parametrize(("words", "code", "message"), FAILURES)
async def test_085_how_it_ended_is_said(words: list[str], code: str, message: str):
    result = await call(command(*words))
    assert (result.code, result.message) == (code, message)


async def test_a_program_that_is_not_there():
    missing = Command("fake", ["/no/such/program"])
    result = await call(missing)
    assert (result.code, result.message) == (
        "NO_MODEL",
        "fake: cannot start /no/such/program (No such file or directory); "
        "check providers.fake.command",
    )


async def test_no_variable_of_ours_reaches_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRUNKLINE_TOKEN", "secret")
    monkeypatch.setenv("SOMETHING_ELSE", "x")
    names = (await call(command("env"))).text.split()
    assert "SOMETHING_ELSE" in names and "TRUNKLINE_TOKEN" not in names


async def test_a_flood_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command_module, "MAX_ANSWER", 1 << 20)
    assert "printed more than 1 MiB" in (await call(command("flood"))).message


async def test_silence_is_a_stall_by_the_clock():
    """The clock is virtual: the program has said something, and then time passes."""
    clock = VirtualClock()
    stream = command("=begun", "hang", clock=clock, idle_timeout=90.0).stream(HELLO)
    events = [await asyncio.wait_for(anext(stream), 20)]
    waiting = asyncio.create_task(rest(stream), name="rest")
    await clock.advance(89.0)
    assert not waiting.done()
    await clock.advance(2.0)
    result = checked([*events, *await asyncio.wait_for(waiting, 20)])
    assert (result.code, result.text) == ("MODEL_STALL", "begun")
    assert result.message == "fake printed nothing for 90 seconds"


async def rest(stream: AsyncIterator[Any]) -> list[Any]:
    return [event async for event in stream]


async def test_151_closing_kills_the_whole_group():
    """Also a helper that ignores the request to end and keeps the pipes open."""
    stream = command("deaf", "child", "hang").stream(HELLO)
    shown = ""
    async with asyncio.timeout(30):
        while "up" not in shown:
            event = await anext(stream)
            assert isinstance(event, TextDelta)
            shown += event.text
    helper = int(shown.split("up")[0])
    os.kill(helper, 0)
    await asyncio.wait_for(stream.aclose(), 20)  # type: ignore[attr-defined]
    await gone(helper)


async def test_a_helper_left_behind_neither_delays_the_answer_nor_survives():
    result = await asyncio.wait_for(call(command("child", "=done")), 30)
    assert "done" in result.text
    await gone(int(result.text.split()[0]))


async def gone(process: int) -> None:
    """Wait until a process has ended; one that nobody reaps counts as ended."""
    async with asyncio.timeout(20):
        while Path(f"/proc/{process}/stat").exists():
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
            await asyncio.sleep(0)


@dataclass
class Desk:
    """An agent provider and what its agents were told."""

    log: Path
    make: Callable[..., Acp]

    def told(self, method: str = "") -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        messages = [json.loads(line) for line in lines]
        return [one for one in messages if not method or one.get("method") == method]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made: list[Acp] = []
    log = tmp_path / "log"

    def make(*words: str, **options: Any) -> Acp:
        argv = [sys.executable, str(FAKES / "acp_agent.py"), str(log), *words]
        made.append(Acp("agent", argv, cwd=tmp_path, **options))
        return made[-1]

    yield Desk(log, make)
    for provider in made:
        await provider.close()


def answered(result: Result) -> Entry:
    """The answer as the transcript keeps it."""
    return result.final.entry


async def test_084_an_agent_answers_with_text_and_thoughts(desk: Desk):
    provider = desk.make()
    result = await call(provider, said("think hm\nsay Hel\nsay lo", system="You are a bot."))
    assert result.events[:3] == [ThinkDelta("hm"), TextDelta("Hel"), TextDelta("lo")]
    assert answered(result).wire == {"api": "acp", "session": "sess-1"}
    (hello,) = desk.told("initialize")
    assert hello["params"]["protocolVersion"] == 1
    (prompt,) = desk.told("session/prompt")
    assert prompt["params"]["prompt"][0]["text"].startswith("You are a bot.\n\nthink hm")
    assert desk.told("session/new")[0]["params"]["mcpServers"] == []


async def test_a_session_goes_on_with_what_is_new(desk: Desk):
    provider = desk.make()
    first = said("say one")
    answer = answered(await call(provider, first))
    await call(provider, said("say two", *first.entries, answer))
    assert len(desk.told("session/new")) == 1
    second = desk.told("session/prompt")[1]["params"]["prompt"]
    assert second == [{"type": "text", "text": "say two"}]


async def test_after_a_restart_the_session_is_loaded_and_its_history_not_repeated(desk: Desk):
    first = said("say one")
    answer = answered(await call(desk.make("load"), first))
    result = await call(desk.make("load"), said("say two", *first.entries, answer))
    assert result.text == "two"
    assert desk.told("session/load")[0]["params"]["sessionId"] == "sess-1"
    assert desk.told("session/prompt")[1]["params"]["prompt"][0]["text"] == "say two"


@pytest.mark.parametrize("words", [[], ["load"]])
async def test_an_agent_that_cannot_go_on_is_told_everything(desk: Desk, words: list[str]):
    """It cannot load sessions, or does not know this one."""
    answer = Entry("assistant", "one", 2.0, wire={"api": "acp", "session": "lost"})
    result = await call(desk.make(*words), said("say two", Entry("user", "say one", 1.0), answer))
    assert answered(result).wire == {"api": "acp", "session": "sess-1"}
    told = desk.told("session/prompt")[0]["params"]["prompt"][0]["text"]
    assert told == "User: say one\n\nAssistant: one\n\nUser: say two"


async def test_a_reset_begins_a_new_session_and_each_session_has_its_process(desk: Desk):
    provider = desk.make()
    await call(provider, said("say one"))
    again = await call(provider, said("say two"))
    assert answered(again).wire == {"api": "acp", "session": "sess-2"}
    other = await call(provider, said("say three", session="s2"))
    assert answered(other).wire == {"api": "acp", "session": "sess-1"}
    assert len(desk.told("initialize")) == 2


@pytest.mark.parametrize("words", [[], ["images"]])
async def test_images_go_to_agents_that_take_them(desk: Desk, words: list[str]):
    image = {"kind": "image", "url": "data:image/png;base64,AAAA"}
    request = ModelRequest("default", "", [Entry("user", "say hi", 1.0, attachments=(image,))])
    await call(desk.make(*words), request)
    blocks = desk.told("session/prompt")[0]["params"]["prompt"]
    expected = [{"type": "image", "mimeType": "image/png", "data": "AAAA"}] if words else []
    assert blocks[1:] == expected


async def allowed(asked: Permission) -> bool:
    assert asked == Permission("s1", "Delete all", "execute", {"a": 1})
    return True


@pytest.mark.parametrize(("permit", "option"), [(None, "reject_once"), (allowed, "allow_once")])
async def test_permissions_are_denied_unless_somebody_allows(
    desk: Desk, permit: Permit | None, option: str
):
    result = await call(desk.make(permit=permit), said("ask"))
    assert json.loads(result.text) == {"outcome": "selected", "optionId": f"o-{option}"}


async def test_waiting_for_a_permission_is_no_stall(desk: Desk):
    clock, decided, asked = VirtualClock(), asyncio.Event(), asyncio.Event()

    async def slow(question: Permission) -> bool:
        asked.set()
        await decided.wait()
        return True

    provider = desk.make(clock=clock, idle_timeout=60.0, permit=slow)
    running = asyncio.create_task(call(provider, said("ask")), name="call")
    await asyncio.wait_for(asked.wait(), 20)
    await clock.advance(600.0)
    decided.set()
    assert "allow_once" in (await asyncio.wait_for(running, 20)).text


async def test_the_clients_files_are_not_to_be_had(desk: Desk):
    assert (await call(desk.make(), said("read"))).text == "-32601"


ENDINGS = [
    ("say so\nstop max_tokens", "length", None),
    ("say so\nstop end_turn", "end", None),
    ("stop refusal", "error", "MODEL_BAD_REQUEST"),
    ("forget", "error", "MODEL_CUT"),
    ("fail -32603", "error", "MODEL_CUT"),
    ("fail -32000", "error", "MODEL_AUTH"),
    ("say so\ndie", "error", "MODEL_CUT"),
    ("junk\nsay so", "end", None),
]


@pytest.mark.parametrize(("text", "stop", "code"), ENDINGS)
async def test_how_an_agent_ended_is_said(desk: Desk, text: str, stop: str, code: str | None):
    provider = desk.make()
    result = await call(provider, said(text))
    assert result.final.entry.stop == stop
    assert (result.final.failure and result.final.failure.code) == code
    if "die" in text:
        assert result.message == "agent ended with exit code 1: dying, as I was told"
    assert (await call(provider, said("say next"))).text == "next"


BROKEN = [("old", "NO_MODEL"), ("signin", "MODEL_AUTH")]


@pytest.mark.parametrize(("word", "code"), BROKEN)
async def test_an_agent_that_does_not_begin(desk: Desk, word: str, code: str):
    assert (await call(desk.make(word), said("say hi"))).code == code


async def test_an_agent_that_never_answers_is_a_stall(desk: Desk):
    clock = VirtualClock()
    provider = desk.make("mute", clock=clock, idle_timeout=60.0)
    running = asyncio.create_task(call(provider, said("say hi")), name="call")
    async with asyncio.timeout(20):
        while not desk.told("initialize"):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0)
    await clock.advance(61.0)
    result = await asyncio.wait_for(running, 20)
    assert result.message == "agent did not answer initialize within 60 seconds"


async def test_no_program_at_all(desk: Desk):
    assert (await call(Acp("agent", ["/no/such/agent"]), said("say hi"))).code == "NO_MODEL"


@pytest.mark.parametrize("words", [[], ["deaf"]])
async def test_151_closing_cancels_and_what_is_deaf_is_killed(desk: Desk, words: list[str]):
    provider = desk.make(*words)
    stream = provider.stream(said("say begun\nhang"))
    assert await asyncio.wait_for(anext(stream), 20) == TextDelta("begun")
    await asyncio.wait_for(stream.aclose(), 20)  # type: ignore[attr-defined]
    assert len(desk.told("session/cancel")) == 1
    result = await call(provider, said("say again"))
    assert result.text == "again"
    assert len(desk.told("initialize")) == (2 if words else 1)


async def test_an_agent_killed_from_outside_is_started_anew(desk: Desk):
    provider = desk.make()
    await call(provider, said("say one"))
    (agent,) = provider._kept.values()
    agent._child.process.send_signal(signal.SIGKILL)
    await asyncio.wait_for(agent._child.process.wait(), 20)
    assert (await call(provider, said("say two"))).text == "two"


async def yes(asked: Permission) -> bool:
    return asked.title == "Try it"


@pytest.mark.parametrize(("permit", "decision"), [(None, "no"), (yes, "yes")])
async def test_the_official_library_understands_us(
    tmp_path: Path, permit: Permit | None, decision: str
):
    """An agent on it refuses what is not of the protocol: a session is begun, asked and loaded."""
    argv = [sys.executable, str(FAKES / "acp_official.py")]
    image = {"kind": "image", "url": "data:image/png;base64,AAAA"}
    first = ModelRequest("m", "", [Entry("user", "one", 1.0, attachments=(image,))], session="s")
    before = Acp("agent", argv, cwd=tmp_path, permit=permit)
    result = await call(before, first)
    assert (result.text, result.final.entry.thinking) == (f"{decision}: one image", "hm")
    await before.close()
    after = Acp("agent", argv, cwd=tmp_path, permit=permit)
    result = await call(after, said("two", *first.entries, answered(result), session="s"))
    assert result.text == f"{decision}: two"
    assert answered(result).wire == {"api": "acp", "session": "official-1"}
    await after.close()
