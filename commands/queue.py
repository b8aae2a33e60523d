"""`/queue`: what becomes of messages that come while the agent is still at work."""

from __future__ import annotations

import re
from typing import Any

from bot.types import CommandContext
from commands.registry import command
from commands.words import code, did_you_mean, one_of

MODES = {
    "collect": "what you say meanwhile is answered together, in one turn",
    "followup": "each message gets a turn of its own",
    "steer": "the agent hears you between two steps of its work",
    "steer-backlog": "it hears you between two steps, and answers again afterwards",
    "interrupt": "a new message ends the work at hand",
}
DROPS = ("summarize", "old", "new")
CLEAR = ("default", "reset")
_LONGEST_CAP = 1000
_DURATION = re.compile(r"\d{1,6}(ms|s|m|h)")


@command(
    "queue",
    usage="/queue [MODE | default] [debounce:2s] [cap:20] [drop:summarize|old|new]",
    examples=("/queue", "/queue steer", "/queue collect debounce:2s cap:25", "/queue default"),
)
async def queue(ctx: CommandContext) -> str:
    """Say what becomes of messages that come while the agent is at work."""
    words = ctx.args.lower().split()
    if not words:
        return _shown((await ctx.runs.status())["queue"])
    if words[0] in CLEAR:
        await ctx.sessions.patch(queue=None)
        return "Messages wait here as the configuration says."
    wish, problem = _wish(words)
    if problem:
        return problem
    await ctx.sessions.patch(queue=wish)
    return _shown((await ctx.runs.status())["queue"])


def _shown(queue: dict[str, Any]) -> str:
    mode = queue["mode"]
    lines = [f"Queue: {code(mode)}: {MODES[mode]}."]
    if mode == "collect":
        lines.append(f"It waits {code(queue['debounce'])} for more after the work at hand.")
    lines.append(f"At most {queue['cap']} wait; beyond that: {code(queue['drop'])}.")
    return " ".join(lines)


def _wish(words: list[str]) -> tuple[dict[str, Any], str]:
    """What the words ask for, or the sentence that says what is wrong with them."""
    wish: dict[str, Any] = {}
    for word in words:
        name, colon, value = word.partition(":")
        if not colon:
            name, value = "mode", "steer" if word == "queue" else word
        if problem := _problem(name, value):
            return {}, f"{problem} Nothing was changed."
        wish[name] = int(value) if name == "cap" else value
    return wish, ""


def _problem(name: str, value: str) -> str:
    if name == "mode" and value not in MODES:
        return f"There is no mode {code(value)}.{did_you_mean(value, MODES)} Use {one_of(MODES)}."
    if name == "debounce" and not _DURATION.fullmatch(value):
        return f"{code(value)} is no time; write it as in `debounce:2s`."
    if name == "cap" and not (value.isdecimal() and 1 <= int(value) <= _LONGEST_CAP):
        return f"{code(value)} is no number from 1 to {_LONGEST_CAP}; write it as in `cap:20`."
    if name == "drop" and value not in DROPS:
        return f"There is no {code(f'drop:{value}')}. Use {one_of(DROPS)}."
    if name not in ("mode", "debounce", "cap", "drop"):
        return f"There is no option {code(name)}. Use debounce, cap or drop."
    return ""
