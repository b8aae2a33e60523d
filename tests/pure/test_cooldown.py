"""How long credentials rest, and in which order they are asked."""

import pytest

from bot.providers.cooldown import EVERY_MODEL, Rest, after, order, resting, scope
from bot.types import Failure

NOW = 1_700_000_000.0
HOUR = 3600.0


def rests_of(*codes: str, gap: float = 0.0) -> list[float]:
    """The length of each rest when these failures follow one another."""
    rest, now, lengths = None, NOW, []
    for code in codes:
        rest = after(rest, Failure(code, ""), now)
        lengths.append(rest.until - now)
        now += gap
    return lengths


def test_a_rest_grows_with_every_failure_to_an_hour():
    assert rests_of(*["MODEL_RATE_LIMIT"] * 6) == [60, 300, 1500, HOUR, HOUR, HOUR]


def test_an_empty_account_rests_five_hours_and_doubles_to_a_day():
    hours = [length / HOUR for length in rests_of(*["MODEL_BILLING"] * 5)]
    assert hours == [5, 10, 20, 24, 24]


def test_a_day_without_a_failure_forgets_the_former():
    assert rests_of("MODEL_AUTH", "MODEL_AUTH", gap=24 * HOUR) == [60, 60]
    assert rests_of("MODEL_AUTH", "MODEL_AUTH", gap=24 * HOUR - 1) == [60, 300]


def test_what_the_server_asked_for_is_the_least():
    assert after(None, Failure("MODEL_RATE_LIMIT", "", None, 900.0), NOW).until == NOW + 900
    assert after(None, Failure("MODEL_RATE_LIMIT", "", None, 2.0), NOW).until == NOW + 60


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("MODEL_RATE_LIMIT", "m"),
        ("MODEL_OVERLOADED", "m"),
        ("MODEL_NOT_FOUND", "m"),
        ("MODEL_AUTH", EVERY_MODEL),
        ("MODEL_BILLING", EVERY_MODEL),
        ("MODEL_BAD_REQUEST", None),
        ("MODEL_STALL", None),
        ("MODEL_CUT", None),
        ("CONTEXT_OVERFLOW", None),
        ("NO_CREDENTIALS", None),
    ],
)
def test_what_a_failure_counts_against(code: str, found: str | None):
    assert scope(code, "m") == found


def rest(until: float) -> Rest:
    return Rest(NOW + until, 1, "MODEL_RATE_LIMIT", NOW)


def test_the_order_is_as_written_without_those_that_rest():
    rests = {("b", "m"): rest(60), ("c", "other"): rest(60)}
    assert order(rests, ["a", "b", "c"], None, "m", NOW) == ["a", "c"]
    assert order(rests, ["a", "b", "c"], None, "m", NOW + 60) == ["a", "b", "c"]


def test_a_pin_goes_first_unless_it_rests():
    assert order({}, ["a", "b", "c"], "c", "m", NOW) == ["c", "a", "b"]
    assert order({("c", EVERY_MODEL): rest(60)}, ["a", "b", "c"], "c", "m", NOW) == ["a", "b"]
    assert order({}, ["a", "b"], "gone", "m", NOW) == ["a", "b"]


def test_when_all_rest_the_one_that_is_free_soonest_is_tried():
    rests = {("a", "m"): rest(60), ("b", "m"): rest(30), ("b", EVERY_MODEL): rest(90)}
    assert order(rests, ["a", "b"], "b", "m", NOW) == ["a"]
    longest = resting(rests, "b", "m", NOW)
    assert longest is not None and longest.until == NOW + 90
