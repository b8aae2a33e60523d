"""What the kit must know of an adapter: its platform on this machine, and what that platform lacks.

Both are protocols, so that a descriptor needs nothing of this package. One that lacks a trait says
why; its checks then read `-` in the table, with the reason below it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

from bot.contract import Adapter, Address, AttachmentKind, HttpRequest, HttpResponse

Place = Literal["direct", "group", "thread"]
Verb = Literal["send", "edit", "delete", "receive"]
How = Literal["limited", "hang", "cut-before", "cut-after", "refused", "broken", "garbage"]
Http = Callable[[str, HttpRequest], Awaitable[HttpResponse]]
Proof = Literal["right", "wrong", "none", "odd"]

# What a platform may lack: name -> what it means to have it.
TRAITS: Mapping[str, str] = {
    "direct": "two can talk alone",
    "group": "many can talk in one room",
    "thread": "a room has threads",
    "edited": "the platform tells of edits",
    "deleted": "the platform tells of deletions",
    "reacted": "the platform tells of reactions",
    "quoted": "a message can answer a certain other one",
    "forwarded": "a message can be passed on",
    "mentions": "the bot can be named",
    "bots": "the bot sees what other bots say",
    "echo": "the bot is sent its own messages",
    "long": "one message can have 3,000 characters",
    "image": "people can send pictures",
    "audio": "people can send sound",
    "video": "people can send films",
    "file": "people can send files",
    "sticker": "people can send stickers",
    "location": "people can send a place",
    "contact": "people can send a contact",
    "native-command": "the platform has slash commands of its own",
    "redelivery": "an event can come twice",
    "unconfirmed": "what was not confirmed comes again, or can be read again",
    "missed": "what was said while nobody listened can be had later",
    "forgotten": "the platform can forget a connection and what it missed",
    "silent": "a connection can be half-open",
    "poison": "an event can be one that nobody understands",
    "faults": "the local server can fail on request",
    "limited": "the platform asks to wait",
    "limited-odd": "the wait that is asked for can be a fraction or absurd",
    "receive-faults": "the calls that receive can fail alone",
    "token": "an account has a secret that can be wrong",
    "nowhere": "the server can be out of reach",
    "webhook": "events can come by signed HTTP requests",
    "refused": "the platform can refuse a message for good",
    "mass-mentions": "words can notify a whole room",
    "previews": "the platform shows a page behind a link",
    "files-out": "the bot can send files",
    "accounts": "two accounts can run side by side",
}


class Seen(Protocol):
    """A message of the bot as a person sees it.

    `text` as it reads, without markup where the platform has hidden it; `pings` whom it notifies;
    `preview` whether a page behind a link may show below it.
    """

    @property
    def id(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def quoted(self) -> str | None: ...
    @property
    def buttons(self) -> Sequence[tuple[str, str]]: ...
    @property
    def files(self) -> Sequence[tuple[str, bytes]]: ...
    @property
    def reactions(self) -> Sequence[str]: ...
    @property
    def pings(self) -> Sequence[str]: ...
    @property
    def preview(self) -> bool: ...


class World(Protocol):
    """The platform on this machine while one check runs. Ids are the platform's, as text.

    People are `ada` and `bob`; whatever they do is on its way when the call returns.
    """

    bot_ids: Sequence[str]
    bot_name: str
    # Set by the kit: how a platform that calls the bot reaches an account that runs.
    http: Http

    def adapter(
        self,
        account: str = "first",
        *,
        valid: bool = True,
        reachable: bool = True,
        webhook: bool = False,
    ) -> Adapter:
        """A new adapter, not started; `valid`: its secret is the right one.

        `first` and `second` are different accounts, `reachable` ones whose server is there.
        """
        ...

    def place(self, kind: Place, account: str = "first") -> Address:
        """Where a kind of conversation is, always the same one."""
        ...

    async def say(
        self,
        to: Address,
        text: str,
        *,
        author: str = "ada",
        quote: str | None = None,
        mention: bool = False,
    ) -> str:
        """A person writes, with the bot's name in front when `mention`; the message's id."""
        ...

    async def say_as(self, who: Literal["self", "bot"], to: Address, text: str) -> str:
        """The bot's own words come back to it, or another bot speaks."""
        ...

    async def forward(self, to: Address, text: str) -> str: ...

    async def show(self, to: Address, kind: AttachmentKind, data: bytes, text: str = "") -> str:
        """A person sends an attachment; of a place or contact the data do not matter."""
        ...

    async def edit(self, to: Address, id: str, text: str) -> None: ...

    async def delete(self, to: Address, id: str) -> None: ...

    async def react(self, to: Address, id: str, emoji: str) -> None: ...

    async def press(self, to: Address, id: str, label: str) -> None:
        """A person presses the button with this label under a message of the bot."""
        ...

    async def command(self, to: Address, name: str, args: str) -> None:
        """A person gives a command of the platform's own menu."""
        ...

    async def again(self) -> None:
        """The platform delivers its last event once more."""
        ...

    def event(self, text: str) -> Any:
        """A raw event as `parse` takes it: a person says this in a room, with a file."""
        ...

    async def push(self, event: Any) -> None:
        """The platform delivers this, whatever it is."""
        ...

    def request(self, event: Any, proof: Proof) -> HttpRequest:
        """The call of a webhook with this event, proved rightly or not."""
        ...

    def seen(self, to: Address) -> Sequence[Seen]:
        """What a person sees of the bot in a place now, in order."""
        ...

    def menu(self) -> Sequence[str]:
        """The names in the platform's command menu."""
        ...

    def fail(self, verb: Verb, how: How, wait: object = None, times: int = 1) -> None:
        """Let the next calls fail. `broken` is a server error, `wait` what `limited` asks for."""
        ...

    def heal(self) -> None:
        """Let nothing fail any more."""
        ...

    def cut(self, *, forget: bool = False) -> None:
        """Break every receiving connection now; `forget` what it would have delivered."""
        ...

    def silence(self) -> None:
        """Make the receiving connections half-open: nothing comes, and nothing says so."""
        ...


class Descriptor(Protocol):
    """An adapter for the kit: its name, what its platform lacks and why, and its world."""

    name: str
    absent: Mapping[str, str]

    def world(self) -> AbstractAsyncContextManager[World]:
        """A new platform, with a bot that is a member of every place."""
        ...
