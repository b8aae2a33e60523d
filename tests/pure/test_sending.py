"""Where a session may write, by the rules of `session.send_policy`."""

import pytest

from bot.config.settings import SendRule
from bot.contract import Address
from bot.sending import refusal

HERE = "agent:main:slack:work:direct:ada"
TO = Address("slack", "work", "C1")


@pytest.mark.parametrize(
    ("rules", "own", "allowed"),
    [
        ([], True, True),
        ([], False, False),
        ([{"action": "allow", "channel": "slack"}], False, True),
        ([{"action": "allow", "channel": "work"}], False, True),
        ([{"action": "allow", "channel": "telegram"}], False, False),
        ([{"action": "deny", "channel": "slack"}], True, False),
        ([{"action": "allow", "kind": "channel"}], False, True),
        ([{"action": "allow", "kind": "direct"}], False, False),
        ([{"action": "allow", "session": "agent:main:"}], False, True),
        ([{"action": "allow", "session": "agent:other:"}], False, False),
        ([{"action": "deny", "kind": "channel"}, {"action": "allow"}], False, False),
        ([{"action": "allow", "kind": "channel"}, {"action": "deny"}], False, True),
    ],
)
def test_the_first_matching_rule_decides_and_without_one_only_the_own_place_is_open(
    rules: list[dict[str, str]], own: bool, allowed: bool
):
    found = refusal([SendRule(**one) for one in rules], HERE, TO, "channel", own=own)
    assert (found is None) == allowed, found


def test_the_refusal_says_what_would_allow_it():
    assert "session.send_policy" in (refusal([], HERE, TO, None, own=False) or "")
