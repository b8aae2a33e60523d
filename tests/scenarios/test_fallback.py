"""Several credentials and several models in whole runs, against local servers."""

from pathlib import Path

from bot.clock import SystemClock
from bot.store import profiles
from tests.contracts.gateway_product import Desk, opened
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.anthropic_server import text_stream as anthropic_text
from tests.fakes.openai_server import CUT, FakeOpenAI, call_piece, chunk, error, event, stream_of
from tests.fakes.openai_server import text_stream as openai_text


class Later(SystemClock):
    """The real time, and as much more as a test wants."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


MAIN = "agent:main:main"
KEYS = ("key-one-000000", "key-two-000000")


def keys_of(server: FakeOpenAI) -> list[str]:
    """Which of KEYS each request came with, by number."""
    sent = [one.headers["Authorization"].removeprefix("Bearer ") for one in server.requests]
    return [str(KEYS.index(key) + 1) for key in sent]


def models_of(server: FakeOpenAI) -> list[str]:
    return [one.body["model"] for one in server.requests]


def two_keys(server: FakeOpenAI, more: str = "") -> str:
    return f"""
agents: [{{id: main, model: far/m}}]
providers:
  far: {{api: openai, base_url: "{server.url}", api_keys: [{KEYS[0]}, {KEYS[1]}]}}
{more}"""


def two_models(server: FakeOpenAI, other: FakeAnthropic, fallbacks: str = "far/b, near/c") -> str:
    return f"""
agents: [{{id: main, model: {{primary: far/a, fallbacks: [{fallbacks}]}}}}]
providers:
  far: {{api: openai, base_url: "{server.url}", api_key: k}}
  near: {{api: anthropic, base_url: "{other.url}", api_key: k}}
"""


async def said(desk: Desk, text: str = "hi", key: str = MAIN) -> str:
    end = await desk.say(text, key)
    assert end["state"] == "final", end
    return str(end["message"]["text"])


def notes(desk: Desk, run: str) -> list[str]:
    events = [one for one in desk.of(run, "agent") if one["stream"] == "diagnostic"]
    return [one["data"]["message"] for one in events]


def ends(desk: Desk, run: str) -> list[str]:
    events = [one for one in desk.of(run, "agent") if one["stream"] == "lifecycle"]
    return [one["data"]["phase"] for one in events if one["data"]["phase"] != "start"]


async def test_089_a_refused_key_gives_way_and_the_session_stays_with_the_other(tmp_path: Path):
    """Also over a restart, and until /new, by which time the first key has rested enough."""
    clock = Later()
    async with FakeOpenAI() as server:
        server.refuse(401, error("Incorrect API key"))
        # One of them greets behind /new.
        for _ in range(5):
            server.answer(*openai_text("fine"))
        state = tmp_path / "state"
        async with opened(state, two_keys(server), clock=clock) as desk:
            assert await said(desk) == "fine"
            assert keys_of(server) == ["1", "2"]
            clock.ahead = 61.0
            assert await said(desk) == "fine"
        async with opened(state, two_keys(server), clock=clock) as desk:
            desk.keys = iter(range(100, 200))
            assert await said(desk) == "fine"
            assert keys_of(server) == ["1", "2", "2", "2"]
            await desk.say("/new")
            assert await said(desk) == "fine"
    assert keys_of(server)[-1] == "1"


async def test_a_key_rests_for_one_model_after_429_and_for_all_after_401(tmp_path: Path):
    async with FakeOpenAI() as server:
        server.refuse(429, error("slow down"))
        for _ in range(3):
            server.answer(*openai_text("fine"))
        server.refuse(401, error("Incorrect API key"))
        for _ in range(2):
            server.answer(*openai_text("fine"))
        more = "  demo: {api: demo}\n"
        async with opened(tmp_path / "state", two_keys(server, more)) as desk:
            await said(desk)
            await desk.ok("sessions.patch", sessionKey="agent:main:main:chat:b", model="far/n")
            await said(desk, key="agent:main:main:chat:b")
            assert keys_of(server) == ["1", "2", "1"]
            await said(desk, key="agent:main:main:chat:c")
            assert keys_of(server)[3:] == ["2"]
            await said(desk, key="agent:main:main:chat:b")
            assert keys_of(server)[4:] == ["1", "2"]
            await said(desk, key="agent:main:main:chat:c")
    assert keys_of(server)[6:] == ["2"]


async def test_a_rest_is_remembered_over_a_restart(tmp_path: Path):
    async with FakeOpenAI() as server:
        server.refuse(402, error("payment required"))
        server.answer(*openai_text("fine"))
        server.answer(*openai_text("fine"))
        state = tmp_path / "state"
        async with opened(state, two_keys(server)) as desk:
            await said(desk)
        async with opened(state, two_keys(server)) as desk:
            desk.keys = iter(range(100, 200))
            await said(desk, key="agent:main:main:chat:other")
        stored = (state / "trunkline.db").read_bytes()
    assert keys_of(server) == ["1", "2", "2"]
    assert not any(key.encode() in stored for key in KEYS)


async def test_when_every_key_rests_the_one_that_is_free_soonest_is_tried(tmp_path: Path):
    async with FakeOpenAI() as server:
        server.refuse(402, error("payment required"))
        server.refuse(429, error("slow down"))
        server.answer(*openai_text("at last"))
        async with opened(tmp_path / "state", two_keys(server)) as desk:
            end = await desk.say("hi")
            assert end["state"] == "error"
            assert await said(desk) == "at last"
    assert keys_of(server) == ["1", "2", "2"]


async def test_014_the_next_model_answers_in_the_same_run_once(tmp_path: Path):
    """Also across providers, always the whole list; the change is told once, and in /status."""
    async with FakeOpenAI() as server, FakeAnthropic() as other:
        server.refuse(429, error("slow down"))
        server.refuse(404, error("The model `b` does not exist"))
        other.answer(*anthropic_text("from the other"))
        other.answer(*anthropic_text("again"))
        async with opened(tmp_path / "state", two_models(server, other)) as desk:
            end = await desk.say("hi")
            run = end["runId"]
            assert end["message"]["text"] == "from the other"
            assert ends(desk, run) == ["end"]
            (note,) = notes(desk, run)
            assert note.startswith("Answered by near/c, because far/a is not available")
            waited = await desk.ok("agent.wait", runId=run)
            assert (waited["status"], waited["reply"]) == ("ok", "from the other")
            end = await desk.say("hi")
            assert end["message"]["text"] == "again"
            assert notes(desk, end["runId"]) == []
            status = (await desk.say("/status"))["message"]["text"]
            assert "`near/c` answers in its place" in status and "asked too often" in status
            history = (await desk.ok("chat.history", sessionKey=MAIN))["messages"]
    assert models_of(server) == ["a", "b"]
    answers = [one for one in history if one["role"] == "assistant"]
    assert [one["model"] for one in answers[:2]] == ["near/c", "near/c"]


async def test_014_a_format_error_rests_nothing(tmp_path: Path):
    async with FakeOpenAI() as server, FakeAnthropic() as other:
        server.refuse(400, error("messages.1: wrong", "invalid_request_error"))
        other.answer(*anthropic_text("from the other"))
        server.answer(*openai_text("from the first"))
        async with opened(tmp_path / "state", two_models(server, other, "near/c")) as desk:
            assert await said(desk) == "from the other"
            assert await said(desk) == "from the first"
            assert await desk.app.engine.read(profiles.rests()) == []
    assert models_of(server) == ["a", "a"]


async def test_what_a_broken_answer_had_said_is_not_said_twice(tmp_path: Path):
    async with FakeOpenAI() as server, FakeAnthropic() as other:
        server.answer(event(chunk({"content": "half of an ans"})), CUT)
        other.answer(*anthropic_text("the whole answer"))
        async with opened(tmp_path / "state", two_models(server, other, "near/c")) as desk:
            end = await desk.say("hi")
            shown = [one["message"]["text"] for one in desk.of(end["runId"], "chat")]
            transcript = (await desk.ok("chat.history", sessionKey=MAIN))["messages"]
    assert end["message"]["text"] == shown[-1] == "the whole answer"
    assert [one["text"] for one in transcript] == ["hi", "the whole answer"]


async def test_a_run_stays_with_the_model_that_took_over(tmp_path: Path):
    """A tool was called for it: its result goes to the model that asked."""
    async with FakeOpenAI() as server, FakeAnthropic() as other:
        server.refuse(503, error("overloaded"))
        call = {"tool_calls": [call_piece(0, "c1", "session_status", "{}")]}
        server.answer(*stream_of(call, finish="tool_calls"))
        server.answer(*openai_text("done"))
        async with opened(tmp_path / "state", two_models(server, other, "far/b")) as desk:
            assert await said(desk) == "done"
    assert models_of(server) == ["a", "b", "b"]


async def test_a_choice_for_the_session_falls_back_to_the_agents_model_alone(tmp_path: Path):
    async with FakeOpenAI() as server, FakeAnthropic() as other:
        server.refuse(429, error("slow down"))
        server.answer(*openai_text("the primary"))
        async with opened(tmp_path / "state", two_models(server, other)) as desk:
            await desk.ok("sessions.patch", sessionKey=MAIN, model="far/picked")
            assert await said(desk) == "the primary"
    assert models_of(server) == ["picked", "a"]
    assert other.requests == []


async def test_errors_that_another_model_would_not_help_stop(tmp_path: Path):
    async with FakeOpenAI() as server, FakeAnthropic() as other:
        for _ in range(3):
            server.refuse(429, error("slow down"))
            other.refuse(529, '{"type":"error","error":{"type":"overloaded_error","message":"no"}}')
        async with opened(tmp_path / "state", two_models(server, other, "near/c")) as desk:
            end = await desk.say("hi")
            assert end["state"] == "error"
            assert ends(desk, end["runId"]) == ["error"]
    assert (len(server.requests), len(other.requests)) == (1, 1)


async def test_003_each_agent_sends_its_own_key(tmp_path: Path):
    async with FakeOpenAI() as server:
        config = f"""
agents:
  - {{id: main, model: far/m}}
  - {{id: two, model: far/m, providers: {{far: {{api_key: {KEYS[1]}}}}}}}
providers: {{far: {{api: openai, base_url: "{server.url}", api_key: {KEYS[0]}}}}}
"""
        for _ in range(2):
            server.answer(*openai_text("fine"))
        async with opened(tmp_path / "state", config) as desk:
            await said(desk)
            await said(desk, key="agent:two:main")
    assert keys_of(server) == ["1", "2"]


async def test_004_a_model_outside_the_agents_list_is_refused_before_any_request(tmp_path: Path):
    """Also as a fallback, and as the agent's own model; the refusal names it."""
    async with FakeOpenAI() as server:
        config = f"""
agents:
  - {{id: main, model: {{primary: far/m, fallbacks: [far/other]}}, models: [far/m]}}
  - {{id: two, model: far/other, models: [far/m]}}
providers: {{far: {{api: openai, base_url: "{server.url}", api_key: k}}}}
"""
        server.refuse(429, error("slow down"))
        async with opened(tmp_path / "state", config) as desk:
            wrong = await desk.error("sessions.patch", sessionKey=MAIN, model="far/other")
            assert "far/other" in wrong["message"]
            assert "far/other" in (await desk.say("/model far/other"))["message"]["text"]
            end = await desk.say("hi", "agent:two:main")
            assert "far/other" in str(end) and end["state"] == "error"
            assert server.requests == []
            assert (await desk.say("hi"))["state"] == "error"
    assert models_of(server) == ["m"]


async def test_a_provider_is_never_asked_more_at_once_than_its_cap(tmp_path: Path):
    async with FakeOpenAI() as server:
        for _ in range(6):
            server.answer(*openai_text("fine"))
        config = two_keys(server).replace("api_keys", "max_concurrent: 2, api_keys")
        async with opened(tmp_path / "state", config) as desk:
            sent = [await desk.send("hi", f"agent:main:main:chat:n{i}") for i in range(6)]
            for one in sent:
                assert (await desk.end(one["runId"]))["state"] == "final"
    assert server.most_at_once <= 2


async def test_012_a_key_that_was_refused_is_not_ready_until_it_answers(tmp_path: Path):
    """Also after a restart; the list of models calls nobody."""
    state, clock = tmp_path / "state", Later()
    async with FakeOpenAI() as server:
        config = two_keys(server).replace(f", {KEYS[1]}", "")
        server.refuse(401, error("Incorrect API key"))
        server.answer(*openai_text("fine"))
        async with opened(state, config, clock=clock) as desk:
            assert await readiness(desk) == (True, None)
            assert (await desk.say("hi"))["state"] == "error"
            assert await readiness(desk) == (False, "its credentials were refused")
        async with opened(state, config, clock=clock) as desk:
            desk.keys = iter(range(100, 200))
            assert await readiness(desk) == (False, "its credentials were refused")
            assert len(server.requests) == 1 and server.lists == []
            assert await said(desk) == "fine"
            assert await readiness(desk) == (True, None)


async def readiness(desk: Desk) -> tuple[bool, str | None]:
    (row,) = [row for row in (await desk.ok("models.list"))["models"] if row["ref"] == "far/m"]
    return row["ready"], row["reason"]
