"""What people write behind `/task new`, and what it means on a Friday evening in Berlin.

A line is `phrase => schedule => name => prompt`; the prompt is the name where it is left out. An
interval is in seconds, anchored at creation unless it says from when; a zone is Berlin unless said.
"""

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.schedule.cron import Fields
from bot.schedule.trigger import At, Cron, Every, Schedule, next_after
from bot.schedule.when import read, read_schedule
from bot.schedule.words import describe

ROOT = Path(__file__).parents[2]
BERLIN = "Europe/Berlin"
NOW = datetime(2026, 11, 20, 22, 0, tzinfo=ZoneInfo(BERLIN)).timestamp()
PHRASES = """
every friday afternoon report => cron 0 15 * * 5 => report
monday morning brief me => at 2026-11-23T09:00:00+01:00 => brief me
every friday Morning: brief me => cron 0 9 * * 5 => Morning => brief me
remind me in the morning to leave => at 2026-11-21T09:00:00+01:00 => leave => remind me to leave
everyday at 9 look => cron 0 9 * * * => look
every january 1st at 0:00 cheer => cron 0 0 1 1 * => cheer
every 24th of December at 18:00 sing => cron 0 18 24 12 * => sing
check mail on weekdays at 9 => cron 0 9 * * 1-5 => check mail
wake me at 7am every weekday => cron 0 7 * * 1-5 => wake me
every 30m check https://example.com/x and say: ok
  => every 1800 => check https://example.com/x and say: ok
every 1h30m stretch => every 5400 => stretch
every 1.5h stretch => every 5400 => stretch
every 10 minutes ping => every 600 => ping
every 1 hour and 30 minutes look around => every 5400 => look around
every hour Check https://x => every 3600 => Check https://x
every 2 days water the plants => every 172800 => water the plants
every 90 seconds ping => every 90 => ping
every 500ms ping => every 0.5 => ping
every half hour look => every 1800 => look
every quarter hour look => every 900 => look
every 2 weeks retro => every 1209600 => retro
every other day water => every 172800 => water
every other day at 9 water => every 172800 from 2026-11-19T09:00 => water
every other week tidy up => every 1209600 => tidy up
every 2 weeks on friday at 15:00 retro => every 1209600 from 2026-11-13T15:00 => retro
every second friday at 10 plan => every 1209600 from 2026-11-13T10:00 => plan
every other monday plan => every 1209600 from 2026-11-09T09:00 => plan
every 2 days starting monday at 9 ping => every 172800 from 2026-11-21T09:00 => ping
every 3 days at 8:15 ping => every 259200 from 2026-11-18T08:15 => ping
at 2026-12-24T18:00 Xmas: light the tree
  => at 2026-12-24T18:00:00+01:00 => Xmas => light the tree
at 2026-12-24T18:00:00Z light the tree => at 2026-12-24T19:00:00+01:00 => light the tree
at 2026-12-24T18:00+05:30 light the tree => at 2026-12-24T13:30:00+01:00 => light the tree
at 2027-03-28T02:30 skip => at 2027-03-28T03:00:00+02:00 => skip
at 2027-10-31T02:30 twice => at 2027-10-31T02:30:00+02:00 => twice
2026-12-24T18:00 light => at 2026-12-24T18:00:00+01:00 => light
2026-12-24 18:00 light => at 2026-12-24T18:00:00+01:00 => light
at 9:30 check mail => at 2026-11-21T09:30:00+01:00 => check mail
at 9:30 check mail: the inbox => at 2026-11-21T09:30:00+01:00 => check mail => the inbox
cron 0 9 * * 1-5 -- Morning: summarise the mail
  => cron 0 9 * * 1-5 => Morning => summarise the mail
cron "0 9 * * 1-5" -- Morning: summarise the mail
  => cron 0 9 * * 1-5 => Morning => summarise the mail
cron 0 0 1 */2 * -- Books: close them => cron 0 0 1 */2 * => Books => close them
cron */15 * * * * -- Watch: look => cron */15 * * * * => Watch => look
cron * * * * * -- Watch: look => cron * * * * * => Watch => look
cron 15 * * * * -- Watch: look => cron 15 * * * * => Watch => look
cron 0 */2 * * * -- Watch: look => cron 0 */2 * * * => Watch => look
cron 5 4 1 1 1 -- Odd: look => cron 5 4 1 1 1 => Odd => look
cron 30 0 9 * * 1 -- Seconds: look => cron 30 0 9 * * 1 => Seconds => look
cron 0 9 * * 1#1,5L -- Places: look => cron 0 9 * * 1#1,5L => Places => look
cron 0 9 * * 1-5 America/New_York -- Open: look
  => cron 0 9 * * 1-5 | America/New_York => Open => look
hourly check the queue => every 3600 => check the queue
daily summarise => every 86400 => summarise
weekly report => every 604800 => report
fortnightly invoice => every 1209600 => invoice
check the queue hourly => every 3600 => check the queue
summarise the inbox daily => every 86400 => summarise the inbox
report weekly => every 604800 => report
look at the price every 2h and tell me
  => every 7200 => look at the price => look at the price and tell me
check https://x.com/?t=9:30 every 2h => every 7200 => check https://x.com/?t=9:30
please look every 45m at the door => every 2700 => look at the door => please look at the door
in 20m call mom => at 2026-11-20T22:20:00+01:00 => call mom
in 2 hours call mom => at 2026-11-21T00:00:00+01:00 => call mom
in half an hour stretch => at 2026-11-20T22:30:00+01:00 => stretch
in 1h30m stretch => at 2026-11-20T23:30:00+01:00 => stretch
in an hour stretch => at 2026-11-20T23:00:00+01:00 => stretch
2 hours from now stretch => at 2026-11-21T00:00:00+01:00 => stretch
in 3 days at 9 call => at 2026-11-23T09:00:00+01:00 => call
in 2 weeks call => at 2026-12-04T22:00:00+01:00 => call
call mom in 20 minutes => at 2026-11-20T22:20:00+01:00 => call mom
tomorrow 9am call mom => at 2026-11-21T09:00:00+01:00 => call mom
tomorrow at 9 call mom => at 2026-11-21T09:00:00+01:00 => call mom
tomorrow call mom => at 2026-11-21T09:00:00+01:00 => call mom
tomorrow morning call mom => at 2026-11-21T09:00:00+01:00 => call mom
tomorrow evening at 7 call mom => at 2026-11-21T19:00:00+01:00 => call mom
tomorrow evening at 7:30 call mom => at 2026-11-21T19:30:00+01:00 => call mom
tomorrow noon call mom => at 2026-11-21T12:00:00+01:00 => call mom
the day after tomorrow at 10 call => at 2026-11-22T10:00:00+01:00 => call
call mom tomorrow at 9 => at 2026-11-21T09:00:00+01:00 => call mom
today at 23:00 call => at 2026-11-20T23:00:00+01:00 => call
tonight at 11 take out the bins => at 2026-11-20T23:00:00+01:00 => take out the bins
at noon eat => at 2026-11-21T12:00:00+01:00 => eat
at midnight rotate the logs => at 2026-11-21T00:00:00+01:00 => rotate the logs
at 5pm call => at 2026-11-21T17:00:00+01:00 => call
at 12am call => at 2026-11-21T00:00:00+01:00 => call
at 12pm call => at 2026-11-21T12:00:00+01:00 => call
at 17 call => at 2026-11-21T17:00:00+01:00 => call
at 05 call => at 2026-11-21T05:00:00+01:00 => call
9am call => at 2026-11-21T09:00:00+01:00 => call
17:00 call => at 2026-11-21T17:00:00+01:00 => call
on friday at 17:00 send the report => at 2026-11-27T17:00:00+01:00 => send the report
friday at 17:00 send the report => at 2026-11-27T17:00:00+01:00 => send the report
this friday at 17:00 go => at 2026-11-27T17:00:00+01:00 => go
next Tuesday call Bob => at 2026-11-24T09:00:00+01:00 => call Bob
next friday at 23:00 go => at 2026-11-27T23:00:00+01:00 => go
on Monday, call mom => at 2026-11-23T09:00:00+01:00 => call mom
Call mom on Monday. => at 2026-11-23T09:00:00+01:00 => Call mom
saturday at 10am shop => at 2026-11-21T10:00:00+01:00 => shop
every Friday at 5pm send the report => cron 0 17 * * 5 => send the report
every friday send the report at 5pm => cron 0 17 * * 5 => send the report
every Friday send the report => cron 0 9 * * 5 => send the report
every friday: report => cron 0 9 * * 5 => report
on fridays at 16:30 demo => cron 30 16 * * 5 => demo
mondays and thursdays at 9 bins out => cron 0 9 * * 1,4 => bins out
every monday, wednesday and friday at 8:30 run => cron 30 8 * * 1,3,5 => run
every tue and thu at 18:00 run => cron 0 18 * * 2,4 => run
monday to friday at 9 stand up => cron 0 9 * * 1-5 => stand up
mon-fri at 9 stand up => cron 0 9 * * 1-5 => stand up
fri-mon at 9 rest => cron 0 9 * * 0,1,5,6 => rest
every weekday at 8:30 stand-up notes => cron 30 8 * * 1-5 => stand-up notes
every weekday: notes => cron 0 9 * * 1-5 => notes
weekdays at 8 notes => cron 0 8 * * 1-5 => notes
on weekdays at 7:45 notes => cron 45 7 * * 1-5 => notes
every workday at 9 notes => cron 0 9 * * 1-5 => notes
weekends at 10 water the plants => cron 0 10 * * 0,6 => water the plants
every weekend at 10 water the plants => cron 0 10 * * 0,6 => water the plants
on the weekends at 11 water the plants => cron 0 11 * * 0,6 => water the plants
every week on monday at 9 plan => cron 0 9 * * 1 => plan
weekly on friday at 5pm plan => cron 0 17 * * 5 => plan
once a week tidy => every 604800 => tidy
once a day ping => every 86400 => ping
once a month ping => cron 0 9 1 * * => ping
every morning brief me => cron 0 9 * * * => brief me
every morning at 7 brief me => cron 0 7 * * * => brief me
every afternoon brief me => cron 0 15 * * * => brief me
every evening brief me => cron 0 18 * * * => brief me
every evening at 7 brief me => cron 0 19 * * * => brief me
every night back up => cron 0 21 * * * => back up
every night at 2 back up => cron 0 2 * * * => back up
every noon eat => cron 0 12 * * * => eat
every midnight rotate => cron 0 0 * * * => rotate
nightly at 23:30 backup => cron 30 23 * * * => backup
every day at 8 look => cron 0 8 * * * => look
every day at 9am look => cron 0 9 * * * => look
every day at 8 and 20 take the pill => cron 0 8,20 * * * => take the pill
every day at 8am and 5pm call => cron 0 8,17 * * * => call
every day at 8, 12 and 18 eat => cron 0 8,12,18 * * * => eat
every day at 7 and 9 pm eat => cron 0 19,21 * * * => eat
every day at noon and midnight ping => cron 0 0,12 * * * => ping
every day at 9 o'clock ping => cron 0 9 * * * => ping
every day in the evening read => cron 0 18 * * * => read
each day at 10 stretch => cron 0 10 * * * => stretch
daily at 9 and 17 ping => cron 0 9,17 * * * => ping
daily at 18:15 ping => cron 15 18 * * * => ping
Every Day At 9 Call Mom => cron 0 9 * * * => Call Mom
every day at 9: check mail => cron 0 9 * * * => check mail
every day at 9. Check mail, then tell me.
  => cron 0 9 * * * => Check mail, then tell me => Check mail, then tell me.
send me the news every day at 8 => cron 0 8 * * * => send me the news
send me the news every morning => cron 0 9 * * * => send me the news
say hi every day in the morning at 8 => cron 0 8 * * * => say hi
summarise inbox at 6pm daily => cron 0 18 * * * => summarise inbox
twice a day check mail => cron 0 9,21 * * * => check mail
three times a day check mail => cron 0 8,14,20 * * * => check mail
4 times a day check mail => cron 0 8-20/4 * * * => check mail
4 times an hour ping => every 900 => ping
twice a day at 7:00 and 19:00 check mail => cron 0 7,19 * * * => check mail
every hour from 9 to 17 on weekdays check the queue => cron 0 9-17 * * 1-5 => check the queue
every hour from 9am to 5pm check the queue => cron 0 9-17 * * * => check the queue
every hour from 22 to 6 look => cron 0 0,1,2,3,4,5,6,22,23 * * * => look
every 30 minutes between 9:00 and 17:00 look => cron 0,30 9-16 * * * => look
every 15 minutes on weekdays look => cron */15 * * * 1-5 => look
every 2 hours from 8am to 8pm on weekends look => cron 0 8-20/2 * * 0,6 => look
every hour on weekdays look => cron 0 * * * 1-5 => look
first Monday of the month at 9 pay rent => cron 0 9 * * 1#1 => pay rent
first Monday of the month pay rent => cron 0 9 * * 1#1 => pay rent
on the first monday of every month at 10:00 pay rent => cron 0 10 * * 1#1 => pay rent
every first monday at 9 pay rent => cron 0 9 * * 1#1 => pay rent
every third friday of the month beer => cron 0 9 * * 5#3 => beer
on the last friday of every month at 16:00 demo => cron 0 16 * * 5L => demo
on the first Monday of January and July at 9:00 review => cron 0 9 * 1,7 1#1 => review
last day of the month close the books => cron 0 9 L * * => close the books
on the last day of every month at 17:00 close the books => cron 0 17 L * * => close the books
the last day of February at 9 audit => cron 0 9 L 2 * => audit
monthly invoice => cron 0 9 1 * * => invoice
every month invoice => cron 0 9 1 * * => invoice
monthly on the 15th at 8 invoice => cron 0 8 15 * * => invoice
every month on the 15th at 10 pay => cron 0 10 15 * * => pay
on the 1st and 15th at 8am pay => cron 0 8 1,15 * * => pay
on the 1st of every month at 7:30 pay => cron 30 7 1 * * => pay
the 15th of every month: pay rent => cron 0 9 15 * * => pay rent
every 15th at 9 pay => cron 0 9 15 * * => pay
the 1st and 2nd of December at 9 party => cron 0 9 1,2 12 * => party
every 3 months look => cron 0 9 1 */3 * => look
every other month look => cron 0 9 1 */2 * => look
quarterly taxes at 10 => cron 0 10 1 */3 * => taxes
on 2026-12-24 at 18:00 look => at 2026-12-24T18:00:00+01:00 => look
on 2026-12-24 look => at 2026-12-24T09:00:00+01:00 => look
Dec 24 at 18:00 look => at 2026-12-24T18:00:00+01:00 => look
December 24, 2027 at 18:00 look => at 2027-12-24T18:00:00+01:00 => look
24 December look => at 2026-12-24T09:00:00+01:00 => look
24th of December at 8pm look => at 2026-12-24T20:00:00+01:00 => look
on 24 Dec 2027 at 6pm look => at 2027-12-24T18:00:00+01:00 => look
on 24 December every year at 18:00 light it => cron 0 18 24 12 * => light it
every year on 24 December at 18:00 light it => cron 0 18 24 12 * => light it
every day at 9am Europe/Berlin look => cron 0 9 * * * => look
every day at 9am America/New_York look => cron 0 9 * * * | America/New_York => look
at 9am UTC look => at 2026-11-21T09:00:00+00:00 => look
tomorrow at 9 in asia/kolkata ping => at 2026-11-22T09:00:00+05:30 => ping
every friday at 17:00 (Australia/Lord_Howe) ping
  => cron 0 17 * * 5 | Australia/Lord_Howe => ping
remind me to call mom in 20 minutes
  => at 2026-11-20T22:20:00+01:00 => call mom => remind me to call mom
remind me to check the oven in 20 minutes => at 2026-11-20T22:20:00+01:00 => check the oven
remind me tomorrow at 9 to call mom
  => at 2026-11-21T09:00:00+01:00 => call mom => remind me to call mom
remind me every Friday to submit my hours
  => cron 0 9 * * 5 => submit my hours => remind me to submit my hours
please remind me to take pills every day at 8
  => cron 0 8 * * * => take pills => remind me to take pills
tomorrow at 10 remind me to call the bank
  => at 2026-11-21T10:00:00+01:00 => call the bank => remind me to call the bank
Monday report: summarise the mail every monday at 9
  => cron 0 9 * * 1 => Monday report => summarise the mail
check the first monday meeting every 2h => every 7200 => check the first monday meeting
every 2h check what happens on friday at 17:00
  => every 7200 => check what happens => check what happens on friday at 17:00
every day could you please check the mail and tell me
  => every 86400 => check the mail => could you please check the mail and tell me
"""
ROWS = [row.split(" => ") for row in PHRASES.strip().replace("\n  =>", " =>").splitlines()]


def stamp(text: str, zone: str = BERLIN) -> float:
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))).timestamp()


def schedule_of(text: str) -> Schedule:
    """A schedule from the table's spelling."""
    kind, _, rest = text.partition(" ")
    if kind == "at":
        return At(stamp(rest))
    if kind == "every":
        seconds, _, anchor = rest.partition(" from ")
        return Every(float(seconds), stamp(anchor) if anchor else NOW)
    expr, _, zone = rest.partition(" | ")
    return Cron(expr, zone or BERLIN)


def spelled_alike(schedule: Schedule | None) -> Schedule | None:
    """The schedule with its expression in the one spelling of its times."""
    if isinstance(schedule, Cron):
        return Cron(Fields(schedule.expr).canonical(), schedule.zone)
    return schedule


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_phrase_is_read(row: list[str]):
    phrase, schedule, name, *prompt = row
    found = read(phrase, NOW, BERLIN)
    assert found.schedule == schedule_of(schedule)
    assert (found.name, found.prompt) == (name, prompt[0] if prompt else name)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_its_description_is_read_back(row: list[str]):
    found = read(row[0], NOW, BERLIN)
    told = describe(found.schedule, found.zone)
    again = read_schedule(told, NOW, "Pacific/Auckland")
    assert spelled_alike(again) == spelled_alike(found.schedule), told
    assert next_after(found.schedule, NOW) is not None


def test_the_table_is_large():
    assert len({row[0] for row in ROWS}) >= 150


def test_the_service_watch():
    prompt = (
        "Check provider status with a cheap check first and escalate if deeper analysis is needed."
    )
    found = read(f"every 1h Service watch: {prompt}", NOW + 0.7, BERLIN)
    assert found.schedule == Every(3600.0, NOW)
    assert (found.name, found.prompt, found.zone) == ("Service watch", prompt, BERLIN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every 30m", Every(1800.0, NOW)),
        ("hourly", Every(3600.0, NOW)),
        ("tomorrow 9am", At(stamp("2026-11-21T09:00"))),
        ("every Friday at 5pm", Cron("0 17 * * 5", BERLIN)),
        ("cron 0 9 * * 1-5 UTC", Cron("0 9 * * 1-5", "UTC")),
        ("every 30m look", None),
        ("use cheap check", None),
        ("rename to Daily report", None),
        ("", None),
    ],
)
def test_a_schedule_alone(text: str, expected: Schedule | None):
    assert read_schedule(text, NOW, BERLIN) == expected


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]
)
@pytest.mark.parametrize("phrase", ["every friday at 17:00 x", "tomorrow at 9:00 x", "daily x"])
def test_another_zone_is_shown_and_read_back(zone: str, phrase: str):
    found = read(phrase, NOW, zone)
    assert found.zone == zone
    told = describe(found.schedule, zone)
    assert zone in told
    assert read_schedule(told, NOW, BERLIN) == found.schedule


def test_a_prompt_keeps_its_lines():
    found = read("every day at 9: check\n- the mail\n- the news", NOW, BERLIN)
    assert found.prompt == "check\n- the mail\n- the news"


def test_a_long_prompt_is_kept_whole():
    found = read("every 2h " + "look at this " * 2000, NOW, BERLIN)
    assert len(found.prompt) == len("look at this " * 2000) - 1
    assert found.name == "look at this look"


def documented() -> list[str]:
    """The examples of the page's table."""
    page = (ROOT / "docs/tasks.md").read_text("utf-8")
    section = page.partition("## Saying when")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [example for cell in cells for example in re.findall("`([^`]+)`", cell)]


def test_the_examples_of_the_page_are_read():
    examples = documented()
    assert len(examples) > 40
    for example in examples:
        text = example if example.startswith("cron") else f"{example} look around"
        at_noon = NOW - 10 * 3600
        assert next_after(read(text, at_noon, BERLIN).schedule, at_noon) is not None, example
