"""A chat in memory for the tests of commands: type something, see the answer and what changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.contract import Address, Author, Message, Ref
from bot.errors import RequestError
from bot.types import Answer, CommandContext, CommandInfo, Entry, Session
from commands import table
from commands.words import first_word

BASE = "agent:main:telegram:telegram:direct:1"


@dataclass
class Sessions:
    """A chat's sessions in memory; refuses as the real ones do."""

    base: str = BASE
    key: str = BASE
    known: dict[str, Session] = field(default_factory=lambda: {BASE: make(BASE, "")})
    resets: list[str] = field(default_factory=list)
    patches: list[dict[str, Any]] = field(default_factory=list)
    refused: RequestError | None = None
    said: list[Entry] = field(default_factory=list)

    async def current(self) -> Session:
        return self.known[self.key]

    async def children(self) -> list[Session]:
        return [each for each in self.known.values() if each.key != self.base]

    async def create(self, label: str | None) -> Session:
        made = add(self, label or f"Chat {len(self.known)}")
        self.key = made.key
        return made

    async def switch(self, name: str | None) -> Session:
        keys = [self.base] if name is None else [k for k in self.known if k.endswith(f":{name}")]
        if not keys:
            raise RequestError("NOT_FOUND", "no such session")
        self.key = keys[0]
        return self.known[self.key]

    async def rename(self, label: str) -> Session:
        if any(each.label == label for each in self.known.values()):
            raise RequestError("CONFLICT", f"Another session here is called {label}.")
        self.known[self.key] = replace(self.known[self.key], label=label)
        return self.known[self.key]

    async def reset(self, reason: str) -> Session:
        self.resets.append(reason)
        return self.known[self.key]

    async def patch(self, **settings: Any) -> Session:
        if self.refused:
            raise self.refused
        self.patches.append(settings)
        return self.known[self.key]

    async def history(self) -> list[Entry]:
        return self.said


MODELS = (
    {"ref": "demo/demo", "alias": None, "provider": "demo", "ready": True},
    {"ref": "openai/gpt-5", "alias": "best", "provider": "openai", "ready": True},
    {"ref": "openai/o9", "provider": "openai", "ready": False, "reason": "no key"},
)


@dataclass
class Agents:
    current: str = "main"
    rows: Sequence[Mapping[str, Any]] = MODELS

    def list(self) -> Sequence[Mapping[str, Any]]:
        main = {"id": "main", "name": "Assistant", "default": True, "enabled": True}
        return [main, {"id": "support", "name": "Support", "default": False, "enabled": False}]

    async def switch(self, name: str) -> str:
        if name != "support":
            raise RequestError("NOT_FOUND", "no such agent")
        self.current = name
        return name

    def models(self) -> Sequence[Mapping[str, Any]]:
        return self.rows


STATUS = {
    "version": "0.1.0",
    "agent": "main",
    "sessionKey": BASE,
    "label": None,
    "model": "openai/gpt-5",
    "modelSource": "session",
    "thinking": "low",
    "verbose": None,
    "reasoning": None,
    "contextUsed": 1500,
    "contextLimit": 200_000,
    "queueMode": "collect",
    "queued": 2,
    "running": False,
    "inputTokens": 1200,
    "outputTokens": 34,
    "cost": 0.0125,
    "compactions": 1,
    "demo": False,
}


@dataclass
class Runs:
    stopped: tuple[int, int] = (0, 0)
    now: dict[str, Any] = field(default_factory=lambda: dict(STATUS))

    async def stop(self) -> tuple[int, int]:
        return self.stopped

    async def status(self) -> Mapping[str, Any]:
        return self.now

    async def usage(self) -> Mapping[str, Any]:
        row = {"runs": 1, "inputTokens": 7, "outputTokens": 3, "cost": 0.5, "unpriced": 0}
        limits = {"dailyCost": 5.0, "sessionCost": None}
        return {"days": 30, "session": row, "today": row, "total": row, "limits": limits}


@dataclass
class Approvals:
    rows: list[dict[str, Any]] = field(default_factory=list)
    decided: list[tuple[str, str]] = field(default_factory=list)
    boxed: str | None = None
    refusal: RequestError | None = None

    async def pending(self) -> Sequence[Mapping[str, Any]]:
        return self.rows

    async def boxed_in(self) -> str | None:
        return self.boxed

    async def decide(self, name: str, decision: str) -> Mapping[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        self.decided.append((name, decision))
        return {"code": name, "decision": decision, "command": "ls -l"}


@dataclass
class Subagents:
    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)

    async def list(self) -> Sequence[Mapping[str, Any]]:
        return self.rows

    async def find(self, name: str) -> Mapping[str, Any]:
        for row in self.rows:
            if name in (str(row["number"]), row["id"]):
                return row
        raise RequestError("NOT_FOUND", f"No helper here is called {name}.")

    async def log(self, row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        return self.lines

    async def kill(self, rows: Sequence[Mapping[str, Any]]) -> int:
        at_work = [row["id"] for row in rows if row["status"] == "running"]
        self.killed += at_work
        return len(at_work)

    async def send(self, row: Mapping[str, Any], text: str) -> None:
        self.told.append((row["id"], text))


def task_of(id: str, name: str, **more: Any) -> dict[str, Any]:
    """A task's row, as commands get it."""
    return {
        "id": id,
        "agentId": "main",
        "sessionKey": BASE,
        "name": name,
        "prompt": "Check provider status.",
        "enabled": True,
        "because": None,
        "schedule": {"kind": "every", "everyMs": 3_600_000},
        "timezone": "UTC",
        "nextRunAt": "2026-01-02T01:00:00+00:00",
        "plan": "cheap check on demo/demo, escalates to demo/demo",
        "delivery": {"mode": "none", "channel": None, "to": None, "threadId": None, "url": None},
        "lastStatus": None,
        "lastRunAt": None,
        "runs": 0,
        "author": "person",
        "foreign": None,
        "said": "every hour",
        "upcoming": [f"2026-01-02T0{hour}:00:00+00:00" for hour in (1, 2, 3)],
    } | more


def task_run_of(task: str, **more: Any) -> dict[str, Any]:
    """The row of a task's run, as commands get it."""
    return {
        "runId": f"{task}@20260102T010000Z",
        "taskId": task,
        "cause": "due",
        "dueAt": "2026-01-02T01:00:00+00:00",
        "startedAt": "2026-01-02T01:00:00+00:00",
        "endedAt": "2026-01-02T01:00:04+00:00",
        "status": "ok",
        "reason": None,
        "delivery": "delivered",
        "target": "telegram:telegram:77",
        "error": None,
        "model": "demo/demo",
        "usage": {"inputTokens": 7, "outputTokens": 3},
        "summary": "All is well.",
    } | more


@dataclass
class Tasks:
    """A chat's tasks in memory; `asked` is what was asked of them, in order."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    refusal: RequestError | None = None
    zone: str = "UTC"

    async def create(self, texts: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        self._ask("create", *texts)
        made = [task_of(f"task-x-00000{number}", text) for number, text in enumerate(texts)]
        self.rows += made
        return made

    async def list(self, *, everything: bool = False) -> Sequence[Mapping[str, Any]]:
        return self.rows if everything else [row for row in self.rows if row["enabled"]]

    async def get(self, name: str) -> Mapping[str, Any]:
        for row in self.rows:
            if row["id"] == name:
                return row
        raise RequestError("NOT_FOUND", f"There is no task {name!r} here")

    async def edit(self, name: str, text: str) -> Mapping[str, Any]:
        self._ask("edit", name, text)
        return {**await self.get(name), "changed": text}

    async def pause(self, name: str) -> Mapping[str, Any]:
        return await self._enabled(name, False)

    async def resume(self, name: str) -> Mapping[str, Any]:
        return await self._enabled(name, True)

    async def remove(self, name: str) -> Mapping[str, Any]:
        row = await self.get(name)
        self.rows = [one for one in self.rows if one is not row]
        return row

    async def run(self, name: str) -> Mapping[str, Any]:
        self._ask("run", name)
        return self.history[0]

    async def runs(self, name: str, limit: int) -> Sequence[Mapping[str, Any]]:
        await self.get(name)
        return self.history[:limit]

    async def run_row(self, run: str) -> Mapping[str, Any]:
        return next(row for row in self.history if row["runId"] == run)

    async def cancel_run(self, run: str) -> Mapping[str, Any]:
        self._ask("cancel_run", run)
        return await self.run_row(run)

    async def retry_run(self, run: str) -> Mapping[str, Any]:
        self._ask("retry_run", run)
        return await self.run_row(run)

    async def timezone(self, zone: str | None) -> str:
        self.zone = zone or self.zone
        return self.zone

    async def _enabled(self, name: str, enabled: bool) -> Mapping[str, Any]:
        row: dict[str, Any] = {**await self.get(name), "enabled": enabled}
        self.rows = [row if one["id"] == name else one for one in self.rows]
        return row

    def _ask(self, *what: Any) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(what)


@dataclass
class Context:
    now: dict[str, Any] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] = ()

    async def report(self) -> Mapping[str, Any]:
        return self.now

    async def skills(self) -> Sequence[Mapping[str, Any]]:
        return self.rows


def make(key: str, label: str, at: float = 0.0) -> Session:
    return Session(id="1", key=key, agent="main", label=label, updated_at=at)


def add(sessions: Sessions, label: str, at: float = 0.0) -> Session:
    made = make(f"{BASE}:chat:{label.lower().replace(' ', '-')}", label, at)
    sessions.known[made.key] = made
    return made


@dataclass
class Chat:
    """One person in one chat: `say` types a command and gives the answer."""

    owner: bool = False
    direct: bool = True
    web: bool = False
    sessions: Sessions = field(default_factory=Sessions)
    agents: Agents = field(default_factory=Agents)
    runs: Runs = field(default_factory=Runs)
    known: Context = field(default_factory=Context)
    approvals: Approvals = field(default_factory=Approvals)
    subagents: Subagents = field(default_factory=Subagents)
    tasks: Tasks = field(default_factory=Tasks)
    infos: Sequence[CommandInfo] = table().infos

    async def answer(self, typed: str) -> Answer:
        name, args = first_word(typed.removeprefix("/"))
        info = table().resolve(name)
        assert info is not None, typed
        answer = await table().handlers[info.name](self.context(info.name, args))
        assert isinstance(answer, Answer)
        return answer

    async def say(self, typed: str) -> str:
        return (await self.answer(typed)).text

    def context(self, name: str, args: str = "") -> CommandContext:
        address = Address("telegram", "telegram", "77")
        author = Author("12345", "Ada `Lovelace`")
        message = Message(Ref(address, "1"), author, "", datetime(2026, 1, 2, tzinfo=UTC), "direct")
        return CommandContext(
            message=message,
            name=name,
            args=args,
            owner=self.owner,
            direct=self.direct,
            web=self.web,
            requester="telegram:12345",
            sessions=self.sessions,
            agents=self.agents,
            runs=self.runs,
            context=self.known,
            approvals=self.approvals,
            subagents=self.subagents,
            tasks=self.tasks,
            commands=self.infos,
        )
