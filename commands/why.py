"""`/why`: one message's whole story, as far as who asks may know it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.types import CommandContext
from commands.registry import command
from commands.words import code, count

_STEPS = 12


@command("why", usage="/why [ID]", examples=("/why", "/why 777"), group="About")
async def why(ctx: CommandContext) -> str:
    """Tell why an answer came as it did: admission, agent, tools, delivery.

    Without an ID the message that is replied to, else the last one of this session.
    """
    quoted = ctx.message.reply_to
    story = await ctx.runs.why(ctx.args.strip() or (quoted.id if quoted else None))
    if "candidates" in story:
        rows = [f"- {code(one['id'])}: {one['text']}" for one in story["candidates"]]
        return "\n".join(("Several messages have this id. Ask for one of these:", "", *rows))
    return "\n".join(_lines(story))


def _lines(story: Mapping[str, Any]) -> Iterator[str]:
    admission, route, run = story["admission"], story["route"], story["run"]
    said = " ".join(story["message"]["text"].split())
    yield f"- Message: {story['message']['author']['name']}: {said[:80]}"
    yield f"- {'Let in' if admission['allowed'] else 'Refused'}: {admission['rule']}"
    if route["agentId"]:
        yield f"- Agent: {code(route['agentId'])}, {route['matchedBy']}"
    if route["sessionKey"]:
        yield f"- Session: {code(route['sessionKey'])}"
    if run is not None:
        yield f"- Run: {code(run['runId'])}, {_ended(run)}"
    steps = story["steps"]
    yield from (_step(one) for one in steps[:_STEPS])
    if len(steps) > _STEPS:
        yield f"- and {count(len(steps) - _STEPS, 'step', 'steps')} more"
    for part in story["parts"]:
        wrong = f", {part['error']}" if part["error"] else ""
        known = f" as {code(part['id'])}" if part["id"] else ""
        yield f"- Part {part['part']}: {part['state']}{known}{wrong}"


def _ended(run: Mapping[str, Any]) -> str:
    error, usage = run["error"], run["usage"]
    if error:
        return f"{run['status']}: {error['code']}"
    tokens = f"{usage['inputTokens']:,} tokens in, {usage['outputTokens']:,} out" if usage else ""
    return ", ".join(filter(None, (run["status"], tokens)))


def _step(step: Mapping[str, Any]) -> str:
    took = f", {step['ms']:,} ms" if step["ms"] is not None else ""
    detail = f", {step['detail']}" if step["detail"] else ""
    return f"- {step['kind'].capitalize()} {code(step['name'])}{detail}{took}"
