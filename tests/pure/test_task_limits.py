"""What a task may use, when it is done, how long it waits after failures, what blocks it."""

import pytest

from bot.schedule.limits import Counters, access_failure, allowed, backoff, stops
from bot.schedule.terms import Policy, Stop


def test_runs_are_counted_in_the_hour_before():
    two = Policy(max_runs_per_hour=2)
    assert allowed(Policy(), [9.0] * 99, 10.0) is None
    assert allowed(two, [0.0, 3000.0], 3600.0) is None
    assert "2 runs an hour" in (allowed(two, [1.0, 3000.0], 3600.0) or "")
    assert "never" in (allowed(Policy(max_runs_per_hour=0), [], 0.0) or "")


@pytest.mark.parametrize(
    ("stop", "outcome", "text", "ends"),
    [
        (Stop(), "ok", "x", False),
        (Stop(on_success=True), "ok", "", True),
        (Stop(on_success=True), "error", "", False),
        (Stop(output_includes=("SOLD out",)), "ok", "It is sold OUT now", True),
        (Stop(output_includes=("sold out",)), "ok", "sold", False),
        (Stop(output_includes=("sold",)), "error", "sold", False),
        (Stop(max_runs=5), "error", "", True),
        (Stop(max_runs=6), "ok", "", False),
        (Stop(max_successes=3), "ok", "", True),
        (Stop(max_successes=3), "error", "", False),
        (Stop(max_successes=4), "ok", "", False),
    ],
)
def test_when_a_task_is_done(stop: Stop, outcome: str, text: str, ends: bool):
    kind = "ok" if outcome == "ok" else "error"
    reason = stops(Policy(stop=stop), Counters(5, 3), kind, text)
    assert (reason is not None) is ends


def test_failures_wait_longer_and_longer():
    assert [backoff(count) for count in range(8)] == [0, 30, 60, 300, 900, 3600, 3600, 3600]


@pytest.mark.parametrize(
    ("code", "text", "blocked"),
    [
        ("NO_CREDENTIALS", "", True), ("MODEL_AUTH", "", True), ("NO_MODEL", "", True),
        ("MODEL_BILLING", "", True), ("MODEL_OVERLOADED", "API key is missing", False),
        (None, "401 Unauthorized", True), (None, "The API key is missing", True),
        ("RUN_TIMEOUT", "slow", False), (None, "connection refused", False), (None, "", False),
    ],
)  # fmt: skip
def test_only_what_a_person_must_mend_blocks(code: str | None, text: str, blocked: bool):
    hint = access_failure(code, text)
    assert (hint is not None) is blocked
    assert hint is None or "resume" in hint
