"""One method for each place of the core that calls hooks.

Without a handler at its points a method looks once and returns. Events and contexts are those of
the specification; what a handler is told is a copy.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import structlog

from bot.contract import Address, Message
from bot.errors import RunError, StoreError
from bot.hooks import merge, wire
from bot.hooks.events import PUSHED, Events
from bot.hooks.handlers import Handlers, HookFailed, failed
from bot.hooks.merge import Start
from bot.keys import parse_key
from bot.types import Entry, ModelRequest, Session, ToolCall, ToolResult, Turn

log = structlog.get_logger("hooks")

NOT_KEPT = "[A hook did not let this message be kept.]"
_MOST_STARTS = 4096
_STOPPED = "The run was stopped"

Folder = Callable[[str], Path]
Lines = Callable[[str], Awaitable[Sequence[Entry]]]
Agent = Callable[[str], Awaitable[str | None]]


async def no_lines(session: str) -> Sequence[Entry]:
    """Stands for the transcripts of a store."""
    return ()


async def no_agent(run: str) -> str | None:
    """Stands for the runs of a store."""
    return None


class Kept(Protocol):
    """A session as its row in the store says it is."""

    def __getitem__(self, name: str, /) -> Any: ...


class Hooks:
    """The hooks of a process. `folder` gives an agent's folder, `model_of` the model that a run
    has without hooks, as `provider/model`, `lines` the end of a session's transcript, `agent_of`
    whose a run is. `rows` say what was found where."""

    def __init__(self) -> None:
        self.handlers = Handlers()
        # Asked at every step of every run: without a handler it must cost next to nothing.
        self.wants = self.handlers.wants
        self.events = Events(self.handlers)
        self.rows: Sequence[Mapping[str, Any]] = ()
        self.model_of: Callable[[Turn], str] = lambda turn: turn.session.settings.model or ""
        self.lines: Lines = no_lines
        self.agent_of: Agent = no_agent
        self.folder: Folder | None = None
        self._starts: OrderedDict[str, Start] = OrderedDict()
        self._former: dict[str, str] = {}

    # A run, in the order of its steps.

    def session_start(self, turn: Turn, history: Sequence[Entry]) -> None:
        """A session has its first run: nothing was said in it before."""
        if self.wants("session_start") and history and history[0].run == turn.id:
            former = self._former.pop(turn.session.key, None)
            event = {"sessionId": turn.session.id, "resumedFrom": former}
            self._tell(turn, "session_start", event)

    async def before_run(self, turn: Turn, history: Sequence[Entry]) -> Turn:
        """The turn with the model that hooks want for it. Raises RunError HOOK_FAILED."""
        points = ("before_model_resolve", "before_agent_start", "before_prompt_build")
        if not self.wants(*points) or turn.work != "answer":
            return turn
        agent, prompt, ctx = turn.session.agent, turn.message.text, self._context(turn.session)
        messages = [wire.message_row(one) for one in history]
        try:
            model = await merge.started(self.handlers, agent, points[0], {"prompt": prompt}, ctx)
        except merge.Stopped as error:
            raise RunError("HOOK_FAILED", str(error)) from error
        event = {"prompt": prompt, "messages": messages}
        legacy = await merge.started(self.handlers, agent, points[1], event, ctx)
        built = await merge.started(self.handlers, agent, points[2], event, ctx)
        start = Start(
            model=model.model or legacy.model,
            provider=model.provider or legacy.provider,
            system=built.system or legacy.system,
            before=(*built.before, *legacy.before),
        )
        if start.system or start.before:
            self._starts[turn.id] = start
            while len(self._starts) > _MOST_STARTS:
                self._starts.popitem(last=False)
        return self._on_model(turn, start)

    def dressed(self, turn: Turn, request: ModelRequest) -> ModelRequest:
        """A request with the prompt and the words that hooks gave for its run."""
        start = self._starts.get(turn.id) if self._starts else None
        if start is None:
            return request
        entries, words = list(request.entries), "\n\n".join(start.before)
        said = [at for at, one in enumerate(entries) if one.role == "user" and one.run == turn.id]
        if words and said:
            own = entries[said[0]]
            entries[said[0]] = replace(own, text=f"{words}\n\n{own.text}")
        system = start.system or request.system
        if words and not said:
            system = f"{system}\n\n{words}"
        return replace(request, system=system, entries=entries)

    def llm_input(self, turn: Turn, ref: str, request: ModelRequest) -> None:
        """What a model is asked, as it goes to the provider."""
        if self.wants("llm_input"):
            said = [one for one in request.entries if one.role == "user"]
            event = {
                **wire.call_row(turn, ref),
                "systemPrompt": request.system,
                "prompt": said[-1].text if said else "",
                "historyMessages": [wire.message_row(one) for one in request.entries],
                "imagesCount": sum(len(one.attachments) for one in request.entries),
            }
            self._tell(turn, "llm_input", event)

    def llm_output(self, turn: Turn, ref: str, entry: Entry) -> None:
        """What a model answered."""
        if self.wants("llm_output"):
            usage = entry.usage
            event = {
                **wire.call_row(turn, ref),
                "assistantTexts": [entry.text] if entry.text else [],
                "lastAssistant": wire.message_row(entry),
                "usage": {"input": usage.input, "output": usage.output, "cost": usage.cost}
                if usage
                else None,
            }
            self._tell(turn, "llm_output", event)

    async def agent_end(
        self, turn: Turn, state: str, error: tuple[str, str] | None, seconds: float
    ) -> None:
        """A run is over, however it went; `state` is ok, error or aborted."""
        self._starts.pop(turn.id, None)
        wrong = error[1] if error else None if state == "ok" else _STOPPED
        if parse_key(turn.session.key).kind == "subagent":
            self._subagent_ended(turn, state, wrong)
        if self.wants("agent_end"):
            event = {
                "runId": turn.id,
                "messages": [wire.message_row(one) for one in await self._lines(turn)],
                "success": state == "ok",
                "error": wrong,
                "durationMs": round(seconds * 1000),
            }
            self._tell(turn, "agent_end", event)

    def before_compaction(self, turn: Turn, messages: int, tokens: int, gone: int) -> None:
        """A transcript is about to be made shorter; all but `gone` of its messages stay."""
        counts = {"messageCount": messages, "tokenCount": tokens, "compactingCount": gone}
        self._tell(turn, "before_compaction", {**counts, "sessionFile": None})

    def after_compaction(self, turn: Turn, messages: int, tokens: int, gone: int) -> None:
        """A transcript was made shorter."""
        counts = {"messageCount": messages, "tokenCount": tokens, "compactedCount": gone}
        self._tell(turn, "after_compaction", {**counts, "sessionFile": None})

    # Tools and the transcript.

    async def before_tool_call(self, turn: Turn, call: ToolCall) -> tuple[ToolCall, str | None]:
        """The call as hooks let it be made, or why it is not made."""
        if not self.wants("before_tool_call") or call.args is None:
            return call, None
        event = {"toolName": call.name, "toolCallId": call.id, "params": dict(call.args)}
        event["runId"] = turn.id
        ctx = wire.tool_context(turn, call.name)
        made = await merge.called(self.handlers, turn.session.agent, event, ctx)
        return replace(call, args=made.params), made.blocked

    def after_tool_call(
        self, turn: Turn, call: ToolCall, result: ToolResult, seconds: float
    ) -> None:
        """A call was made, and this came of it."""
        if self.wants("after_tool_call"):
            said = {"error" if result.is_error else "result": result.text}
            event = {
                "toolName": call.name,
                "toolCallId": call.id,
                "runId": turn.id,
                "params": dict(call.args or {}),
                **said,
                "durationMs": round(seconds * 1000),
            }
            ctx = wire.tool_context(turn, call.name)
            self.handlers.tell(turn.session.agent, "after_tool_call", event, ctx)

    def tool_result_persist(self, turn: Turn, entry: Entry, *, synthetic: bool) -> Entry:
        """A tool's result as it is to be kept; `synthetic`: no tool gave it."""
        more = {"toolName": entry.name, "toolCallId": entry.call_id, "isSynthetic": synthetic}
        ctx = wire.tool_context(turn, entry.name or "")
        return self._altered("tool_result_persist", turn.session.agent, entry, more, ctx)

    def before_message_write(self, session: Session, entry: Entry) -> Entry:
        """A line as it is to be kept; one that is blocked keeps its place without its words."""
        ctx = {"agentId": session.agent, "sessionKey": session.key}
        return self._altered("before_message_write", session.agent, entry, {}, ctx)

    def _altered(
        self, point: str, agent: str, entry: Entry, more: Mapping[str, Any], ctx: dict[str, Any]
    ) -> Entry:
        if not self.wants(point):
            return entry
        for handler in self.handlers.at(agent, point):
            event = {"message": wire.message_row(entry), **more}
            try:
                answer = self.handlers.at_once(handler, event, ctx)
                if point == "before_message_write" and wire.decision(answer, "block"):
                    log.info("message not kept", hook=handler.name, session=ctx["sessionKey"])
                    return replace(entry, text=NOT_KEPT, thinking="", wire=None)
                if answer.get("message") is not None:
                    entry = wire.amended(entry, answer["message"])
            except HookFailed as error:
                failed(handler, error)
        return entry

    # Messages.

    def message_received(self, message: Message, key: str | None, run: str | None) -> None:
        """A message was let in and is stored."""
        if self.wants("message_received", "message:received"):
            agent = parse_key(key).agent if key else None
            event, ctx = wire.received_row(message), wire.place_context(message.address)
            self.handlers.tell(agent, "message_received", event, ctx)
            context = {**event, **ctx, "runId": run}
            self.events.begin("message:received", key, context, message.address)

    async def message_sending(self, run: str, to: Address, content: str) -> merge.Sending:
        """A message as hooks let it go out; what has no text is not asked about."""
        if not content or not self.wants("message_sending"):
            return merge.Sending(content)
        agent = await self._agent_of(run)
        event = {"to": to.key, "content": content, "metadata": {"runId": run}}
        return await merge.sending(self.handlers, agent, event, wire.place_context(to))

    async def message_sent(
        self, run: str, to: Address, content: str, failure: Exception | None
    ) -> None:
        """The platform has a message, or an attempt failed."""
        if content and self.wants("message_sent", "message:sent"):
            error = (str(failure) or type(failure).__name__) if failure else None
            agent = await self._agent_of(run)
            event = {"to": to.key, "content": content, "success": error is None, "error": error}
            ctx = wire.place_context(to)
            self.handlers.tell(agent, "message_sent", event, ctx)
            context = {**event, **ctx, "runId": run}
            if not run.startswith(PUSHED):
                self.events.begin("message:sent", None, context, to, agent)

    # Sessions, sub-sessions, the process.

    async def before_reset(self, row: Kept, entries: Iterable[Entry], reason: str) -> None:
        """A session is about to be put away; whoever wants its messages gets them now."""
        event = {
            "sessionFile": None,
            "messages": [wire.message_row(one) for one in entries],
            "reason": reason,
        }
        telling = self.handlers.tell(row["agent"], "before_reset", event, self._kept_context(row))
        if telling is not None:
            await telling

    def session_end(self, row: Kept, messages: int, seconds: float) -> None:
        """A session was put away."""
        if self.wants("session_start"):
            self._former[row["key"]] = row["id"]
        event = {
            "sessionId": row["id"],
            "messageCount": messages,
            "durationMs": round(seconds * 1000),
        }
        self.handlers.tell(row["agent"], "session_end", event, self._kept_context(row))

    async def subagent_spawning(
        self, turn: Turn, child: str, agent: str, label: str | None, mode: str = "run"
    ) -> str | None:
        """Why a sub-session is not begun, None when it may be."""
        if not self.wants("subagent_spawning"):
            return None
        event = {
            "childSessionKey": child,
            "agentId": agent,
            "label": label,
            "mode": mode,
            "requester": wire.requester_row(turn),
        }
        ctx = self._context(turn.session)
        return await merge.spawning(self.handlers, turn.session.agent, event, ctx)

    async def subagent_delivery_target(self, turn: Turn, child: str, to: str | None) -> str | None:
        """Where the result of a sub-session goes, as the key of an address."""
        if to is None or not self.wants("subagent_delivery_target"):
            return to
        event = {
            "childSessionKey": child,
            "requesterOrigin": to,
            "requester": wire.requester_row(turn),
        }
        ctx = self._context(turn.session)
        return await merge.target(self.handlers, turn.session.agent, event, ctx)

    def subagent_spawned(
        self, turn: Turn, child: str, run: str, label: str | None, mode: str = "run"
    ) -> None:
        """A sub-session has begun."""
        event = {"runId": run, "childSessionKey": child, "label": label, "mode": mode}
        self._tell(turn, "subagent_spawned", {**event, "requester": wire.requester_row(turn)})

    def _subagent_ended(self, turn: Turn, state: str, error: str | None) -> None:
        event = {"targetSessionKey": turn.session.key, "runId": turn.id}
        self._tell(turn, "subagent_ended", {**event, "outcome": state, "error": error})

    def command(self, name: str, key: str, message: Message) -> None:
        """A command has run."""
        if self.wants(f"command:{name}", "command"):
            about = {
                **wire.place_context(message.address),
                "senderId": message.author.id,
                "args": message.command.args if message.command else "",
            }
            self.events.begin(f"command:{name}", key, about, message.address)

    def gateway_start(self, port: int) -> None:
        """The process has begun to work."""
        self.handlers.tell(None, "gateway_start", {"port": port}, {"port": port})
        self.events.begin("gateway:startup", None, {"port": port})

    async def gateway_stop(self, reason: str) -> None:
        """The process is about to end; it waits for its hooks, each as long as a hook may take."""
        self.handlers.tell(None, "gateway_stop", {"reason": reason}, {})
        self.events.begin("gateway:shutdown", None, {"reason": reason})
        await self.idle(self.handlers.patience)

    async def idle(self, most: float | None = None) -> None:
        """Return when everybody who was told something has ended, or after `most` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(most):
                await self.events.idle()
                await self.handlers.idle()

    def _tell(self, turn: Turn, point: str, event: dict[str, Any]) -> None:
        if self.wants(point):
            self.handlers.tell(turn.session.agent, point, event, self._context(turn.session))

    def _on_model(self, turn: Turn, start: Start) -> Turn:
        """A turn on the model of an override; the half that it lacks is of the run's own model."""
        model = start.model
        if not model and not start.provider:
            return turn
        if start.provider or not model or "/" not in model:
            provider, _, own = self.model_of(turn).partition("/")
            model = f"{start.provider or provider}/{model or own}"
        settings = replace(turn.session.settings, model=model)
        return replace(turn, session=replace(turn.session, settings=settings), firm=True)

    async def _lines(self, turn: Turn) -> Sequence[Entry]:
        try:
            return await self.lines(turn.session.id)
        except StoreError:
            # The run has ended, whatever became of the store since.
            return ()

    async def _agent_of(self, run: str) -> str | None:
        try:
            return await self.agent_of(run)
        except StoreError:
            return None

    def _context(self, session: Session) -> dict[str, Any]:
        folder = str(self.folder(session.agent)) if self.folder else None
        return wire.session_context(session, folder)

    def _kept_context(self, row: Kept) -> dict[str, Any]:
        address = Address.parse(row["address"]) if row["address"] else None
        return self._context(Session(row["id"], row["key"], row["agent"], row["label"], address))
