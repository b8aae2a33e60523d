"""`/why`: who asks hears the story of a message, and strangers' stories are not told."""

from bot.testing.running import Bench


async def say(bench: Bench, text: str, chat: str = "ada") -> str:
    """Say something and read the answer."""
    platform = bench.platform()
    before = len(platform.visible(chat))
    platform.say(text, chat)
    await platform.wait_for(lambda one: len(one.visible(chat)) > before)
    await bench.app.engine.idle()
    return platform.visible(chat)[-1]


async def test_the_story_of_the_last_message_or_of_any_by_its_id(demo: Bench):
    assert await say(demo, "/why") == "Nothing was asked in this session yet."
    await say(demo, "[[demo tool agents_list {}]]")
    story = await say(demo, "/why")
    assert "- Let in: " in story and "- Agent: `main`" in story
    assert "- Tool `agents_list`, ok" in story and "- Part 0: sent as `" in story
    rows = await demo.rows("SELECT run FROM inbox WHERE kind = 'prompt'")
    assert await say(demo, f"/why {rows[0]['run']}") == story
    await say(demo, "[[demo error 500]]")
    assert "error: MODEL_OVERLOADED" in await say(demo, "/why")
    assert "no message" in await say(demo, "/why nothing")
    # Another person may not ask about this session.
    told = await say(demo, f"/why {rows[0]['run']}", "bob")
    assert "no message of this session" in told
