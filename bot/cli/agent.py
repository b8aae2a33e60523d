"""`agent`: one run, its answer on stdout, its success as the exit code."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal
from uuid import uuid4

import typer

from bot.cli import Usage, place
from bot.cli.client import Client, connect
from bot.cli.options import AsJson, ConfigFile, Local, examples, program
from bot.cli.output import document, note, say
from bot.cli.place import Place
from bot.cli.settings import read
from bot.cli.talk import Outcome, Show, outcome, session_of

app = program()

DEFAULT_TIMEOUT = 600
_ASK_AGAIN_MS = 60_000

Text = Annotated[str, typer.Option("--message", "-m", help="What the agent is to do.")]
Agent = Annotated[
    str | None, typer.Option(help="The agent; else the default one.", show_default=False)
]
Session = Annotated[
    str | None, typer.Option(help="The session's key; else the agent's main.", show_default=False)
]
Deliver = Annotated[bool, typer.Option("--deliver", help="Send the answer to a channel too.")]
Channel = Annotated[str | None, typer.Option(help="Deliver by this account.", show_default=False)]
To = Annotated[
    str | None, typer.Option(help="Deliver to this conversation or user:ID.", show_default=False)
]
Thinking = Annotated[
    Literal["off", "minimal", "low", "medium", "high"] | None,
    typer.Option(help="How much the model thinks.", show_default=False),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="SECONDS",
        help=f"Stop the run after this; 0: never. Else as configured, else {DEFAULT_TIMEOUT}.",
        show_default=False,
    ),
]


@app.command(
    epilog=examples(
        'agent --message "summarise the day" --json',
        'agent -m "hello" --agent support --timeout 60',
    )
)
def agent(
    message: Text,
    agent: Agent = None,
    session_key: Session = None,
    deliver: Deliver = False,
    channel: Channel = None,
    to: To = None,
    thinking: Thinking = None,
    timeout: Timeout = None,
    local: Local = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Run an agent once and print its answer. A run that fails exits with 1."""
    if (channel or to) and not deliver:
        raise Usage("--channel and --to say where to deliver; add --deliver")
    here = place.find(config)
    asked = {
        "message": message,
        "idempotencyKey": uuid4().hex,
        "sessionKey": session_of(session_key, agent),
        "deliver": deliver,
        "channel": channel,
        "to": to,
        "thinking": thinking,
        "timeoutMs": _timeout_ms(here, agent, timeout),
    }
    given = {name: value for name, value in asked.items() if value is not None}
    ended = asyncio.run(_run(here, given, local))
    if as_json:
        document(ended.document())
    elif ended.reply:
        say(ended.reply)
    if ended.error is not None:
        note(f"{ended.error['code']}: {ended.error['message']}")
    if ended.status != "ok":
        raise typer.Exit(1)


def _timeout_ms(here: Place, agent: str | None, seconds: float | None) -> int | None:
    """As asked, else what the configuration says by itself (None), else ten minutes."""
    if seconds is not None:
        return round(seconds * 1000)
    config = read(here)
    found = config.agent(agent) if agent else config.default_agent
    configured = found is not None and "timeout" in found.model_fields_set
    return None if configured else DEFAULT_TIMEOUT * 1000


async def _run(here: Place, asked: dict[str, Any], local: bool) -> Outcome:
    async with connect(here, local=local, runs=True, sends=asked["deliver"]) as client:
        accepted = await client.request("agent", asked)
        run, session = accepted["runId"], accepted["sessionKey"]
        try:
            return await _ended(client, run, session)
        except asyncio.CancelledError:
            params = {"sessionKey": session, "runId": run, "exact": True}
            await client.request("chat.abort", params)
            raise


async def _ended(client: Client, run: str, session: str) -> Outcome:
    waited = {"status": "timeout"}
    while waited["status"] == "timeout":
        params = {"runId": run, "timeoutMs": _ASK_AGAIN_MS}
        waited = dict(await client.request("agent.wait", params))
    return await outcome(client, run, session, Show(None, note))
