"""`/task`: what is asked of the service, and how its rows are said."""

import pytest

from bot.errors import RequestError
from commands import table, task
from tests.pure.command_chat import Chat, task_of, task_run_of

ONE = "task-watch-0a1b2c"


def chat(*rows: dict[str, object], runs: int = 0) -> Chat:
    found = Chat()
    found.tasks.rows = list(rows)
    found.tasks.history = [task_run_of(ONE, runId=f"{ONE}@{number}") for number in range(runs)]
    return found


async def test_a_new_task_is_told_back_in_full():
    here = chat()
    said = await here.say("/task new every 1h Service watch: check")
    assert here.tasks.asked == [("create", "every 1h Service watch: check")]
    for part in ("task-x-000000", "every hour", "Fri 2026-01-02 01:00", "03:00", "cheap check"):
        assert part in said
    assert "none, the result is a line in this session" in said


@pytest.mark.parametrize("mark", ["/", "!"])
async def test_lines_make_a_batch(mark: str):
    here = chat()
    await here.say(f"/task new every 1h A: b\n{mark}task new every 2h C: d\n")
    assert here.tasks.asked == [("create", "every 1h A: b", "every 2h C: d")]


async def test_a_batch_only_makes_tasks():
    here = chat(task_of(ONE, "Watch"))
    said = await here.say(f"/task new every 1h A: b\n/task cancel {ONE}")
    assert "Line 2" in said and not here.tasks.asked and here.tasks.rows


async def test_a_prompt_may_have_lines():
    here = chat()
    await here.say("/task new every 1h A: first\nsecond /task new x")
    assert here.tasks.asked == [("create", "every 1h A: first\nsecond /task new x")]


async def test_what_is_no_schedule_makes_nothing_and_says_how():
    here = chat()
    here.tasks.refusal = RequestError("INVALID_PARAMS", "no time was found")
    said = await here.say("/task new whenever you like")
    assert said.startswith("No time was found. Nothing was made.") and "/task new every 1h" in said


@pytest.mark.parametrize("typed", ["/task", "/task list", "/task LIST"])
async def test_the_list_shows_what_is_enabled(typed: str):
    here = chat(task_of(ONE, "Watch"), task_of("task-b-0a1b2d", "Old", enabled=False))
    said = await here.say(typed)
    assert ONE in said and "task-b-0a1b2d" not in said


async def test_all_has_three_sections_of_twenty():
    rows = [task_of(f"task-a-{n:06}", f"A{n}") for n in range(25)]
    other = task_of("task-o-000000", "Other", sessionKey="agent:main:main")
    off = task_of("task-i-000000", "Off", enabled=False, because="paused by Ada")
    said = await chat(*rows, other, off).say("/task list all")
    assert said.count("task-a-") == 20 and "… and 5 more." in said
    sections = [said.index(name) for name in ("This session", "Other sessions", "Inactive")]
    assert sections == sorted(sections) and "paused by Ada" in said


async def test_nothing_scheduled_says_how_to_begin():
    assert "/task new" in await chat().say("/task list")


async def test_show_keeps_run_and_delivery_apart():
    row = task_of(ONE, "Watch", lastRunAt="2026-01-02T00:00:00+00:00", lastStatus="ok", runs=3)
    said = await chat(row, runs=1).say(f"/task show {ONE}")
    for part in ("Watch", ONE, "every hour", "cheap check", "3 runs", "ok", "Check provider"):
        assert part in said


async def test_who_wrote_the_words_is_shown():
    row = task_of(ONE, "Watch", author="model", foreign="web_fetch: https://example.org")
    said = await chat(row).say(f"/task show {ONE}")
    assert "Written by the agent, from web_fetch" in said


async def test_a_run_is_reported_or_named():
    here = chat(task_of(ONE, "Watch"), runs=1)
    assert "ok in 4.0 s, delivered" in await here.say(f"/task run {ONE}")
    here.tasks.history[0] |= {"status": "running", "endedAt": None}
    said = await here.say(f"/task force {ONE}")
    assert "Still running" in said and f"/task run-show {ONE}@0" in said


async def test_a_failed_delivery_is_no_failed_run():
    here = chat(task_of(ONE, "Watch"), runs=1)
    here.tasks.history[0] |= {"delivery": "not-delivered", "error": "the chat is gone"}
    said = await here.say(f"/task last {ONE}")
    assert "ok in 4.0 s, not delivered: the chat is gone" in said


async def test_history_is_bounded():
    here = chat(task_of(ONE, "Watch"), runs=12)
    assert (await here.say(f"/task runs {ONE}")).count("@") == 5
    assert (await here.say(f"/task history {ONE} 10")).count("@") == 10
    assert "1 to 10" in await here.say(f"/task runs {ONE} 11")


async def test_it_pauses_goes_on_changes_and_goes():
    here = chat(task_of(ONE, "Watch"))
    assert "Paused" in await here.say(f"/task disable {ONE}")
    assert "Resumed" in await here.say(f"/task enable {ONE}")
    assert "every 30m" in await here.say(f"/task update {ONE} every 30m")
    assert here.tasks.asked == [("edit", ONE, "every 30m")]
    assert "Removed" in await here.say(f"/task remove {ONE}")
    assert "There is no task" in await here.say(f"/task cancel {ONE}")


async def test_runs_are_stopped_and_begun_again():
    here = chat(task_of(ONE, "Watch"), runs=1)
    assert f"{ONE}@0" in await here.say(f"/task cancel-run {ONE}@0")
    assert f"{ONE}@0" in await here.say(f"/task retry-run {ONE}@0")
    assert here.tasks.asked == [("cancel_run", f"{ONE}@0"), ("retry_run", f"{ONE}@0")]


async def test_the_zone_is_kept_and_told():
    here = chat()
    assert "Europe/Berlin" in await here.say("/task timezone Europe/Berlin")
    assert "Europe/Berlin" in await here.say("/task timezone")


@pytest.mark.parametrize("sub", ["show", "run", "pause", "resume", "cancel", "runs", "last"])
async def test_a_missing_id_is_asked_for(sub: str):
    assert "by its id" in await chat().say(f"/task {sub}")


def test_usage_names_the_sub_commands_and_no_alias():
    info = table().resolve("task")
    assert info is not None
    named = {part.split()[0] for part in info.usage.partition("[")[2].split("|")}
    aliases = {"info", "status", "force", "disable", "enable", "update", "remove", "history"}
    assert named == set(task.SUBS) - aliases
