"""Session keys: who shares a memory with whom, as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contract import Address
from bot.keys import child_key, conversation_key, fold, main_key, parse_key, slug_of

HOME = Address("x", "home", "Room 5")
THREAD = Address("x", "home", "Room 5", "42")
PARTS = st.text(min_size=1, max_size=20)
SCOPES = ("main", "peer", "channel-peer", "account-channel-peer")


@pytest.mark.parametrize(
    ("scope", "key"),
    [
        ("main", "agent:main:main"),
        ("peer", "agent:main:direct:ada"),
        ("channel-peer", "agent:main:x:direct:ada"),
        ("account-channel-peer", "agent:main:x:home:direct:ada"),
    ],
)
def test_direct_chats_by_scope(scope: str, key: str):
    assert conversation_key("main", HOME, "direct", "Ada", scope) == key


@pytest.mark.parametrize("kind", ["group", "channel"])
@pytest.mark.parametrize("scope", SCOPES)
def test_groups_know_no_scope(kind: str, scope: str):
    assert conversation_key("Main", HOME, kind, "1", scope) == f"agent:main:x:home:{kind}:room%205"
    threaded = conversation_key("main", THREAD, kind, "1", scope)
    assert threaded == f"agent:main:x:home:{kind}:room%205:thread:42"


def test_parts_are_folded():
    assert fold("A:b/C~é") == "a%3ab%2fc%7e%c3%a9"
    assert fold("a.b_c+d@e=f-9") == "a.b_c+d@e=f-9"


@given(PARTS, PARTS, PARTS, PARTS, st.sampled_from(SCOPES), st.sampled_from(["direct", "group"]))
def test_every_key_reads_back_as_itself(agent, account, place, thread, scope, kind):
    """Whatever platforms call their rooms, the key is one of ours and no part spills over."""
    address = Address("x", account, place, thread)
    key = conversation_key(agent, address, kind, place, scope)
    assert parse_key(key).text == key and parse_key(key.upper()).text == key
    assert parse_key(key).agent == fold(agent)
    assert all(letter in "abcdefghijklmnopqrstuvwxyz0123456789._+@=-%:" for letter in key)
    child = parse_key(child_key(key, "plans"))
    assert (child.kind, child.base, child.slug) == ("child", key, "plans")


@given(PARTS, PARTS)
def test_two_rooms_never_share_a_key(one: str, other: str):
    keys = {
        conversation_key("main", Address("x", "home", room), "group", "1", "main")
        for room in (one, other)
    }
    assert len(keys) == len({one.lower(), other.lower()})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("agent:a:main", "main"),
        ("agent:a:direct:1", "direct"),
        ("agent:a:x:direct:1", "direct"),
        ("agent:a:x:home:direct:1", "direct"),
        ("agent:a:x:home:group:5", "group"),
        ("agent:a:x:home:channel:5", "channel"),
        ("agent:a:x:home:group:5:thread:9", "thread"),
        ("agent:a:main:chat:plans", "child"),
        ("agent:a:x:home:group:5:thread:9:chat:plans", "child"),
        ("agent:a:subagent:77", "subagent"),
        ("agent:a:task:t-1:run:r-1", "task"),
        ("agent:a:hook:1", "hook"),
        ("agent:a:api:ada", "api"),
    ],
)
def test_the_kinds_of_keys(text: str, kind: str):
    found = parse_key(text)
    assert (found.kind, found.text, found.agent) == (kind, text, "a")


@pytest.mark.parametrize(
    "text",
    [
        *("", "agent", "agent:a", "agent:a:", "agent::main", "other:a:main", "main", ":::"),
        *("agent:a:x:home:group:", "agent:a:direct", "agent:a:x:home:group", "agent:a:subagent"),
        *("agent:a:x:home:group:5:thread", "agent:a:main:chat", "agent:a:main:chat:"),
    ],
)
def test_malformed_keys_are_refused(text: str):
    with pytest.raises(ValueError, match="session key"):
        parse_key(text)


def test_main_stands_for_the_default_agent():
    assert parse_key(" MAIN ", "ops").text == main_key("ops") == "agent:ops:main"


def test_typed_keys_are_folded():
    assert parse_key("agent:Ops:X:Home:group:-100 5").text == "agent:ops:x:home:group:-100%205"


@pytest.mark.parametrize(
    ("label", "slug"),
    [("My Plans!", "my-plans"), ("  --  ", "chat"), ("Ärger", "rger"), ("", "chat")],
)
def test_slugs(label: str, slug: str):
    assert slug_of(label) == slug


@given(st.text(max_size=200))
def test_a_slug_is_a_part_of_a_key(label: str):
    slug = slug_of(label)
    assert 1 <= len(slug) <= 48 and fold(slug) == slug and slug.strip("-") == slug
