"""What in a configuration is dangerous: what agents may do, and whose code runs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from bot.cli.finding import Finding
from bot.cli.hazards import inside, plain_http
from bot.config.agents import Agent
from bot.config.problems import Path
from bot.config.settings import Config

_WIDE = ("*", "/*", "**", "/**", "/bin/*", "/usr/bin/*", "/usr/**")
_RISKY = ("coding", "full")


def hazards(config: Config, state: FilePath) -> Iterator[Finding]:
    """Every hazard of agents and of code that is loaded; `state` is the state directory."""
    heard = _heard(config)
    for index, agent in enumerate(config.agents):
        if agent.enabled:
            path: Path = ("agents", index)
            yield from _exec(config, agent, path, agent.id in heard)
            yield from _tools(agent, path, agent.id in heard)
            yield from _workspace(agent, path, state)
    yield from _reach(config)
    yield from _code(config)


def _heard(config: Config) -> set[str]:
    """The agents that people on channels can reach."""
    channels = [one for one in config.channels.values() if one.settings.enabled]
    named = {one.settings.agent for one in channels}
    named |= {group.agent for one in channels for group in one.settings.groups.values()}
    if channels:
        named |= {binding.agent for binding in config.bindings} | {config.default_agent.id}
    return {name for name in named if name}


def _exec(config: Config, agent: Agent, path: Path, heard: bool) -> Iterator[Finding]:
    exec = agent.tools.exec
    if exec.security == "deny":
        return
    if exec.security == "full":
        yield Finding(
            "exec.full",
            "critical" if exec.ask == "off" else "warn",
            f"{agent.id} may run any command"
            + (" and asks nobody" if exec.ask == "off" else ", after a yes"),
            "set security: allowlist and name the programs in exec.allow",
            path=(*path, "tools", "exec", "security"),
        )
    elif exec.ask == "off":
        yield Finding(
            "exec.unasked",
            "info",
            f"what exec.allow names runs without asking for {agent.id}",
            "set ask: on-miss to be asked about the rest",
            path=(*path, "tools", "exec", "ask"),
        )
    for wide in sorted(set(exec.allow) & set(_WIDE)):
        yield Finding(
            "exec.wide",
            "warn",
            f"{wide} allows {agent.id} nearly every program",
            "name whole paths of single programs",
            path=(*path, "tools", "exec", "allow"),
        )
    if config.tools.sandbox.mode == "off" and heard:
        yield Finding(
            "exec.unboxed",
            "warn",
            f"{agent.id} hears people on channels, and its commands run outside any sandbox",
            "set tools.sandbox.mode: non-main or all",
            path=(*path, "tools", "exec", "security"),
        )


def _tools(agent: Agent, path: Path, heard: bool) -> Iterator[Finding]:
    tools = agent.tools
    if heard and tools.profile in _RISKY:
        yield Finding(
            "tools.profile",
            "warn",
            f"{agent.id} hears people on channels and holds the profile {tools.profile}",
            "use profile: messaging there, and another agent for work on files",
            path=(*path, "tools", "profile"),
        )
    if "*" in tools.allow:
        yield Finding(
            "tools.all",
            "warn",
            f"{agent.id} holds every tool, those of later versions too",
            "name the tools in tools.allow",
            path=(*path, "tools", "allow"),
        )
    if tools.payments == "ask":
        yield Finding(
            "tools.payments",
            "info",
            f"{agent.id} may spend money after a yes",
            "set payments: deny to end it",
            path=(*path, "tools", "payments"),
        )


def _workspace(agent: Agent, path: Path, state: FilePath) -> Iterator[Finding]:
    if agent.workspace is None:
        return
    folder = FilePath(agent.workspace).expanduser().absolute()
    if inside(state, [folder]):
        yield Finding(
            "workspace.state",
            "critical",
            f"the workspace of {agent.id} holds the state directory, with token and transcripts",
            "give it a folder of its own",
            path=(*path, "workspace"),
        )
    elif folder in (FilePath("/"), FilePath.home()):
        yield Finding(
            "workspace.wide",
            "warn",
            f"the workspace of {agent.id} is {folder}, with keys and settings of other programs",
            "give it a folder of its own",
            path=(*path, "workspace"),
        )


def _reach(config: Config) -> Iterator[Finding]:
    if config.tools.elevated.enabled:
        yield Finding(
            "exec.elevated",
            "warn",
            "some people may leave the sandbox",
            "set tools.elevated.enabled: false when the work is done",
            path=("tools", "elevated", "enabled"),
        )
    if config.tools.web.allow_private:
        yield Finding(
            "web.private",
            "warn",
            f"agents may fetch from {', '.join(config.tools.web.allow_private)}",
            "leave only what they must read",
            path=("tools", "web", "allow_private"),
        )
    for name, provider in config.providers.items():
        keyed = bool(provider.api_key) or bool(provider.api_keys) or bool(provider.headers)
        if keyed and provider.base_url and plain_http(provider.base_url):
            yield Finding(
                "providers.plain_http",
                "warn",
                f"the key of {name} travels in the clear",
                "use https",
                path=("providers", name, "base_url"),
            )


def _code(config: Config) -> Iterator[Finding]:
    for index, name in enumerate(config.plugins):
        yield Finding(
            "code.plugin",
            "info",
            f"the plugin {name} runs with all rights of this program",
            "keep only those you have read",
            path=("plugins", index),
        )
    for key, what, dirs in (
        ("hooks", "hooks", config.hooks.dirs),
        ("skills", "skills", config.skills.dirs),
    ):
        for index, name in enumerate(dirs):
            yield from _folder(FilePath(name).expanduser(), what, (key, "dirs", index))
    for name, server in config.mcp.servers.items():
        path: Path = ("mcp", "servers", name)
        if server.url and plain_http(server.url):
            yield Finding(
                "code.mcp_plain_http",
                "warn",
                f"what {name} answers can be changed on its way",
                "use https",
                path=(*path, "url"),
            )
        yield Finding(
            "code.mcp",
            "info",
            f"tools of {name} come from {'another machine' if server.url else 'another program'}",
            "see them with: trunkline mcp list",
            path=path,
        )


def _folder(folder: FilePath, what: str, path: Path) -> Iterator[Finding]:
    try:
        mode = folder.stat().st_mode
    except OSError:
        return  # doctor says that it is not there
    if mode & 0o022:
        yield Finding(
            "code.writable",
            "critical",
            f"others may write {what} into {folder}",
            f"chmod go-w {folder}",
            path=path,
        )
    elif what == "hooks":
        yield Finding(
            "code.hooks",
            "info",
            f"the code in {folder} runs with all rights of this program",
            "keep only what you have read",
            path=path,
        )
