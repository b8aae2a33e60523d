"""Who the bot is, and where a message stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from adapters.fields import Event, items
from adapters.slack.fields import identifier, optional_id
from bot.contract import Address, Kind

CHANNEL = "slack"

# docs.slack.dev/reference/events/message#channel_types; a private channel is called a group there.
_KINDS: dict[str, Kind] = {
    "im": "direct",
    "app_home": "direct",
    "mpim": "group",
    "channel": "channel",
    "group": "channel",
}


@dataclass(frozen=True, slots=True)
class Me:
    """The bot as it must know itself: its user id and bot id, its name, its slash command."""

    account: str
    ids: Sequence[str] = ()
    name: str = ""
    command: str = ""
    app: str = ""

    def is_me(self, user: str, bot: str = "", app: str = "") -> bool:
        mine = user in self.ids or bot in self.ids
        return mine or bool(app and bot and app == self.app)

    def in_body(self, body: Event) -> Me:
        """With what the event itself says of whom it was sent to."""
        entries = items(body, "authorizations")
        found = [optional_id(entry, "user_id") for entry in entries if entry.get("is_bot") is True]
        ids = (*self.ids, *filter(None, found))
        return replace(self, ids=ids, app=optional_id(body, "api_app_id"))


def address(event: Event, me: Me, thread: str | None = None) -> Address:
    """Where an event happened. Raises BadEvent."""
    return Address(CHANNEL, me.account, identifier(event, "channel"), thread)


def kind_of(conversation: str, channel_type: str) -> Kind:
    """The kind of a conversation; without its type, the id tells direct chats apart."""
    return _KINDS.get(channel_type) or ("direct" if conversation[:1] in "DU" else "channel")
