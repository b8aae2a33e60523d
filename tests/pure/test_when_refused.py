"""What is not one clear time makes no task, and the answer says what to write."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import RequestError
from bot.schedule.trigger import document_of, next_after, schedule_of
from bot.schedule.when import read, read_schedule
from bot.schedule.words import describe

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 11, 20, 22, 0, tzinfo=ZoneInfo(BERLIN)).timestamp()
# Each with a piece of the sentence that must name the problem.
REFUSED = """
check the mail => no time was found
every file in the folder => no time was found
remind me => no time was found
say hi in the morning => no time was found
every 3 check => every 3 of what
every 1 ping => every 1 of what
every 20 years tidy => every 20 of what
every 0m look => longer than nothing
every 5 months look => every 2, 3, 4 or 6 months
every 300000 days look => 10 years
in 5 call => in 5 of what
in 100000 days call => 10 years
in 20m at 9:00 call => either
at 25:00 look => 25:00 is not a time of day
at 9:75 look => 9:75 is not a time of day
every day at 24:00 look => 24:00 is not a time of day
every day at 13pm look => 13pm is not a time of day
at 5 call => morning or in the evening
friday at 5 call => morning or in the evening
every day at 7 call => morning or in the evening
on the 31st of February look => February has no day 31
on 31 April look => April has no day 31
on 2026-02-30 look => no day 30 in February 2026
on 2026-13-01 look => no day 1 in month 13
on 12/24 call => read in two ways
call mom 24.12.2026 18:00 => read in two ways
call mom on 24.12. at 18:00 => read in two ways
every day except sunday at 9 tidy => write the days that are meant
tidy every day but not on weekends => write the days that are meant
on 24.12. call => read in two ways
on the 15th pay => once or each month
on the first monday pay => once or each month
on the 32nd of every month pay => no month has a day 32
at 2020-01-01T00:00 look => is past
on 2020-01-01 look => is past
today at 8 call => is past
tonight call => is past
today call => at what time today
next week call => which day of next week
next month call => which day of next month
every week at 9 call => which day of the week
twice a week run => when, if 2 times a week
7 times a day run => when, if 7 times a day
every year tidy => which day of the year
biweekly sync => can mean two things
at 8am and 5pm call => once, or each day
every day at 8:30 and 17:00 run => share their minutes
every hour at 9 run => no time of day
every hour from 9 to 5 look => which half of the day
every 7 minutes from 9 to 17 look => within a day
every 30 minutes from 9:45 to 17:00 look => full hours
from 9 to 17 look => how often in that time
every day at 9am CET look => CET can mean several
every day at 7am IST open => IST can mean several
tomorrow at 9am UTC+2 ping => does not say when clocks change
tomorrow at 9 Europe/Berln ping => is not a time zone
call mom tomorrow at 9 and dad every friday => two times were found
every day => say what to do
every 5 minutes => say what to do
remind me in 10 minutes to => say what to do
cron 0 9 * * 1-5 => needs a name
cron 0 9 * * 1-5 -- no name here => needs a name
cron 0 0 31 2 * -- Never: look => no day of any year
cron 60 * * * * -- Odd: look => '60' is not a minute
cron 0 9 * * 8 -- Odd: look => '8' is not a weekday
cron * * * -- Odd: look => 5 fields
cron 0 22-6 * * * -- Odd: look => runs backwards
cron */0 * * * * -- Odd: look => step
cron @reboot -- Odd: look => @reboot is not known
"""
ROWS = [row.split(" => ") for row in REFUSED.strip().splitlines()]
WORDLIST = """
every each at on in the of and , 9 17 5pm 9:30 25:00 friday monday weekdays weekend
tomorrow today tonight next this first last 1st 15th 31st day month week hour minutes 30m 1h 2 half
an a other second from to between until january feb 2026-12-24 24 once twice times cron * 0 -- :
UTC Europe/Berlin CET remind me check the mail noon morning night starting year every daily hourly
monthly 2026-12-24T18:00 ( ) . am pm o'clock
"""
WORDS = WORDLIST.split()


@pytest.mark.parametrize(("phrase", "problem"), ROWS, ids=[row[0] for row in ROWS])
def test_a_phrase_is_refused_with_what_to_write(phrase: str, problem: str):
    with pytest.raises(RequestError) as caught:
        read(phrase, NOW, BERLIN)
    assert caught.value.code == "INVALID_PARAMS"
    said = str(caught.value)
    assert problem in said
    assert "\n" not in said and len(said) < 300
    assert any(word in said.lower() for word in ("write", "say what", "name a place", "there are"))


@pytest.mark.parametrize("zone", ["Europe/Berln", "../../etc/passwd", "", "Nowhere"])
def test_an_unknown_zone_is_refused(zone: str):
    with pytest.raises(RequestError, match="is not a time zone"):
        read("every day at 9 look", NOW, zone)


def check(text: str) -> None:
    """Nothing but a refusal or a schedule that comes, and that can be told and stored."""
    try:
        found = read(text, NOW, BERLIN)
    except RequestError as refused:
        assert str(refused)
        return
    due = next_after(found.schedule, NOW)
    assert due is not None and due > NOW
    assert found.prompt and found.name and len(found.name) <= 64
    assert schedule_of(document_of(found.schedule, found.zone), NOW, found.zone) == found.schedule
    assert read_schedule(describe(found.schedule, found.zone), NOW, found.zone) is not None


@settings(max_examples=600, deadline=2000)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_any_words_are_read_or_refused(text: str):
    check(text)
    check(f"every 2h {text}")


@settings(max_examples=300, deadline=2000)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str):
    check(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "word", [*WORDS, "1st,", "9am,", "9 and", "friday,", "every every", "1h1m"]
)
def test_a_long_text_takes_no_longer(word: str):
    check((word + " ") * 3000)
    check("x " + word * 3000)
