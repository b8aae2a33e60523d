"""Settings of providers, the model catalogue and agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from bot.config.kinds import (
    Argv,
    Duration,
    Flag,
    Free,
    Names,
    Number,
    Secret,
    Secrets,
    SecretText,
    Section,
    Text,
    Url,
    Whole,
    Zone,
    wrong,
)

APIS = ("openai", "anthropic", "ollama", "command", "acp", "demo")
# Sources of search results, not of models; `tools.web.search.provider` names one.
SEARCHES = ("brave", "tavily", "searxng")
# The agent of a file that lists none.
FIRST_AGENT: Mapping[str, str] = {"id": "main", "name": "Assistant"}


class ModelCard(Section):
    """What is known about one model of a provider."""

    id: Text = Field(description="the model's id at the provider")
    context_window: Whole | None = Field(default=None, ge=1, description="tokens the model can see")
    max_tokens: Whole | None = Field(default=None, ge=1, description="tokens the model can answer")
    reasoning: Flag = Field(default=False, description="it thinks before it answers")
    tools: Flag = Field(default=True, description="it can call tools")
    input: Names = Field(default=("text",), description="what it reads: text, image, audio")
    cost: Mapping[str, Number] = Field(
        default={},
        description="US dollars per million tokens: input, output, cache_read, cache_write",
    )


class OAuth(Section):
    """Sign-in by device code."""

    device_url: Url = Field(description="where the device code comes from")
    token_url: Url = Field(description="where the code becomes a token")
    client_id: Text = Field(description="this program's id at the provider")
    scope: Text = Field(default="", description="what is asked for, divided by spaces")


class Provider(Section):
    """One source of models."""

    api: Text = Field(
        default="", description=f"the wire format: {' | '.join(APIS)}; empty: its own name"
    )
    base_url: Url | None = Field(
        default=None, description="where it is served; null: the maker's address"
    )
    api_key: SecretText = Field(
        default=Secret(), description="the key; ${NAME} or file:/path keep it out"
    )
    api_keys: Secrets = Field(default=(), description="several keys, used in turn as profiles")
    headers: Mapping[str, SecretText] = Field(default={}, description="further HTTP headers")
    models: tuple[ModelCard, ...] = Field(default=(), description="facts about its models")
    command: Argv = Field(
        default=(), description="the program of api command or acp, as a list of words"
    )
    max_concurrent: Whole | None = Field(
        default=None, ge=1, description="calls at once; null: no cap"
    )
    idle_timeout: Duration = Field(
        default=60.0, description="silence after which a stream counts as dead"
    )
    oauth: OAuth | None = Field(default=None, description="sign-in by device code instead of a key")


class CatalogueEntry(Section):
    """One model that may be picked."""

    alias: Text | None = Field(default=None, description="a short name for people")
    params: Free = Field(default={}, description="request parameters, such as temperature")


class ModelChoice(Section):
    """A model and what to try when it fails; a bare string is the primary alone."""

    short: ClassVar[str | None] = "primary"
    primary: Text = Field(
        default="demo/demo", description="the model asked first, provider/model or alias"
    )
    fallbacks: Names = Field(default=(), description="asked in order when it fails")


class TaskModels(Section):
    """Models for scheduled work."""

    cheap: Text | None = Field(
        default=None, description="for checks; null: the primary, and it says so"
    )
    strong: Text | None = Field(default=None, description="for escalation; null: the primary")


class ExecPolicy(Section):
    """What may be run on this machine."""

    security: Literal["deny", "allowlist", "full"] = Field(
        default="deny", description="which commands may run at all: deny | allowlist | full"
    )
    ask: Literal["off", "on-miss", "always"] = Field(
        default="on-miss", description="when a person is asked: off | on-miss | always"
    )
    allow: Names = Field(default=(), description="patterns of whole program paths, for allowlist")
    timeout: Duration = Field(default=1800.0, description="how long one command may run")


class ToolFilter(Section):
    """A narrower choice of tools."""

    profile: Literal["minimal", "messaging", "coding", "full"] | None = Field(
        default=None, description="the set to start from; null: the agent's"
    )
    allow: Names = Field(default=(), description="added to the profile")
    deny: Names = Field(default=(), description="taken away; wins over everything")


class ToolPolicy(Section):
    """Which tools an agent has."""

    profile: Literal["minimal", "messaging", "coding", "full"] = Field(
        default="messaging",
        description="the set to start from: minimal | messaging | coding | full",
    )
    allow: Names = Field(default=(), description="added to the profile; * is a wildcard")
    deny: Names = Field(default=(), description="taken away; wins over everything")
    exec: ExecPolicy = Field(default=ExecPolicy(), description="what may be run on this machine")
    payments: Literal["deny", "ask"] = Field(
        default="deny", description="tools that spend money (wallet policy): deny | ask"
    )
    by_provider: Mapping[str, ToolFilter] = Field(
        default={}, description="narrower for models of a provider: profile, allow, deny"
    )


class Credentials(Section):
    """An agent's own access to a provider."""

    api_key: SecretText = Field(default=Secret(), description="this agent's key")
    api_keys: Secrets = Field(default=(), description="several keys, used in turn")
    base_url: Url | None = Field(default=None, description="this agent's address of the provider")


class Identity(Section):
    """How an agent shows itself and is called."""

    emoji: Text | None = Field(default=None, description="its sign, also the default reaction")
    mention_patterns: Names = Field(
        default=(), description="words that count as a mention in groups"
    )


class Subagents(Section):
    """Helpers an agent may start."""

    allow_agents: Names = Field(default=(), description="other agents it may start")
    max_depth: Whole = Field(
        default=1, ge=0, le=5, description="how deep helpers may start helpers"
    )
    max_children: Whole = Field(default=5, ge=0, le=100, description="how many at once")


class Compaction(Section):
    """When and how a long transcript is summed up."""

    reserve: Whole = Field(default=20000, ge=0, description="tokens kept free for the answer")
    keep_recent: Whole = Field(default=20000, ge=0, description="recent tokens kept word for word")


class Heartbeat(Section):
    """A regular turn without a message."""

    every: Duration = Field(default=0.0, description="how often; 0m: off")


class Agent(Section):
    """One agent: its model, tools, memory and manners."""

    id: Text = Field(description="a short stable name: a-z, 0-9, _ and -")
    default: Flag = Field(default=False, description="answers where no route names an agent")
    enabled: Flag = Field(default=True, description="false: it answers nobody and runs no task")
    name: Text | None = Field(default=None, description="the name people see; null: the id")
    model: ModelChoice = Field(
        default=ModelChoice(), description="primary and fallbacks, or a bare ref"
    )
    models: Names = Field(
        default=(), description="narrows the catalogue for this agent; empty: all"
    )
    task_models: TaskModels = Field(default=TaskModels(), description="models for scheduled work")
    params: Free = Field(default={}, description="request parameters over those of the catalogue")
    providers: Mapping[str, Credentials] = Field(
        default={}, description="its own credentials, by provider"
    )
    thinking: Literal["off", "minimal", "low", "medium", "high"] = Field(
        default="off", description="how much it thinks first: off | minimal | low | medium | high"
    )
    workspace: Text | None = Field(
        default=None, description="its folder; null: <state>/workspaces/<id>"
    )
    skills: Names = Field(default=(), description="skills it may use; empty: all found")
    tools: ToolPolicy = Field(default=ToolPolicy(), description="which tools it has")
    timeout: Duration = Field(
        default=600.0, description="how long one run may take; 0: no practical limit"
    )
    prompt: Text | None = Field(default=None, description="extra system text")
    timezone: Zone | None = Field(default=None, description="its time zone; null: tasks.timezone")
    identity: Identity = Field(default=Identity(), description="how it shows itself")
    hooks: Names | None = Field(default=None, description="hooks that run for it; null: all")
    subagents: Subagents = Field(default=Subagents(), description="helpers it may start")
    compaction: Compaction = Field(
        default=Compaction(), description="how long transcripts are summed up"
    )
    context_tokens: Whole | None = Field(
        default=None, ge=1000, description="a smaller window than the model's"
    )
    heartbeat: Heartbeat = Field(
        default=Heartbeat(), description="a regular turn without a message"
    )

    @field_validator("id")
    @classmethod
    def _stable(cls, value: str) -> str:
        folded = value.lower()
        plain = folded.replace("_", "").replace("-", "")
        if not (plain.isascii() and plain.isalnum()) or len(folded) > 64:
            raise wrong("is not an agent id", "use a-z, 0-9, _ and -, at most 64 characters")
        return folded
