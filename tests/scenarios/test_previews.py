"""A growing answer: one message, edited, that becomes the answer. Silence leaves nothing."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.delivery import AGAIN
from bot.testing.clock import VirtualClock
from bot.testing.model import Step, call
from bot.testing.platform import Fault
from bot.testing.running import CONFIG, Bench, running

KINDS = ("idempotent", "readable", "keyless")
SLOWLY: Sequence[Step] = ["One", 1.0, " two", 1.0, " three", 1.0, " four."]
WHOLE = "One two three four."


def script(bench: Bench, said: str, *answers: Sequence[Step]) -> None:
    assert bench.model is not None
    bench.model.on(said, *answers)


async def through(bench: Bench, clock: VirtualClock, account: str = "idempotent") -> list[str]:
    """What is visible when all is said and sent."""
    await bench.platform(account).all_taken()
    await clock.advance(120)
    await bench.app.engine.idle()
    assert await bench.rows("SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'failed')") == []
    return bench.platform(account).visible()


@pytest.mark.parametrize("account", KINDS)
async def test_a_slow_answer_grows_in_one_message(bench: Bench, clock: VirtualClock, account: str):
    script(bench, "tell", SLOWLY)
    bench.platform(account).say("tell")
    assert await through(bench, clock, account) == [WHOLE]
    [message] = bench.platform(account).messages.values()
    assert len(message.texts) >= 4
    assert all(WHOLE.startswith(text) for text in message.texts)
    assert bench.platform(account).count("send") == 1


async def test_a_quick_answer_has_no_preview(bench: Bench, clock: VirtualClock):
    bench.platform().say("hi")
    assert await through(bench, clock) == ["echo hi"]
    assert [verb for verb, _ in bench.platform().calls] == ["send"]


async def test_typing_shows_while_nothing_is_there_and_ends(bench: Bench, clock: VirtualClock):
    script(bench, "think", [10.0, "done"])
    bench.platform().say("think")
    await through(bench, clock)
    count = bench.platform().count("typing")
    assert 2 <= count <= 4
    await clock.advance(60)
    assert bench.platform().count("typing") == count


async def test_no_preview_where_streaming_is_off(tmp_path: Path, clock: VirtualClock):
    config = CONFIG.replace("*open", "{streaming: off, dm_policy: open, allow_from: ['*']}")
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        script(bench, "tell", SLOWLY)
        bench.platform("keyless").say("tell")
        assert await through(bench, clock, "keyless") == [WHOLE]
        assert bench.platform("keyless").count("edit") == 0


@pytest.mark.parametrize("account", KINDS)
async def test_silence_after_a_preview_removes_it(bench: Bench, clock: VirtualClock, account: str):
    script(bench, "quiet", ["Let me see", 2.0, call("session_status")], ["NO_REPLY"])
    bench.platform(account).say("quiet")
    assert await through(bench, clock, account) == []
    assert bench.platform(account).count("send") == 1
    assert bench.platform(account).count("delete") == 1


@pytest.mark.parametrize("account", KINDS)
@pytest.mark.parametrize("shown", [True, False])
async def test_a_preview_of_unknown_fate_leaves_one_answer(
    bench: Bench, clock: VirtualClock, account: str, shown: bool
):
    """Without keys it may leave its beginning, and then the answer is marked."""
    script(bench, "tell", SLOWLY)
    bench.platform(account).fail("send", Fault("uncertain", shown=shown))
    bench.platform(account).say("tell")
    seen = await through(bench, clock, account)
    if account != "keyless":
        assert seen == [WHOLE]
    else:
        assert seen[-1] == f"{WHOLE}\n\n{AGAIN}"
        assert len(seen) == 1 + shown
        assert WHOLE.startswith(seen[0]) or not shown


@pytest.mark.parametrize("account", KINDS)
async def test_silence_after_a_preview_of_unknown_fate(
    bench: Bench, clock: VirtualClock, account: str
):
    script(bench, "quiet", ["Let me see", 2.0, call("session_status")], ["NO_REPLY"])
    bench.platform(account).fail("send", Fault("uncertain", shown=True))
    bench.platform(account).say("quiet")
    seen = await through(bench, clock, account)
    assert seen == (["Let me see"] if account == "keyless" else [])


@pytest.mark.parametrize("fault", ["limited", "not-sent", "refused"])
async def test_a_preview_that_was_not_posted_costs_only_itself(
    bench: Bench, clock: VirtualClock, fault: str
):
    script(bench, "tell", SLOWLY)
    bench.platform("keyless").fail("send", Fault(fault, retry_after=0.5))  # type: ignore[arg-type]
    bench.platform("keyless").say("tell")
    assert await through(bench, clock, "keyless") == [WHOLE]


async def test_edits_that_are_limited_are_fewer_and_the_answer_is_whole(
    bench: Bench, clock: VirtualClock
):
    script(bench, "tell", [step for word in range(20) for step in (f"w{word} ", 0.5)])
    bench.platform().fail("edit", *[Fault("limited", retry_after=3.0)] * 2)
    bench.platform().say("tell")
    seen = await through(bench, clock)
    assert seen == [" ".join(f"w{word}" for word in range(20))]


async def test_the_final_edit_waits_for_the_limit(bench: Bench, clock: VirtualClock):
    script(bench, "tell", ["One", 1.0, " two"])
    platform = bench.platform()
    platform.say("tell")
    await platform.all_taken()
    await clock.advance(0.9)
    assert platform.visible() == ["One"]
    platform.fail("edit", Fault("limited", retry_after=40.0))
    await clock.advance(30)
    assert platform.visible() == ["One"]
    await clock.advance(12)
    assert platform.visible() == ["One two"]


@pytest.mark.parametrize("account", KINDS)
async def test_an_edit_that_is_refused_becomes_a_fresh_message_and_the_preview_goes(
    bench: Bench, clock: VirtualClock, account: str
):
    script(bench, "tell", SLOWLY)
    platform = bench.platform(account)
    platform.fail("edit", *[Fault("refused")] * 2)
    platform.say("tell")
    assert await through(bench, clock, account) == [WHOLE]
    assert platform.count("send") == 2


async def test_a_preview_that_a_person_deleted_does_not_eat_the_answer(
    bench: Bench, clock: VirtualClock
):
    script(bench, "tell", SLOWLY)
    platform = bench.platform()
    platform.say("tell")
    await platform.all_taken()
    await clock.advance(1.5)
    [preview] = platform.messages.values()
    preview.deleted = True
    assert await through(bench, clock) == [WHOLE]


async def test_the_preview_becomes_the_first_of_several_parts(bench: Bench, clock: VirtualClock):
    script(bench, "long", ["word " * 500, 1.0, "word " * 500, 1.0, "word " * 500, "end"])
    platform = bench.platform()
    platform.say("long")
    seen = await through(bench, clock)
    assert len(seen) == 2
    assert (" ".join(seen)).split() == ["word"] * 1500 + ["end"]
    assert platform.count("send") == 2


async def test_two_conversations_previews_do_not_disturb_each_other(
    bench: Bench, clock: VirtualClock
):
    for chat in "abcde":
        script(bench, chat, [f"{chat} one", 1.0, " two", 1.0, " three"])
        bench.platform().say(chat, chat)
    await through(bench, clock)
    for chat in "abcde":
        assert bench.platform().visible(chat) == [f"{chat} one two three"]


async def test_an_answer_after_a_restart_takes_the_preview_that_stands(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, clock=clock, scripted=True) as bench:
        script(bench, "tell", ["One", asyncio.Event()])
        platform = bench.platform("keyless")
        platform.say("tell")
        await platform.all_taken()
        await clock.advance(1)
        assert platform.visible() == ["One"]
    async with running(tmp_path, clock=clock, scripted=True) as bench:
        bench.platform("keyless").messages.update(platform.messages)
        script(bench, "tell", [WHOLE])
        await clock.advance(1)
        assert bench.platform("keyless").visible() == [WHOLE]


def cuts(text: str) -> list[list[str]]:
    """Every way to stream a text in two or three pieces."""
    two = [[text[:at], text[at:]] for at in range(1, len(text))]
    three = [
        [text[:at], text[at:end], text[end:]]
        for at in range(1, len(text))
        for end in range(at + 1, len(text))
    ]
    return [[text], *two, *three]


SILENT = ["NO_REPLY", " no_reply. ", "**NO_REPLY**", "<think>hm</think>NO_REPLY"]


@pytest.mark.parametrize("text", SILENT)
async def test_silence_shows_nothing_anywhere_however_it_is_cut(
    bench: Bench, clock: VirtualClock, text: str
):
    """Slow enough for previews: nothing on the channel, nothing on the page, no delta at all."""
    said: list[str] = []
    bench.app.hub.listen(
        lambda event: (
            said.append(getattr(event.body, "delta", "")) if hasattr(event, "body") else None
        )
    )
    pieces = cuts(text)
    for number, cut in enumerate(pieces):
        steps: list[Step] = [step for piece in cut for step in (piece, 1.0)]
        script(bench, f"q{number}", steps)
        bench.platform(KINDS[number % 3]).say(f"q{number}", f"chat{number}")
    await clock.advance(30)
    await bench.app.engine.idle()
    rows = await bench.rows("SELECT reply, state FROM runs")
    assert [(row["reply"], row["state"]) for row in rows] == [("", "ok")] * len(pieces)
    for kind in KINDS:
        assert bench.platform(kind).count("send") == 0
    assert "".join(said) == ""


async def test_what_only_begins_like_silence_is_sent_whole(bench: Bench, clock: VirtualClock):
    pieces = cuts("NO problem")
    for number, cut in enumerate(pieces):
        script(bench, f"q{number}", [step for piece in cut for step in (piece, 0.3)])
        bench.platform().say(f"q{number}", f"chat{number}")
    await clock.advance(60)
    for number in range(len(pieces)):
        assert bench.platform().visible(f"chat{number}") == ["NO problem"]
