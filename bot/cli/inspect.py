"""`inspect`: one raw platform event in, the unified messages out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli import Usage, load
from bot.cli.options import ConfigFile, examples, program
from bot.cli.output import document, note
from bot.codec import message_json
from bot.contract import Adapter
from bot.errors import BadEvent, ChannelError
from bot.jsonio import loads

app = program()

Name = Annotated[str, typer.Argument(help="The adapter, as under `channels`.", metavar="ADAPTER")]
File = Annotated[
    str, typer.Argument(help="A file with JSON; - is the standard input.", metavar="FILE")
]
BotIds = Annotated[
    list[str] | None,
    typer.Option("--bot-id", help="The bot's own id; may repeat.", show_default=False),
]
BotName = Annotated[str, typer.Option("--bot-name", help="The bot's own name.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Changes nothing: the output is JSON.")]

_LARGEST = 64 << 20


@app.command(
    epilog=examples(
        "inspect ADAPTER event.json", "inspect ADAPTER - --bot-name my_bot < event.json"
    )
)
def inspect(
    adapter: Name,
    file: File = "-",
    bot_id: BotIds = None,
    bot_name: BotName = "",
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """What the bot would see of a raw event, without network or token.

    An array of events gives an array of lists; an event the bot ignores gives [].
    """
    found = adapter_named(adapter)
    try:
        event = loads(text_of(file), max_bytes=_LARGEST)
    except ValueError as error:
        raise Usage(f"{file}: {error}") from None
    reading = _Reading(found, adapter, bot_id or [], bot_name)
    if not isinstance(event, list):
        return document(reading.messages(event))
    document([reading.messages_or_none(number, one) for number, one in enumerate(event)])


class _Reading:
    """An adapter's parser with the bot's identity."""

    def __init__(self, adapter: type[Adapter], account: str, ids: Sequence[str], name: str) -> None:
        self._adapter = adapter
        self._account = account
        self._ids = ids
        self._name = name

    def messages(self, event: Any) -> list[dict[str, Any]]:
        """Raises BadEvent."""
        found = self._adapter.parse(
            event, account=self._account, bot_ids=self._ids, bot_name=self._name
        )
        return [message_json(message) for message in found]

    def messages_or_none(self, number: int, event: Any) -> list[dict[str, Any]]:
        try:
            return self.messages(event)
        except BadEvent as error:
            note(f"event {number}: {error}")
            return []


def adapter_named(name: str) -> type[Adapter]:
    """Raises Usage when there is no such adapter, or it lacks its library."""
    try:
        found: type[Adapter] = load("adapters").adapter_class(name)
    except ChannelError as error:
        raise Usage(str(error)) from None
    return found


def text_of(file: str) -> str:
    """A file's text, or the standard input's. Raises Usage."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise Usage(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Usage(f"{file}: not UTF-8 at byte {error.start}") from None
