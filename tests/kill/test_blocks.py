"""Killed while an answer goes out in blocks: every word once and in order."""

import asyncio
from pathlib import Path

import pytest

from bot.delivery import AGAIN
from tests.kill.house import house

pytestmark = pytest.mark.kill

BLOCKS = ", streaming: block, blocks: {min_chars: 40, max_chars: 60, idle: 200ms}"
STEPS = ("block.stored", "turn.streaming", "turn.streamed", "turn.called", "tool.intended")
STEPS += ("turn.committing", "turn.committed", "out.sending", "out.sent", "out.receipt")
SAID = "[[demo stream 30 20]][[demo tool session_status]][[demo text the end]]"
WORDS = " ".join(f"word{number}" for number in range(1, 31))


async def killed_at(step: str, kind: str, state: Path) -> None:
    async with house(state, kind, more=BLOCKS) as home:
        home.platforms[kind].say(SAID)
        await home.start(crash_at=step)
        assert await home.died(), f"{step} was never reached on {kind}"
        await home.start()
        await home.quiet()
        seen = home.platforms[kind].visible()
        bare = [text.removesuffix(f"\n\n{AGAIN}") for text in seen]
        if kind == "keyless":
            # It may show a block twice where the second says so.
            doubled = [n for n, text in enumerate(seen) if bare[n] != text and n]
            bare = [text for n, text in enumerate(bare) if n not in doubled or bare[n - 1] != text]
        else:
            assert bare == seen
        assert " ".join(" ".join(bare).split()) == f"{WORDS} the end", seen


@pytest.mark.parametrize("step", STEPS)
async def test_a_kill_between_blocks_loses_and_doubles_nothing(step: str, tmp_path: Path):
    kinds = ("idempotent", "readable", "keyless")
    ended = await asyncio.gather(
        *(killed_at(step, kind, tmp_path / kind) for kind in kinds), return_exceptions=True
    )
    failures = [error for error in ended if isinstance(error, Exception)]
    if failures:
        raise ExceptionGroup(step, failures)
