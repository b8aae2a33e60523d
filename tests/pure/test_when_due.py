"""When schedules are due: crontab's rules, days that clocks change, grids, and the JSON form."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import RequestError
from bot.schedule.cron import Fields
from bot.schedule.trigger import (
    At,
    Cron,
    Every,
    cron_of,
    document_of,
    next_after,
    schedule_of,
    upcoming,
)
from bot.schedule.when import read_schedule
from bot.schedule.words import describe, moment

BERLIN = "Europe/Berlin"
SUNDAY_FIRST = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def stamp(text: str, zone: str = "UTC") -> float:
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))).timestamp()


def shown(times: list[float], zone: str) -> list[str]:
    return [datetime.fromtimestamp(at, ZoneInfo(zone)).isoformat()[:-9] for at in times]


def offsets(expr: str, zone: str, after: str, count: int) -> list[str]:
    """Due times with their offsets: `02:30+01:00`."""
    found = upcoming(Cron(expr, zone), stamp(after, zone), count)
    return [datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%d %H:%M %z") for at in found]


# Clocks skip an hour (in Lord Howe half of one): the skipped time is due at the first after it.
SKIPPED = [
    (BERLIN, "30 2 * * *", "2026-03-28T12:00", ["29 03:00 +0200", "30 02:30 +0200"]),
    (BERLIN, "0,30 2 * * *", "2026-03-28T12:00", ["29 03:00 +0200", "30 02:00 +0200"]),
    (BERLIN, "0 2,3 * * *", "2026-03-28T12:00", ["29 03:00 +0200", "30 02:00 +0200"]),
    (BERLIN, "0 * * * *", "2026-03-29T00:30", ["29 01:00 +0100", "29 03:00 +0200"]),
    ("America/New_York", "30 2 * * *", "2026-03-07T12:00", ["08 03:00 -0400", "09 02:30 -0400"]),
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00", ["04 02:30 +1100", "05 02:15 +1100"]),
    ("Australia/Lord_Howe", "0 2 * * *", "2026-10-03T12:00", ["04 02:30 +1100", "05 02:00 +1100"]),
    ("America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00", ["04 01:00 -0200", "05 00:00 -0200"]),
    ("Africa/Casablanca", "30 2 * * *", "2026-03-21T12:00", ["22 03:00 +0100", "23 02:30 +0100"]),
    ("Asia/Kolkata", "30 2 * * *", "2026-03-28T12:00", ["29 02:30 +0530", "30 02:30 +0530"]),
    ("Pacific/Apia", "30 2 * * *", "2011-12-29T12:00", ["31 00:00 +1400", "31 02:30 +1400"]),
]
# Clocks show an hour twice: it is due the first time only.
REPEATED = [
    (BERLIN, "30 2 * * *", "2026-10-24T12:00", ["25 02:30 +0200", "26 02:30 +0100"]),
    (BERLIN, "*/30 * * * *", "2026-10-25T02:10", ["25 02:30 +0200", "25 03:00 +0100"]),
    (BERLIN, "0 * * * *", "2026-10-25T01:30", ["25 02:00 +0200", "25 03:00 +0100"]),
    ("America/New_York", "30 1 * * *", "2026-10-31T12:00", ["01 01:30 -0400", "02 01:30 -0500"]),
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00", ["05 01:45 +1100", "06 01:45 +1030"]),
    ("America/Sao_Paulo", "30 23 * * *", "2018-02-17T12:00", ["17 23:30 -0200", "18 23:30 -0300"]),
    ("Africa/Casablanca", "30 2 * * *", "2026-02-14T12:00", ["15 02:30 +0100", "16 02:30 +0000"]),
    ("Asia/Kolkata", "30 2 * * *", "2026-10-24T12:00", ["25 02:30 +0530", "26 02:30 +0530"]),
]


@pytest.mark.parametrize(("zone", "expr", "after", "due"), [*SKIPPED, *REPEATED])
def test_a_day_that_clocks_change(zone: str, expr: str, after: str, due: list[str]):
    assert offsets(expr, zone, after, 2) == due


def test_nothing_is_due_within_the_second_of_two_hours():
    second = stamp("2026-10-25T02:10:00+01:00")
    for expr in ("30 2 * * *", "* * * * *", "* * * * * *", "0 3 * * *"):
        due = next_after(Cron(expr, BERLIN), second)
        assert due is not None and due >= stamp("2026-10-25T03:00:00+01:00")


def test_an_interval_goes_by_real_time():
    anchor = stamp("2026-10-25T01:00:00+02:00")
    found = upcoming(Every(3600.0, anchor), anchor, 3)
    assert [at - anchor for at in found] == [3600.0, 7200.0, 10800.0]


@pytest.mark.parametrize(
    ("zone", "at", "meant"),
    [
        (BERLIN, "2027-03-28T02:30", "2027-03-28T03:00:00+02:00"),
        (BERLIN, "2026-10-25T02:30", "2026-10-25T02:30:00+02:00"),
        (BERLIN, "2026-12-24T18:00", "2026-12-24T18:00:00+01:00"),
        ("Asia/Kolkata", "2026-12-24T18:00", "2026-12-24T18:00:00+05:30"),
        (BERLIN, "2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+01:00"),
    ],
)
def test_a_time_without_an_offset_is_local(zone: str, at: str, meant: str):
    found = schedule_of({"kind": "at", "at": at}, 0.0, zone)
    assert found == At(stamp(meant))
    assert document_of(found, zone) == {"kind": "at", "at": meant}


# From Sunday 2026-11-01 on, which weekdays an expression means.
@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        ("0", "sun"),
        ("7", "sun"),
        ("1", "mon"),
        ("1-5", "mon tue wed thu fri"),
        ("mon-fri", "mon tue wed thu fri"),
        ("5-7", "sun fri sat"),
        ("0,6", "sun sat"),
        ("sat,sun", "sun sat"),
        ("fri-mon", "sun mon fri sat"),
        ("5-1", "sun mon fri sat"),
        ("5-2/2", "sun tue fri"),
        ("6-7", "sun sat"),
        ("7-2", "sun mon tue"),
        ("0-7", "sun mon tue wed thu fri sat"),
        ("*/2", "sun tue thu sat"),
        ("1-5/2", "mon wed fri"),
        ("MON,3", "mon wed"),
        ("?", "sun mon tue wed thu fri sat"),
    ],
)
def test_weekdays_mean_what_crontab_means(weekday: str, days: str):
    found = upcoming(Cron(f"0 9 * * {weekday}", "UTC"), stamp("2026-11-01T00:00"), 7)
    week = [datetime.fromtimestamp(at, UTC) for at in found if at < stamp("2026-11-08T00:00")]
    assert [SUNDAY_FIRST[at.isoweekday() % 7] for at in week] == days.split()


@pytest.mark.parametrize(
    ("expr", "due"),
    [
        ("0 9 13 * 5", ["2026-11-06", "2026-11-13", "2026-11-20"]),
        ("0 9 1 * 1", ["2026-11-02", "2026-11-09", "2026-11-16"]),
        ("0 9 */10 * 3", ["2026-11-11", "2027-03-31", "2027-04-21"]),
        ("0 9 * * 1#1", ["2026-11-02", "2026-12-07", "2027-01-04"]),
        ("0 9 * * mon#5", ["2026-11-30", "2027-03-29", "2027-05-31"]),
        ("0 9 * * 5L", ["2026-11-27", "2026-12-25", "2027-01-29"]),
        ("0 9 L * *", ["2026-11-30", "2026-12-31", "2027-01-31"]),
        ("0 9 L 2 *", ["2027-02-28", "2028-02-29", "2029-02-28"]),
        ("0 9 29 2 *", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("0 9 31 * *", ["2026-12-31", "2027-01-31", "2027-03-31"]),
        ("@monthly", ["2026-12-01", "2027-01-01", "2027-02-01"]),
        ("@yearly", ["2027-01-01", "2028-01-01", "2029-01-01"]),
        ("@weekly", ["2026-11-08", "2026-11-15", "2026-11-22"]),
    ],
)
def test_days_of_a_month(expr: str, due: list[str]):
    found = upcoming(Cron(expr, "UTC"), stamp("2026-11-01T10:00"), 3)
    assert [at[:10] for at in shown(found, "UTC")] == due


def field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    ranges = st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}")
    parts = st.one_of(number.map(str), ranges)
    steps = st.integers(2, max(2, (high - low) // 2)).map(lambda step: f"*/{step}")
    lists = st.lists(parts, min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), steps, lists)


def oracle(minute: str, hour: str, day: str, month: str, week: str, zone: str) -> CronTrigger:
    """The same expression for the library, which counts weekdays from Monday."""
    named = ",".join(SUNDAY_FIRST[value] for value in Fields(f"0 0 * * {week}").weekdays)
    parts = {"minute": minute, "hour": hour, "day": day, "month": month}
    return CronTrigger(**parts, day_of_week=named, second=0, timezone=ZoneInfo(zone))


@settings(max_examples=300, deadline=4000)
@given(
    st.tuples(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)),
    st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1)),
    st.sampled_from(["UTC", "Asia/Kolkata"]),
)
def test_cron_agrees_with_the_library(parts: tuple[str, ...], start: datetime, zone: str):
    minute, hour, day, month, week = parts
    moment = start.replace(microsecond=0, tzinfo=ZoneInfo(zone))
    due = next_after(Cron(" ".join(parts), zone), moment.timestamp())
    ways = [(day, week)] if "*" in day + week else [(day, "*"), ("*", week)]
    later = moment + timedelta(seconds=1)
    found = [
        oracle(minute, hour, d, month, w, zone).get_next_fire_time(None, later) for d, w in ways
    ]
    assert due == min(at.timestamp() for at in found if at is not None)


@settings(max_examples=200)
@given(
    st.tuples(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)),
    st.floats(0, 4e9),
)
def test_one_spelling_means_the_same(parts: tuple[str, ...], after: float):
    expr = " ".join(parts)
    plain = Fields(expr).canonical()
    assert Fields(plain).canonical() == plain
    assert upcoming(Cron(expr, BERLIN), after, 4) == upcoming(Cron(plain, BERLIN), after, 4)
    told = describe(Cron(expr, BERLIN), BERLIN)
    again = read_schedule(told, after, "UTC")
    assert isinstance(again, Cron), told
    assert (Fields(again.expr).canonical(), again.zone) == (plain, BERLIN), told


@given(st.floats(0.001, 1e8), st.floats(0, 4e9), st.floats(0, 4e9))
def test_an_interval_keeps_to_its_grid(seconds: float, anchor: float, after: float):
    due = next_after(Every(seconds, anchor), after)
    assert due is not None and due > after and due > anchor
    steps = (due - anchor) / seconds
    assert abs(steps - round(steps)) * seconds < 1e-3
    assert due - seconds <= max(after, anchor) + 1e-3


@settings(max_examples=200)
@given(st.floats(0, 4e9), st.sampled_from([BERLIN, "Australia/Lord_Howe", "Africa/Casablanca"]))
def test_a_cron_time_is_always_later(after: float, zone: str):
    for expr in ("*/7 * * * *", "30 2 * * *", "15 1,2,3 * * 0"):
        due = upcoming(Cron(expr, zone), after, 5)
        assert after < due[0] and due == sorted(set(due))
        # Looking from just before a due time finds it again.
        assert next_after(Cron(expr, zone), due[1] - 0.5) == due[1]


def test_a_time_is_due_once():
    assert next_after(At(100.0), 99.9) == 100.0
    assert next_after(At(100.0), 100.0) is None
    assert upcoming(At(100.0), 0.0, 3) == [100.0]


def test_no_time_is_due_after_the_last_year():
    assert next_after(Cron("0 0 1 1 *", "UTC"), stamp("9999-12-31T23:00")) is None
    assert next_after(Cron("0 0 * * *", "UTC"), 1e18) is None
    assert next_after(Every(1.0, 0.0), 1e300) is None


DOCUMENTS = [
    {"kind": "every", "everyMs": 3600000, "anchorMs": 1795208400000},
    {"kind": "cron", "expr": "0 9 * * mon-fri", "tz": BERLIN},
    {"kind": "at", "at": "2026-12-24T18:00:00+01:00"},
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_json_form_is_kept(document: dict[str, object]):
    assert document_of(schedule_of(document, 0.0, "UTC"), BERLIN) == document


def test_what_the_json_form_leaves_out():
    assert schedule_of({"kind": "every", "everyMs": 60000}, 5.5, "UTC") == Every(60.0, 5.5)
    assert schedule_of({"kind": "cron", "expr": " 0  9 * * * "}, 0.0, BERLIN).zone == BERLIN
    assert schedule_of({"kind": "at", "at": 1795208400}, 0.0, "UTC") == At(1795208400.0)
    assert schedule_of({"kind": "cron", "expr": "0 9 * * *", "tz": "local"}, 0.0, "UTC").zone == (
        "local"
    )


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"kind": "never"},
        {"kind": "at"},
        {"kind": "at", "at": "soon"},
        {"kind": "at", "at": True},
        {"kind": "at", "at": -1},
        {"kind": "at", "at": 10**400},
        {"kind": "at", "at": float("nan")},
        {"kind": "every"},
        {"kind": "every", "everyMs": 0},
        {"kind": "every", "everyMs": -5},
        {"kind": "every", "everyMs": "1h"},
        {"kind": "every", "everyMs": float("inf")},
        {"kind": "every", "everyMs": 10**400},
        {"kind": "every", "everyMs": 1000, "anchorMs": "now"},
        {"kind": "cron"},
        {"kind": "cron", "expr": 5},
        {"kind": "cron", "expr": "0 0 30 2 *"},
        {"kind": "cron", "expr": "* * * *"},
        {"kind": "cron", "expr": "0 9 * * 1-5", "tz": "Europe/Berln"},
        {"kind": "cron", "expr": "0 9 * * 1-5", "tz": "../../etc/passwd"},
        {"kind": "cron", "expr": "0 9 * * 1-5", "tz": 5},
        {"kind": "cron", "expr": "1," * 1000},
    ],
)
def test_a_wrong_json_form_is_refused(document: dict[str, object]):
    with pytest.raises(RequestError) as caught:
        schedule_of(document, 0.0, "UTC")
    assert caught.value.code == "INVALID_PARAMS" and len(str(caught.value)) < 300


def test_a_time_in_words():
    at = stamp("2026-12-24T18:00", BERLIN)
    assert moment(at, BERLIN) == "Thu 24 Dec 2026 at 18:00 (Europe/Berlin)"
    assert moment(at, BERLIN, at - 86400) == "Thu 24 Dec at 18:00 (Europe/Berlin)"
    second = stamp("2026-10-25T02:30:00+01:00")
    assert moment(second, BERLIN) == "Sun 25 Oct 2026 at 01:30 (UTC)"


def test_a_simulation_can_take_many_steps():
    """A step takes about 10 us here; a machine that is busy may take ten times that."""
    started, at = time.process_time(), stamp("2026-11-01T00:00")
    cron = cron_of("0 9 * * 1-5", BERLIN)
    for _ in range(10_000):
        at = next_after(cron, at) or 0.0
    assert at > 0 and time.process_time() - started < 2.0
