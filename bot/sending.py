"""May a session write to a conversation: the rules of `session.send_policy`. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.config.settings import SendRule
from bot.contract import Address

_OPEN_IT = "an operator can allow it with a rule of session.send_policy"


def refusal(
    rules: Sequence[SendRule], session: str, to: Address, kind: str | None, *, own: bool
) -> str | None:
    """Why a session (its key) may not write to an address, None when it may.

    The first matching rule decides. Without one a session writes to its `own` conversation, and
    nowhere else. `kind` is the conversation's, None when nobody has spoken there yet.
    """
    for rule in rules:
        if _matches(rule, session, to, kind):
            return None if rule.action == "allow" else f"session.send_policy denies {to.key}"
    return None if own else f"this session may not write to {to.key}; {_OPEN_IT}"


def _matches(rule: SendRule, session: str, to: Address, kind: str | None) -> bool:
    return (
        (rule.channel is None or rule.channel in (to.channel, to.account))
        and (rule.kind is None or rule.kind == kind)
        and (rule.session is None or session.startswith(rule.session.lower()))
    )
