"""`channels conformance`: every adapter against the same checks, on local servers."""

from __future__ import annotations

from dataclasses import asdict
from importlib import metadata
from typing import Annotated, Any

import typer

from bot.cli import Usage, load
from bot.cli.options import AsJson, ConfigFile
from bot.cli.output import document, note, say

GROUP = "trunkline.conformance"

Names = Annotated[
    list[str] | None,
    typer.Argument(help="Adapters; without any, all that describe themselves.", metavar="ADAPTER"),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--check", help="Only this check; may repeat.", show_default=False),
]
Sentences = Annotated[bool, typer.Option("--explain", help="What each check asks, beside it.")]


def conformance(
    adapters: Names = None,
    check: Only = None,
    explain: Sentences = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Hold adapters against the promises of the contract: a table, adapter by check.

    Everything runs on this machine, against local servers of the platforms; no token is needed.
    """
    kit = load("bot.testing.conformance")
    known = _known()
    wanted = [_descriptor(known, name) for name in adapters or known]
    if unknown := [name for name in check or () if name not in kit.CHECKS]:
        raise Usage(f"there is no check {unknown[0]!r}; see them with --explain")
    if problems := [problem for one in wanted for problem in kit.wrong(one)]:
        raise Usage("; ".join(problems))
    results = []
    for one in wanted:
        note(f"checking {one.name} ...")
        results += list(kit.run_all([one], check))
    if as_json:
        document([asdict(result) for result in results])
    else:
        for line in kit.table(results, sentences=explain):
            say(line)
    if any(result.outcome == "fail" for result in results):
        raise typer.Exit(1)


def _known() -> dict[str, metadata.EntryPoint | None]:
    """The adapters that can be checked: ours, and those of other packages."""
    ours: dict[str, metadata.EntryPoint | None] = dict.fromkeys(load("adapters").BUILT_IN)
    return {**ours, **{point.name: point for point in metadata.entry_points(group=GROUP)}}


def _descriptor(known: dict[str, metadata.EntryPoint | None], name: str) -> Any:
    """Raises Usage when there is none, or it lacks a library."""
    if name not in known:
        raise Usage(f"nothing describes an adapter {name[:40]!r}; there are: {', '.join(known)}")
    point = known[name]
    try:
        if point is None:
            return load(f"adapters.fakes.{name}_descriptor").DESCRIPTOR
        return point.load()
    except ImportError as error:
        raise Usage(f"{name} cannot be checked: {error}") from None
