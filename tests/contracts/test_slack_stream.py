"""Answers that grow by Slack's own streams: whole words, no calls, one text at the end."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.fakes.slack import FakeSlack
from adapters.slack.adapter import Slack
from adapters.slack.options import SlackOptions
from bot.contract import Button, Ref, Reply
from bot.errors import RateLimited, Refused, Unsupported
from tests.contracts.slack_support import Core, connected, place

ROOT = "1767323045.000001"
DIRECT = place("D0ADA", ROOT)


@pytest.fixture
async def fake():
    async with FakeSlack() as server:
        yield server


def adapter(fake):
    return Slack("slack", SlackOptions(fake.token, fake.app_token, base_url=fake.base_url))


@pytest.fixture
async def bot(fake):
    found = adapter(fake)
    await found.start()
    yield found
    await found.stop()


def last(fake, channel="D0ADA"):
    return fake.workspace.messages[channel][-1]


async def grow(bot, texts, to=DIRECT) -> Ref:
    ref = None
    for text in texts:
        ref = await bot.stream(to, "k", text, ref)
    return ref


async def test_a_stream_grows_by_whole_words_and_ends_with_the_final_text(fake, bot):
    ref = await grow(bot, ["Hel", "Hello wo", "Hello world, it ", "Hello world, it is"])
    assert last(fake)["text"] == "Hello world, it "
    await bot.edit(ref, Reply("Hello world, it is done.", buttons=(Button("Ok", "o"),)))
    message = last(fake)
    assert (message["text"], message["streaming"]) == ("Hello world, it is done.", False)
    assert message["metadata"]["event_payload"]["key"] == "k"
    assert [block["type"] for block in message["blocks"]] == ["actions"]
    appended = [call["markdown_text"] for call in fake.called("chat.appendStream")]
    assert (appended, fake.called("chat.update")) == (["Hello ", "world, it "], [])


async def test_marks_closed_for_display_do_not_end_up_in_the_stream(fake, bot):
    ref = await grow(bot, ["```py\nx = 1\n```", "```py\nx = 1\ny = 2\n```", "**bold te**"])
    assert last(fake)["text"] == "```py\nx = 1\ny = 2\n"
    await bot.edit(ref, Reply("```py\nx = 1\ny = 2\n```"))
    assert last(fake)["text"] == "```py\nx = 1\ny = 2\n```"


async def test_a_final_text_that_differs_replaces_what_was_streamed(fake, bot):
    ref = await grow(bot, ["I think that ", "I think that no "])
    await bot.edit(ref, Reply("Something else"))
    assert (last(fake)["text"], last(fake)["streaming"]) == ("Something else", False)


async def test_nothing_streamed_calls_people(fake, bot):
    ref = await grow(bot, ["hi <!channel> @here <@U1> ", "hi <!channel> @here <@U1> and <#C1> "])
    await bot.edit(ref, Reply("hi <!channel> @here <@U1> and <#C1> @everyone"))
    text = last(fake)["text"]
    assert not any(call in text for call in ("<!", "@here", "<@", "<#", "@everyone"))
    assert text.replace("\u2060", "") == "hi <!channel> @here <@U1> and <#C1> @everyone"


async def test_in_a_room_the_stream_names_who_asked(fake):
    core = Core()
    async with connected(fake, core) as bot:
        await core.until(lambda: core.now == "up")
        root = await fake.say("C1", "<@U0BOT> hello")
        await fake.say("C1", "go on", thread=root, user="U0BOB")
        await core.until(lambda: len(core.messages) == 3)
        await grow(bot, ["a b ", "a b c "], place("C1", root))
    (begun,) = fake.called("chat.startStream")
    assert (begun["recipient_user_id"], begun["recipient_team_id"]) == ("U0BOB", "T0FAKE")
    assert last(fake, "C1")["text"] == "a b c "


@pytest.mark.parametrize("to", [place("C1"), place("C1", ROOT), place("D0ADA")])
async def test_where_there_are_no_streams_nothing_is_shown(fake, bot, to):
    with pytest.raises(Unsupported):
        await bot.stream(to, "k", "one ", None)
    assert fake.workspace.messages == {}


@pytest.mark.parametrize("word", ["unknown_method", "channel_type_not_supported", "missing_scope"])
async def test_a_stream_that_slack_does_not_have_is_told_apart_from_a_refusal(fake, bot, word):
    fake.fail("chat.startStream", error=word)
    with pytest.raises(Unsupported):
        await bot.stream(DIRECT, "k", "one ", None)
    fake.fail("chat.startStream", error="is_archived")
    with pytest.raises(Refused, match="is_archived"):
        await bot.stream(DIRECT, "k", "one ", None)


async def test_a_limit_holds_for_streams(fake, bot):
    fake.fail("chat.startStream", retry_after="4")
    with pytest.raises(RateLimited):
        await bot.stream(DIRECT, "k", "one ", None)
    ref = await bot.stream(DIRECT, "k", "one ", None)
    fake.fail("chat.appendStream", retry_after="4")
    with pytest.raises(RateLimited):
        await bot.stream(DIRECT, "k", "one two ", ref)
    fake.fail("chat.stopStream", retry_after="4")
    with pytest.raises(RateLimited):
        await bot.edit(ref, Reply("one two three"))
    await bot.edit(ref, Reply("one two three"))
    assert fake.workspace.visible("D0ADA") == ["one two three"]


async def test_a_stream_that_a_person_stopped_still_gets_the_final_text(fake, bot):
    ref = await grow(bot, ["one ", "one two "])
    last(fake)["streaming"] = False
    await bot.edit(ref, Reply("one two three"))
    assert fake.workspace.visible("D0ADA") == ["one two three"]


async def test_after_a_restart_the_final_text_still_replaces_the_stream(fake, bot):
    ref = await grow(bot, ["one ", "one two "])
    fresh = adapter(fake)
    await fresh.start()
    await fresh.edit(ref, Reply("one two three"))
    await fresh.stop()
    assert (fake.workspace.visible("D0ADA"), last(fake)["streaming"]) == (["one two three"], False)


async def test_a_silent_answer_takes_its_stream_away(fake, bot):
    ref = await grow(bot, ["one "])
    await bot.delete(ref)
    assert fake.workspace.visible("D0ADA") == []


async def test_a_long_rest_is_appended_in_pieces(fake, bot):
    """Slack takes 12,000 characters in a call; a text beyond one message is not streamed."""
    text = "word " * 700
    ref = await bot.stream(DIRECT, "k", "word ", None)
    await bot.edit(ref, Reply(text))
    assert last(fake)["text"] == text


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    words=st.lists(st.sampled_from(["a", "**b**", "`c`", "\n\n", "- d", "@here"]), max_size=12),
    limits=st.sets(st.integers(0, 12)),
)
async def test_under_any_floods_one_final_text_stands(fake, bot, words, limits):
    fake.workspace.messages.clear()
    final = " ".join(["begin", *words])
    ref = None
    for at in range(len(words)):
        if at in limits:
            fake.fail("chat.appendStream", retry_after="1")
        try:
            ref = await bot.stream(DIRECT, "k", " ".join(["begin", *words[:at]]), ref)
        except RateLimited:
            continue
    ref = ref or await bot.stream(DIRECT, "k", final, None)
    fake.heal()
    await bot.edit(ref, Reply(final))
    (text,) = fake.workspace.visible("D0ADA")
    assert text.replace("\u2060", "") == final
