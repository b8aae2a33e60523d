"""`backup`: everything in one file, checked, and back from it into a fresh directory."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.backup.archive import Manifest
from bot.backup.making import check, total
from bot.backup.making import create as write
from bot.backup.restoring import restore as bring_back
from bot.cli import place
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, facts, note, say
from bot.cli.settings import read

app = program(
    "One file with everything, and back from it.",
    "backup create",
    "backup restore trunkline.zip ~/restored",
)

New = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="Where to; default: by the time.")
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A new state directory.")]


@app.command(epilog=examples("backup create", "backup create /srv/backups/today.zip --json"))
def create(file: New = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Store, configuration, workspaces and uploads in one file; a gateway may run meanwhile.

    Secrets of the configuration, the token and logs are left out. The file is read back and
    checked before it gets its name.
    """
    here = place.find(config)
    named = file or Path(f"trunkline-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip")
    path = named.expanduser().absolute()
    manifest = write(read(here), here.config, here.state, path, note)
    _shown(path, manifest, as_json, "wrote and checked")


@app.command(epilog=examples("backup verify today.zip", "backup verify today.zip --json"))
def verify(file: File, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Check every file of a backup and its store, without restoring it."""
    path = file.expanduser().absolute()
    with tempfile.TemporaryDirectory(prefix="trunkline-") as work:
        manifest = check(path, Path(work))
    _shown(path, manifest, as_json, "whole")


@app.command(
    epilog=examples("backup restore today.zip ~/restored", "backup restore today.zip ~/new --json")
)
def restore(file: File, folder: Folder, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Write a backup into a new state directory; one that is used is never touched.

    Sign-ins, pairing codes and approvals that were open are ended, and a new token is made.
    """
    target = folder.expanduser().absolute()
    manifest = bring_back(file.expanduser().absolute(), target)
    if as_json:
        return document({"directory": str(target), **_summary(manifest)})
    _left_out(manifest)
    if manifest.store.engine == "postgresql":
        note("it was on PostgreSQL and is on SQLite now; trunkline store copy brings it back")
    say(f"restored into {target}; start it with: TRUNKLINE_HOME={target} trunkline up")


def _shown(path: Path, manifest: Manifest, as_json: bool, how: str) -> None:
    if as_json:
        return document({"file": str(path), **_summary(manifest)})
    _left_out(manifest)
    for one in manifest.skipped:
        note(f"left out {one}")
    facts(
        [
            (how, str(path)),
            ("made", f"{manifest.created_at} by {manifest.version}"),
            ("files", f"{len(manifest.files)}, {total(manifest.files)} bytes"),
            ("store", f"{sum(manifest.store.rows.values())} rows, {manifest.store.engine}"),
        ]
    )


def _left_out(manifest: Manifest) -> None:
    for one in manifest.left_out:
        note(f"{one['key']} is a secret and left out; a restored one reads ${one['variable']}")


def _summary(manifest: Manifest) -> dict[str, Any]:
    return {
        "version": manifest.version,
        "createdAt": manifest.created_at,
        "store": manifest.store.model_dump(),
        "files": len(manifest.files),
        "bytes": total(manifest.files),
        "leftOut": manifest.left_out,
        "skipped": manifest.skipped,
    }


@app.callback()
def backup() -> None:
    """One file with everything, and back from it."""
    os.umask(0o077)
