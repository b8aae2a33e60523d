"""How long a credential rests after a failure, and in which order those of a provider are asked.

Pure. A rest counts for a credential and one model, or for the credential whatever the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.types import Failure

# What may go better with another credential, or with another model.
ROTATING = {
    "MODEL_AUTH",
    "MODEL_BILLING",
    "MODEL_RATE_LIMIT",
    "MODEL_OVERLOADED",
    "MODEL_NOT_FOUND",
    "MODEL_STALL",
    "MODEL_CUT",
    "NO_CREDENTIALS",
}
FALLING = ROTATING | {"MODEL_BAD_REQUEST", "NO_MODEL"}
EVERY_MODEL = ""
# What tells against a credential, whatever the model.
REFUSED = {"MODEL_AUTH", "MODEL_BILLING"}

_OF_ONE_MODEL = {"MODEL_RATE_LIMIT", "MODEL_OVERLOADED", "MODEL_NOT_FOUND"}
_STEPS = (60.0, 300.0, 1500.0, 3600.0)
_BILLING = 5 * 3600.0
_DAY = 86_400.0
_MOST_ERRORS = 20

_WORDS = {
    "MODEL_AUTH": "its credentials were refused",
    "MODEL_BILLING": "its account has nothing left",
    "MODEL_RATE_LIMIT": "it was asked too often",
    "MODEL_OVERLOADED": "its server is overloaded or out of reach",
    "MODEL_NOT_FOUND": "its server does not know it",
    "MODEL_STALL": "it did not answer in time",
    "MODEL_CUT": "its answer broke off",
    "MODEL_BAD_REQUEST": "it refused the request",
}


@dataclass(frozen=True, slots=True)
class Rest:
    """A credential rests `until`, in seconds since the epoch, after `errors` failures in a row.

    `at` is when the last one was, `code` what it was.
    """

    until: float
    errors: int
    code: str
    at: float


# By credential and model, EVERY_MODEL where the model does not matter.
Rests = Mapping[tuple[str, str], Rest]


def scope(code: str, model: str) -> str | None:
    """Which model a failure counts against, EVERY_MODEL for all; None: it counts against none."""
    if code in REFUSED:
        return EVERY_MODEL
    return model if code in _OF_ONE_MODEL else None


def after(before: Rest | None, failure: Failure, now: float) -> Rest:
    """The rest that a failure brings, longer with each; a day without one forgets the former.

    What a server asked for is the least.
    """
    kept = before if before is not None and now - before.at < _DAY else None
    errors = min(_MOST_ERRORS, (kept.errors if kept else 0) + 1)
    if failure.code == "MODEL_BILLING":
        wait = min(_DAY, _BILLING * 2 ** (errors - 1))
    else:
        wait = _STEPS[min(errors, len(_STEPS)) - 1]
    return Rest(now + max(wait, failure.retry_after or 0.0), errors, failure.code, now)


def resting(rests: Rests, profile: str, model: str, now: float) -> Rest | None:
    """What keeps a credential from a model now, the longest of it; None: nothing does."""
    found = [rests.get((profile, one)) for one in (model, EVERY_MODEL)]
    return max(
        (one for one in found if one is not None and one.until > now),
        key=lambda one: one.until,
        default=None,
    )


def order(
    rests: Rests, profiles: Sequence[str], pinned: str | None, model: str, now: float
) -> list[str]:
    """The credentials to ask, first to last: the pinned one, then as written, without resting ones.

    Where all rest, the one that is free soonest is tried all the same.
    """
    rest = {one: resting(rests, one, model, now) for one in profiles}
    free = [one for one in profiles if rest[one] is None]
    if not free:
        return [min(profiles, key=lambda one: rest[one].until if rest[one] else now)]  # type: ignore[union-attr]
    return sorted(free, key=lambda one: one != pinned)


def reason(code: str) -> str:
    """Why a model does not answer, in words for people."""
    return _WORDS.get(code, "it is not ready")
