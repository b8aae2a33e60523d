"""Socket Mode against a local server: stored before acknowledged, and nothing lost on the way."""

import asyncio
import json

import pytest

from adapters.fakes.slack import FakeSlack
from bot.errors import ChannelRefused
from tests.contracts.slack_support import Core, body_of, connected, said


@pytest.fixture
async def fake():
    async with FakeSlack() as server:
        yield server


@pytest.fixture
def core():
    return Core()


async def up(fake, core):
    await core.until(lambda: core.now == "up")


async def test_a_message_is_stored_and_then_acknowledged(fake, core):
    async with connected(fake, core):
        await up(fake, core)
        await fake.say("C1", "hello")
        await fake.wait_for(lambda: fake.acknowledged)
    assert (core.texts, fake.waiting) == (["hello"], {})


async def test_what_was_not_stored_is_not_acknowledged_and_keeps_its_place(fake, core):
    core.full = ["first", "first", "first"]
    async with connected(fake, core) as bot:
        await up(fake, core)
        await fake.say("C1", "first")
        await fake.say("C1", "second")
        await fake.wait_for(lambda: len(fake.acknowledged) == 2)
    assert core.texts == ["first", "second"]
    assert [wait for wait in bot.waits if wait in (0.5, 1.0, 2.0)] == [0.5, 1.0, 2.0]
    assert ("down", "received messages cannot be stored: the disk is full") in core.states
    assert core.now == "up"


async def test_an_event_is_kept_while_slack_does_not_know_the_bot(fake, core):
    """The library alone would acknowledge it and drop it: auth.test says no."""
    fake.fail("auth.test", error="internal_error", times=1000)
    async with connected(fake, core):
        await up(fake, core)
        await fake.say("C1", "<@U0BOT> hello")
        await fake.wait_for(lambda: len(fake.acknowledged) == 2)
    assert core.texts == ["hello", "hello"]
    assert all(message.mentioned for message in core.messages)


async def test_a_mention_that_comes_as_two_events_is_one_message(fake, core):
    async with connected(fake, core):
        await up(fake, core)
        await fake.say("C1", "<@U0BOT> hello")
        await core.until(lambda: len(core.messages) == 2)
    first, second = core.messages
    assert (len(core.once), first.kind, first.text) == (1, second.kind, second.text)


async def test_a_repeat_after_a_lost_acknowledgement_is_the_same_message(fake, core):
    async with connected(fake, core):
        await up(fake, core)
        number = await fake.say("C1", "hello")
        await core.until(lambda: core.messages)
        envelope = fake.event({"type": "message", "user": "U0ADA", "text": "hello", "ts": number})
        envelope["event"] |= {"channel": "C1", "channel_type": "channel"}
        await fake.push(envelope, retry_attempt=1, retry_reason="timeout")
        await core.until(lambda: len(core.messages) == 2)
    assert len(core.once) == 1


async def test_events_that_nobody_listens_to_are_acknowledged(fake, core):
    async with connected(fake, core):
        await up(fake, core)
        await fake.push(body_of({"type": "team_join", "user": {"id": "U9"}}))
        await fake.push({"type": "view_closed", "view": {}}, "interactive")
        await fake.push({"anything": 1}, "a kind from next year")
        await fake.wait_for(lambda: len(fake.acknowledged) == 3)
    assert core.messages == []


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": "event_callback"},
        {"type": "event_callback", "event": 5},
        {"type": 7, "authorizations": 3},
        body_of({"type": "message", "text": "x" * 100_000}),
        said("x", "not a time"),
        said("x", channel={"id": 1}),
        said("x", files=5),
        said("x", user=7),
        {**said("x"), "authorizations": 5},
        {**said("x"), "team": [], "enterprise": 4, "is_enterprise_install": {}},
    ],
)
async def test_after_a_bad_event_the_next_good_one_arrives(fake, core, payload):
    async with connected(fake, core):
        await up(fake, core)
        await fake.push(payload)
        await fake.say("C1", "good")
        await fake.wait_for(lambda: len(fake.acknowledged) == 2)
        assert fake.sockets == 1
    assert core.texts[-1] == "good"
    assert len(core.refused) + len(core.messages) == 2


@pytest.mark.parametrize("frame", ["{", "5", "null", "[1]", '"x"', "{}", '{"type": 3}', "[" * 9000])
async def test_a_frame_that_is_no_envelope_is_put_aside(fake, core, frame):
    async with connected(fake, core):
        await up(fake, core)
        await fake.send(frame)
        await fake.say("C1", "good")
        await fake.wait_for(lambda: fake.acknowledged)
        assert (fake.sockets, core.texts) == (1, ["good"])
    assert len(core.refused) == 1


async def test_a_replaced_socket_hands_over_while_it_still_works(fake, core):
    async with connected(fake, core):
        await up(fake, core)
        await fake.disconnect("warning")
        await fake.wait_for(lambda: fake.sockets == 2)
        first = fake._sockets[0]
        envelope = {"envelope_id": "late", "type": "events_api", "payload": said("late")}
        await first.send_str(json.dumps(envelope))
        await core.until(lambda: core.texts == ["late"])
        await fake.say("C1", "on the new one")
        await core.until(lambda: len(core.messages) == 2)
    assert len(fake.called("apps.connections.open")) == 2


async def test_a_cut_socket_is_opened_again_with_a_fresh_address(fake, core):
    async with connected(fake, core) as bot:
        await up(fake, core)
        await fake.cut()
        await fake.say("C1", "while away")
        await fake.wait_for(lambda: fake.sockets == 1)
        await fake.redeliver()
        await core.until(lambda: core.texts == ["while away"])
    assert len(fake.called("apps.connections.open")) == 2
    assert bot.waits[0] <= 0.5


async def test_a_socket_that_is_cut_again_and_again_does_not_spin(fake, core):
    async with connected(fake, core) as bot:
        for _ in range(8):
            await fake.wait_for(lambda: fake.sockets == 1)
            await fake.cut()
        await fake.wait_for(lambda: fake.sockets == 1)
    waits = [wait for wait in bot.waits if wait]
    assert len(waits) >= 8
    assert max(waits) > 15


async def test_a_half_open_socket_is_noticed(fake, core, monkeypatch):
    monkeypatch.setattr("adapters.slack.socket.HEARTBEAT", 0.05)
    fake.deaf = True
    async with connected(fake, core):
        await fake.wait_for(lambda: fake.sockets == 1)
        fake.deaf = False
        await fake.wait_for(lambda: len(fake.called("apps.connections.open")) >= 2)
        await fake.wait_for(lambda: fake.sockets >= 1)


async def test_a_server_that_says_nothing_is_left(fake, core, monkeypatch):
    monkeypatch.setattr("adapters.slack.socket.PATIENCE", 0.05)
    fake.mute = True
    async with connected(fake, core):
        await fake.wait_for(lambda: len(fake.called("apps.connections.open")) >= 3)


async def test_slack_out_of_reach_is_told_and_tried_again(fake, core):
    fake.fail("apps.connections.open", status=500, times=2)
    fake.fail("apps.connections.open", cut="before")
    async with connected(fake, core) as bot:
        await up(fake, core)
    assert [state for state, _ in core.states] == ["connecting", "down", "down", "up"]
    assert len(bot.waits) >= 3


async def test_a_flood_limit_on_connecting_is_kept(fake, core):
    fake.fail("apps.connections.open", retry_after="17")
    async with connected(fake, core) as bot:
        await up(fake, core)
    assert 17.0 in bot.waits


@pytest.mark.parametrize(
    ("method", "words"),
    [("apps.connections.open", "channels.slack.app_token"), ("auth.test", "bot_token")],
)
async def test_a_refused_token_ends_the_connection_with_what_to_do(fake, core, method, words):
    fake.fail(method, error="invalid_auth", times=1000)
    async with connected(fake, core) as bot:
        with pytest.raises(ChannelRefused, match=words):
            await bot.runner


async def test_stop_in_the_middle_leaves_no_task_behind(fake, core):
    async with connected(fake, core):
        await up(fake, core)
        await fake.say("C1", "hello")
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not [name for name in names if name.startswith("slack ")]


async def test_a_new_assistant_thread_offers_prompts(fake, core):
    thread = {"user_id": "U0ADA", "channel_id": "D0ADA", "thread_ts": "1767323045.000009"}
    async with connected(fake, core, prompts=("What can you do?", "!status")):
        await up(fake, core)
        event = {"type": "assistant_thread_started", "assistant_thread": thread}
        await fake.push(body_of({**event, "event_ts": "1767323045.000010"}))
        await fake.wait_for(lambda: fake.workspace.prompts)
    (offered,) = fake.workspace.prompts
    assert [prompt["message"] for prompt in offered["prompts"]] == ["What can you do?", "!status"]
    assert (offered["channel_id"], offered["thread_ts"]) == ("D0ADA", "1767323045.000009")
    assert core.messages == []


async def test_a_mention_in_a_group_belongs_to_the_group(fake, core):
    """The mention event does not tell what kind of conversation it is."""
    async with connected(fake, core):
        await up(fake, core)
        await fake.say("G1", "hello")
        await fake.say("G1", "<@U0BOT> hello")
        await core.until(lambda: len(core.messages) == 3)
    assert {message.kind for message in core.messages} == {"group"}


async def test_a_name_is_known_from_the_second_message_on(fake, core):
    async with connected(fake, core):
        await up(fake, core)
        await fake.say("C1", "one")
        await fake.wait_for(lambda: fake.called("users.info"))
        await fake.say("C1", "two", user="U0GONE")
        await fake.wait_for(lambda: len(fake.called("users.info")) == 2)
        await fake.say("C1", "three")
        await core.until(lambda: len(core.messages) == 3)
    assert [message.author.name for message in core.messages] == ["", "", "Ada Lovelace"]


async def test_many_messages_over_many_sockets_keep_their_order(fake, core):
    async with connected(fake, core):
        await up(fake, core)
        for number in range(300):
            await fake.say("C1", f"m{number}")
            if number % 60 == 59:
                await fake.cut()
                await fake.wait_for(lambda: fake.sockets == 1)
                await fake.redeliver()
        await core.until(lambda: len(core.once) == 300)
    assert [message.text for message in core.once.values()] == [f"m{n}" for n in range(300)]
