"""`/usage off|tokens|full`: what is put below answers in a channel."""

import re

from bot.testing.running import Bench

ADA = "agent:main:idempotent:idempotent:direct:ada"


async def say(bench: Bench, text: str) -> str:
    """Say something and read the answer."""
    platform = bench.platform()
    before = len(platform.visible())
    platform.say(text)
    await platform.wait_for(lambda one: len(one.visible()) > before)
    await bench.app.engine.idle()
    return platform.visible()[-1]


async def test_a_footer_says_what_an_answer_used_and_is_no_part_of_it(bench: Bench):
    assert "`tokens`" in await say(bench, "/usage tokens")
    assert re.fullmatch(r"echo hi\n\n\*[\d,]+ tokens in, [\d,]+ out\*", await say(bench, "hi"))
    await say(bench, "/usage full")
    assert re.fullmatch(r"echo on\n\n\*\S+/\S+ · .* out · context .*\*", await say(bench, "on"))
    assert "There is no level `loud`" in await say(bench, "/usage loud")
    await say(bench, "/usage off")
    assert await say(bench, "so") == "echo so"
    assert "This session: 3 runs" in await say(bench, "/usage cost")
    said = [text for role, text in await bench.transcript(ADA) if role == "assistant"]
    assert said[:3] == ["echo hi", "echo on", "echo so"]
