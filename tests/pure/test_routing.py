"""What a message is, and who answers it: every tier, every way of writing a command."""

import string
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.admission import Verdict
from bot.bindings import Agents, Route, compile_rules, link_table, match_agent
from bot.config.channels import Binding, ChannelSettings, Match
from bot.contract import Action, Address, Attachment, Author, Message, Quote, Ref
from bot.contract import Command as Typed
from bot.keys import parse_key
from bot.routing import Click, Command, Decision, Drop, Facts, Pair, Prompt, Revise, decide
from bot.typed import command_of, nearest
from bot.types import CommandInfo, CommandTable

NAMES = [
    *("help", "commands", "status", "whoami", "agent", "session", "task", "new", "reset", "stop"),
    *("retry", "model", "models", "think", "verbose", "reasoning", "queue", "compact", "context"),
    *("usage", "approve", "subagents", "skill", "export", "why"),
]
INFOS = (
    *(CommandInfo(name, "helps") for name in NAMES),
    CommandInfo("sum", "adds", aliases=("s",)),
)
TABLE = CommandTable(INFOS, {})
AGENTS = Agents("main", {"main", "a", "b", "c"})
LET_IN = Verdict("admit", "allow_from")


def message(text: str = "hello", kind: str = "direct", thread: str | None = None, **fields: Any):
    ref = Ref(Address("x", "home", "room", thread), "7")
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return Message(ref, Author("1", "Ada"), text, at, kind, **fields)  # type: ignore[arg-type]


def facts(**fields: Any) -> Facts:
    return Facts(**{"channel": ChannelSettings(), "agents": AGENTS, "commands": TABLE, **fields})


def decided(said: Message, verdict: Verdict = LET_IN, **fields: Any) -> Decision:
    return decide(said, facts(**fields), lambda said, command: verdict)


def route(said: Message, *bindings: dict[str, Any], switched: str | None = None, **channel: Any):
    rules = compile_rules(
        Binding(agent=binding.pop("agent", "a"), match=Match(**binding)) for binding in bindings
    )
    return match_agent(said, rules, switched, ChannelSettings(**channel), AGENTS)


PLACED = message(kind="group", thread="42", guild="g", team="t", roles=("mod", "dev"))
TIERS: list[dict[str, Any]] = [
    {"thread": "42"},
    {"conversation": "room"},
    {"guild": "g", "roles": ["dev"]},
    {"guild": "g"},
    {"team": "t"},
    {"account": "home"},
    {"channel": "x"},
]


@pytest.mark.parametrize("tier", range(len(TIERS)))
def test_the_most_specific_binding_wins_wherever_it_stands(tier: int):
    others = [{**match, "agent": "b"} for match in TIERS[tier + 1 :]]
    for bindings in ([*others, TIERS[tier]], [TIERS[tier], *others]):
        found = route(PLACED, *(dict(binding) for binding in bindings))
        assert found.agent == "a", found


def test_in_a_tier_the_first_binding_wins_and_says_so():
    found = route(PLACED, {"conversation": "room", "agent": "b"}, {"conversation": "room"})
    assert found == Route("b", "binding 1: conversation room")
    found = route(PLACED, {"guild": "z"}, {"guild": "g", "roles": ["dev"], "channel": "x"})
    assert found.matched_by == "binding 2: guild g, channel x, roles dev"


@pytest.mark.parametrize(
    "wrong",
    [
        *({"channel": "y"}, {"account": "x"}, {"kind": "direct"}, {"conversation": "hall"}),
        *({"thread": "1"}, {"peer": "1"}, {"guild": "z"}, {"team": "z"}, {"roles": ["boss"]}),
    ],
)
def test_every_given_condition_must_hold(wrong: dict[str, Any]):
    right = {"conversation": "room", "thread": "42", "guild": "g", "team": "t", "channel": "home"}
    assert route(PLACED, dict(right)).agent == "a"
    assert route(PLACED, {**right, **wrong}) == Route("main", "fallback: default agent")


def test_a_peer_is_the_author_of_a_direct_chat():
    assert route(message(), {"channel": "x", "agent": "b"}, {"peer": "1"}).agent == "a"
    assert route(message(kind="group"), {"peer": "1"}).agent == "main"


def test_within_the_place_the_switch_comes_first():
    """`/agent switch`, then bindings, then the group, then the account."""
    said, place = message(kind="group"), {"conversation": "room"}
    groups = {"groups": {"room": {"agent": "c"}}}
    assert route(said, dict(place), switched="b", **groups) == Route("b", "/agent switch")
    assert route(said, dict(place), **groups).agent == "a"
    assert route(said, {"guild": "g"}, **groups) == Route("c", "groups.room.agent")
    assert route(said, {"account": "home"}, agent="c").agent == "a"
    assert route(said, {"channel": "x"}, agent="c") == Route("c", "channels.home.agent")
    assert route(PLACED, {"thread": "42"}, switched="b").agent == "a"
    assert route(said, {"guild": "z"}, groups={"*": {"agent": "b"}}, agent="c").agent == "b"


def test_a_direct_chat_belongs_to_no_group():
    assert route(message(), groups={"room": {"agent": "c"}}).agent == "main"


def test_a_missing_agent_is_replaced_and_named():
    found = route(message(), {"channel": "x", "agent": "gone"})
    assert found.agent == "main" and "agent gone is unknown or disabled" in found.matched_by
    assert found.matched_by.startswith("binding 1: channel x") and "default" in found.matched_by


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("/status", ("status", "")),
        ("  /STATUS  ", ("status", "")),
        ("/status@our_bot", ("status", "")),
        ("/think: high", ("think", "high")),
        ("/think:high", ("think", "high")),
        ("/think@our_bot: high", ("think", "high")),
        ("/task new every day\nsay hello", ("task", "new every day\nsay hello")),
        ("/unknown x", ("unknown", "x")),
        ("!task list", ("task", "list")),
        ("stop", ("stop", "")),
        ("STOP!!!", ("stop", "")),
        ("Please stop.", ("stop", "")),
        ("@our_bot стоп", ("stop", "")),
        ("停止。", ("stop", "")),
        ("Arrête !", ("stop", "")),
        ("stop the music", None),
        ("//status", None),
        ("/etc/passwd", None),
        ("/ status", None),
        ("/", None),
        ("/5", None),
        ("/http://e.x", None),
        ("/localhost:8080", None),
        ("see /status", None),
        ("!!!", None),
        ("", None),
        ("/" + "x" * 90, None),
    ],
)
def test_how_commands_are_written(text: str, typed: tuple[str, str] | None):
    found = command_of(message(text), bang=True)
    assert (found and (found.name, found.args)) == typed


def test_the_bang_counts_only_where_asked_for():
    assert command_of(message("!task list"), bang=False) is None


def test_a_command_for_another_bot_is_not_ours():
    said = message("/status@other_bot")
    assert command_of(said, False) is not None
    assert command_of(said, False, bot_names=["Our_Bot"]) is None
    assert command_of(message("/status@OUR_BOT"), False, bot_names=["Our_Bot"]) is not None


def test_a_native_command_wins_over_the_text():
    said = message("/status", command=Typed("Session", "list"))
    assert command_of(said, False, text=False) == Typed("session", "list")


def test_text_commands_may_be_off_but_stopping_works():
    assert command_of(message("/status"), False, text=False) is None
    assert command_of(message("stop"), False, text=False) == Typed("stop")
    said = message("!status", command=Typed("status", ""))
    assert command_of(said, True, text=False) is None
    assert command_of(replace(said, change="command"), True, text=False) == Typed("status", "")


@pytest.mark.parametrize(
    "fields",
    [{"forwarded_from": "Eve"}, {"change": "edited"}, {"change": "deleted"}],
)
def test_only_what_is_said_now_to_the_bot_is_a_command(fields: dict[str, Any]):
    assert command_of(message("/reset", **fields), False) is None
    assert command_of(message("stop", **fields), False) is None


def test_a_prompt():
    found = decided(message("hello"), owner=True)
    key = "agent:main:x:home:direct:1"
    assert found == Prompt(
        "hello", Route("main", "fallback: default agent"), key, "allow_from", True, False
    )


def test_keys_follow_scope_links_and_threads():
    links = link_table({"ada": ["x:1", "y:2"]})
    assert decided(message(), links=links).base_key == "agent:main:x:home:direct:ada"
    assert decided(message(), links=links, dm_scope="peer").base_key == "agent:main:direct:ada"
    by_account = link_table({"ada": ["home:1"]})
    assert decided(message(), links=by_account).base_key.endswith(":ada")
    assert decided(message(kind="group", thread="9")).base_key.endswith(":group:room:thread:9")


def test_a_session_named_by_the_sender_is_taken():
    found = decided(message(), named=parse_key("agent:b:main:chat:plans"), switched="c")
    assert found.base_key == "agent:b:main" and found.route == Route("b", "session key")


def test_commands_known_and_not():
    found = decided(message("/S 1 2"))
    assert isinstance(found, Command) and (found.name, found.args, found.known) == (
        "sum",
        "1 2",
        True,
    )
    found = decided(message("/statsu"))
    assert isinstance(found, Command) and (found.known, found.nearest) == (False, "status")
    found = decided(message("/zzzz"))
    assert isinstance(found, Command) and (found.known, found.nearest) == (False, None)


def test_an_exclamation_is_no_command():
    assert isinstance(decided(message("!task list"), bang=True), Command)
    assert decided(message("!wow great"), bang=True).text == "!wow great"
    # Some adapters read the text form themselves; they do not know which names are commands.
    said = message("!wow great", command=Typed("wow", "great"))
    assert decided(said, bang=True).text == "!wow great"


def test_two_slashes_are_text():
    assert decided(message("//status")).text == "/status"
    assert decided(message("/etc/passwd")).text == "/etc/passwd"


def test_only_known_commands_need_no_mention():
    """Other bots' commands in a room are none of ours; a bare word for stopping is talk."""
    asked: list[bool] = []

    def judge(said: Message, command: bool) -> Verdict:
        asked.append(command)
        return LET_IN

    for text in ("/status", "!status", "/weather", "stop", "hello"):
        decide(message(text, "group"), facts(bang=True), judge)
    decide(message("", action=Action("button", "b"), change="action"), facts(), judge)
    assert asked == [True, True, False, False, False, True]


def test_strangers():
    stranger = Verdict("pair", "dm_policy: pairing")
    assert decided(message("hello"), stranger) == Pair("dm_policy: pairing")
    assert decided(message("/start"), stranger) == Pair("dm_policy: pairing")
    assert decided(message("/status"), stranger) == Drop("dm_policy: pairing")
    assert decided(message("hello", change="edited"), stranger) == Drop("dm_policy: pairing")
    assert decided(message("hello"), Verdict("drop", "not mentioned")) == Drop("not mentioned")


def test_clicks_revisions_and_the_rest():
    pressed = decided(message("", action=Action("button", "b", "v"), change="action"))
    assert isinstance(pressed, Click) and pressed.action.value == "v"
    edited = decided(message("/reset", change="edited"))
    assert isinstance(edited, Revise) and edited.text == "/reset"
    deleted = decided(message("", change="deleted"), Verdict("drop", "stranger"))
    assert isinstance(deleted, Revise) and deleted.text is None
    smiled = message("", action=Action("reaction", "r", "+1"), change="reaction")
    assert decided(smiled) == Drop("reaction")


def test_an_empty_message_is_nothing_unless_it_points_at_something():
    photo = Attachment("image", "a.png", "image/png")
    assert decided(message(" ")) == Drop("empty")
    assert isinstance(decided(message("", attachments=(photo,))), Prompt)
    assert isinstance(decided(message("", "group", mentioned=True)), Prompt)
    assert isinstance(decided(message("", reply_to=Quote("6", "look"))), Prompt)


def typos(name: str) -> set[str]:
    cuts = [(name[:at], name[at:]) for at in range(len(name) + 1)]
    letters = string.ascii_lowercase
    found = {left + right[1:] for left, right in cuts if right}
    found |= {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    found |= {left + letter + right[1:] for left, right in cuts if right for letter in letters}
    return found | {left + letter + right for left, right in cuts for letter in letters}


def test_a_slip_of_the_finger_is_understood():
    pairs = [(typo, name) for name in NAMES for typo in typos(name) - set(NAMES)]
    right = sum(nearest(typo, NAMES) == name for typo, name in pairs)
    assert right / len(pairs) > 0.99


@pytest.mark.parametrize(
    ("typed", "meant"), [("sess", "session"), ("HLEP", "help"), ("xyz", None), ("q", None)]
)
def test_the_nearest_name(typed: str, meant: str | None):
    assert nearest(typed, NAMES) == meant
