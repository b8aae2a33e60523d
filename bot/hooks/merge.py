"""What several handlers together say, in the order of their priority."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.hooks import wire
from bot.hooks.handlers import Event, Handlers, HookFailed, failed


class Stopped(Exception):
    """A policy hook failed, so what it decides about is refused; the sentence is for a log."""


@dataclass(frozen=True, slots=True)
class Start:
    """What hooks want of a run: another model, another system prompt, words before the message."""

    model: str | None = None
    provider: str | None = None
    system: str | None = None
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as hooks let it be made. `blocked` is why it is not made."""

    params: dict[str, Any]
    blocked: str | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """A message as hooks let it go out."""

    content: str
    cancelled: str | None = None


_OVERRIDES = ("model", "provider")


async def started(handlers: Handlers, agent: str, point: str, event: Event, ctx: Event) -> Start:
    """The first model, the last system prompt, all words. Raises Stopped at a point of policy."""
    start, strict = Start(), point == "before_model_resolve"
    for handler in handlers.at(agent, point):
        try:
            answer = await handlers.answer(handler, event, ctx)
            before = wire.text(answer, "prependContext")
            model, provider = (wire.text(answer, f"{name}Override") for name in _OVERRIDES)
            start = Start(
                model=start.model or model,
                provider=start.provider or provider,
                system=wire.text(answer, "systemPrompt") or start.system,
                before=(*start.before, before) if before else start.before,
            )
        except HookFailed as error:
            failed(handler, error)
            if strict:
                raise Stopped(f"the hook {handler.name} failed: {error}") from error
    return start


async def called(handlers: Handlers, agent: str, event: Event, ctx: Event) -> Call:
    """Each handler sees what the one before made of the call; the first block is final."""
    params = event["params"]
    for handler in handlers.at(agent, "before_tool_call"):
        try:
            answer = await handlers.answer(handler, {**event, "params": params}, ctx)
            if wire.decision(answer, "block"):
                reason = wire.text(answer, "blockReason")
                return Call(params, reason or f"The hook {handler.name} does not allow this call.")
            changed = answer.get("params")
            if changed is not None and not isinstance(changed, dict):
                raise HookFailed(f"params is {type(changed).__name__} and not a dict")
            params = params if changed is None else changed
        except HookFailed as error:
            failed(handler, error)
            why = f"The hook {handler.name} failed, so this call was not made."
            return Call(params, why)
    return Call(params)


async def sending(handlers: Handlers, agent: str | None, event: Event, ctx: Event) -> Sending:
    """Each handler sees what the one before made of the text; the first cancel is final."""
    content = event["content"]
    for handler in handlers.at(agent, "message_sending"):
        try:
            answer = await handlers.answer(handler, {**event, "content": content}, ctx)
            if wire.decision(answer, "cancel"):
                return Sending(content, handler.name)
            changed = wire.text(answer, "content")
            content = content if changed is None else changed
        except HookFailed as error:
            failed(handler, error)
    return Sending(content)


async def spawning(handlers: Handlers, agent: str, event: Event, ctx: Event) -> str | None:
    """Why a sub-session is not begun; the first refusal is final."""
    for handler in handlers.at(agent, "subagent_spawning"):
        try:
            answer = await handlers.answer(handler, event, ctx)
            status = wire.text(answer, "status")
            if status == "error":
                reason = wire.text(answer, "error")
                return reason or f"The hook {handler.name} does not allow this sub-session."
            if status not in (None, "ok"):
                raise HookFailed("status is neither ok nor error")
        except HookFailed as error:
            failed(handler, error)
            return f"The hook {handler.name} failed, so the sub-session was not begun."
    return None


async def target(handlers: Handlers, agent: str, event: Event, ctx: Event) -> str:
    """Where the result of a sub-session goes: each handler sees what the one before said."""
    to: str = event["requesterOrigin"]
    for handler in handlers.at(agent, "subagent_delivery_target"):
        try:
            answer = await handlers.answer(handler, {**event, "requesterOrigin": to}, ctx)
            to = wire.address(answer, "origin") or to
        except HookFailed as error:
            failed(handler, error)
    return to
