"""The settings tree: every key of the file with its kind, its default and one line of help."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, SkipValidation, model_validator

from bot.config.agents import FIRST_AGENT, Agent, CatalogueEntry, Provider
from bot.config.channels import Binding, Channel, Queue
from bot.config.hooks import Hooks
from bot.config.kinds import (
    Allowance,
    Argv,
    Duration,
    Flag,
    Free,
    Names,
    Number,
    RateLimit,
    Secret,
    SecretText,
    Section,
    Text,
    TimeOfDay,
    Url,
    Whole,
    Zone,
)
from bot.config.problems import Problem


class Store(Section):
    """Where everything is kept."""

    url: Url = Field(
        default="sqlite", description="sqlite | sqlite:///abs/path.db | postgresql://user@host/db"
    )


class Tls(Section):
    """Files for serving HTTPS."""

    cert: Text | None = Field(default=None, description="the certificate chain's file")
    key: Text | None = Field(default=None, description="the private key's file")


class Gateway(Section):
    """The web page, the socket and the HTTP interface."""

    host: Text = Field(
        default="127.0.0.1", description="the address to listen on; TRUNKLINE_HOST overrides"
    )
    port: Whole = Field(default=7440, ge=0, le=65535, description="0: a free one; PORT overrides")
    token: SecretText = Field(
        default=Secret(), description="sign-in token; empty: made in <state>/token"
    )
    allowed_hosts: Names = Field(
        default=(), description="names beyond loopback; required for a non-loopback bind"
    )
    trusted_proxies: Names = Field(
        default=(), description="addresses whose forwarding headers count"
    )
    openai_api: Flag = Field(default=False, description="serve /v1/chat/completions and /v1/models")
    tls: Tls = Field(default=Tls(), description="serve HTTPS with these files")


class Reset(Section):
    """When a session starts afresh by itself."""

    short: ClassVar[str | None] = "mode"
    mode: Literal["never", "daily", "idle"] = Field(
        default="never", description="never | daily | idle"
    )
    at: TimeOfDay = Field(default=time(4), description="the time of day, for daily")
    after: Duration = Field(default=43200.0, description="the quiet time, for idle")


class SendRule(Section):
    """One rule of who may be written to by sessions."""

    action: Literal["allow", "deny"] = Field(description="allow | deny")
    channel: Text | None = Field(default=None, description="the adapter's or the account's name")
    kind: Literal["direct", "group", "channel"] | None = Field(
        default=None, description="the kind of conversation: direct | group | channel"
    )
    session: Text | None = Field(default=None, description="the beginning of a session key")


class SessionSettings(Section):
    """Which messages share a transcript, and for how long."""

    dm_scope: Literal["main", "peer", "channel-peer", "account-channel-peer"] = Field(
        default="account-channel-peer",
        description="direct chats: main | peer | channel-peer | account-channel-peer",
    )
    reset: Reset = Field(default=Reset(), description="when a session starts afresh by itself")
    identity_links: Mapping[str, Names] = Field(
        default={}, description='one person\'s several ids: {ada: ["adapter:123", "adapter:456"]}'
    )
    send_policy: tuple[SendRule, ...] = Field(default=(), description="first matching rule wins")
    thread_inherit: Flag = Field(
        default=False, description="a new thread begins with its room's transcript"
    )


class Messages(Section):
    """How messages become turns."""

    queue: Queue = Field(default=Queue(), description="messages that come while a run is on")
    debounce: Duration = Field(default=0.0, description="wait for more from one sender; 0s: off")
    max_concurrent: Whole = Field(default=256, ge=1, description="runs at once over all sessions")
    group_history: Whole = Field(
        default=50, ge=0, le=1000, description="unanswered group messages given as context"
    )
    response_prefix: Text = Field(default="", description="put before every answer in a channel")


class Memory(Section):
    """What agents remember."""

    embeddings: Text | None = Field(
        default=None, description="a model ref; null: keyword search only"
    )


class Tasks(Section):
    """Scheduled work."""

    enabled: Flag = Field(default=True, description="false: nothing scheduled runs")
    max_concurrent: Whole = Field(default=2, ge=1, le=1000, description="task runs at once")
    timezone: Zone = Field(default="local", description="local (the host's), UTC or a name")
    missed: Literal["run-once", "skip", "all"] = Field(
        default="run-once", description="due times that passed while down: run-once | skip | all"
    )
    min_interval: Duration = Field(default=60.0, description="the shortest distance of two runs")
    max_per_person: Whole = Field(default=50, ge=0, description="tasks one person may have")
    missed_window: Duration = Field(default=3600.0, description="how far back a missed time counts")
    run_timeout: Duration = Field(default=600.0, description="how long one task run may take")
    keep_runs: Whole = Field(default=200, ge=1, description="runs kept for each task")


class Limits(Section):
    """What a person or a day may cost."""

    per_sender: RateLimit | None = Field(
        default=Allowance(20, 60.0), description="messages of one sender; null: no limit"
    )
    daily_cost: Number | None = Field(
        default=None, ge=0, description="US dollars a day; null: no limit"
    )
    session_cost: Number | None = Field(
        default=None, ge=0, description="US dollars a session; null: no limit"
    )


class WebSearch(Section):
    """The search service."""

    provider: Text | None = Field(
        default=None, description="an entry of providers: brave | tavily | searxng; null: none"
    )


class WebTools(Section):
    """Tools that reach the web."""

    search: WebSearch = Field(default=WebSearch(), description="the search service")
    allow_private: Names = Field(
        default=(), description="private hosts and networks that may be fetched"
    )


class Elevated(Section):
    """Leaving the sandbox."""

    enabled: Flag = Field(default=False, description="allow it at all")
    allow_from: Names = Field(default=(), description="who may: adapter or account : author id")


class Sandbox(Section):
    """Where commands run."""

    mode: Literal["off", "non-main", "all"] = Field(
        default="off", description="whose commands are boxed in: off | non-main | all"
    )
    backend: Text = Field(default="bwrap", description="the program that makes the box")
    workspace: Literal["none", "ro", "rw"] = Field(
        default="rw", description="the workspace inside the box: none | ro | rw"
    )


class Tools(Section):
    """Settings of tools for all agents."""

    web: WebTools = Field(default=WebTools(), description="tools that reach the web")
    elevated: Elevated = Field(default=Elevated(), description="leaving the sandbox")
    sandbox: Sandbox = Field(default=Sandbox(), description="where commands run")


class Logging(Section):
    """What is written about the work."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug | info | warning | error"
    )
    format: Literal["auto", "json", "text"] = Field(
        default="auto", description="on stderr: auto (text on a terminal) | json | text"
    )


class Approvals(Section):
    """Asking a person before something risky."""

    timeout: Duration = Field(
        default=600.0, description="how long a card waits before it counts as no"
    )
    approvers: Names = Field(default=(), description="who may decide beside the requester")
    forward: Names = Field(default=(), description="addresses that get the card too")


class Commands(Section):
    """Slash commands."""

    text: Flag = Field(default=True, description="understand typed commands, not only native ones")
    disabled: Names = Field(default=(), description="commands that are switched off")


class SkillEntry(Section):
    """One skill's settings."""

    enabled: Flag = Field(default=True, description="false: not offered")
    env: Mapping[str, SecretText] = Field(default={}, description="variables for its commands")
    config: Free = Field(default={}, description="its own settings")


class Skills(Section):
    """Skills of agents."""

    dirs: Names = Field(default=(), description="further folders with skills")
    entries: Mapping[str, SkillEntry] = Field(default={}, description="settings of single skills")


class McpServer(Section):
    """One tool server: a command, or an address."""

    command: Argv = Field(default=(), description="the program, as a list of words")
    env: Mapping[str, SecretText] = Field(default={}, description="variables for the program")
    url: Url | None = Field(default=None, description="its address, instead of a command")
    headers: Mapping[str, SecretText] = Field(
        default={}, description="HTTP headers for the address"
    )


class Mcp(Section):
    """Tool servers."""

    servers: Mapping[str, McpServer] = Field(
        default={}, description="by name; tools are <name>__<tool>"
    )


class Config(Section):
    """The whole configuration, checked. `warnings` are remarks that stop nothing."""

    store: Store = Field(default=Store(), description="where everything is kept")
    gateway: Gateway = Field(default=Gateway(), description="web page, socket and HTTP")
    providers: Mapping[str, Provider] = Field(default={}, description="sources of models, by name")
    models: Mapping[str, CatalogueEntry] = Field(
        default={}, description="models that may be picked; empty: all"
    )
    agents: tuple[Agent, ...] = Field(default=(), description="the agents; none: one called main")
    channels: SkipValidation[Mapping[str, Channel]] = Field(
        default={}, exclude=True, description="accounts on chat platforms, by name"
    )
    bindings: tuple[Binding, ...] = Field(default=(), description="which agent answers where")
    session: SessionSettings = Field(
        default=SessionSettings(), description="what shares a transcript"
    )
    messages: Messages = Field(default=Messages(), description="how messages become turns")
    memory: Memory = Field(default=Memory(), description="what agents remember")
    tasks: Tasks = Field(default=Tasks(), description="scheduled work")
    limits: Limits = Field(default=Limits(), description="what a person or a day may cost")
    tools: Tools = Field(default=Tools(), description="settings of tools for all agents")
    hooks: Hooks = Field(default=Hooks(), description="code that runs at named points")
    plugins: Names = Field(default=(), description="modules or entry points to switch on")
    logging: Logging = Field(default=Logging(), description="what is written about the work")
    owners: Names = Field(default=(), description="who owns this: adapter or account : author id")
    approvals: Approvals = Field(default=Approvals(), description="asking before something risky")
    commands: Commands = Field(default=Commands(), description="slash commands")
    skills: Skills = Field(default=Skills(), description="skills of agents")
    mcp: Mcp = Field(default=Mcp(), description="tool servers")

    _warnings: tuple[Problem, ...] = PrivateAttr(())
    _file: str = PrivateAttr("")

    @model_validator(mode="before")
    @classmethod
    def _always_there(cls, data: Any) -> Any:
        """The demo provider and one agent exist whatever the file says."""
        if not isinstance(data, dict):
            return data
        data = {key: value for key, value in data.items() if value is not None}
        providers = data.get("providers", {})
        if isinstance(providers, dict):
            named = {k: _named_api(k, v) for k, v in _with_demo(providers).items()}
            data["providers"] = named
        data["agents"] = data.get("agents") or [dict(FIRST_AGENT)]
        return data

    def with_channels(
        self, channels: Mapping[str, Channel], warnings: tuple[Problem, ...] = (), file: str = ""
    ) -> Config:
        """A copy with these accounts, which are checked apart, these remarks and its file."""
        copy = self.model_copy(update={"channels": channels})
        copy._warnings = warnings
        copy._file = file or self._file
        return copy

    @property
    def file(self) -> str:
        """Where it was read from; no file has this name when it is made of defaults or of text."""
        return self._file

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return self._warnings

    @property
    def default_agent(self) -> Agent:
        """The first that says so, else the first; switched-off ones do not count."""
        active = [agent for agent in self.agents if agent.enabled]
        return next((agent for agent in active if agent.default), active[0])

    def agent(self, name: str) -> Agent | None:
        """The agent with this id, None when there is none."""
        return next((agent for agent in self.agents if agent.id == name.lower()), None)

    def queue_of(self, account: str) -> Queue:
        """`messages.queue` with what this channel changes."""
        channel = self.channels.get(account)
        if channel is None:
            return self.messages.queue
        change = channel.settings.queue
        given = {key: item for key, item in change if item is not None}
        return self.messages.queue.model_copy(update=given)

    def debounce_of(self, account: str) -> float:
        """Seconds to wait for more from one sender before a first message becomes a turn."""
        channel = self.channels.get(account)
        own = channel.settings.debounce if channel else None
        return self.messages.debounce if own is None else own


def _with_demo(providers: dict[str, Any]) -> dict[str, Any]:
    return {"demo": {}} | providers


def _named_api(name: str, provider: Any) -> Any:
    """A provider's `api` is its own name unless it says otherwise."""
    if provider is None:
        return {"api": name}
    return {"api": name} | provider if isinstance(provider, dict) else provider
