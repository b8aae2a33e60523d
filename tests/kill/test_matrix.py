"""Killed at every named step, on every kind of platform: nothing is lost, nothing said twice."""

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.delivery import AGAIN
from bot.steps import STEPS
from bot.tools.perform import UNKNOWN
from tests.contracts.postgres_kit import database
from tests.kill.checks import wrong
from tests.kill.house import House, house

pytestmark = pytest.mark.kill

KINDS = ("idempotent", "readable", "keyless")
WORDS = " ".join(f"word{number}" for number in range(1, 15))

# Conversation -> what is said there, and the pattern of each message that must follow.
TALKS: dict[str, tuple[list[str], list[str]]] = {
    "plain": (["[[demo text one]]", "[[demo text two]]"], ["one", "two"]),
    "stream": (["[[demo stream 14 120]]", "[[demo text after]]"], [WORDS, "after"]),
    "long": (["[[demo long 9000]]"], ["word1 .*", "word5.*", "word(9|10).*"]),
    "tool": (
        ['[[demo text first]][[demo tool count {"what": "x1"}]]', "[[demo tool session_status]]"],
        [rf"first\n\n(counted x1|{UNKNOWN[:30]}.*)", '.*"sessionKey".*'],
    ),
    "files": (
        [
            '[[demo tool edit {"path": "ones.txt", "old": "1", "new": "11", "all": true}]]',
            '[[demo tool read {"path": "ones.txt"}]]',
        ],
        [rf"(Replaced it once\.|{UNKNOWN[:30]}.*)", "11?"],
    ),
    "command": (
        ["/whoami", "/session new Foo", "[[demo text in foo]]"],
        [".*command.*", ".*Foo.*", "in foo"],
    ),
    "compact": (
        ["[[demo long 1500]]", "/compact"],
        ["word1 word2 .*", "Summed up: about .*"],
    ),
}
# The operator has no preview, and nobody hands the operator's messages over.
NOT_AT_THE_DESK = {step for step in STEPS if step.startswith("preview.")} | {
    "inbound.received",
    "inbound.stored",
}


def begin(home: House, kind: str) -> None:
    """Everybody speaks at once."""
    for conversation, (said, _) in TALKS.items():
        for number, text in enumerate(said):
            if kind == "desk":
                run = f"{conversation}-{number}"
                home.platforms["desk"].push({"text": text, "run": run})
            else:
                home.platforms[kind].say(text, conversation)


async def killed_at(step: str, kind: str, state: Path, store: str | None = None) -> None:
    async with house(state, *(() if kind == "desk" else (kind,)), store=store) as home:
        begin(home, kind)
        await home.start(crash_at=step)
        assert await home.died(), f"{step} was never reached on {kind}"
        await home.start()
        await home.quiet()
        assert len(home.counted()) <= 1, "the tool ran twice"
        assert home.edited.read_text() in ("1\n", "11\n"), "the edit was made twice, or by half"
        if kind == "desk":
            expect_the_store_complete(home)
        else:
            expect_each_once(home, kind)


def expect_each_once(home: House, kind: str) -> None:
    platform = home.platforms[kind]
    problems = [
        f"{kind}, {conversation}: {problem}"
        for conversation, (_, expected) in TALKS.items()
        for problem in wrong(platform.visible(conversation), expected, kind == "keyless")
    ]
    assert not problems, "\n".join(problems)


def expect_the_store_complete(home: House) -> None:
    """The operator reads the history: each run ended once, its question and answer stand once."""
    said = sum(len(texts) for texts, _ in TALKS.values())
    runs = home.rows("SELECT id, state, reply FROM runs")
    assert [run["state"] for run in runs] == ["ok"] * said
    assert all(run["reply"] for run in runs)
    stood = Counter(
        (row["run"], row["role"])
        for row in home.rows("SELECT run, role, body FROM entries")
        if row["role"] == "user"
        or (row["role"] == "assistant" and json.loads(row["body"]).get("stop") == "end")
    )
    assert [one for one, times in stood.items() if times > 1] == []


# An answer that goes out in blocks has a matrix of its own.
IN_BLOCKS = {step for step in STEPS if step.startswith("block.")}
IN_TASKS = {step for step in STEPS if step.startswith(("sched.", "task."))}


HERE = [step for step in STEPS if step not in IN_BLOCKS | IN_TASKS]


@pytest.mark.parametrize("step", HERE)
async def test_a_kill_loses_nothing_and_doubles_nothing(step: str, tmp_path: Path):
    kinds = [*KINDS, *(["desk"] if step not in NOT_AT_THE_DESK else [])]
    await each(step, [killed_at(step, kind, tmp_path / kind) for kind in kinds])


# Taking over takes seconds: the usual set has the steps around commits, `make test-long` the rest.
COMMITS = {"inbound.deciding", "lane.claimed", "tool.ran", "turn.committing", "turn.committed"} | {
    "command.ran",
    "preview.posted",
    "out.sending",
    "out.sent",
}


@pytest.mark.parametrize(
    "step", [one if one in COMMITS else pytest.param(one, marks=pytest.mark.long) for one in HERE]
)
async def test_on_postgresql_another_worker_takes_over_from_the_killed_one(
    step: str, tmp_path: Path
):
    """The same steps, on one kind of platform each."""
    kind = KINDS[HERE.index(step) % len(KINDS)]
    with database() as store:
        await killed_at(step, kind, tmp_path / kind, store)


async def each(step: str, kills: Sequence[Coroutine[Any, Any, None]]) -> None:
    ended = await asyncio.gather(*kills, return_exceptions=True)
    failures = [error for error in ended if isinstance(error, Exception)]
    if failures:
        raise ExceptionGroup(step, failures)


def test_the_checks_see_what_is_wrong():
    assert list(wrong(["a", "b"], ["a", "b"], False)) == []
    assert list(wrong(["a", f"a\n\n{AGAIN}"], ["a"], True)) == []
    assert list(wrong(["a", f"ab\n\n{AGAIN}"], ["ab"], True)) == []
    for visible in (["a"], ["b", "a"], ["a", "a", "b"], ["a", f"a\n\n{AGAIN}", "b"], []):
        assert list(wrong(visible, ["a", "b"], False)), visible
    for visible in (["a", "a", "b"], ["a"], ["b", "a"], ["a", "c", "b"]):
        assert list(wrong(visible, ["a", "b"], True)), visible
