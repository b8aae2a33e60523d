"""Slack events as messages: recorded events, markup."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.slack.adapter import Slack
from bot.contract import Message
from bot.errors import BadEvent
from tests.contracts.shown import shown
from tests.contracts.slack_support import IDS, RECORDINGS, said

SEEDS = [json.loads(path.read_text("utf-8"))["event"] for path in RECORDINGS]


def parse(event: Any) -> list[Message]:
    return Slack.parse(event, account="slack", bot_ids=IDS, bot_name="trunk_bot")


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_event(path: Path):
    recorded = json.loads(path.read_text("utf-8"))
    found = [
        shown(message, "forwardedFrom", "guild", "team") for message in parse(recorded["event"])
    ]
    assert len(found) == len(recorded["messages"])
    for message, expected in zip(found, recorded["messages"], strict=True):
        assert {name: message[name] for name in expected} == expected


def test_there_are_recordings_of_every_kind_and_each_names_its_source():
    assert len(RECORDINGS) >= 30
    sources = [json.loads(path.read_text("utf-8"))["source"] for path in RECORDINGS]
    assert all(source.startswith("https://docs.slack.dev/") for source in sources)


def test_a_mention_and_its_message_are_one():
    first, second = (
        parse(json.loads(path.read_text("utf-8"))["event"])[0]
        for path in RECORDINGS
        if path.stem in ("app_mention", "mention_as_message")
    )
    assert first == second


def test_every_file_can_be_fetched_again_by_its_handle():
    found = [a for seed in SEEDS for message in parse(seed) for a in message.attachments]
    assert len(found) >= 4
    assert all(a.handle for a in found)


def test_without_ids_the_event_itself_says_who_the_bot_is():
    (message,) = Slack.parse(said("<@U0BOT> hello"), account="slack")
    assert (message.text, message.mentioned) == ("hello", True)
    assert Slack.parse(said("mine", user="U0BOT"), account="slack") == []


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("*a* b*c*d * e * _f_", "**a** b*c*d * e * _f_"),
        ("2*3*4 and ~ 5 ~", "2*3*4 and ~ 5 ~"),
        ("*a <https://e.org/*x*|b> c*", "**a [b](https://e.org/*x*) c**"),
        ("<https://e.org|e.org>", "https://e.org"),
        ("<https://e.org?a=1&amp;b=2>", "https://e.org?a=1&b=2"),
        ("&lt;@U0BOT&gt; &amp;lt;", "<@U0BOT> &lt;"),
        ("<!channel> <!everyone> <#C1> <tel:+1|call>", "@channel @everyone #C1 call"),
        ("`*a*` *b*", "`*a*` **b**"),
        ("a < b > c", "a < b > c"),
        ("<>", "<>"),
        ("\u00001\u0000", "1"),
    ],
)
def test_markup_becomes_markdown(text, decoded):
    assert parse(said(text))[0].text == decoded


@pytest.mark.parametrize(
    "text", ["<" * 200_000, "*" * 200_000, "`" * 199_999, "<a " * 60_000, "~a*b" * 50_000,
             "<@U" * 60_000, "<a|" * 60_000]
)  # fmt: skip
def test_long_and_odd_markup_is_read_in_time(text):
    assert parse(said(text))[0].text


@pytest.mark.parametrize(
    "event", [None, 5, "text", [], True, {}, {"type": ""}, {"type": "event_callback"},
              {"payload": "{"}, {"payload": "5"}, {"payload": "[" * 9000}, {"envelope_id": "x"},
              {"command": "/x"}, {"type": "block_actions", "channel": {"id": "C1"}}]
)  # fmt: skip
def test_what_is_no_event_is_refused(event):
    with pytest.raises(BadEvent):
        parse(event)


def test_an_unknown_kind_of_event_is_ignored():
    assert parse({"type": "telepathy"}) == []
    assert parse(said("x", type="telepathy")) == []


def test_a_press_by_two_people_and_a_reaction_by_two_are_four_events():
    press = next(seed for seed in SEEDS if seed.get("type") == "block_actions")
    pressed = [parse({**press, "user": {"id": user}})[0].version for user in ("U1", "U2")]
    item = {"type": "message", "channel": "C1", "ts": "1.2"}
    reaction = {"type": "reaction_added", "reaction": "eyes", "item": item, "event_ts": "9.1"}
    body = {"type": "event_callback"}
    put_on = [parse({**body, "event": {**reaction, "user": u}})[0].version for u in ("U1", "U2")]
    assert len({*pressed, *put_on}) == 4
