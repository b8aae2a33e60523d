"""Words that count as a mention: whole, in any case, of the agent that would answer, in groups."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.admission import UNADDRESSED, admit, call_pattern
from bot.bindings import Agents, compile_rules
from bot.config.channels import Binding, ChannelSettings, Match
from bot.contract import Address, Author, Message, Ref
from bot.routing import Command, Decision, Drop, Facts, Prompt, decide
from bot.types import CommandInfo, CommandTable

OPEN = ChannelSettings(group_policy="open", dm_policy="open", allow_from=("*",))
TABLE = CommandTable((CommandInfo("status", "helps"),), {})
CALLED = {"main": call_pattern(["trunk", "hey bot"]), "desk": call_pattern(["desk"])}


def said(text: str, room: str = "room", **fields: Any) -> Message:
    ref = Ref(Address("x", "home", room), "7")
    given = {"kind": "group", **fields}
    return Message(ref, Author("1", "Ada"), text, datetime(2026, 1, 2, tzinfo=UTC), **given)


def decided(message: Message, **fields: Any) -> Decision:
    facts = Facts(
        channel=OPEN,
        agents=Agents("main", {"main", "desk"}),
        commands=TABLE,
        called=CALLED,
        rules=compile_rules([Binding(agent="desk", match=Match(conversation="help"))]),
        **fields,
    )
    return decide(message, facts, lambda m, command: admit(m, OPEN, paired=False, command=command))


@pytest.mark.parametrize("text", ["trunk?", "well, TRUNK", "hey  bot!", "Hey\nBot", "(trunk)"])
def test_a_word_calls(text: str):
    found = decided(said(text))
    assert isinstance(found, Prompt) and found.mentioned and found.text == text


@pytest.mark.parametrize("text", ["trunks", "a_trunk", "hey, bot", "heybot", "desk", ""])
def test_a_part_of_a_word_and_the_words_of_others_do_not(text: str):
    assert decided(said(text)) == Drop(UNADDRESSED)


def test_the_agent_of_the_place_is_called_by_its_own_words():
    assert decided(said("trunk", "help")) == Drop(UNADDRESSED)
    found = decided(said("desk", "help"))
    assert isinstance(found, Prompt) and found.route.agent == "desk"


def test_a_direct_chat_needs_no_word_and_has_no_mention():
    found = decided(said("trunk", kind="direct"))
    assert isinstance(found, Prompt) and not found.mentioned


def test_a_command_stays_one():
    assert isinstance(decided(said("/status trunk")), Command)


@pytest.mark.parametrize("word", ["c++", "🤖", "小助手", "a.b", "[bot]", "(?:x)"])
def test_words_are_taken_as_they_are(word: str):
    """They come from a configuration: nothing in them is a pattern, so none can be a slow one."""
    pattern = call_pattern([word])
    assert pattern is not None and pattern.search(f"hi {word} there")
    assert pattern.search(f"hi {word[:-1]} there") is None


def test_scripts_without_spaces_are_searched_within():
    pattern = call_pattern(["小助手", "bot"])
    assert pattern is not None and pattern.search("小助手你好")
    assert pattern.search("机器人robots你好") is None


def test_without_words_nothing_calls():
    assert call_pattern([]) is None
    assert call_pattern(["", "  "]) is None
