"""The core's own types: sessions, turns, models, tools, tasks, commands, and the transcript's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bot.contract import Address, Button, Message
from bot.errand import Errand as Errand
from bot.ports import AgentsPort as AgentsPort
from bot.ports import ApprovalsPort as ApprovalsPort
from bot.ports import ContextPort as ContextPort
from bot.ports import RunsPort as RunsPort
from bot.ports import SubagentsPort as SubagentsPort
from bot.ports import TasksPort as TasksPort
from bot.transcript import Entry as Entry
from bot.transcript import Reasoning as Reasoning
from bot.transcript import Role as Role
from bot.transcript import Stop as Stop
from bot.transcript import Thinking as Thinking
from bot.transcript import ToolCall as ToolCall
from bot.transcript import Usage as Usage
from bot.transcript import Verbose as Verbose
from bot.transcript import session_document as session_document

Risk = Literal["read", "write", "exec", "send"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session overrides; None leaves it to the agent."""

    model: str | None = None
    thinking: Thinking | None = None
    verbose: Verbose | None = None
    reasoning: Reasoning | None = None
    queue: Mapping[str, Any] | None = None
    exec: Mapping[str, str] | None = None
    elevated: str | None = None
    usage: Literal["off", "tokens", "full"] | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A working context under one agent. `id` changes at a reset, `key` never does.

    `address` is where the session came from, None for the operator's own.
    """

    id: str
    key: str
    agent: str
    label: str
    address: Address | None = None
    parent: str | None = None
    settings: Settings = Settings()
    updated_at: float = 0.0
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One run to be made: who asks what of which session, and where the answer goes.

    `timeout` is in seconds, 0 is none. `preview` is the id of one that an interrupted attempt left.
    `requester` is `<account>:<author id>` or `operator`. `work`: answer the message, or make the
    transcript shorter as its text asks. `thinking`, `verbose` and `reasoning` go before the
    session's. `blocks` are the texts of parts that an interrupted attempt sent while it wrote.
    `hops`: through how many sessions the message came, one saying it to the next.
    `firm`: the model was decided on, and no other stands in for it. `errand`: it was scheduled.
    """

    id: str
    lane: str
    epoch: int
    session: Session
    inbox: tuple[int, ...]
    message: Message
    requester: str
    deliver_to: Address | None
    timeout: float
    thinking: Thinking | None = None
    extra_prompt: str | None = None
    preview: str | None = None
    work: Literal["answer", "compact"] = "answer"
    verbose: Verbose | None = None
    reasoning: Reasoning | None = None
    blocks: tuple[str, ...] = ()
    hops: int = 0
    firm: bool = False
    errand: Errand | None = None


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it; `schema` is a JSON Schema of the arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model. `model` is the name behind the provider's slash.

    `purpose`: an answer for people, or words for our own use about a conversation. `place` is what
    stays with one credential: a session until it is reset or summed up.
    """

    model: str
    system: str
    entries: Sequence[Entry]
    tools: Sequence[ToolSpec] = ()
    thinking: Thinking = "off"
    params: Mapping[str, Any] = field(default_factory=dict)
    max_tokens: int | None = None
    session: str = ""
    purpose: Literal["answer", "summary", "notes"] = "answer"
    place: str = ""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the visible answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkDelta:
    """A piece of the reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Restart:
    """The call is made again, with another credential: nothing that it said so far counts."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What people should know about a call and is no part of the answer; said once."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a model call failed: a contract run code, a sentence, and what the server said.

    `retry_after` is in seconds. `retryable`: asking again (or another model) may help.
    """

    code: str
    message: str
    status: int | None = None
    retry_after: float | None = None
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Final:
    """The last event of every model call: the whole entry, and the failure when `stop` is error.

    `context` is how many tokens the request and its answer have, `crowded` that they leave too
    little room in the window; both filled in by who made the call.
    """

    entry: Entry
    failure: Failure | None = None
    context: int = 0
    crowded: bool = False


ModelEvent = TextDelta | ThinkDelta | Restart | Notice | Final


class Provider(Protocol):
    """A way to reach models."""

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Call the model. Never raises (cancelling apart); ends with exactly one Final.

        The deltas (behind the last Restart) joined equal the Final entry's text. Closing the
        iterator ends the call.
        """
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may know of the run that calls it.

    `call` names this call within the run, as the journal does. `update` tells watchers how it goes.
    `owner`: the requester may do what only owners may. `env` holds variables for programs that the
    tool starts, for this run alone. Inside `away()` a call waits for a person or another run: its
    run's time limit stands still, and its place among all runs is given back. `skills_only`: of
    files only those of attached skills may be read. `foreign` says where words of others come from
    that the model has read.
    """

    turn: Turn
    model: str
    update: Callable[[str], None]
    status: Mapping[str, Any]
    call: str = ""
    owner: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    away: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    skills_only: bool = False
    foreign: str | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answers to the model.

    `attachments` are images for it, `{kind: "image", name, mime, path}` with `path` inside the
    agent's folder: their bytes are read for the request alone, never put into events or logs.
    `said` are texts that the tool itself showed in the run's own conversation.
    """

    text: str
    is_error: bool = False
    attachments: tuple[Mapping[str, Any], ...] = ()
    said: tuple[str, ...] = ()


class Tool(Protocol):
    """Something the model can do.

    `repeatable`: running it twice after a crash does no harm. `tags` name what policies ask about,
    such as `payment`.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    risk: Risk
    repeatable: bool
    tags: Collection[str]

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult: ...


@dataclass(frozen=True, slots=True)
class Task:
    """Scheduled work of an agent in a session; a channel only receives its result.

    `schedule`, `policy` and `delivery` are documents as in section 10 of the contract; `delivery`
    also keeps `address`, the conversation's address as text. `zone` is what its times are meant
    in. `next_at` is None while nothing is due any more. `because` says why it is not enabled.
    `asked` is the message that made it, without its text: its place and its author. `author` is
    who wrote the prompt, `foreign` where words of others in it came from. `state` is the
    scheduler's memory of former runs. Times are in seconds since the epoch.
    """

    id: str
    agent: str
    session: str
    name: str
    prompt: str
    schedule: Mapping[str, Any]
    zone: str
    policy: Mapping[str, Any]
    delivery: Mapping[str, Any]
    requester: str
    asked: Message
    enabled: bool = True
    because: str | None = None
    next_at: float | None = None
    author: Literal["person", "model"] = "person"
    foreign: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    last_status: str | None = None
    last_run_at: float | None = None
    runs: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answers; `then` is a message that follows it into the session, as if typed.

    `work` is left to the session's lane, behind what it does now; the answer comes from there.
    `files` are texts by name, sent along without secrets.
    """

    text: str
    buttons: tuple[Button, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    then: str | None = None
    work: Literal["compact"] | None = None


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """A command as every surface shows it; `help` is one line, `usage` and `examples` as typed.

    `owner`: owners only. `surfaces` empty: all.
    """

    name: str
    help: str
    usage: str = ""
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    group: str = "chat"
    owner: bool = False


class SessionsPort(Protocol):
    """What commands may do with sessions; all of it happens once even if the command runs again.

    `base` is the conversation's base key, `key` the active session's. Methods raise RequestError
    with a sentence for the user.
    """

    base: str
    key: str

    async def current(self) -> Session: ...

    async def children(self) -> list[Session]: ...

    async def create(self, label: str | None) -> Session: ...

    async def switch(self, name: str | None) -> Session: ...

    async def rename(self, label: str) -> Session: ...

    async def reset(self, reason: str) -> Session: ...

    async def patch(self, **settings: Any) -> Session: ...

    async def history(self) -> list[Entry]:
        """The active session's transcript, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class CommandContext:
    """All that a command can reach. `owner`: may do what only owners may."""

    message: Message
    name: str
    args: str
    owner: bool
    direct: bool
    web: bool
    requester: str
    sessions: SessionsPort
    agents: AgentsPort
    runs: RunsPort
    context: ContextPort
    approvals: ApprovalsPort
    subagents: SubagentsPort
    tasks: TasksPort
    commands: Sequence[CommandInfo]


CommandHandler = Callable[[CommandContext], Awaitable[Answer | str]]


@dataclass(frozen=True, slots=True)
class CommandTable:
    """Every command there is, as routing and the surfaces see it."""

    infos: tuple[CommandInfo, ...]
    handlers: Mapping[str, CommandHandler]

    def resolve(self, name: str) -> CommandInfo | None:
        """A command by its name or an alias, in any case."""
        wanted = name.lower()
        for info in self.infos:
            if wanted == info.name or wanted in info.aliases:
                return info
        return None
