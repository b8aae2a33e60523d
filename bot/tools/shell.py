"""`exec`: run a command, as the policy of its agent and a person allow it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.admission import is_owner
from bot.clock import Clock
from bot.config.agents import ExecPolicy
from bot.config.settings import Config
from bot.engine.port import Engine
from bot.jsonio import dumps
from bot.store import approvals as scripts
from bot.tools import sandbox
from bot.tools.approval import Approvals, Wanted
from bot.tools.exec_env import environment, refused, search_path
from bot.tools.exec_files import files_in, folder, named_in, patterns
from bot.tools.exec_policy import Files, Plan, Policy, Rule, covered, plan, strictest
from bot.tools.sandbox import Box, NoBox
from bot.tools.shell_jobs import Job, Jobs, Start
from bot.types import Risk, ToolContext, ToolResult

SHELL = "/bin/sh"
SHOWN = 30_000
_TAIL = 20_000
_UPDATE_EVERY = 1.0
_UPDATE = 2_000
_DAY = 86_400


class Refused(Exception):
    """The command does not start; the sentence is for the model."""


class ExecArgs(BaseModel):
    """The arguments of `exec`."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

    command: Annotated[str, Field(min_length=1, max_length=100_000)]
    workdir: str | None = None
    env: dict[str, str] = {}
    timeout: Annotated[float, Field(gt=0, le=_DAY)] | None = None
    yieldMs: Annotated[int, Field(ge=0, le=_DAY * 1000)] = 10_000
    background: bool = False
    security: Literal["deny", "allowlist", "full"] | None = None
    ask: Literal["off", "on-miss", "always"] | None = None
    elevated: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A command that is judged: how it would start, and what a yes to it is bound to."""

    command: str
    cwd: Path
    env: Mapping[str, str]
    planned: Plan
    scripts: Sequence[tuple[str, str]]
    box: Box | None

    @property
    def digest(self) -> str:
        bound = [
            self.command,
            str(self.cwd),
            sorted(self.env.items()),
            sorted(self.scripts),
            self.box is not None,
        ]
        return hashlib.sha256(dumps(bound).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Permit:
    """A yes. `asked`: a person gave it for this call; `shell`: the whole command is the shell's."""

    asked: bool
    shell: bool


class Exec:
    """Runs a command in the agent's folder; what takes long goes on in the background."""

    name = "exec"
    description = (
        "Run a command in the workspace and return its output and exit code. Plain commands "
        "(words, quotes, &&, ||, ;, |) run without a shell where the policy is a list. What takes "
        "longer than yieldMs goes on in the background; look after it with the tool process."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "command": {"type": "string"},
            "workdir": {"type": "string", "description": "a folder of the workspace"},
            "env": {"type": "object", "additionalProperties": {"type": "string"}},
            "timeout": {"type": "number", "description": "seconds"},
            "yieldMs": {"type": "integer", "default": 10_000},
            "background": {"type": "boolean"},
            "security": {"enum": ["deny", "allowlist", "full"], "description": "only stricter"},
            "ask": {"enum": ["off", "on-miss", "always"], "description": "only stricter"},
            "elevated": {"type": "boolean", "description": "outside the sandbox, where allowed"},
        },
        "required": ["command"],
        "additionalProperties": False,
    }
    risk: Risk = "exec"
    repeatable = False
    tags: Collection[str] = ()

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        config: Callable[[], Config],
        workspace: Callable[[str], Path],
        state: Path,
        jobs: Jobs,
        approvals: Approvals,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._config = config
        self._workspace = workspace
        self._state = state
        self._jobs = jobs
        self._approvals = approvals

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        try:
            asked = ExecArgs.model_validate(dict(args))
            settings = self._settings(ctx)
            ready = await asyncio.to_thread(self._ready, asked, ctx)
            permit = await self._permitted(asked, ready, settings, ctx)
            job = await self._start(asked, ready, settings, ctx, permit)
        except ValidationError as error:
            return ToolResult(wrong(error), is_error=True)
        except (Refused, NoBox) as error:
            return ToolResult(str(error), is_error=True)
        return await self._watched(job, asked, ctx)

    def _settings(self, ctx: ToolContext) -> ExecPolicy:
        agent = self._config().agent(ctx.turn.session.agent)
        return agent.tools.exec if agent else ExecPolicy()

    def _ready(self, asked: ExecArgs, ctx: ToolContext) -> Ready:
        """Read the command against the file system as it is now. Raises Refused, NoBox."""
        if "\0" in asked.command:
            raise Refused("The command holds a NUL.")
        if why := refused(asked.env):
            raise Refused(f"Refused: {why}.")
        workspace = self._workspace(ctx.turn.session.agent)
        try:
            cwd = folder(workspace, asked.workdir)
        except ValueError as error:
            raise Refused(f"{error}.") from None
        planned = plan(asked.command, self._files(cwd))
        named = planned.scripts if planned.programs else named_in(asked.command, cwd)
        box = self._box(asked, ctx, workspace)
        return Ready(asked.command, cwd, asked.env, planned, named, box)

    def _files(self, cwd: Path) -> Files:
        return files_in(cwd, search_path(os.environ))

    def _box(self, asked: ExecArgs, ctx: ToolContext, workspace: Path) -> Box | None:
        """The box that the command runs in, None on the machine itself. Raises Refused, NoBox."""
        tools, session = self._config().tools, ctx.turn.session
        boxed = sandbox.applies(tools.sandbox, session.key, session.agent)
        if not boxed and (session.settings.exec or {}).get("host") == "sandbox":
            raise Refused("This session wants a sandbox (/exec), and tools.sandbox is off for it.")
        if not asked.elevated and not self._elevated(ctx):
            return sandbox.box(tools.sandbox, workspace, self._state) if boxed else None
        if not boxed:
            raise Refused("elevated leaves the sandbox, and this session is not in one.")
        if not self._may_leave(ctx):
            raise Refused("elevated is off, or not for this sender (tools.elevated).")
        return None

    def _elevated(self, ctx: ToolContext) -> bool:
        """Do commands of this sender leave the sandbox by the session's word (`/elevated`)?"""
        session, tools = ctx.turn.session, self._config().tools
        boxed = sandbox.applies(tools.sandbox, session.key, session.agent)
        return bool(session.settings.elevated) and boxed and self._may_leave(ctx)

    def _may_leave(self, ctx: ToolContext) -> bool:
        elevated = self._config().tools.elevated
        address, author = ctx.turn.message.address, ctx.turn.message.author.id
        named = is_owner(address.channel, address.account, author, elevated.allow_from)
        return elevated.enabled and named

    async def _permitted(
        self, asked: ExecArgs, ready: Ready, settings: ExecPolicy, ctx: ToolContext
    ) -> Permit:
        """Ask the policy, and a person where it says so. Raises Refused."""
        own = Policy(settings.security, settings.ask)
        policies = [own, Policy(asked.security or own.security, asked.ask or own.ask)]
        wish = ctx.turn.session.settings
        policies.append(_wished(own, wish.exec or {}))
        leaves = asked.elevated or self._elevated(ctx)
        if leaves and wish.elevated != "full":
            policies.append(replace(own, ask="always"))
        if ctx.foreign and (own.security, own.ask) != ("full", "off"):
            policies.append(replace(own, ask="always"))
        listed = any(one.security != "full" for one in policies)
        grants = await self._engine.read(scripts.remembered(ctx.turn.session.agent))
        rules = [Rule(row["program"], row["script"], row["sha256"], row["id"]) for row in grants]
        hit, why, used = covered(ready.planned, patterns(settings.allow), rules)
        outcome = strictest(policies, hit)
        if outcome == "refuse":
            off = any(one.security == "deny" for one in policies)
            reason = "exec is off for this agent" if off else why
            raise Refused(f"Not allowed: {reason}. It did not run.")
        if outcome == "run":
            if used:
                await self._engine.tx(scripts.used(used, self._clock.now()))
            return Permit(asked=False, shell=not listed)
        reason = why or "every command is asked about"
        if ctx.foreign:
            reason = f"{reason}; this run has read words of others ({ctx.foreign})"
        if leaves:
            reason = "it would run outside the sandbox"
        decision = await self._approvals.ask(self._wanted(ready, reason), ctx)
        if not decision.allowed:
            raise Refused(decision.said)
        return Permit(asked=decision.asked, shell=False)

    def _wanted(self, ready: Ready, reason: str) -> Wanted:
        shown = ready.command
        if ready.env:
            shown += "".join(f"\n{name}={value}" for name, value in sorted(ready.env.items()))
        remember = [
            {"program": rule.program, "script": rule.script, "sha256": rule.sha256}
            for rule in ready.planned.remembered()
        ]
        return Wanted("exec", shown, reason, ready.digest, str(ready.cwd), remember)

    async def _start(
        self, asked: ExecArgs, ready: Ready, settings: ExecPolicy, ctx: ToolContext, permit: Permit
    ) -> Job:
        """Start what was judged, if it still is what was judged. Raises Refused, NoBox."""
        if permit.asked and not await self._approvals.begin(ctx):
            raise Refused("This was started before; its outcome is unknown.")
        limit = min(asked.timeout or settings.timeout, settings.timeout or asked.timeout or 0.0)
        env = environment(os.environ, ctx.env, ready.env)
        interactive = asked.background or "yieldMs" in asked.model_fields_set
        session = ctx.turn.session
        # From here to the start nothing is awaited but the start itself.
        if self._ready(asked, ctx) != ready:
            raise Refused("A file of this command changed after it was judged. It did not run.")
        path, argv = _argv(ready, permit.shell)
        if ready.box is not None:
            argv = ready.box.argv([path, *argv[1:]], ready.cwd, limit or _DAY)
            path, env = argv[0], ready.box.environment(env)
        cwd = Path("/") if ready.box is not None else ready.cwd
        how = Start(path, argv, cwd, env, limit, stdin=interactive)
        try:
            return await self._jobs.start(
                how, session.agent, session.key, ctx.turn.id, asked.command
            )
        except OSError as error:
            raise Refused(f"It could not be started: {error.strerror or error}.") from None

    async def _watched(self, job: Job, asked: ExecArgs, ctx: ToolContext) -> ToolResult:
        """Wait for the end, or for the time to let it go on alone."""
        job.heard = _Updates(job, ctx, self._clock).tell
        ctx.update("started")
        over = asyncio.create_task(job.over.wait(), name=f"exec-over:{job.id}")
        seconds = 0.0 if asked.background else asked.yieldMs / 1000
        late = asyncio.create_task(self._clock.sleep(seconds), name=f"exec-yield:{job.id}")
        try:
            await asyncio.wait({over, late}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            job.kill("the run was stopped")
            raise
        finally:
            job.heard = None
            over.cancel()
            late.cancel()
        if not job.over.is_set():
            return _in_background(job, seconds)
        self._jobs.forget(job)
        return ToolResult(report(job), is_error=job.code != 0)


def _wished(own: Policy, wish: Mapping[str, Any]) -> Policy:
    """What a session wants by `/exec`; it counts beside the agent's own policy, never for it."""
    return Policy(wish.get("security", own.security), wish.get("ask", own.ask))


class _Updates:
    """Tells watchers of a program's output now and then."""

    def __init__(self, job: Job, ctx: ToolContext, clock: Clock) -> None:
        self._job, self._ctx, self._clock = job, ctx, clock
        self._next = 0.0

    def tell(self) -> None:
        now = self._clock.now()
        if now >= self._next:
            self._next = now + _UPDATE_EVERY
            start = max(0, self._job.output.total - _UPDATE)
            self._ctx.update(self._job.output.since(start))


def report(job: Job) -> str:
    """A program's output and how it ended."""
    seconds = (job.ended_at or job.started_at) - job.started_at
    said = shortened(job.output.since(0)).rstrip("\n")
    end = f"[{job.state}, {seconds:.1f} s]"
    return f"{said}\n{end}" if said else end


def shortened(text: str) -> str:
    """The beginning and the end of a long text."""
    if len(text) <= SHOWN:
        return text
    left_out = len(text) - SHOWN
    return f"{text[: SHOWN - _TAIL]}\n[{left_out} characters left out]\n{text[-_TAIL:]}"


def _in_background(job: Job, seconds: float) -> ToolResult:
    job.background = True
    said = shortened(job.output.since(0)).rstrip("\n")
    job.read_to = job.output.total
    told = f"Still running after {seconds:g} s, now in the background" if seconds else "Started"
    note = (
        f"[{told} as {job.id}. See how it goes: process poll {job.id}. "
        "You will be told when it ends.]"
    )
    return ToolResult(f"{said}\n{note}" if said else note)


def _argv(ready: Ready, shell: bool) -> tuple[str, list[str]]:
    """What is started: the program itself, or a shell where the policy or a person says so.

    Of several plain programs each word is quoted, so the shell only connects them.
    """
    programs = ready.planned.programs
    if shell or not programs:
        return SHELL, ["sh", "-c", ready.command]
    if len(programs) == 1:
        return programs[0].path, list(programs[0].words)
    text = " ".join(
        f"{one.after} {shlex.join((one.path, *one.words[1:]))}".strip() for one in programs
    )
    return SHELL, ["sh", "-c", text]


def wrong(error: ValidationError) -> str:
    """The first mistake in a tool's arguments, as a sentence."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "arguments"
    return f"{place}: {first['msg']}."
