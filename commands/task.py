"""`/task`: work that an agent does by the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.errors import RequestError
from bot.types import Answer, CommandContext
from commands.registry import command
from commands.task_words import facts, listed, made, ran, run_line, run_shown, shown, title
from commands.words import SubCommand, code, count, dispatch, first_word

SHOWN = 20
RUNS = 5
MOST_RUNS = 10
NONE = "No tasks are scheduled in this session. `/task new every 1h NAME: PROMPT` makes one."
HOW = (
    "Write for example:\n"
    "`/task new every 1h Service watch: check the status page`\n"
    "`/task new every friday at 5pm Report: sum up the week`\n"
    "`/task new in 20m remind me to call Ada`\n"
    "`/task new cron 0 9 * * 1-5 -- Morning: what is new?`"
)


@command(
    "task",
    usage="/task [list [all] | new WHEN [NAME:] PROMPT | show ID | run ID | pause ID | resume ID "
    "| edit ID CHANGE | cancel ID | runs ID [1-10] | last ID | run-show RUN | cancel-run RUN "
    "| retry-run RUN | timezone [ZONE]]",
    examples=(
        "/task",
        "/task new every 1h Service watch: check the status page",
        "/task edit ID every 30m",
    ),
    group="Sessions",
)
async def task(ctx: CommandContext) -> Answer | str:
    """Schedule work for this agent, and see and change what is scheduled."""
    batch = _batch(ctx.args)
    return await _create(ctx, batch) if batch else await dispatch(ctx, "task", SUBS, bare="list")


def _batch(args: str) -> list[str]:
    """What several lines want made, each a command of its own; nothing for a single one.

    Raises RequestError when one of them is no `/task new`.
    """
    first, *rest = [line.strip() for line in args.strip().split("\n")]
    if not rest or not all(line[:1] in "/!" and line[1:6] == "task " for line in rest):
        return []
    lines = [first_word(line) for line in (first, *(line[6:] for line in rest))]
    for number, (word, _) in enumerate(lines, 1):
        if word.lower() != "new":
            say = f"Line {number} is not `/task new`; several lines only make tasks"
            raise RequestError("INVALID_PARAMS", say)
    return [text for _, text in lines]


async def new(ctx: CommandContext, text: str) -> str:
    """Make a task."""
    return await _create(ctx, [text])


async def _create(ctx: CommandContext, texts: Sequence[str]) -> str:
    if not all(texts):
        return f"Say when, and what to do. {HOW}"
    try:
        rows = await ctx.tasks.create(texts)
    except RequestError as error:
        if error.code != "INVALID_PARAMS":
            raise
        said = str(error).rstrip(".")
        return f"{said[:1].upper()}{said[1:]}. Nothing was made.\n\n{HOW}"
    return "\n\n".join(made(row) for row in rows)


async def listing(ctx: CommandContext, rest: str) -> str:
    """What is scheduled here; with `all` the agent's other tasks and the inactive ones too."""
    if rest.lower() not in ("", "all"):
        return "Use `/task list` or `/task list all`."
    everything = rest.lower() == "all"
    rows = await ctx.tasks.list(everything=everything)
    here = [row for row in rows if row["enabled"] and row["sessionKey"] == ctx.sessions.key]
    other = [row for row in rows if row["enabled"] and row["sessionKey"] != ctx.sessions.key]
    sections = [
        ("This session", here),
        ("Other sessions of this agent", other),
        ("Inactive", [row for row in rows if not row["enabled"]]),
    ]
    parts = [_section(name, found) for name, found in sections if found]
    return "\n\n".join(parts) or NONE


def _section(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"**{name}** ({len(rows)})", *map(listed, rows[:SHOWN])]
    if len(rows) > SHOWN:
        lines.append(f"… and {len(rows) - SHOWN} more.")
    return "\n".join(lines)


async def show(ctx: CommandContext, name: str) -> str:
    """One task with everything about it."""
    return shown(await ctx.tasks.get(_named(name)))


async def run(ctx: CommandContext, name: str) -> str:
    """Run one now, and wait for it for up to two minutes."""
    return ran(await ctx.tasks.run(_named(name)))


async def edit(ctx: CommandContext, rest: str) -> str:
    """Change one by words: `every 30m`, `rename to X`, `no delivery`, `use strong model`, ..."""
    name, text = first_word(rest)
    if not text:
        return "Say which and what: `/task edit ID every 30m`."
    row = await ctx.tasks.edit(_named(name), text)
    return "\n".join([f"Changed {title(row)}: {row['changed']}", *facts(row)])


async def pause(ctx: CommandContext, name: str) -> str:
    """Let one rest."""
    row = await ctx.tasks.pause(_named(name))
    return f"Paused {title(row)}. `/task resume {row['id']}` lets it go on."


async def resume(ctx: CommandContext, name: str) -> str:
    """Let one go on."""
    row = await ctx.tasks.resume(_named(name))
    return "\n".join([f"Resumed {title(row)}", *facts(row)])


async def cancel(ctx: CommandContext, name: str) -> str:
    """Delete one for good, and stop what runs of it."""
    row = await ctx.tasks.remove(_named(name))
    stopped = row.get("stopped", 0)
    also = f" {count(stopped, 'run was', 'runs were')} stopped." if stopped else ""
    return f"Removed {title(row)}. It will not run again.{also}"


async def runs(ctx: CommandContext, rest: str) -> str:
    """The last runs of one: when, how they went, whether they were delivered."""
    name, number = first_word(rest)
    if number and not (number.isascii() and number.isdigit() and 1 <= int(number) <= MOST_RUNS):
        return f"Show 1 to {MOST_RUNS} runs: `/task runs ID 5`."
    rows = await ctx.tasks.runs(_named(name), int(number or RUNS))
    return "\n".join(map(run_line, rows)) or "It has not run yet."


async def last(ctx: CommandContext, name: str) -> str:
    """The last run of one."""
    rows = await ctx.tasks.runs(_named(name), 1)
    return run_shown(rows[0]) if rows else "It has not run yet."


async def run_show(ctx: CommandContext, run: str) -> str:
    """One run."""
    return run_shown(await ctx.tasks.run_row(_named(run)))


async def cancel_run(ctx: CommandContext, run: str) -> str:
    """Stop a run that is on."""
    row = await ctx.tasks.cancel_run(_named(run))
    return f"Stopped {code(row['runId'])}: {row['status']}."


async def retry_run(ctx: CommandContext, run: str) -> str:
    """Do a run that is over once more."""
    row = await ctx.tasks.retry_run(_named(run))
    return f"Begun again as {code(row['runId'])}. `/task run-show {row['runId']}` shows it."


async def timezone(ctx: CommandContext, zone: str) -> str:
    """Which zone times are meant in, for whoever asks."""
    found = await ctx.tasks.timezone(zone or None)
    if zone:
        return f"Times in your tasks are now meant in {code(found)}."
    return f"Times in your tasks are meant in {code(found)}. `/task timezone ZONE` changes that."


def _named(name: str) -> str:
    """An id as it was typed. Raises RequestError when none was."""
    if not name:
        raise RequestError("INVALID_PARAMS", "Say which one, by its id: `/task list` shows them.")
    return name.strip("`")


_ALIASES: Mapping[str, Sequence[str]] = {
    "show": ("info", "status"),
    "run": ("force",),
    "pause": ("disable",),
    "resume": ("enable",),
    "edit": ("update",),
    "cancel": ("remove",),
    "runs": ("history",),
}
_SUBS: Mapping[str, Callable[[CommandContext, str], Awaitable[Answer | str]]] = {
    "list": listing,
    "new": new,
    "show": show,
    "run": run,
    "pause": pause,
    "resume": resume,
    "edit": edit,
    "cancel": cancel,
    "runs": runs,
    "last": last,
    "run-show": run_show,
    "cancel-run": cancel_run,
    "retry-run": retry_run,
    "timezone": timezone,
}
SUBS: dict[str, SubCommand] = {
    **_SUBS,
    **{alias: _SUBS[name] for name, aliases in _ALIASES.items() for alias in aliases},
}
