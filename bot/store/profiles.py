"""Scripts over credentials: how long they rest, and which one a session stays with."""

from __future__ import annotations

from collections.abc import Iterable

from bot.engine.port import Row, Script, q


def rests() -> Script[list[Row]]:
    """`{profile, model, until, errors, code, at}`; `model` is empty where it does not matter."""
    return (yield q("SELECT profile, model, until, errors, code, at FROM rests"))


def rest(profile: str, model: str, until: float, errors: int, code: str, at: float) -> Script[None]:
    """A credential rests from now on."""
    yield q(
        "INSERT INTO rests(profile, model, until, errors, code, at) VALUES(?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(profile, model) DO UPDATE SET until = excluded.until, "
        "errors = excluded.errors, code = excluded.code, at = excluded.at",
        profile,
        model,
        until,
        errors,
        code,
        at,
    )


def works(profile: str, models: Iterable[str]) -> Script[None]:
    """A credential has answered for these: nothing is held against it."""
    for model in models:
        yield q("DELETE FROM rests WHERE profile = ? AND model = ?", profile, model)


def pins() -> Script[list[Row]]:
    """`{place, profile}`: which credential a place stays with."""
    return (yield q("SELECT place, profile FROM pins"))


def pin(place: str, profile: str, at: float) -> Script[None]:
    """A place stays with a credential."""
    yield q(
        "INSERT INTO pins(place, profile, at) VALUES(?, ?, ?) "
        "ON CONFLICT(place) DO UPDATE SET profile = excluded.profile, at = excluded.at",
        place,
        profile,
        at,
    )
