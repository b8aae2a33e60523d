"""Routes end to end: which agent answers where, and that everything of a turn is that agent's."""

from pathlib import Path

from adapters.fakes.discord import FakeDiscord
from adapters.fakes.telegram import FakeTelegram
from tests.contracts.channels_kit import ADA, BOB, OPEN, answer, config
from tests.contracts.gateway_product import opened
from tests.fakes.openai_server import FakeOpenAI, text_stream


async def test_two_chats_of_one_bot_are_asked_as_two_agents(tmp_path: Path):
    async with FakeTelegram() as fake, FakeOpenAI() as model:
        agents = f"""\
agents:
  - {{id: main, model: far/big, prompt: You are Main., tools: {{profile: minimal}}}}
  - {{id: other, model: far/small, prompt: You are Other., tools: {{deny: ["*"]}}}}
limits: {{per_sender: null}}
providers:
  far: {{api: openai, base_url: "{model.url}", api_key: k}}
bindings:
  - {{agent: other, match: {{channel: telegram, peer: "{ADA}"}}}}
  - {{agent: main, match: {{channel: telegram}}}}
"""
        text = agents + "channels:\n" + config(fake, **OPEN).partition("channels:\n")[2]
        model.answer(*text_stream("as other"))
        model.answer(*text_stream("as main"))
        async with opened(tmp_path / "state", text, channels=True):
            assert await answer(fake, ADA, "who are you?") == "as other"
            assert await answer(fake, BOB, "who are you?") == "as main"
    other, main = (request.body for request in model.requests)
    assert (other["model"], main["model"]) == ("small", "big")
    assert "You are Other." in str(other["messages"][0])
    assert "You are Main." in str(main["messages"][0])
    assert "You are Main." not in str(other)
    assert "tools" not in other
    assert [tool["function"]["name"] for tool in main["tools"]] == ["session_status"]


async def test_a_room_of_a_server_and_its_threads_are_answered_by_the_bound_agent(tmp_path: Path):
    async with FakeDiscord() as fake:
        other = fake.rooms.open(0, "elsewhere")
        guild = fake.rooms.channels[fake.room]["guild_id"]
        text = f"""\
agents: [{{id: main}}, {{id: support}}]
limits: {{per_sender: null}}
bindings:
  - agent: support
    match: {{channel: discord, guild: "{guild}", conversation: "{fake.room}"}}
channels:
  discord:
    token: "{fake.token}"
    base_url: {fake.base_url}
    gateway_url: {fake.gateway.url}
    group_policy: open
    require_mention: false
    streaming: "off"
"""
        async with opened(tmp_path / "state", text, channels=True) as desk:
            while desk.core.channel_state("discord").state != "up":
                desk.socket.events.append(await desk.socket.frame())
            thread = fake.thread("a question")
            for place in (fake.room, thread, other):
                fake.say("anybody?", place)
                await fake.wait_for(lambda here=place: fake.visible(here))
            keys = {one["sessionKey"] for one in (await desk.ok("sessions.list"))["sessions"]}
    room = f"agent:support:discord:discord:channel:{fake.room}"
    assert {room, f"{room}:thread:{thread}"} <= keys
    assert f"agent:main:discord:discord:channel:{other}" in keys
