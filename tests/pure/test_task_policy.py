"""What becomes of due times: run, passed over with a reason, or held back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.schedule.policy import (
    COUNTED,
    Dues,
    Missed,
    delayed,
    dues_until,
    first_due,
    held,
    judge,
    overlap,
    rewound,
    said,
    span,
)
from bot.schedule.trigger import At, Cron, Every, Schedule, next_after
from bot.types import Task
from tests.scenarios.clock_kit import DAY, HOUR, MADE, a_task

HOURLY = Every(HOUR, MADE)
WINDOW = HOUR


def waiting(at: float) -> Task:
    return replace(a_task(), next_at=at)


def hours(*numbers: float) -> tuple[float, ...]:
    return tuple(MADE + number * HOUR for number in numbers)


def walked(schedule: Schedule, first: float, now: float) -> list[float]:
    """The due times, one by one."""
    found = [first]
    while (due := next_after(schedule, found[-1])) is not None and due <= now:
        found.append(due)
    return found


@pytest.mark.parametrize("missed", ["run-once", "skip", "all"])
def test_what_is_due_now_runs_whatever_becomes_of_missed_times(missed: Missed):
    for late in (0.0, 3.0, 60.0):
        judged = judge(waiting(MADE + HOUR), HOURLY, missed, WINDOW, MADE + HOUR + late)
        assert (judged.run, judged.passed, judged.late) == (hours(1), None, False)
        assert judged.next_at == MADE + 2 * HOUR


def test_run_once_makes_up_for_the_last_one_and_says_how_many_it_stands_for():
    judged = judge(waiting(MADE + HOUR), HOURLY, "run-once", WINDOW, MADE + 8.5 * HOUR)
    assert (judged.run, judged.late, judged.next_at) == (hours(8), True, MADE + 9 * HOUR)
    assert judged.passed is not None
    assert (judged.passed.count, judged.passed.first, judged.passed.last) == (7, *hours(1, 7))
    assert said(judged.passed, "Europe/Berlin").startswith(
        "7 due times, 2026-03-02T02:00:00+01:00 to 2026-03-02T08:00:00+01:00. Nobody was there"
    )


def test_skip_lets_nothing_run_that_was_missed():
    judged = judge(waiting(MADE + HOUR), HOURLY, "skip", WINDOW, MADE + 8.5 * HOUR)
    assert (judged.run, judged.next_at) == ((), MADE + 9 * HOUR)
    assert judged.passed is not None and judged.passed.count == 8
    assert "skips what it misses" in judged.passed.why


def test_all_makes_up_for_ten_within_the_window():
    judged = judge(waiting(MADE + HOUR), HOURLY, "all", 3 * HOUR, MADE + 8.5 * HOUR)
    assert judged.run == hours(6, 7, 8)
    assert judged.passed is not None and judged.passed.count == 5
    judged = judge(waiting(MADE + HOUR), HOURLY, "all", 90 * HOUR, MADE + 40.5 * HOUR)
    assert judged.run == hours(*range(31, 41))
    assert judged.passed is not None
    assert (judged.passed.count, judged.passed.last) == (30, MADE + 30 * HOUR)


def test_the_window_is_never_shorter_than_one_interval():
    daily = Every(DAY, MADE)
    for missed in ("run-once", "all"):
        judged = judge(waiting(MADE + DAY), daily, missed, WINDOW, MADE + 1.9 * DAY)
        assert judged.run == (MADE + DAY,)


def test_a_single_time_counts_within_the_window_alone():
    once = At(MADE + HOUR)
    assert judge(waiting(once.at), once, "run-once", WINDOW, once.at + 3000).run == (once.at,)
    judged = judge(waiting(once.at), once, "run-once", WINDOW, once.at + 3601)
    assert (judged.run, judged.next_at) == ((), None)
    assert judged.passed is not None and "more than 60 min ago" in said(judged.passed, "UTC")


def test_after_an_error_the_last_time_that_came_meanwhile_runs_and_was_not_missed():
    task = delayed(waiting(MADE + HOUR), MADE + 3.5 * HOUR, "an error")
    assert task.next_at == MADE + 3.5 * HOUR
    assert first_due(task) == MADE + HOUR
    judged = judge(task, HOURLY, "skip", WINDOW, MADE + 3.5 * HOUR)
    assert (judged.run, judged.late) == (hours(3), False)
    assert judged.passed is not None
    assert (judged.passed.count, judged.passed.why) == (2, "Held back: an error")


def test_a_time_that_somebody_sets_anew_is_not_held_back():
    task = delayed(waiting(MADE + HOUR), MADE + 3.5 * HOUR, "an error")
    again = replace(task, next_at=MADE + 9 * HOUR)
    assert held(again) is None
    assert first_due(again) == MADE + 9 * HOUR


def test_what_is_later_anyway_is_not_delayed():
    task = waiting(MADE + HOUR)
    assert delayed(task, MADE + 5, "an error") is task
    done = replace(task, next_at=None)
    assert delayed(done, MADE + 5, "an error") is done


def test_all_that_catch_up_late_keep_the_window_of_the_moment_they_were_judged():
    task = waiting(MADE + HOUR)
    slot = MADE + 9.5 * HOUR
    later = delayed(task, slot, "others first", due=MADE + 6 * HOUR, seen=MADE + 8.5 * HOUR)
    judged = judge(later, HOURLY, "all", 3 * HOUR, slot)
    assert (judged.run, judged.passed) == (hours(6, 7, 8, 9), None)


def test_overlap():
    assert overlap("skip", 0, 0) is None
    assert overlap("skip", 1, 0) == "The run before is still on"
    assert overlap("queue", 1, 0) is None
    assert "waits already" in (overlap("queue", 1, 1) or "")
    assert overlap("skip", 0, 1) is not None, "those that wait come first"


SCHEDULES = st.one_of(
    st.builds(Every, st.floats(60.0, 90_000.0), st.just(MADE)),
    st.sampled_from(["*/7 * * * *", "0 * * * *", "30 9 * * 1-5", "0 3 1 * *"]).map(
        lambda expr: Cron(expr, "Europe/Berlin")
    ),
)


@given(SCHEDULES, st.floats(0, 12 * DAY), st.sampled_from(["run-once", "skip", "all"]))
def test_every_due_time_runs_or_is_counted(schedule: Schedule, gone: float, missed: Missed):
    first = next_after(schedule, MADE)
    assert first is not None
    now = first + gone
    dues = walked(schedule, first, now)
    judged = judge(waiting(first), schedule, missed, WINDOW, now)
    passed = judged.passed.count if judged.passed else 0
    exact = judged.passed is None or judged.passed.exact
    assert len(judged.run) + passed == len(dues) if exact else passed < len(dues)
    assert list(judged.run) == dues[len(dues) - len(judged.run) :]
    assert len(judged.run) <= 10
    assert judged.next_at == next_after(schedule, now)
    if judged.passed:
        assert (judged.passed.first, judged.passed.last) == (
            dues[0],
            dues[len(dues) - len(judged.run) - 1],
        )


def test_years_of_minutes_are_judged_without_walking_through_them():
    minutes = Cron("* * * * *", "UTC")
    dues = dues_until(minutes, MADE, MADE + 800 * DAY + 5)
    assert (dues.count, dues.exact) == (COUNTED, False)
    assert dues.tail == tuple(MADE + 800 * DAY - 60 * back for back in range(9, -1, -1))
    each = dues_until(Every(60, MADE), MADE, MADE + 800 * DAY + 5)
    assert each == Dues(MADE, dues.tail, 800 * 1440 + 1, True, MADE + 800 * DAY + 60)


def test_a_clock_that_was_set_back_finds_the_first_time_without_a_run():
    until = MADE + 10 * HOUR
    assert rewound(HOURLY, MADE, until, [], None) == MADE + HOUR
    assert rewound(HOURLY, MADE, until, hours(1, 2, 3, 5), None) == MADE + 4 * HOUR
    assert rewound(HOURLY, MADE, until, hours(*range(1, 10)), None) == until
    assert rewound(HOURLY, MADE, until, [], MADE + 6.5 * HOUR) == MADE + 7 * HOUR


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45, "45 s"), (3600, "60 min"), (7200, "2 h"), (86_400, "24 h"), (2 * 86_400, "2 days")],
)
def test_spans_in_words(seconds: float, text: str):
    assert span(seconds) == text
