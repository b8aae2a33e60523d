"""Slack events as messages: recorded events, markup, and junk of every kind."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.adapter import Slack
from bot.contract import Message
from bot.errors import BadEvent
from tests.contracts.slack_support import IDS, RECORDINGS, said

SEEDS = [json.loads(path.read_text("utf-8"))["event"] for path in RECORDINGS]


def parse(event: Any) -> list[Message]:
    return Slack.parse(event, account="slack", bot_ids=IDS, bot_name="trunk_bot")


def author(found: Any, full: bool = True) -> dict[str, Any] | None:
    if found is None:
        return None
    short = {"id": found.id, "name": found.name}
    more = {"username": found.username, "isBot": found.is_bot, "isSelf": found.is_self}
    return {**short, **more} if full else short


def shown(message: Message) -> dict[str, Any]:
    """The message in the form that programs see, but `raw`."""
    quote, command, action = message.reply_to, message.command, message.action
    return {
        "conversation": message.address.conversation,
        "thread": message.address.thread,
        "kind": message.kind,
        "id": message.ref.id,
        "change": message.change,
        "at": message.at.isoformat(),
        "author": author(message.author),
        "text": message.text,
        "mentioned": message.mentioned,
        "attachments": [
            {"kind": a.kind, "name": a.name, "mime": a.mime, "size": a.size}
            for a in message.attachments
        ],
        "replyTo": quote
        and {"id": quote.id, "text": quote.text, "author": author(quote.author, False)},
        "forwardedFrom": message.forwarded_from,
        "command": command and {"name": command.name, "args": command.args},
        "action": action and {"kind": action.kind, "id": action.id, "value": action.value},
        "version": message.version,
        "guild": message.guild,
        "team": message.team,
    }


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_event(path: Path):
    recorded = json.loads(path.read_text("utf-8"))
    found = [shown(message) for message in parse(recorded["event"])]
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


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else []
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path, *(found for key, child in inner for found in places(child, (*path, key)))]


def put(value: Any, path: tuple, new: Any) -> Any:
    if not path:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = put(changed[path[0]], path[1:], new)
    return changed


def check(event: Any) -> None:
    """A message that can be stored, or a bad event; nothing else."""
    try:
        found = parse(event)
    except BadEvent:
        return
    for message in found:
        text = f"{message.text} {message.author} {message.ref} {message.reply_to} {message.version}"
        text += f"{message.attachments} {message.forwarded_from} {message.action} {message.team}"
        assert "\0" not in text
        text.encode()
        json.dumps(shown(message))
        assert message.address == type(message.address).parse(message.address.key)


@given(st.data(), st.sampled_from(SEEDS), junk)
def test_junk_in_any_field_gives_a_message_or_a_bad_event(data, seed, value):
    check(put(seed, data.draw(st.sampled_from(places(seed))), value))


HUGE = [
    "x" * 1_000_000,
    10**400,
    ["x"] * 10_000,
    {str(n): n for n in range(10_000)},
    "\ud800",
    "\0",
]


@pytest.mark.parametrize("seed", SEEDS, ids=[path.stem for path in RECORDINGS])
def test_every_field_missing_null_wrong_or_huge(seed):
    for path in places(seed):
        for value in (None, 5, -1.5, True, "", "word", [], [1], {}, {"a": 1}):
            check(put(seed, path, value))
        if path:
            check(put(seed, path[:-1], _without(seed, path)))


def _without(seed: Any, path: tuple) -> Any:
    holder = seed
    for key in path[:-1]:
        holder = holder[key]
    if isinstance(holder, list):
        return [*holder[: path[-1]], *holder[path[-1] + 1 :]]
    return {key: value for key, value in holder.items() if key != path[-1]}


@pytest.mark.parametrize("value", HUGE, ids=["text", "number", "list", "object", "half", "nul"])
def test_every_field_of_a_message_huge(value):
    seed = next(
        json.loads(p.read_text())["event"] for p in RECORDINGS if p.stem == "shared_with_comment"
    )
    for path in places(seed):
        check(put(seed, path, value))
