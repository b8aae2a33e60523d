"""The kit itself: a broken adapter fails the check that is about what is broken."""

import asyncio
import itertools
from typing import Any

import pytest

from bot.testing.conformance import CHECKS, Result, run_check, table
from bot.testing.conformance.loop import JumpingLoop
from bot.testing.conformance.memory import MemoryDescriptor, Sound
from tests.contracts.conformance_broken import BROKEN

PAIRS = [(kind, check) for kind, checks in BROKEN for check in checks]


@pytest.mark.parametrize(("kind", "check"), PAIRS, ids=lambda one: getattr(one, "__name__", one))
def test_what_is_broken_fails_its_check(kind: type[Sound], check: str):
    assert run_check(MemoryDescriptor(Sound), CHECKS[check]).outcome == "pass"
    broken = run_check(MemoryDescriptor(kind), CHECKS[check])
    assert broken.outcome == "fail", broken
    assert broken.detail


def test_at_least_fifteen_checks_are_proved():
    assert len({check for _, check in PAIRS}) >= 15


def test_an_adapter_that_spins_is_stopped(monkeypatch: pytest.MonkeyPatch):
    class Spins(Sound):
        async def run(self, receive: Any) -> None:
            for _ in itertools.count():
                await asyncio.sleep(0)

    monkeypatch.setattr("bot.testing.conformance.suite.LIMIT", 0.2)
    result = run_check(MemoryDescriptor(Spins), CHECKS["up"])
    assert (result.outcome, "still busy" in result.detail) == ("fail", True)


def test_the_loop_jumps_over_what_it_would_have_to_wait_for():
    async def hour() -> float:
        began = asyncio.get_running_loop().time()
        await asyncio.wait_for(asyncio.Event().wait(), 3600)
        return began

    loops = []

    def make() -> JumpingLoop:
        loops.append(JumpingLoop())
        return loops[0]

    with asyncio.Runner(loop_factory=make) as runner, pytest.raises(TimeoutError):
        runner.run(hour())
    assert loops[0]._watch.skipped > 3500


def test_the_table_says_what_failed_and_what_was_not_asked():
    results = [
        Result("a", "up", "pass"),
        Result("b", "up", "fail", "no state"),
        Result("a", "menu", "absent", "not claimed: native_commands"),
    ]
    text = "\n".join(table(results))
    assert "up     ok  FAIL" in text
    assert "FAIL b: up: no state" in text
    assert "- a: menu: not claimed: native_commands" in text
    assert "a: 1 hold, 0 fail, 1 not asked" in text
