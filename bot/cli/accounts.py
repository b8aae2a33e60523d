"""`channels test|add|set|remove|manifest`: accounts tried on their platform, and changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from bot.cli import Usage, load
from bot.cli.client import ask
from bot.cli.config import value_of
from bot.cli.options import AsJson, ConfigFile
from bot.cli.output import document, note, say
from bot.cli.place import find
from bot.cli.settings import read
from bot.contract import CommandSpec
from bot.errors import TrunklineError

Account = Annotated[str, typer.Argument(help="The account's name.", metavar="ACCOUNT")]
Keys = Annotated[
    list[str],
    typer.Argument(help="KEY=VALUE as in the file; KEY=- reads stdin.", metavar="KEY=VALUE"),
]
To = Annotated[
    str | None,
    typer.Option(help="Send a marked test message to this conversation.", show_default=False),
]
Thread = Annotated[str | None, typer.Option(help="The conversation's thread.", show_default=False)]
Kind = Annotated[str, typer.Argument(help="The adapter's name.", metavar="ADAPTER")]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="Public address of the channel; else it connects by itself.",
        show_default=False,
    ),
]
Title = Annotated[str, typer.Option("--name", help="What the bot is called there.")]

LATER = "It counts from the gateway's next start."


def test(
    account: Account,
    to: To = None,
    thread: Thread = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Ask the platform whether it takes the account's token."""
    params = {"account": account, "to": to, "threadId": thread}
    told = ask(config, "channels.test", params)
    if as_json:
        document(told)
    else:
        name = told.get("name")
        say(f"{account}: {f'the platform knows it as {name}' if name else told['message']}")
        if sent := told.get("sent"):
            done = f"the message has the id {sent['id']}" if sent["ok"] else sent["message"]
            say(f"{sent['to']}: {done}")
    if not told["ok"]:
        raise typer.Exit(1)


def add(account: Account, keys: Keys, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Add an account and start it, if its platform takes the token.

    `adapter=NAME` says what kind it is when its name does not. Keep tokens out of the shell's
    history: token=- reads it from stdin, token='${NAME}' takes it from the environment.
    """
    if account in _accounts(config):
        raise Usage(f"there is an account {account} already; change it with: channels set")
    _put(account, keys, as_json, config, "is added")


def change(
    account: Account, keys: Keys, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """Change an account and use it at once.

    Nothing changes when its platform refuses the token. KEY=null takes a key away.
    """
    known = _accounts(config)
    if account not in known:
        there = ", ".join(known) or "none yet"
        raise Usage(f"there is no account {account}; there are: {there}. Add it: channels add")
    _put(account, keys, as_json, config, "is changed")


def _accounts(config: ConfigFile) -> list[str]:
    return [row["account"] for row in ask(config, "channels.list", {})["channels"]]


def _put(account: str, keys: Sequence[str], as_json: bool, config: ConfigFile, done: str) -> None:
    given = pairs(keys)
    if taken := sorted({"account", "base"} & given.keys()):
        raise Usage(f"{taken[0]} is no key of an account")
    told = ask(config, "channels.set", {**given, "account": account}, changes=True)
    if as_json:
        return document(told)
    known = f"; the platform knows it as {told['name']}" if told["name"] else ""
    say(f"{told['file']}: {account} {done}{known}")
    if told["message"]:
        note(f"The platform could not be asked: {told['message']}")
    if told["restart"]:
        note(LATER)


def pairs(words: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE words as keys and values; `-` reads a line of stdin. Raises Usage."""
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise Usage(f"write KEY=VALUE, not {word!r}")
        found[key] = sys.stdin.readline().strip() if text == "-" else value_of(text)
    return found


def remove(account: Account, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Take an account away and stop it; its sessions stay."""
    told = ask(config, "channels.remove", {"account": account}, changes=True)
    if as_json:
        return document(told)
    say(f"{told['file']}: {account} is removed; its sessions stay")
    if told["restart"]:
        note(LATER)


def manifest(
    adapter: Kind,
    url: Url = None,
    name: Title = "Trunkline",
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """What the platform wants to know to create the app, as JSON.

    It names the commands. With --url it is for webhooks: that address ends in
    /channels/ACCOUNT.
    """
    make = getattr(load("adapters").adapter_class(adapter), "manifest", None)
    if make is None:
        raise TrunklineError(f"{adapter} has no manifest: its bot is made by hand; see the docs")
    table = load("bot.app").command_table(read(find(config)))
    commands = [CommandSpec(info.name, info.help, info.owner) for info in table.infos]
    try:
        document(make(commands, "http" if url else "socket", url or "", name))
    except ValueError as error:
        raise Usage(str(error)) from None
