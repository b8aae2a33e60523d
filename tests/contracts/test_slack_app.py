"""What an operator makes an app of: the manifest, the options, the caps; and a long busy day."""

import random

import pytest

from adapters.fakes.slack import FakeSlack
from adapters.slack.adapter import Slack
from adapters.slack.manifest import EVENTS, manifest
from adapters.slack.options import SlackOptions
from adapters.slack.parse import _READERS
from bot.contract import CommandSpec, Reply
from bot.errors import RateLimited, Unsupported
from tests.contracts.slack_support import Core, connected, place

COMMANDS = [CommandSpec("help", "Help"), CommandSpec("task", "Tasks"), CommandSpec("x", "", True)]
URL = "https://bot.example.org/channels/slack"


def test_a_socket_mode_app_needs_no_address():
    app = manifest(COMMANDS, "socket")
    assert app["settings"]["socket_mode_enabled"] is True
    (command,) = app["features"]["slash_commands"]
    assert (command["command"], command["usage_hint"]) == ("/trunkline", "help | task")
    assert "http" not in str(app)


def test_an_http_app_names_its_address_everywhere():
    app = manifest(COMMANDS, "http", URL, "Deep Thought")
    settings = app["settings"]
    assert settings["socket_mode_enabled"] is False
    assert settings["event_subscriptions"]["request_url"] == URL
    assert settings["interactivity"] == {"is_enabled": True, "request_url": URL}
    (command,) = app["features"]["slash_commands"]
    assert (command["command"], command["url"]) == ("/deepthought", URL)


@pytest.mark.parametrize("url", ["", "http://bot.example.org", "/channels/slack"])
def test_an_http_app_without_a_public_address_is_refused(url):
    with pytest.raises(ValueError, match="https"):
        manifest(COMMANDS, "http", url)


def test_the_app_asks_for_the_events_that_are_read():
    kinds = {event.partition(".")[0] for event in EVENTS}
    assert kinds == {*_READERS, "assistant_thread_started"}


def test_options_hold_a_way_to_receive():
    with pytest.raises(ValueError, match="neither app_token nor signing_secret"):
        SlackOptions("xoxb-1")
    shown = repr(SlackOptions("xoxb-secret", "xapp-secret", "sign-secret"))
    assert "secret" not in shown.replace("SlackOptions", "")


async def test_a_menu_cannot_be_published():
    assert Slack.caps.native_commands is False
    with pytest.raises(Unsupported):
        await Slack("slack", SlackOptions("xoxb-1", "xapp-1")).publish_commands(COMMANDS)


async def test_two_accounts_in_one_process_keep_apart():
    first, second = Core(), Core()
    async with (
        FakeSlack() as one,
        FakeSlack("xoxb-two", "xapp-two") as two,
        connected(one, first) as left,
        connected(two, second) as right,
    ):
        await first.until(lambda: first.now == "up")
        await second.until(lambda: second.now == "up")
        await one.say("C1", "to one")
        await two.say("C1", "to two")
        await first.until(lambda: first.messages)
        await second.until(lambda: second.messages)
        await left.send(place("C1"), Reply("from one"), "k")
        await right.send(place("C1"), Reply("from two"), "k")
    assert (first.texts, second.texts) == (["to one"], ["to two"])
    assert one.workspace.visible("C1") == ["from one"]
    assert two.workspace.visible("C1") == ["from two"]


async def test_a_busy_day_loses_and_doubles_nothing():
    """Cut and replaced sockets, repeats, a full disk, floods; order kept in each conversation."""
    chance, core, sent = random.Random(7), Core(), 0
    async with FakeSlack() as fake, connected(fake, core) as bot:
        await core.until(lambda: core.now == "up")
        for number in range(1000):
            channel = f"C{number % 7}"
            await fake.say(channel, f"m{number}")
            luck = chance.random()
            if luck < 0.01:
                await fake.cut()
                await fake.wait_for(lambda: fake.sockets == 1)
            elif luck < 0.02:
                await fake.disconnect()
                await fake.wait_for(lambda: fake.sockets == 2)
                await fake._sockets[0].close()
                await fake.wait_for(lambda: fake.sockets == 1)
            elif luck < 0.05:
                core.full = [f"m{number}"]
            elif luck < 0.08:
                fake.fail("chat.postMessage", retry_after="1")
            if luck < 0.05:
                await fake.redeliver()
                await core.until(lambda n=number: f"m{n}" in core.texts)
            try:
                await bot.send(place(channel), Reply(f"r{number}"), f"k{number}")
            except RateLimited:
                await bot.send(place(channel), Reply(f"r{number}"), f"k{number}")
            sent += 1
        await fake.redeliver()
        await core.until(lambda: len(core.once) == 1000)
    for at in range(7):
        numbers = range(at, 1000, 7)
        heard = [m.text for m in core.once.values() if m.address.conversation == f"C{at}"]
        assert heard == [f"m{number}" for number in numbers]
        assert fake.workspace.visible(f"C{at}") == [f"r{number}" for number in numbers]
