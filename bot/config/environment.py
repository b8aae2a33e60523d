"""The closed list of environment variables, and the places they decide."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.config.problems import Problem, suggest

ENVIRONMENT: tuple[tuple[str, str], ...] = (
    ("TRUNKLINE_HOME", "the state directory; default ~/.trunkline"),
    ("TRUNKLINE_CONFIG", "the config file, unless --config names one"),
    ("TRUNKLINE_HOST", "the address to listen on, over gateway.host"),
    ("TRUNKLINE_TOKEN", "the sign-in token, over gateway.token"),
    ("TRUNKLINE_TEST", "1 allows TRUNKLINE_CRASH_AT"),
    ("TRUNKLINE_CRASH_AT", "the name of a step at which the process kills itself, for tests"),
    ("PORT", "the port to listen on, over gateway.port"),
    ("NO_COLOR", "anything: no colours in the terminal"),
)

# Which variables stand for which keys; a flag of the command line wins over both.
OVERRIDES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("TRUNKLINE_HOST", ("gateway", "host")),
    ("PORT", ("gateway", "port")),
    ("TRUNKLINE_TOKEN", ("gateway", "token")),
)


def state_dir(env: Mapping[str, str]) -> Path:
    """`$TRUNKLINE_HOME`, else `~/.trunkline`; it may not exist yet."""
    home = env.get("TRUNKLINE_HOME")
    if home:
        return Path(home).expanduser().absolute()
    user = env.get("HOME")
    return (Path(user) if user else Path.home()) / ".trunkline"


def config_path(flag: str | Path | None, env: Mapping[str, str]) -> Path:
    """The config file: flag, `$TRUNKLINE_CONFIG`, `./config.yaml` if present, the state's own."""
    chosen = flag or env.get("TRUNKLINE_CONFIG")
    if chosen:
        return Path(chosen).expanduser().absolute()
    here = Path("config.yaml")
    return here.absolute() if here.is_file() else state_dir(env) / "config.yaml"


def unknown_variables(env: Mapping[str, str], used: set[str]) -> list[Problem]:
    """A warning for every `TRUNKLINE_` variable that nothing reads."""
    known = [name for name, _ in ENVIRONMENT]
    strange = (n for n in sorted(env) if n.startswith("TRUNKLINE_") and n not in {*known, *used})
    what = "no such environment variable"
    return [Problem(f"${name}", 0, 0, "", what, suggest(name, known)) for name in strange]
