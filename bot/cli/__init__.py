"""The command line: one verb per file, and only the file of the chosen verb is imported."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from bot import __version__
from bot.errors import ConfigError, RequestError, TrunklineError

PROGRAM = "trunkline"
COMPLETE = "_TRUNKLINE_COMPLETE"

VERBS: dict[str, str] = {
    "up": "Start everything: the page, the channels, the agents",
    "open": "Open the page in a browser, signed in",
    "chat": "Talk to an agent in the terminal",
    "agent": "Run an agent once and print its answer",
    "init": "Write a first configuration; changes nothing that is there",
    "config": "Check, read and change the configuration",
    "doctor": "Find what is broken, and repair what is safe to",
    "audit": "What is dangerous in the configuration, with the fix",
    "status": "What runs, and how it is",
    "channels": "Accounts on chat platforms",
    "pairing": "Let people in, or keep them out",
    "approvals": "What waits for a yes, and the decision",
    "task": "Scheduled work: made, listed, changed and run",
    "agents": "The agents of the configuration",
    "mcp": "Tools of other programs, and their review",
    "models": "The models that agents may use",
    "memory": "Search and index what agents have noted",
    "skills": "The skills of agents, and why one is not offered",
    "hooks": "Code of yours that runs at named points",
    "sessions": "List, read, export and reset sessions",
    "usage": "What models have used and cost",
    "store": "The database: upgrade it, look at it, copy it",
    "backup": "One file with everything, and back from it",
    "why": "One message's whole story",
    "logs": "Read the log",
    "support": "One file for a bug report, without secrets",
    "service": "Start with the machine, by systemd",
    "docs": "Search the documentation that came with it",
    "inspect": "What the bot would see in a raw platform event",
    "render": "What would be sent to a platform for a text",
    "version": "The version, and what this installation has",
    "completion": "Completion of verbs and options for your shell",
}

_EXAMPLES = f"""\
Examples:
  {PROGRAM} up
  {PROGRAM} chat -m "hello"
"""


class Usage(TrunklineError):
    """The command cannot be carried out as it was given; exit code 2."""


def load(name: str) -> Any:
    """A module by its name, imported now: for what one verb or one moment alone needs."""
    return importlib.import_module(name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command line; leaves by SystemExit: 0 ok, 1 findings or failure, 2 usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in (given[:1] + given[-1:])
    if debug:
        given.remove("--debug") if given[0] == "--debug" else given.pop()
    try:
        code = _run(given)
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        if debug:
            raise
        print(f"{PROGRAM}: {_said(error)}", file=sys.stderr)
        code = _code(error)
    sys.exit(code)


def _run(given: list[str]) -> int:
    if COMPLETE in os.environ:
        load("bot.cli.completion").whole()(prog_name=PROGRAM, complete_var=COMPLETE)
        return 0
    if not given or given[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if given[0] == "--version":
        print(__version__)
        return 0
    verb, rest = given[0], given[1:]
    if verb not in VERBS:
        raise Usage(_unknown(verb))
    _imported(verb).app(args=rest, prog_name=f"{PROGRAM} {verb}")
    return 0


def _imported(verb: str) -> Any:
    """The module of a verb. Importing makes many objects and little garbage: it goes at the end."""
    # Several libraries take these in wherever they find them, for tracebacks, command lines and
    # threads that are not used here. Out of their sight that saves 5 MB and a tenth of a second.
    for name in ("rich", "pygments", "greenlet"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    gc.disable()
    module = load(f"bot.cli.{verb}")
    if sys.modules.get("greenlet") is None:
        del sys.modules["greenlet"]  # what drives a browser needs it
    # A dataclass with slots is made twice; the first ones go before all else is kept for good.
    gc.collect()
    gc.freeze()
    # A message's objects live until it is answered and then go by themselves: looking at them after
    # each 700 new ones finds nothing, and takes a tenth of the processor time under load.
    gc.set_threshold(5000)
    gc.enable()
    return module


def overview() -> str:
    """What `--help` shows."""
    lines = [f"Usage: {PROGRAM} VERB [OPTIONS]", ""]
    lines += [f"  {verb:<11} {text}" for verb, text in VERBS.items()]
    lines += ["", f"More about one: {PROGRAM} VERB --help. A failure in full: --debug at the end."]
    return "\n".join(["Agents in chat platforms and on the web.", "", *lines, "", _EXAMPLES])


def _unknown(verb: str) -> str:
    near = get_close_matches(verb, VERBS, 1, 0.5)
    if verb.startswith("-"):
        return f"a verb comes first, not {verb}; see {PROGRAM} --help"
    hint = f"did you mean {near[0]}?" if near else f"see {PROGRAM} --help"
    return f"there is no verb {verb[:40]!r}; {hint}"


def _said(error: Exception) -> str:
    """What went wrong in a sentence. The text of an unexpected error may hold anything."""
    if isinstance(error, ConfigError) and len(error.problems) > 1:
        return f"{len(error.problems)} problems in the configuration\n{error}"
    if isinstance(error, TrunklineError):
        return str(error)
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return f"unexpected {type(error).__name__}; see it whole with --debug"


def _code(error: Exception) -> int:
    """2 when the command itself is at fault, or there is nothing to work on."""
    if isinstance(error, Usage) or type(error).__name__ == "ConfigMissing":
        return 2
    return 2 if isinstance(error, RequestError) and error.code == "INVALID_PARAMS" else 1
