"""What a task may use and when it is done: decisions over figures, without a clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bot.schedule.terms import Policy

HOUR = 3600.0
BACKOFF = (30.0, 60.0, 300.0, 900.0, 3600.0)

_HINTS = {
    "NO_CREDENTIALS": "its provider has no key; add one under Agent > Models or in the config file",
    "MODEL_AUTH": "its provider refuses the key; put a valid one under Agent > Models",
    "MODEL_BILLING": "the account at its provider has no credit; top it up there",
    "NO_MODEL": "its model is not known; choose another under Agent > Models",
    "MODEL_NOT_FOUND": "its provider has no such model; choose another under Agent > Models",
}
# How services say that a key is missing; only looked for in the text of a failure.
_ACCESS = re.compile(
    r"(?:api[ _-]?key|token|credentials?)\s+(?:is |are |was )?(?:missing|required|invalid|expired"
    r"|revoked|not (?:set|found|configured))"
    r"|(?:missing|invalid|expired|no|incorrect)\s+(?:api[ _-]?key|access token|credentials?)"
    r"|\b(?:401 unauthorized|403 forbidden|authentication failed|not authenticated"
    r"|insufficient permissions?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Counters:
    """How often a task has run, the run that just ended included."""

    runs: int
    successes: int


def allowed(policy: Policy, recent_run_starts: Iterable[float], now: float) -> str | None:
    """Why a run may not begin now, as a sentence; None if it may.

    `recent_run_starts` and `now` are seconds since the epoch; only the hour before `now` counts.
    """
    most = policy.max_runs_per_hour
    if most is None:
        return None
    if most == 0:
        return "Its limit is 0 runs an hour, so it never runs"
    begun = sum(1 for at in recent_run_starts if now - HOUR < at <= now)
    if begun < most:
        return None
    return f"Its limit of {most} run{'' if most == 1 else 's'} an hour is reached"


def stops(
    policy: Policy, counters: Counters, outcome: Literal["ok", "error"], text: str
) -> str | None:
    """Why the task is switched off after a run, as a sentence; None if it goes on.

    `text` is what the run said, without cues. A run that failed can only use up `max_runs`.
    """
    stop = policy.stop
    if outcome == "ok":
        said = text.casefold()
        for wanted in stop.output_includes:
            if wanted.casefold() in said:
                return f"Done: the answer says {wanted!r}"
        if stop.on_success:
            return "Done: a run went well, and that was all it was for"
        if stop.max_successes is not None and counters.successes >= stop.max_successes:
            return f"Done: {_runs(counters.successes)} went well"
    if stop.max_runs is not None and counters.runs >= stop.max_runs:
        return f"Done: {_runs(counters.runs)} made, and that was the limit"
    return None


def backoff(errors_in_row: int) -> float:
    """Seconds that must pass after the last of so many failures; 0 after none."""
    return BACKOFF[min(errors_in_row, len(BACKOFF)) - 1] if errors_in_row > 0 else 0.0


def access_failure(code: str | None, text: str) -> str | None:
    """What a person must do before another run makes sense; None if waiting may help.

    Only for a run that failed. `code` is its error code, None if it has none; `text` its sentence.
    """
    if code in _HINTS:
        return f"The task is blocked: {_HINTS[code]}. Then resume it"
    if code in (None, "MODEL_BAD_REQUEST", "INTERNAL") and _ACCESS.search(text):
        return "The task is blocked: a service refused access. Check its key, then resume the task"
    return None


def _runs(number: int) -> str:
    return f"{number} run" if number == 1 else f"{number} runs"
