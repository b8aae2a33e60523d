"""Which tools an agent holds in a session: a profile, then steps that only take away. Pure.

Every step is a set of patterns that keeps some names and takes others; a tool is held when all
steps keep it. `deny` wins, `*` matches, case does not count, `group:<name>` stands for its members.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from bot.config.agents import Agent, ToolFilter
from bot.config.settings import Sandbox
from bot.keys import main_key

PAYMENT = "payment"
SUBAGENT = ":subagent:"

_MINIMAL = frozenset({"session_status"})
_MESSAGING = _MINIMAL | {
    "message",
    "sessions_list",
    "sessions_history",
    "sessions_send",
    "agents_list",
    "memory_search",
    "memory_get",
    "task",
    "read",
}
_CODING = _MESSAGING | {
    "write",
    "edit",
    "apply_patch",
    "exec",
    "process",
    "web_fetch",
    "web_search",
    "sessions_spawn",
    "image",
}
_EVERY = frozenset({"*"})
PROFILES: dict[str, frozenset[str]] = {
    "minimal": _MINIMAL,
    "messaging": _MESSAGING,
    "coding": _CODING,
    "full": _EVERY,
}
# Profiles whose `read` is for the files of attached skills only.
_SKILLS_ONLY = ("minimal", "messaging")

GROUPS: dict[str, frozenset[str]] = {
    "fs": frozenset({"read", "write", "edit", "apply_patch"}),
    "runtime": frozenset({"exec", "process"}),
    "web": frozenset({"web_search", "web_fetch"}),
    "sessions": frozenset(
        {
            "sessions_list",
            "sessions_history",
            "sessions_send",
            "sessions_spawn",
            "session_status",
            "subagents",
        }
    ),
    "memory": frozenset({"memory_search", "memory_get"}),
    "ui": frozenset({"browser"}),
    "automation": frozenset({"task"}),
    "messaging": frozenset({"message"}),
    "nodes": frozenset({"nodes"}),
}
GROUPS["trunkline"] = frozenset({"image", "agents_list"}).union(*GROUPS.values())

_OUTSIDE_THE_BOX = ("group:ui", "group:nodes")
_BOXED_FILES: dict[str, tuple[str, ...]] = {
    "rw": (),
    "ro": ("write", "edit", "apply_patch"),
    "none": ("group:fs", "image"),
}
_NOT_FOR_HELPERS = GROUPS["sessions"] | GROUPS["automation"] | {"agents_list"}
# What a helper needs that may start helpers itself.
_FOR_LEADERS = frozenset({"sessions_spawn", "sessions_list", "sessions_history", "subagents"})


@dataclass(frozen=True, slots=True)
class Step:
    """Keeps what `keep` matches and `deny` does not."""

    keep: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()

    def keeps(self, name: str) -> bool:
        return not matches(name, self.deny) and matches(name, self.keep)


@dataclass(frozen=True, slots=True)
class ToolPolicy:
    """What may be called in a session. `skills_only`: of files only those of attached skills are
    read. `payments`: what becomes of tools that spend money."""

    steps: tuple[Step, ...]
    skills_only: bool = False
    payments: Literal["deny", "ask"] = "deny"

    def allows(self, name: str) -> bool:
        return all(step.keeps(name) for step in self.steps)

    def narrowed(self, names: Sequence[str]) -> ToolPolicy:
        """The same for a run that may use these tools at most."""
        return replace(self, steps=(*self.steps, Step(keep=tuple(names))))

    def refusal(self, name: str, tags: Collection[str]) -> str | None:
        """Why a tool may not be called, None when it may (a payment when a person agrees)."""
        if not self.allows(name):
            return f"The tool {name} is not allowed for this agent."
        if PAYMENT in tags and self.payments == "deny":
            return (
                f"The tool {name} spends money, and this agent may not: its tools.payments is "
                "deny. The operator may set it to ask."
            )
        return None


NOTHING = ToolPolicy((Step(keep=()),), skills_only=True)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Does a tool's name match one of these patterns or belong to one of these groups?"""
    wanted = name.lower()
    for pattern in patterns:
        plain = pattern.lower()
        if plain.startswith("group:"):
            if wanted in GROUPS.get(plain.removeprefix("group:"), ()):
                return True
        elif fnmatchcase(wanted, plain):
            return True
    return False


def policy_of(agent: Agent, ref: str, session_key: str, sandbox: Sandbox) -> ToolPolicy:
    """The policy of an agent's run on a model (`provider/model`) in a session."""
    tools = agent.tools
    steps = [Step((*PROFILES[tools.profile], *tools.allow), tuple(tools.deny))]
    skills_only = [_skills_only(tools.profile, tools.allow)]
    for narrower in _filters(agent, ref):
        profile = narrower.profile
        # Without a profile of its own a filter begins with all that the agent holds.
        keep = _EVERY if profile is None else PROFILES[profile]
        steps.append(Step((*keep, *narrower.allow), tuple(narrower.deny)))
        skills_only.append(profile is not None and _skills_only(profile, narrower.allow))
    if boxed(agent.id, session_key, sandbox):
        steps.append(Step(deny=(*_OUTSIDE_THE_BOX, *_BOXED_FILES[sandbox.workspace])))
    if depth := session_key.count(SUBAGENT):
        leads = depth < agent.subagents.max_depth
        steps.append(Step(deny=tuple(_NOT_FOR_HELPERS - (_FOR_LEADERS if leads else frozenset()))))
    return ToolPolicy(tuple(steps), any(skills_only), tools.payments)


def boxed(agent: str, session_key: str, sandbox: Sandbox) -> bool:
    """Is the sandbox on for a session of an agent?"""
    main = sandbox.mode == "non-main" and session_key == main_key(agent)
    return sandbox.mode != "off" and not main


def _filters(agent: Agent, ref: str) -> list[ToolFilter]:
    """What the agent says about a provider, then about the very model."""
    said = {name.lower(): found for name, found in agent.tools.by_provider.items()}
    names = (ref.lower().partition("/")[0], ref.lower())
    return [said[name] for name in names if name in said]


def _skills_only(profile: str, allow: Sequence[str]) -> bool:
    return profile in _SKILLS_ONLY and not matches("read", allow)
