"""What people see in the chats of a fake Telegram, and how updates and answers describe it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Params = dict[str, Any]

# Any time will do, as long as it is the same in every run.
CLOCK = 1_767_355_200
_MARKED = re.compile(r"(?P<mention>@\w{3,})|(?P<bot_command>(?<!\S)/\w{1,64}(?:@\w+)?)")


@dataclass(slots=True)
class Shown:
    """A message as people see it: `text` now, `edits` the texts it had before."""

    id: int
    text: str
    by_bot: bool
    thread: int | None = None
    entities: list[Params] = field(default_factory=list)
    reply_to: int | None = None
    markup: Params | None = None
    file: str | None = None
    edits: list[str] = field(default_factory=list)
    deleted: bool = False
    reactions: list[str] = field(default_factory=list)


class Refusal(Exception):
    """The server says no, with a status and the platform's words."""

    def __init__(self, status: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


class Chats:
    """All chats by their id as text; ids count on in each chat."""

    def __init__(self) -> None:
        self.shown: dict[str, list[Shown]] = {}
        self.drafts: dict[str, str] = {}
        self._by_id: dict[tuple[str, int], Shown] = {}

    def add(self, chat: str, text: str, *, by_bot: bool, **more: Any) -> Shown:
        """Show a new message."""
        messages = self.shown.setdefault(chat, [])
        message = Shown(len(messages) + 1, text, by_bot, **more)
        messages.append(message)
        self._by_id[chat, message.id] = message
        return message

    def find(self, chat: str, number: int) -> Shown | None:
        """A message that is still there."""
        message = self._by_id.get((chat, number))
        return None if message is None or message.deleted else message

    def visible(self, chat: str) -> list[Shown]:
        """What the bot said and nobody took away, in order."""
        return [m for m in self.shown.get(chat, []) if m.by_bot and not m.deleted]

    def as_json(self) -> Params:
        """Every chat with its messages, for programs in other processes."""
        return {
            chat: [{name: getattr(m, name) for name in Shown.__slots__} for m in messages]
            for chat, messages in self.shown.items()
        }


def chat_of(chat: str) -> Params:
    """A chat as updates describe it: negative ids are groups (core.telegram.org/bots/api#chat)."""
    if chat.startswith("-"):
        return {"id": int(chat), "type": "supergroup", "title": f"Group {chat}"}
    if chat.startswith("@"):
        return {"id": -1009, "type": "channel", "title": chat, "username": chat[1:]}
    return {"id": int(chat), "type": "private", "first_name": "Ada"}


def user_of(number: int) -> Params:
    """A person as updates describe one."""
    return {"id": number, "is_bot": False, "first_name": "Ada", "username": f"user{number}"}


def message_of(chat: str, shown: Shown, sender: Params, **more: Any) -> Params:
    """A message as updates and answers describe it (core.telegram.org/bots/api#message)."""
    found: Params = {
        "message_id": shown.id,
        "from": sender,
        "chat": chat_of(chat),
        "date": CLOCK + shown.id,
        "text": shown.text,
    }
    if shown.thread is not None:
        found |= {"message_thread_id": shown.thread, "is_topic_message": True}
    if shown.entities:
        found["entities"] = shown.entities
    return found | more


def entities_of(text: str) -> list[Params]:
    """The entities that the platform itself finds: mentions and commands, in UTF-16 offsets."""
    return [
        {"type": match.lastgroup, "offset": units(text[: match.start()]), "length": units(match[0])}
        for match in _MARKED.finditer(text)
    ]


def units(text: str) -> int:
    """The length in UTF-16 units, in which the platform counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
