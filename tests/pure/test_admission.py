"""Who may speak: the whole matrix, written a second time in another way, and the rules by name."""

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from bot.admission import Verdict, admit, is_owner
from bot.config.channels import ChannelSettings
from bot.contract import Address, Author, Message, Quote, Ref

ADA = Author("1", "Ada")
BOT = Author("1", "Robot", is_bot=True)
SELF = Author("9", "Me", is_self=True)


def message(kind: str = "direct", author: Author = ADA, **fields: Any) -> Message:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    ref = Ref(Address("x", "home", "room"), "7")
    return Message(ref, author, "hello", at, kind, **fields)  # type: ignore[arg-type]


def settings(**fields: Any) -> ChannelSettings:
    return ChannelSettings.model_validate(fields)


def judge(message: Message, channel: ChannelSettings, paired: bool = False, command: bool = False):
    return admit(message, channel, paired=paired, command=command)


PEOPLE = {"nobody": (), "others": ("2", "3"), "listed": ("2", "1"), "all": ("*",)}
DIRECT = {
    # policy: what becomes of nobody, others, listed, all; unpaired then paired
    "pairing": ("pair", "pair", "admit", "admit", "admit", "admit", "admit", "admit"),
    "allowlist": ("drop", "drop", "admit", "admit", "drop", "drop", "admit", "admit"),
    "open": ("drop", "drop", "admit", "admit", "drop", "drop", "admit", "admit"),
    "disabled": ("drop",) * 8,
}


@pytest.mark.parametrize("policy", DIRECT)
@pytest.mark.parametrize("command", [False, True])
def test_every_direct_chat(policy: str, command: bool):
    seen = tuple(
        judge(message(), settings(dm_policy=policy, allow_from=people), paired, command).outcome
        for paired in (False, True)
        for people in PEOPLE.values()
    )
    assert seen == DIRECT[policy]


@pytest.mark.parametrize(
    ("fields", "paired", "verdict"),
    [
        ({}, False, Verdict("pair", "dm_policy: pairing")),
        ({}, True, Verdict("admit", "paired")),
        ({"allow_from": ["1"]}, False, Verdict("admit", "allow_from")),
        ({"dm_policy": "allowlist"}, True, Verdict("drop", "not in allow_from")),
        ({"dm_policy": "open", "allow_from": ["*"]}, False, Verdict("admit", "dm_policy: open")),
        (
            {"dm_policy": "disabled", "allow_from": ["*"]},
            True,
            Verdict("drop", "dm_policy: disabled"),
        ),
    ],
)
def test_the_rule_of_a_direct_chat(fields: dict[str, Any], paired: bool, verdict: Verdict):
    assert judge(message(), settings(**fields), paired) == verdict


GROUPS: dict[str, dict[str, Any]] = {
    "none": {},
    "this": {"room": {}},
    "star": {"*": {}},
    "other": {"elsewhere": {}},
    "this with 1": {"room": {"allow_from": ["1"]}},
    "this with 2": {"room": {"allow_from": ["2"]}},
    "this with nobody": {"room": {"allow_from": []}},
    "star with 1": {"*": {"allow_from": ["1"]}},
    "this free": {"room": {"require_mention": False}},
    "this strict": {"room": {"require_mention": True}},
    "this over star": {"room": {}, "*": {"allow_from": ["1"], "require_mention": False}},
}
UNSET = object()


def expected(case: dict[str, Any]) -> str:
    """The specification's order, said as plainly as can be."""
    groups = case["groups"]
    own = groups.get("room", groups.get("*"))
    if case["group_policy"] == "disabled":
        return "drop"
    if case["group_policy"] == "allowlist" and own is None:
        return "drop"
    people: Any = UNSET
    if own is not None and "allow_from" in own:
        people = own["allow_from"]
    elif case["group_policy"] == "allowlist":
        unset = case["group_allow_from"] is UNSET
        people = case["allow_from"] if unset else case["group_allow_from"]
    if people is not UNSET and "1" not in people and "*" not in people:
        return "drop"
    needed = case["require_mention"]
    if own is not None and "require_mention" in own:
        needed = own["require_mention"]
    return "admit" if case["mentioned"] or case["command"] or not needed else "drop"


def test_every_group():
    """Policy, groups, both sender lists, mention and its switch, command, pairing: every case."""
    axes: dict[str, Any] = {
        "kind": ["group", "channel"],
        "group_policy": ["allowlist", "open", "disabled"],
        "groups": list(GROUPS.values()),
        "allow_from": list(PEOPLE.values()),
        "group_allow_from": [UNSET, *PEOPLE.values()],
        "require_mention": [True, False],
        "mentioned": [True, False],
        "command": [True, False],
        "paired": [True, False],
    }
    outcomes = set()
    for values in product(*axes.values()):
        case = dict(zip(axes, values, strict=True))
        channel = channel_of(case)
        said = message(case["kind"], mentioned=case["mentioned"])
        verdict = judge(said, channel, case["paired"], case["command"])
        assert verdict.outcome == expected(case), case
        assert verdict.rule
        outcomes.add((verdict.outcome, verdict.rule))
    assert len(outcomes) == 11


_made: dict[str, ChannelSettings] = {}


def channel_of(case: dict[str, Any]) -> ChannelSettings:
    keys = ("group_policy", "groups", "allow_from", "group_allow_from", "require_mention")
    fields = {key: case[key] for key in keys if case[key] is not UNSET}
    return _made.setdefault(repr(fields), settings(**fields))


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"group_policy": "disabled"}, Verdict("drop", "group_policy: disabled")),
        ({}, Verdict("drop", "group not listed in groups")),
        ({"groups": {"room": {}}}, Verdict("drop", "not in allow_from")),
        (
            {"groups": {"room": {}}, "group_allow_from": []},
            Verdict("drop", "not in group_allow_from"),
        ),
        ({"groups": {"room": {}}, "group_allow_from": ["1"]}, Verdict("admit", "group_allow_from")),
        ({"groups": {"room": {}}, "allow_from": ["1"]}, Verdict("admit", "allow_from")),
        (
            {"groups": {"room": {"allow_from": ["*"]}}},
            Verdict("admit", "groups.room.allow_from"),
        ),
        ({"group_policy": "open"}, Verdict("admit", "group_policy: open")),
    ],
)
def test_the_rule_of_a_group(fields: dict[str, Any], verdict: Verdict):
    assert judge(message("group", mentioned=True), settings(**fields)) == verdict


def test_a_group_waits_to_be_addressed():
    channel = settings(group_policy="open")
    assert judge(message("group"), channel) == Verdict("drop", "not mentioned")
    answering_the_bot = message("group", reply_to=Quote("6", author=SELF))
    answering_another = message("group", reply_to=Quote("6", author=ADA))
    assert judge(answering_the_bot, channel).outcome == "admit"
    assert judge(answering_another, channel).outcome == "drop"
    assert judge(message("group"), channel, command=True).outcome == "admit"


@pytest.mark.parametrize("kind", ["direct", "group", "channel"])
def test_bots_and_the_bot_itself(kind: str):
    free = {"dm_policy": "open", "allow_from": ["*"], "group_policy": "open"}
    said = {"mentioned": True}
    assert judge(message(kind, BOT, **said), settings(**free)).rule == "allow_bots: false"
    assert judge(message(kind, BOT, **said), settings(**free, allow_bots=True)).outcome == "admit"
    assert (
        judge(message(kind, SELF, **said), settings(**free, allow_bots=True)).rule == "own message"
    )


def test_a_bot_is_never_paired():
    """Two bots that tell each other how to be let in would never stop."""
    assert judge(message("direct", BOT), settings(allow_bots=True)).outcome == "drop"


def test_an_author_without_an_id_is_nobody():
    channel = settings(dm_policy="allowlist", allow_from=[""])
    assert judge(message("direct", Author("", "1")), channel).outcome == "drop"


def test_names_are_not_ids():
    impostor = Author("2", name="1", username="1")
    assert judge(message("direct", impostor), settings(allow_from=["1"])).outcome == "pair"


@pytest.mark.parametrize(
    ("owner", "is_one"),
    [("x:1", True), ("home:1", True), ("x:2", False), ("y:1", False), ("1", False), ("x:", False)],
)
def test_owners(owner: str, is_one: bool):
    assert is_owner("x", "home", "1", [owner]) is is_one
    assert is_owner("x", "home", "1", ["z:8", owner]) is is_one
    assert not is_owner("x", "home", "1", [])


def test_an_owner_id_may_hold_colons():
    assert is_owner("x", "home", "a:b", ["x:a:b"])
