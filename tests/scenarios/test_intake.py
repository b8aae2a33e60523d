"""What comes in: once, from whom it may, and durable before the platform is told."""

import asyncio
import re
from pathlib import Path

import pytest

from bot.store import people
from bot.testing.clock import VirtualClock
from bot.testing.running import Bench, running

ADA = "agent:main:idempotent:idempotent:direct:ada"


def strict(channel: str, limit: str = "null") -> str:
    account = f"idempotent: {{queue: followup, {channel}}}"
    return f"limits: {{per_sender: {limit}}}\nchannels:\n  {account}\n"


async def rules(bench: Bench) -> list[tuple[str, str]]:
    rows = await bench.rows("SELECT state, rule FROM inbox ORDER BY id")
    return [(row["state"], row["rule"]) for row in rows]


async def test_an_event_that_comes_five_times_is_answered_once(bench: Bench, clock: VirtualClock):
    platform = bench.platform()
    for _ in range(4):
        platform.say("hello", id="m1")
    await platform.all_taken()
    await clock.advance(86_000)
    platform.say("hello", id="m1")
    platform.say("bye", id="m2")
    await clock.until(platform.shows("echo hello", "echo bye"))
    assert len(await bench.rows("SELECT 1 FROM runs")) == 2


async def test_an_event_that_comes_again_after_a_restart_is_known(
    tmp_path: Path, clock: VirtualClock
):
    for _ in range(3):
        async with running(tmp_path, clock=clock, scripted=True) as bench:
            platform = bench.platform()
            platform.say("hello", id="m1")
            await platform.all_taken()
            await bench.app.engine.idle()
            assert len(await bench.rows("SELECT 1 FROM inbox")) == 1
    assert len(platform.messages) == 0, "the last platform showed nothing: it was answered before"


async def test_reordered_events_are_each_taken(bench: Bench):
    platform = bench.platform()
    for id in ("m3", "m1", "m2", "m3", "m1"):
        platform.say(f"text {id}", id=id)
    await platform.shows("echo text m3", "echo text m1", "echo text m2")


async def test_a_platform_is_told_only_after_the_commit(bench: Bench):
    """Whenever an update is confirmed, its row is there."""
    platform = bench.platform()
    for number in range(20):
        platform.say(f"n{number}", f"chat{number}")
    await platform.all_taken()
    assert len(await bench.rows("SELECT 1 FROM inbox")) == 20


async def test_a_stranger_is_told_once_how_to_be_let_in_and_then_is(
    tmp_path: Path, clock: VirtualClock
):
    async with running(tmp_path, strict(""), clock=clock, scripted=True) as bench:
        platform = bench.platform()
        for text in ("hello", "anybody there?", "/status", "hm"):
            platform.say(text)
        await platform.all_taken()
        await bench.app.engine.idle()
        [notice] = platform.visible()
        found = re.search(r"\b[2-9A-HJ-NP-Z]{8}\b", notice)
        assert found is not None
        assert {state for state, _ in await rules(bench)} == {"refused"}
        assert await bench.rows("SELECT 1 FROM runs") == []
        done = await bench.app.engine.tx(people.decide_pairing(found[0], True, clock.now()))
        assert done is not None
        platform.say("thanks")
        await platform.shows(notice, "echo thanks")
        assert "hello" not in str(await bench.transcript(ADA)), "what came before stays unanswered"
        platform.say("me too?", "bob")
        await platform.wait_for(lambda one: one.visible("bob"))
        assert found[0] not in platform.visible("bob")[0]


async def test_only_those_on_the_list_are_heard(tmp_path: Path, clock: VirtualClock):
    config = strict('dm_policy: allowlist, allow_from: ["ada"]')
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        platform.say("let me in", "eve")
        platform.say("hello")
        await platform.shows("echo hello")
        await platform.all_taken()
        assert platform.visible("eve") == []
        assert await rules(bench) == [("refused", "not in allow_from"), ("done", "allow_from")]


async def test_a_refused_text_is_kept_only_as_a_glimpse(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, strict("dm_policy: disabled"), clock=clock) as bench:
        bench.platform().say("x" * 10_000)
        await bench.platform().all_taken()
        [row] = await bench.rows("SELECT message FROM inbox")
        assert len(row["message"]) < 1000


async def test_a_group_is_answered_when_it_speaks_to_the_bot(tmp_path: Path, clock: VirtualClock):
    config = strict('groups: {"room": {}}, allow_from: ["ada"]')
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        ada = {"author": "ada", "kind": "group"}
        platform.say("among us", "room", **ada)
        platform.say("you there", "room", mentioned=True, **ada)
        platform.say("stranger", "room", author="eve", kind="group", mentioned=True)
        platform.say("elsewhere", "other", mentioned=True, **ada)
        bot = {"id": "bot", "is_self": True}
        quote = {"id": "b1", "text": "echo", "author": bot}
        platform.say("and this?", "room", reply_to=quote, **ada)
        await platform.shows("echo you there", "echo and this?", to="room")
        await platform.all_taken()
        assert platform.visible("other") == []
        assert [rule for _, rule in await rules(bench)] == [
            "not mentioned",
            "allow_from",
            "not in allow_from",
            "group not listed in groups",
            "allow_from",
        ]
        sent = bench.model.requests[-1].entries[-1].text if bench.model else ""
        assert '"text": "echo"' in sent
        assert "<quoted>" in sent


async def test_the_bots_own_words_and_other_bots_are_not_answered(bench: Bench):
    platform = bench.platform()
    own = {"id": "bot", "is_self": True}
    other = {"id": "robo", "is_bot": True}
    for author in (own, other):
        platform.push({"id": author["id"], "conversation": "c", "text": "hi", "author": author})
    await platform.all_taken()
    assert await rules(bench) == [("refused", "own message"), ("refused", "allow_bots: false")]


async def test_too_many_messages_are_refused_with_one_notice_a_minute(
    tmp_path: Path, clock: VirtualClock
):
    config = strict('dm_policy: open, allow_from: ["*"]', "3/min")
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        for number in range(8):
            platform.say(f"n{number}")
        platform.say("from somebody else", "bob")
        await platform.shows("echo from somebody else", to="bob")
        await platform.wait_for(lambda one: len(one.visible()) == 4)
        await bench.app.engine.idle()
        seen = platform.visible()
        assert sorted(text for text in seen if text.startswith("echo")) == [
            "echo n0",
            "echo n1",
            "echo n2",
        ]
        assert len([text for text in seen if "more than 3 messages" in text]) == 1
        assert (await rules(bench)).count(("refused", "limits.per_sender")) == 5
        await clock.advance(61)
        platform.say("later")
        await platform.wait_for(lambda one: "echo later" in one.visible())


async def test_over_the_limit_one_may_still_stop_and_is_soon_heard_again(
    tmp_path: Path, clock: VirtualClock
):
    config = strict('dm_policy: open, allow_from: ["*"]', "3/min")
    async with running(tmp_path, config, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        for number in range(5):
            platform.say(f"n{number}")
        # What still runs would be stopped instead.
        await platform.wait_for(lambda one: "echo n2" in one.visible())
        await bench.app.engine.idle()
        platform.say("/stop")
        await platform.wait_for(lambda one: "Nothing is running." in one.visible())
        # Refused messages that keep coming do not prolong the limit.
        for _ in range(6):
            await clock.advance(11)
            platform.say("still here")
        await platform.wait_for(lambda one: "echo still here" in one.visible())


async def test_fifty_first_messages_at_once_make_one_session(bench: Bench):
    platform = bench.platform()
    said = [platform.say(f"n{number}", id=f"m{number}") for number in range(50)]
    await platform.wait_for(lambda one: len(one.visible()) == 50)
    assert platform.visible() == [f"echo n{number}" for number in range(50)]
    assert len(said) == len(await bench.rows("SELECT 1 FROM inbox"))
    assert [row["key"] for row in await bench.rows("SELECT key FROM sessions")] == [ADA]


async def test_fifty_callers_at_once_make_one_session(bench: Bench):
    key = "agent:main:api:someone"
    await asyncio.gather(*(bench.ask(f"n{number}", f"r{number}", key) for number in range(50)))
    await bench.app.engine.idle()
    assert len(await bench.rows("SELECT 1 FROM sessions WHERE key = ?", key)) == 1
    assert len(await bench.transcript(key)) == 100


async def test_the_same_run_id_is_one_run(bench: Bench):
    accepted = await asyncio.gather(*(bench.ask("hello", "key-1") for _ in range(10)))
    await bench.app.engine.idle()
    again = await bench.ask("hello", "key-1")
    assert sorted(one.state for one in [*accepted, again]) == ["known"] * 10 + ["new"]
    assert {one.run for one in accepted} == {"key-1"}
    assert await bench.transcript("main") == [("user", "hello"), ("assistant", "echo hello")]


async def test_two_people_and_two_channels_have_sessions_of_their_own(bench: Bench):
    bench.platform().say("ada's secret")
    bench.platform().say("bob's secret", "bob")
    bench.platform("keyless").say("ada elsewhere")
    await bench.platform().shows("echo ada's secret")
    await bench.platform().shows("echo bob's secret", to="bob")
    await bench.platform("keyless").shows("echo ada elsewhere")
    assert bench.model is not None
    for request in bench.model.requests:
        assert len(request.entries) == 1, "nobody's history is in another's request"


async def test_answers_go_back_where_the_question_came_from(bench: Bench):
    """Three channels speak at the same time, in the same words."""
    for account in ("idempotent", "readable", "keyless"):
        for number in range(5):
            bench.platform(account).say(f"{account} {number}", "same")
    for account in ("idempotent", "readable", "keyless"):
        expected = [f"echo {account} {number}" for number in range(5)]
        await bench.platform(account).shows(*expected, to="same")


async def test_the_operators_turn_does_not_move_a_channels_route(bench: Bench):
    bench.platform().say("hello")
    await bench.platform().shows("echo hello")
    await bench.ask("from the page", "r1", ADA)
    await bench.app.engine.idle()
    [row] = await bench.rows("SELECT address, last_route FROM sessions WHERE key = ?", ADA)
    assert (row["address"], row["last_route"]) == ("idempotent:idempotent:ada",) * 2
    assert bench.platform().visible() == ["echo hello"], "the page's answer stays on the page"


LONE = "\ud83d"
BAD_EVENTS = [
    None,
    [],
    "text",
    {"id": "1"},
    {"id": "1", "conversation": "c", "text": "t", "author": None},
    {"id": "1", "conversation": "c", "text": 5, "author": {"id": "a"}},
    {"id": "1", "conversation": f"c{LONE}", "text": "t", "author": {"id": "a"}},
    {"id": "1", "conversation": "c", "text": "t", "author": {"id": f"a{LONE}"}},
    {"id": f"1{LONE}", "conversation": "c", "text": "t", "author": {"id": "a"}},
    {"id": "1", "conversation": "", "text": "t", "author": {"id": "a"}},
    {"id": "1", "conversation": "c", "text": "t", "author": {"id": "a"}, "kind": "séance"},
    {"id": "1", "conversation": "c", "text": "t", "author": {"id": "a"}, "at": 1e300},
]


def nested(depth: int) -> object:
    deep: object = {}
    for _ in range(depth):
        deep = {"a": deep}
    return deep


@pytest.mark.parametrize("event", [*BAD_EVENTS, nested(5000)], ids=range(len(BAD_EVENTS) + 1))
async def test_a_bad_event_is_kept_aside_and_the_next_is_taken(
    bench: Bench, clock: VirtualClock, event: object
):
    platform = bench.platform()
    platform.push(event)
    platform.say("and on")
    await clock.until(platform.shows("echo and on"))
    [row] = await bench.rows("SELECT account, reason FROM quarantine")
    assert row["account"] == "idempotent"
    assert row["reason"]
    assert bench.app.inbound.states["idempotent"].state == "up"


@pytest.mark.parametrize(
    "text", [f"a{LONE}b", "a\0b", "‮right to left", "e" + "\u0301" * 1000, "👩‍👩‍👧‍👦" * 50]
)
async def test_odd_text_is_answered(bench: Bench, text: str):
    platform = bench.platform()
    platform.push(
        {
            "id": "1",
            "conversation": "ada",
            "text": text,
            "author": {"id": "ada", "name": text},
        }
    )
    await platform.wait_for(lambda one: one.visible())
    kept = text.replace(LONE, "\ufffd").replace("\0", "\ufffd")
    assert platform.visible() == [f"echo {kept}"]
    assert (await bench.rows("SELECT 1 FROM quarantine")) == []


async def test_a_megabyte_is_taken_and_the_rest_is_named(bench: Bench):
    platform = bench.platform()
    platform.say("x" * (1 << 20) + "y" * 77)
    await platform.wait_for(lambda one: one.visible())
    [(_, text), _] = await bench.transcript(ADA)
    assert text.endswith("[77 more characters were cut here]")


async def test_an_edit_changes_what_waits_and_a_deletion_takes_it_back(
    bench: Bench, clock: VirtualClock
):
    assert bench.model is not None
    go = asyncio.Event()
    bench.model.on("first", [go, "done"])
    platform = bench.platform()
    platform.say("first", id="m1")
    await platform.all_taken()
    platform.say("secnd", id="m2")
    platform.say("third", id="m3")
    platform.say("second", id="m2", change="edited", version="1")
    platform.say("", id="m3", change="deleted")
    platform.say("too late", id="m1", change="edited", version="1")
    await platform.all_taken()
    go.set()
    await clock.until(platform.shows("done", "echo second"))
    await bench.app.engine.idle()
    assert await bench.rows("SELECT 1 FROM runs WHERE ended_at IS NULL") == [], (
        "a run that was taken back is over too"
    )
