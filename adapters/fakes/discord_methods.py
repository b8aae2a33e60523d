"""The calls of a fake Discord's REST interface, with the platform's rules and refusals.

Paths, limits and codes are those of discord.com/developers/docs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from adapters.fakes.discord_rooms import (
    DM,
    EPHEMERAL,
    THREAD,
    Fields,
    Refusal,
    Rooms,
    Shown,
    pinged,
)

_EDITABLE = ("content", "components", "flags", "allowed_mentions", "embeds", "attachments")


@dataclass(slots=True)
class Interaction:
    """A slash command, press or question for choices, and what was answered."""

    id: str
    token: str
    channel: str
    callback: Fields | None = None
    original: Shown | None = None
    followed: list[Shown] = field(default_factory=list)

    @property
    def choices(self) -> list[Fields]:
        """What is offered to who is typing."""
        data = (self.callback or {}).get("data") or {}
        found: list[Fields] = data.get("choices", [])
        return found


class Methods:
    """What each path does. `tell` sends an event to the connections."""

    def __init__(self, rooms: Rooms, tell: Callable[[str, Fields], object]) -> None:
        self.rooms = rooms
        self.tell = tell
        self.interactions: dict[str, Interaction] = {}
        self.commands: list[Fields] = []
        self.typed: list[str] = []
        self.files: dict[str, bytes] = {}
        self.gateway_url = ""
        self.starts_left = 1000

    def call(self, name: str, parts: tuple[str, ...], body: Fields, query: Fields) -> Any:
        """Do what a path means; the answer. Raises Refusal."""
        method: Callable[..., Any] = getattr(self, f"do_{name}")
        return method(*parts, **({"query": query} if name == "history" else {"body": body}))

    def do_me(self, body: Fields) -> Fields:
        return self.rooms.bot

    def do_application(self, body: Fields) -> Fields:
        return {"id": self.rooms.bot["id"], "name": "Trunk"}

    def do_gateway(self, body: Fields) -> Fields:
        """See events/gateway#get-gateway-bot."""
        starts = {"total": 1000, "remaining": self.starts_left, "reset_after": 1}
        return {"url": self.gateway_url, "shards": 1, "session_start_limit": starts}

    def do_commands(self, application: str, body: Fields) -> list[Fields]:
        return self.commands

    def do_publish(self, application: str, body: Any) -> list[Fields]:
        """See interactions/application-commands#bulk-overwrite-global-application-commands."""
        names = [command["name"] for command in body]
        for command in body:
            fine = re.fullmatch(r"[-_\w]{1,32}", command["name"]) and command["name"].islower()
            described = 1 <= len(command["description"]) <= 100
            if not fine or not described or names.count(command["name"]) > 1 or len(names) > 100:
                raise Refusal(400, 50035, "Invalid Form Body")
        self.commands = [
            {**command, "id": self.rooms.snowflake(), "version": "1", "nsfw": False}
            for command in body
        ]
        return self.commands

    def do_channel(self, channel: str, body: Fields) -> Fields:
        return self.rooms.channel(channel)

    def do_direct(self, body: Fields) -> Fields:
        """See resources/user#create-dm: the same person, the same chat."""
        who = body["recipient_id"]
        for place in self.rooms.channels.values():
            if place.get("recipient") == who:
                return place
        place = self.rooms.channels[self.rooms.open(DM)]
        place["recipient"] = who
        return place

    def do_history(self, channel: str, query: Fields) -> list[Fields]:
        return self.rooms.history(channel, query)

    def do_message(self, channel: str, message: str, body: Fields) -> Fields:
        return self.rooms.message(self.rooms.find(channel, message))

    def do_thread(self, channel: str, message: str, body: Fields) -> Fields:
        """See resources/channel#start-thread-from-message: the thread has the message's id."""
        self.rooms.find(channel, message)
        if self.rooms.channels[channel]["type"] in (DM, THREAD):
            raise Refusal(400, 50024, "Cannot execute action on this channel type")
        if message in self.rooms.channels:
            raise Refusal(400, 160004, "A thread has already been created for this message")
        if not 1 <= len(body.get("name") or "") <= 100:
            raise Refusal(400, 50035, "Invalid Form Body")
        self.rooms.open(THREAD, body["name"], channel, message)
        self.tell("THREAD_CREATE", {**self.rooms.channels[message], "newly_created": True})
        return self.rooms.channels[message]

    def do_send(self, channel: str, body: Fields) -> Fields:
        """See resources/message#create-message: a known nonce gives the message it made."""
        self.rooms.channel(channel)
        nonce = body.get("nonce")
        if nonce is not None and len(str(nonce)) > 25:
            raise Refusal(400, 50035, "Invalid Form Body")
        if nonce and body.get("enforce_nonce"):
            for shown in self.rooms.messages.get(channel, []):
                if shown.by_bot and shown.nonce == nonce:
                    return self.rooms.message(shown)
        shown = self._show(channel, body)
        shown.nonce = nonce
        self.tell("MESSAGE_CREATE", self.rooms.message(shown, as_event=True))
        return self.rooms.message(shown)

    def do_edit(self, channel: str, message: str, body: Fields) -> Fields:
        shown = self.rooms.find(channel, message)
        if shown.ephemeral:
            raise Refusal(404, 10008, "Unknown Message")
        if not shown.by_bot:
            raise Refusal(403, 50005, "Cannot edit a message authored by another user")
        return self._change(shown, body)

    def do_delete(self, channel: str, message: str, body: Fields) -> None:
        shown = self.rooms.find(channel, message)
        shown.deleted = True
        place = self.rooms.channels[channel]
        guild = {} if place["type"] == DM else {"guild_id": self.rooms.guild}
        self.tell("MESSAGE_DELETE", {"id": message, "channel_id": channel, **guild})

    def do_react(self, channel: str, message: str, emoji: str, body: Fields) -> None:
        shown = self.rooms.find(channel, message)
        if not re.fullmatch(r"\w{1,32}:\d+|[^\w\s]{1,20}", emoji):
            raise Refusal(400, 10014, "Unknown Emoji")
        if emoji not in shown.reactions:
            shown.reactions.append(emoji)

    def do_unreact(self, channel: str, message: str, emoji: str, body: Fields) -> None:
        shown = self.rooms.find(channel, message)
        if emoji in shown.reactions:
            shown.reactions.remove(emoji)

    def do_typing(self, channel: str, body: Fields) -> None:
        self.rooms.channel(channel)
        self.typed.append(channel)

    def do_callback(self, interaction: str, token: str, body: Fields) -> None:
        """See interactions/receiving-and-responding#create-interaction-response."""
        found = self.interactions.get(token)
        if found is None or found.id != interaction:
            raise Refusal(404, 10062, "Unknown interaction")
        if found.callback is not None:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        if body["type"] == 8 and not _good_choices(body["data"]["choices"]):
            raise Refusal(400, 50035, "Invalid Form Body")
        found.callback = body
        if body["type"] == 5:
            hidden = bool((body.get("data") or {}).get("flags", 0) & EPHEMERAL)
            found.original = self.rooms.add(
                found.channel, "", self.rooms.bot, flags=1 << 7, ephemeral=hidden
            )

    def do_original(self, application: str, token: str, body: Fields) -> Fields:
        """See #edit-original-interaction-response."""
        shown = self._answered(token).original
        if shown is None:
            raise Refusal(404, 10015, "Unknown Webhook")
        shown.flags &= ~(1 << 7)
        return self._change(shown, body)

    def do_unoriginal(self, application: str, token: str, body: Fields) -> None:
        shown = self._answered(token).original
        if shown is None or shown.deleted:
            raise Refusal(404, 10008, "Unknown Message")
        shown.deleted = True

    def do_follow(self, application: str, token: str, body: Fields) -> Fields:
        """See #create-followup-message."""
        found = self._answered(token)
        shown = self._show(found.channel, body)
        shown.ephemeral = bool(body.get("flags", 0) & EPHEMERAL)
        found.followed.append(shown)
        return self.rooms.message(shown)

    def do_answer(self, application: str, token: str, message: str, body: Fields) -> Fields:
        return self._change(self._of(token, message), body)

    def do_unanswer(self, application: str, token: str, message: str, body: Fields) -> None:
        self._of(token, message).deleted = True

    def _answered(self, token: str) -> Interaction:
        found = self.interactions.get(token)
        if found is None or found.callback is None:
            raise Refusal(404, 10015, "Unknown Webhook")
        return found

    def _of(self, token: str, message: str) -> Shown:
        found = self._answered(token)
        for shown in [found.original, *found.followed]:
            if shown is not None and shown.id == message and not shown.deleted:
                return shown
        raise Refusal(404, 10008, "Unknown Message")

    def _show(self, channel: str, body: Fields) -> Shown:
        _check(body)
        reference = body.get("message_reference") or {}
        quoted = self._quoted(channel, reference)
        return self.rooms.add(
            channel,
            body.get("content") or "",
            self.rooms.bot,
            flags=body.get("flags", 0),
            reply_to=quoted.id if quoted else None,
            components=body.get("components") or [],
            files=self._kept(body),
            pinged=pinged(
                body.get("content") or "",
                body.get("allowed_mentions"),
                quoted.author["id"] if quoted else None,
            ),
        )

    def _quoted(self, channel: str, reference: Fields) -> Shown | None:
        if not reference:
            return None
        try:
            return self.rooms.find(channel, reference["message_id"])
        except Refusal:
            if reference.get("fail_if_not_exists", True):
                raise Refusal(400, 50035, "Invalid Form Body") from None
            return None

    def _kept(self, body: Fields) -> list[Fields]:
        """Uploaded files, as message objects name them (#attachment-object)."""
        found = []
        for name, data in body.get("_files", []):
            identifier = self.rooms.snowflake()
            self.files[identifier] = data
            found.append({"id": identifier, "filename": name, "size": len(data), "url": ""})
        return found

    def _change(self, shown: Shown, body: Fields) -> Fields:
        _check({"content": shown.content, **body})
        if set(body) - set(_EDITABLE) - {"_files"}:
            raise Refusal(400, 50035, "Invalid Form Body")
        if "content" in body:
            shown.edits.append(shown.content)
            shown.content = body["content"] or ""
            shown.edited_at = datetime.now(UTC).isoformat()
        shown.components = body.get("components", shown.components)
        shown.flags = body.get("flags", shown.flags)
        shown.pinged += pinged(shown.content, body.get("allowed_mentions"), None)
        shown.files += self._kept(body)
        if not shown.ephemeral:
            self.tell("MESSAGE_UPDATE", self.rooms.message(shown, as_event=True))
        return self.rooms.message(shown)


def _check(body: Fields) -> None:
    """What makes a message impossible (resources/message#create-message-limitations)."""
    content = body.get("content") or ""
    if not content.strip() and not body.get("_files") and not body.get("embeds"):
        raise Refusal(400, 50006, "Cannot send an empty message")
    rows = body.get("components") or []
    fine = len(content) <= 2000 and len(rows) <= 5
    keys = [key for row in rows for key in row["components"]]
    names = [key["custom_id"] for key in keys]
    fine = fine and all(len(row["components"]) <= 5 for row in rows)
    fine = fine and all(1 <= len(name) <= 100 for name in names)
    fine = fine and len(set(names)) == len(names) and all(len(key["label"]) <= 80 for key in keys)
    if not fine:
        raise Refusal(400, 50035, "Invalid Form Body")


def _good_choices(choices: list[Fields]) -> bool:
    """See interactions/application-commands#application-command-object-option-choice-structure."""
    return len(choices) <= 25 and all(
        1 <= len(choice["name"]) <= 100 and len(choice["value"]) <= 100 for choice in choices
    )


# Method and path to the name of what it does; the first that fits.
PATHS = [
    (verb, re.compile(path), name)
    for verb, path, name in [
        ("GET", r"/users/@me", "me"),
        ("GET", r"/oauth2/applications/@me", "application"),
        ("GET", r"/gateway/bot", "gateway"),
        ("GET", r"/applications/(\d+)/commands", "commands"),
        ("PUT", r"/applications/(\d+)/commands", "publish"),
        ("POST", r"/users/@me/channels", "direct"),
        ("GET", r"/channels/(\d+)", "channel"),
        ("GET", r"/channels/(\d+)/messages", "history"),
        ("POST", r"/channels/(\d+)/messages", "send"),
        ("GET", r"/channels/(\d+)/messages/(\d+)", "message"),
        ("PATCH", r"/channels/(\d+)/messages/(\d+)", "edit"),
        ("DELETE", r"/channels/(\d+)/messages/(\d+)", "delete"),
        ("POST", r"/channels/(\d+)/messages/(\d+)/threads", "thread"),
        ("PUT", r"/channels/(\d+)/messages/(\d+)/reactions/([^/]+)/@me", "react"),
        ("DELETE", r"/channels/(\d+)/messages/(\d+)/reactions/([^/]+)/@me", "unreact"),
        ("POST", r"/channels/(\d+)/typing", "typing"),
        ("POST", r"/interactions/(\d+)/([^/]+)/callback", "callback"),
        ("PATCH", r"/webhooks/(\d+)/([^/]+)/messages/@original", "original"),
        ("DELETE", r"/webhooks/(\d+)/([^/]+)/messages/@original", "unoriginal"),
        ("POST", r"/webhooks/(\d+)/([^/]+)", "follow"),
        ("PATCH", r"/webhooks/(\d+)/([^/]+)/messages/(\d+)", "answer"),
        ("DELETE", r"/webhooks/(\d+)/([^/]+)/messages/(\d+)", "unanswer"),
    ]
]
