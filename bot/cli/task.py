"""`task`: scheduled work, made, listed, changed and run."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import uuid4

import typer

from bot.cli.client import Json, ask, connect
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import clock, document, facts, say, table
from bot.cli.place import find

app = program(
    "Schedule work, and look after it.",
    'task add "every 1h Service watch: check the status page"',
    "task list --all",
)

Id = Annotated[str, typer.Argument(help="A task's id, from task list.", metavar="ID")]
Run = Annotated[str, typer.Argument(help="A run's id, from task runs.", metavar="RUN")]
Words = Annotated[list[str], typer.Argument(help="When and what, as behind /task new.")]
Change = Annotated[list[str], typer.Argument(help="What changes, as behind /task edit.")]
Agent = Annotated[str | None, typer.Option(help="The agent it belongs to.", show_default=False)]
Session = Annotated[str | None, typer.Option(help="The session it belongs to.", show_default=False)]
Channel = Annotated[str | None, typer.Option(help="The account to deliver to.", show_default=False)]
To = Annotated[str | None, typer.Option(help="The conversation there.", show_default=False)]
Limit = Annotated[int, typer.Option(help="How many.", min=1, max=1000)]
All = Annotated[bool, typer.Option("--all", help="The inactive ones too.")]

_LIST = {
    "id": "ID",
    "name": "NAME",
    "agentId": "AGENT",
    "state": "STATE",
    "next": "NEXT",
    "lastStatus": "LAST",
}
_RUNS = {
    "runId": "RUN",
    "due": "DUE",
    "status": "STATUS",
    "delivery": "DELIVERY",
    "seconds": "SECONDS",
    "reason": "REASON",
}


@app.command(
    epilog=examples(
        'task add "every 1h Service watch: check the status page"',
        "task add every friday at 5pm Report: sum up the week --channel ACCOUNT --to CHAT",
    )
)
def add(
    words: Words,
    agent: Agent = None,
    session: Session = None,
    channel: Channel = None,
    to: To = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Make a task; what was understood is said, with the next runs."""
    params: dict[str, Any] = {"text": " ".join(words), "idempotencyKey": f"cli-{uuid4()}"}
    params |= {"agentId": agent} if agent else {}
    if session or not agent:
        params["sessionKey"] = session or "main"
    if channel or to:
        params["delivery"] = {"mode": "announce", "channel": channel, "to": to}
    _told(ask(config, "tasks.add", params, changes=True), as_json)


@app.command("list", epilog=examples("task list", "task list --all --json"))
def list_tasks(
    agent: Agent = None,
    session: Session = None,
    all: All = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The tasks, the next one first."""
    params: dict[str, Any] = {"all": all}
    params |= {"agentId": agent} if agent else {}
    params |= {"sessionKey": session} if session else {}
    payload = ask(config, "tasks.list", params)
    if as_json:
        return document(payload)
    rows = [
        {**row, "next": clock(row["nextRunAt"]), "state": "on" if row["enabled"] else "off"}
        for row in payload["tasks"]
    ]
    table(rows, _LIST, "Nothing is scheduled.")


@app.command(
    epilog=examples(
        "task show task-service-watch-1a2b3c", "task show task-service-watch-1a2b3c --json"
    )
)
def show(id: Id, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """One task with everything about it."""
    _told(ask(config, "tasks.get", {"id": id}), as_json)


@app.command(
    epilog=examples(
        "task run task-service-watch-1a2b3c", "task run task-service-watch-1a2b3c --json"
    )
)
def run(id: Id, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Run one now, and wait for up to two minutes; exit code 1 when the run failed."""

    async def asked() -> Json:
        async with connect(find(config), runs=True, sends=True) as client:
            return await client.request("tasks.run", {"id": id})

    row = asyncio.run(asked())
    _run_told(row, as_json)
    if row["status"] in ("error", "blocked"):
        raise typer.Exit(1)


@app.command(
    epilog=examples(
        "task runs task-service-watch-1a2b3c --limit 5",
        "task runs task-service-watch-1a2b3c --limit 5 --json",
    )
)
def runs(id: Id, limit: Limit = 20, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The last runs of one, newest first."""
    payload = ask(config, "tasks.runs", {"id": id, "limit": limit})
    if as_json:
        return document(payload)
    rows = [{**row, "due": clock(row["dueAt"])} for row in payload["runs"]]
    table(rows, _RUNS, "It has not run yet.")


@app.command(
    epilog=examples(
        "task edit task-service-watch-1a2b3c every 30m",
        "task edit task-service-watch-1a2b3c every 30m --json",
    )
)
def edit(id: Id, change: Change, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Change one by words, such as: every 30m, rename to X, no delivery, use strong model."""
    params = {"id": id, "edit": " ".join(change)}
    _told(ask(config, "tasks.update", params, changes=True), as_json)


@app.command(
    epilog=examples(
        "task pause task-service-watch-1a2b3c", "task pause task-service-watch-1a2b3c --json"
    )
)
def pause(id: Id, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Let one rest."""
    _told(ask(config, "tasks.pause", {"id": id}, changes=True), as_json)


@app.command(
    epilog=examples(
        "task resume task-service-watch-1a2b3c", "task resume task-service-watch-1a2b3c --json"
    )
)
def resume(id: Id, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Let one go on."""
    _told(ask(config, "tasks.resume", {"id": id}, changes=True), as_json)


@app.command(
    epilog=examples(
        "task cancel task-service-watch-1a2b3c", "task cancel task-service-watch-1a2b3c --json"
    )
)
def cancel(id: Id, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Delete one for good, with its history, and stop what runs of it."""
    row = ask(config, "tasks.remove", {"id": id}, changes=True)
    if as_json:
        return document(row)
    say(f"{row['name']} ({row['id']}) is removed; it will not run again")


@app.command("cancel-run", epilog=examples("task cancel-run RUN", "task cancel-run RUN --json"))
def cancel_run(run: Run, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Stop a run that is on."""
    _run_told(ask(config, "tasks.cancelRun", {"runId": run}, changes=True), as_json)


@app.command("retry-run", epilog=examples("task retry-run RUN", "task retry-run RUN --json"))
def retry_run(run: Run, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Do a run that is over once more; needs the running gateway."""
    _run_told(ask(config, "tasks.retryRun", {"runId": run}, changes=True), as_json)


def _told(row: Json, as_json: bool) -> None:
    """A task, as JSON or a line for each part of it."""
    if as_json:
        return document(row)
    to = row["delivery"]
    place = " ".join(part for part in (to["channel"], to["to"], to["threadId"], to["url"]) if part)
    last = f"{row['lastStatus']} {clock(row['lastRunAt'])}" if row["lastRunAt"] else None
    facts(
        [
            ("id", row["id"]),
            ("name", row["name"]),
            ("agent", row["agentId"]),
            ("session", row["sessionKey"]),
            ("state", "enabled" if row["enabled"] else "off"),
            ("because", row["because"]),
            ("schedule", row["said"]),
            ("next runs", ", ".join(row["upcoming"]) if row["enabled"] else None),
            ("plan", row["plan"]),
            ("delivery", f"{to['mode']} {place}".strip()),
            ("last run", last),
            ("runs", row["runs"]),
            ("prompt", row["prompt"]),
            *([("changed", row["changed"])] if "changed" in row else []),
        ]
    )


def _run_told(row: Json, as_json: bool) -> None:
    """A run, as JSON or a line for each part of it."""
    if as_json:
        return document(row)
    facts(
        [
            ("run", row["runId"]),
            ("status", row["status"]),
            ("reason", row["reason"]),
            ("delivery", row["delivery"]),
            ("model", row["model"]),
            ("seconds", row["seconds"]),
        ]
    )
    if row["summary"]:
        say(f"\n{row['summary']}")
