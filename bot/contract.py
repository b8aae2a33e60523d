"""All that an adapter author must read: seven types, standard library only.

An adapter turns platform events into `Message` and one `Reply` back into platform calls. It decides
nothing: whether a message may enter, which session it belongs to and what is answered is the core's
business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, Literal, Protocol
from urllib.parse import quote, unquote

from bot.errors import BadEvent, Unsupported

Kind = Literal["direct", "group", "channel"]
Change = Literal["new", "edited", "deleted", "reaction", "action", "command"]
AttachmentKind = Literal["image", "audio", "video", "file", "sticker", "location", "contact"]

_ADDRESS_SAFE = "!$&'()*+,;=@/-._~"


@lru_cache(4096)
def _quoted(part: str) -> str:
    return quote(part, safe=_ADDRESS_SAFE)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a conversation lives and where replies go.

    `channel` is the adapter's name, `account` the name under `channels` in the configuration,
    `conversation` the platform's chat, room or direct-chat id, `thread` a thread or forum topic.
    """

    channel: str
    account: str
    conversation: str
    thread: str | None = None

    @property
    def key(self) -> str:
        """The address as text, `<channel>:<account>:<conversation>[:<thread>]`."""
        parts = [self.channel, self.account, self.conversation]
        if self.thread is not None:
            parts.append(self.thread)
        return ":".join(map(_quoted, parts))

    @classmethod
    def parse(cls, key: str) -> Address:
        """Read an address from its text. Raises ValueError when it is not one."""
        parts = [unquote(part) for part in key.split(":")]
        if len(parts) not in (3, 4) or not all(parts):
            raise ValueError(f"not an address: {key!r}; write <channel>:<account>:<conversation>")
        return cls(*parts)


@dataclass(frozen=True, slots=True)
class Ref:
    """One message on one platform; used to quote, edit and deduplicate."""

    address: Address
    id: str


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a message. `id` is the platform's stable id; names are for people only."""

    id: str
    name: str = ""
    username: str | None = None
    is_bot: bool = False
    is_self: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message. Its bytes are fetched late through `Adapter.fetch`.

    `handle` is whatever the adapter needs to fetch it, also after a restart; `size` is in bytes,
    None when the platform does not say.
    """

    kind: AttachmentKind
    name: str
    mime: str
    size: int | None = None
    handle: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that a message answers."""

    id: str
    text: str = ""
    author: Author | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command, native or typed: `/name args`."""

    name: str
    args: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something pressed: a button, a menu entry, a shortcut, a form, a reaction."""

    kind: Literal["button", "select", "shortcut", "modal", "reaction"]
    id: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that happened in a conversation, the same shape on every platform.

    `text` is plain Markdown with the bot's own leading mention removed. `version` tells two events
    about one message apart (edit stamp, callback id). `raw` is the platform's event, not kept.
    """

    ref: Ref
    author: Author
    text: str
    at: datetime
    kind: Kind
    mentioned: bool = False
    attachments: tuple[Attachment, ...] = ()
    reply_to: Quote | None = None
    change: Change = "new"
    version: str = "0"
    command: Command | None = None
    action: Action | None = None
    forwarded_from: str | None = None
    guild: str | None = None
    team: str | None = None
    roles: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def address(self) -> Address:
        return self.ref.address


@dataclass(frozen=True, slots=True)
class Button:
    """A choice shown under a reply. `value` comes back as the action's value, at most 64 bytes."""

    label: str
    value: str
    style: Literal["plain", "primary", "danger"] = "plain"


@dataclass(frozen=True, slots=True)
class File:
    """A file to send."""

    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What should appear, in Markdown. The adapter renders it for its platform."""

    text: str
    attachments: tuple[File, ...] = ()
    reply_to: str | None = None
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` calls in `per` seconds for each conversation, group or the whole account."""

    scope: Literal["conversation", "group", "account"]
    count: int
    per: float


@dataclass(frozen=True, slots=True)
class Caps:
    """What an adapter's platform can do; the conformance kit holds these claims against it.

    `max_chars` counts UTF-16 units when `utf16`, else code points; 0 is no limit. `edit_interval`
    is in seconds: how far apart the edits of one preview must be. `idempotent_send`: sending again
    with the same key shows nothing twice. `find`: `Adapter.find` can look a sent key up.
    `bang`: the platform keeps `/name` for itself, so `!name` is a command, too. `roots`: sending to
    a thread named by a message's id begins a thread below that message.
    """

    max_chars: int = 4000
    utf16: bool = False
    edit: bool = False
    delete: bool = False
    react: bool = False
    typing: bool = False
    buttons: bool = False
    threads: bool = False
    native_stream: bool = False
    native_commands: bool = False
    idempotent_send: bool = False
    find: bool = False
    bang: bool = False
    roots: bool = False
    edit_interval: float = 1.0
    rates: tuple[Rate, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What a webhook adapter sees of an HTTP request: the raw body, and headers in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What a webhook adapter answers."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command as an adapter publishes it in the platform's own menu."""

    name: str
    help: str
    owner: bool = False


class Receive(Protocol):
    """What an adapter calls with what it got. The first two return when the event is durable.

    Only then may the adapter move its offset, acknowledge, or answer 200. Neither raises for a bad
    message; they raise `StoreError` when nothing could be stored, and the adapter must then leave
    the event unconfirmed and try again later.
    """

    async def __call__(self, message: Message) -> None: ...

    async def quarantine(self, account: str, raw: object, reason: str) -> None:
        """Keep an event that could not be understood, with its reason, and go on."""

    async def moved(self, old: Address, new: Address) -> None:
        """A conversation goes on at another address; durable on return, and may be told again."""

    async def complete(
        self, address: Address, author: Author, command: str, typed: str
    ) -> list[tuple[str, str]]:
        """Choices for what is being typed behind a command, as (label, value), at most 25."""
        ...

    async def mark(self, account: str, name: str, value: str | None = None) -> str | None:
        """What an adapter keeps over restarts under this name; with a value, keep that instead."""
        ...

    def state(self, account: str, state: str, error: str | None = None) -> None:
        """Tell the operator how the connection is: `up`, `connecting` or `down` with its reason."""


class Adapter:
    """One account on a platform. Override `run` (or `handle`), `send`, and what `caps` claim.

    `send` returns when the platform accepted the message. Its failures are the `SendError`s of
    `bot.errors`, and nothing else: RateLimited, NotSent, Uncertain, Refused.
    """

    channel: ClassVar[str]
    caps: ClassVar[Caps] = Caps()

    def __init__(self, account: str, options: Any) -> None:
        self.account = account
        self.options = options

    @classmethod
    def parse(
        cls, event: Any, *, account: str, bot_ids: Sequence[str] = (), bot_name: str = ""
    ) -> list[Message]:
        """Pure: one raw platform event to the messages in it, [] for what the bot ignores.

        Raises BadEvent when the event cannot be understood.
        """
        raise BadEvent("this adapter has no parser")

    @classmethod
    def render(cls, text: str) -> list[dict[str, Any]]:
        """Pure: Markdown to the payloads as sent, in order, without target and key."""
        return [{"text": text}]

    @classmethod
    def set_aside(cls, text: str) -> tuple[str, tuple[File, ...]]:
        """Pure: the Markdown with the beginning only of what is too long for a chat, and that
        whole as files. What comes out once goes through unchanged."""
        return text, ()

    async def start(self) -> None:
        """Open what is needed to send. Raises ChannelError when the platform refuses."""

    async def run(self, receive: Receive) -> None:
        """Receive until cancelled. Raises ChannelError; the caller starts it again later."""
        raise Unsupported("receiving without a webhook")

    async def handle(self, request: HttpRequest, receive: Receive) -> HttpResponse:
        """Answer one webhook call: signature on the raw body first, stored before 2xx."""
        return HttpResponse(status=404)

    async def stop(self) -> None:
        """Close what `start` opened."""

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        """Show a reply; `key` names it across repeats. Raises SendError."""
        raise NotImplementedError

    async def edit(self, ref: Ref, reply: Reply) -> None:
        """Replace a message that the bot sent; unchanged text is a success. Raises SendError."""
        raise Unsupported("editing")

    async def delete(self, ref: Ref) -> None:
        """Remove a message that the bot sent; one already gone is a success. Raises SendError."""
        raise Unsupported("deleting")

    async def react(self, ref: Ref, emoji: str) -> None:
        """Put a reaction under a message. Raises SendError."""
        raise Unsupported("reactions")

    async def typing(self, to: Address) -> None:
        """Show that an answer is being written. Raises SendError."""
        raise Unsupported("typing")

    async def find(self, to: Address, key: str) -> Ref | None:
        """Look for a message sent with this key; None when the platform does not have it."""
        raise Unsupported("looking a message up")

    async def stream(self, to: Address, key: str, text: str, ref: Ref | None) -> Ref | None:
        """Show the answer so far the platform's own way: `text` is all of it, `ref` None begins.

        `edit` with the returned Ref ends it with the final text. None: nothing stands there that
        lasts; the next call begins again, and the final is sent like any other. Raises SendError,
        Unsupported where this conversation cannot do it: then it is edits.
        """
        raise Unsupported("streaming")

    async def publish_commands(self, commands: Sequence[CommandSpec]) -> None:
        """Bring the platform's command menu up to date, writing only what changed."""
        raise Unsupported("a command menu")

    def fetch(self, attachment: Attachment, limit: int) -> AsyncIterator[bytes]:
        """Stream an attachment's bytes. Raises ChannelError beyond `limit` bytes."""
        raise Unsupported("files")

    async def check(self) -> str:
        """Ask the platform who the bot is; its name. Raises ChannelRefused with the reason."""
        raise Unsupported("a live check")


def utcnow() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)
