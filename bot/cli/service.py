"""`service`: a unit for systemd, so that the gateway starts with the machine and after a crash."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import Usage, place
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, note, say
from bot.cli.place import Place
from bot.cli.settings import read

app = program(
    "Run as a service of this machine.", "service install --print", "service install --json"
)

NAME = "trunkline.service"
_NEXT = f"systemctl --user daemon-reload && systemctl --user enable --now {NAME}"
# The drain takes up to half a minute; the rest is for closing.
_UNIT = """\
[Unit]
Description=Trunkline: agents in chat platforms and on the web
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
ExecStart={command}
Environment={home}
WorkingDirectory={state}
Restart=on-failure
RestartSec=5
TimeoutStopSec=45
KillMode=mixed
UMask=0077
MemoryMax=1G
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
ReadWritePaths={paths}
RestrictSUIDSGID=yes
LockPersonality=yes

[Install]
WantedBy=default.target
"""

Print = Annotated[
    bool, typer.Option("--print", "--dry-run", help="Print the unit and write nothing.")
]


@app.command(epilog=examples("service install --print", "service install"))
def install(only_print: Print = False, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Write a unit for your own systemd; it starts once you enable it.

    A unit that is there and differs is kept beside the new one, as .bak.
    """
    here = place.find(config)
    text = unit(here)
    path = _path()
    if not only_print:
        _write(path, text)
    if as_json:
        return document({"file": str(path), "written": not only_print, "unit": text})
    if only_print:
        say(text.rstrip("\n"))
        return note(f"it would be written to {path}")
    say(f"{path} is written; start it with: {_NEXT}")
    note("To run it while nobody is signed in: loginctl enable-linger")


def unit(here: Place) -> str:
    """The text of the unit for this installation, state directory and configuration.

    Raises ConfigError: what cannot start need not start with the machine.
    """
    words = [sys.executable, "-m", "bot", "up", "--no-browser"]
    named = (agent.workspace for agent in read(here).agents)
    folders = [here.state, *(Path(one).expanduser() for one in named if one)]
    if here.config is not None:
        words += ["--config", str(here.config)]
        # The page and the command line change the file beside which a copy is written.
        folders += [] if here.state in here.config.parents else [here.config.parent]
    return _UNIT.format(
        # Only in a command line a dollar sign begins a variable.
        command=" ".join(_quoted(word).replace("$", "$$") for word in words),
        home=_quoted(f"TRUNKLINE_HOME={here.state}"),
        state=_plain(here.state),
        paths=" ".join(_quoted(str(folder)) for folder in folders),
    )


def _quoted(word: str) -> str:
    """A word of a unit file, as systemd.service(5) and systemd.exec(5) read quotes and %."""
    if "\n" in word:
        raise Usage("a path with a line break cannot stand in a unit")
    safe = word.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{safe}"' if safe != word or " " in word else word


def _plain(path: Path) -> str:
    """A path that is a whole value."""
    return str(path).replace("%", "%%")


def _path() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "systemd" / "user" / NAME


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_text(encoding="utf-8") != text:
        path.replace(path.with_name(f"{path.name}.bak"))
    path.write_text(text, encoding="utf-8")


@app.callback()
def service() -> None:
    """Run as a service of this machine."""
