"""`doctor`: what is broken and what to do about it; `--fix` repairs what cannot do harm."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated

import typer

from bot.cli import health, place
from bot.cli.finding import grave, ordered, report, tell
from bot.cli.health import Sign
from bot.cli.health_edges import of_edges, of_gateway
from bot.cli.health_store import of_store
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, note, say
from bot.cli.place import Place
from bot.cli.settings import checked
from bot.config.problems import ConfigMissing
from bot.config.settings import Config
from bot.errors import ConfigError, TrunklineError

app = program()

Fix = Annotated[bool, typer.Option("--fix", help="Repair what is safe, and say what was done.")]
Deep = Annotated[bool, typer.Option("--deep", help="Let every agent's model answer one word.")]


@app.command(epilog=examples("doctor", "doctor --fix", "doctor --deep --json"))
def doctor(
    fix: Fix = False, deep: Deep = False, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """What is broken here, and what to do about it; changes nothing without --fix.

    It looks at the configuration, the state directory, the store and what waits in it, asks the
    platforms whether they take their tokens, and the models whether they can be reached. Exits
    with 1 when something is wrong.
    """
    here = place.find(config)
    signs = signs_of(here, deep)
    done: list[str] = []
    if fix:
        done = _mended(signs)
        signs = signs_of(here, deep) if done else signs
    found = ordered([sign.finding for sign in signs])
    if as_json:
        document({**report(found), "fixed": done})
    else:
        for line in done:
            say(f"fixed    {line}")
        tell(found, "nothing is wrong")
    if grave(found):
        raise typer.Exit(1)


def _mended(signs: list[Sign]) -> list[str]:
    done = []
    for sign in signs:
        if sign.repair is None:
            continue
        try:
            done.append(sign.repair())
        except (TrunklineError, OSError) as error:
            note(f"{sign.finding.id} could not be repaired: {error}")
    return done


def signs_of(here: Place, deep: bool) -> list[Sign]:
    """Everything that can be seen. Raises ConfigMissing when the named file is not there."""
    settings, signs = _configured(here)
    signs += [*health.of_clock(), *health.of_state(here), *health.of_log(here.state)]
    if settings is None:
        return signs
    return signs + list(_further(settings, here, deep))


def _further(settings: Config, here: Place, deep: bool) -> Iterator[Sign]:
    """What only a configuration without mistakes can lead to."""
    yield from health.of_parts(settings)
    gateway = asyncio.run(of_gateway(here))
    yield from gateway or ()
    yield from health.of_port(settings, gateway is not None)
    store = list(of_store(settings, here))
    yield from store
    if not any(sign.finding.id.startswith("store.") for sign in store):
        yield from asyncio.run(of_edges(settings, here, deep))


def _configured(here: Place) -> tuple[Config | None, list[Sign]]:
    try:
        settings = checked(here, {})
    except ConfigMissing:
        raise
    except ConfigError as error:
        return None, [health.of_file(one, "critical") for one in error.problems]
    return settings, [health.of_file(one, "warn") for one in settings.warnings]
