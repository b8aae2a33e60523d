"""What a run sees beside its transcript: taken once when it begins, the same until it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Mode = Literal["full", "minimal", "none"]
FileState = Literal["whole", "cut", "missing", "refused", "left out"]


@dataclass(frozen=True, slots=True)
class AgentPrompt:
    """What of an agent's configuration goes into its system prompt."""

    name: str
    prompt: str | None
    timezone: str


@dataclass(frozen=True, slots=True)
class ContextFile:
    """A file of the workspace in the prompt. `raw` counts the file's own characters.

    `text` is what the model gets: the file, what is left of it, or why it is not there; empty when
    nothing is said of it.
    """

    name: str
    raw: int
    text: str
    state: FileState


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill as its SKILL.md describes it.

    `location` is how the model names the file, `folder` where it is. `text` is the whole file as it
    was when the skill was found. `tool` is called without asking a model when people use the skill.
    """

    name: str
    description: str
    location: str
    folder: Path
    text: str
    source: str = "workspace"
    key: str = ""
    for_people: bool = True
    for_model: bool = True
    tool: str | None = None
    homepage: str | None = None
    emoji: str | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """The surroundings of one run.

    `channel` and `kind` say where it takes place, None for the operator's own sessions. `internal`:
    no person waits for the answer. `quotes`: an answer may quote a message. `place_prompt` is what
    the configuration says of this group. `env` holds the variables of its skills, for programs that
    its tools start.
    """

    mode: Mode = "full"
    channel: str | None = None
    kind: str | None = None
    internal: bool = False
    quotes: bool = False
    place_prompt: str | None = None
    files: tuple[ContextFile, ...] = ()
    skills: tuple[Skill, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the system prompt says of the call itself: the model's ref and the tools by name."""

    model: str
    thinking: str = "off"
    reasoning: str = "off"
    tools: tuple[str, ...] = ()
