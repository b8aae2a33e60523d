"""`chat`: talk to an agent in the terminal."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Annotated, Any, TypeVar

import typer

from bot.cli import load, place
from bot.cli.client import Client, connect
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, note, plain
from bot.cli.place import Place
from bot.cli.talk import Outcome, Show, say, session_of
from bot.errors import RequestError

app = program()

T = TypeVar("T")

_LEAVE = ("/exit", "/quit")

Text = Annotated[
    str | None, typer.Option("--message", "-m", help="Say this and leave.", show_default=False)
]
Agent = Annotated[
    str | None, typer.Option(help="The agent; else the default one.", show_default=False)
]
Session = Annotated[
    str | None, typer.Option(help="The session's key; else the agent's main.", show_default=False)
]


@app.command(epilog=examples("chat", 'chat -m "hello" --json'))
def chat(
    message: Text = None,
    agent: Agent = None,
    session: Session = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Talk to an agent, with or without a running gateway.

    Ctrl-C stops an answer, Ctrl-D leaves. Slash commands work: try /help.
    """
    key = session_of(session, agent)
    lines = [message] if message is not None else _typed(key)
    well = True
    with Conversation(place.find(config), key) as talk:
        for line in lines:
            well = _turn(talk, line, as_json, patient=message is None) and well
    if message is not None and not well:
        raise typer.Exit(1)


def _typed(key: str) -> Iterator[str]:
    """What people type, until they leave."""
    person = sys.stdin.isatty()
    if person:
        load("readline")
        note(f"You talk in {key}. Ctrl-C stops an answer, Ctrl-D leaves, /help helps.")
    while True:
        try:
            line = input("> " if person else "")
        except EOFError:
            return
        except KeyboardInterrupt:
            print()
            continue
        if line.strip() in _LEAVE:
            return
        if line.strip():
            yield line


def _turn(talk: Conversation, line: str, as_json: bool, patient: bool) -> bool:
    """Say one line and show its answer; did it end well? `patient`: a refusal ends nothing."""
    show = Show(_write if sys.stdout.isatty() and not as_json else None, note)
    try:
        outcome = talk.say(line, show)
    except RequestError as error:
        if not patient or error.code == "UNAVAILABLE":
            raise
        note(error)
        return False
    if as_json:
        document(outcome.document())
    elif not sys.stdout.isatty() and outcome.reply:
        print(plain(outcome.reply), flush=True)
    if outcome.status == "aborted":
        note("stopped")
    elif outcome.error is not None:
        note(f"{outcome.error['code']}: {outcome.error['message']}")
    return outcome.status == "ok"


def _write(text: str) -> None:
    print(plain(text), end="", flush=True)


class Conversation:
    """A client on a loop of its own, so that a person may think at the prompt for hours."""

    def __init__(self, here: Place, session: str) -> None:
        self._here = here
        self._session = session
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chat", daemon=True)
        self._stack = AsyncExitStack()

    def __enter__(self) -> Conversation:
        self._thread.start()
        try:
            self._client: Client = self._do(
                self._stack.enter_async_context(connect(self._here, runs=True))
            )
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._do(self._stack.aclose())
        finally:
            self._end()

    def say(self, text: str, show: Show) -> Outcome:
        """The end of one run; an interrupt stops the run, not the conversation."""
        said = self._begin(say(self._client, self._session, text, show))
        try:
            return said.result()
        except KeyboardInterrupt:
            self._do(self._abort(show.run))
            return said.result()

    async def _abort(self, run: str | None) -> None:
        params = {"sessionKey": self._session} | ({"runId": run} if run else {})
        await self._client.request("chat.abort", params)

    def _begin(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._begin(work).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
