"""Models as people set them up: an address and a model, then a test, a list, and turns."""

import json
import re
from pathlib import Path

import pytest

from tests.contracts.gateway_product import MAIN, opened
from tests.fakes.ollama_server import FakeOllama
from tests.fakes.ollama_server import text_stream as ollama_text
from tests.fakes.openai_server import FakeOpenAI, call_piece, error, stream_of, text_stream, whole

SECRET = "sk-canary-0123456789"
KINDS = ["vllm", "lmstudio", "litellm", "cloudflare", "sglang"]
API = {"ollama": "ollama"}


def config(url: str, name: str, model: str = "m", more: str = "") -> str:
    return f"""
agents: [{{id: main, model: {name}/{model}}}]
providers: {{{name}: {{api: {API.get(name, "openai")}, base_url: "{url}"{more}}}}}
"""


@pytest.mark.parametrize("name", KINDS)
async def test_011_an_address_and_a_model_are_enough(tmp_path: Path, name: str):
    """The connection test tells what works from a wrong model and from nobody there."""
    async with FakeOpenAI() as server:
        text = config(server.url, name)
        async with opened(tmp_path / "state", text) as desk:
            server.answer(*text_stream("OK"))
            assert (await desk.ok("models.test", ref=f"{name}/m"))["ok"] is True
            server.refuse(404, error("The model `x` does not exist"))
            assert (await desk.ok("models.test", ref=f"{name}/x"))["reason"] == "model"
            server.answer(*text_stream("from the server"))
            assert (await desk.say("hi"))["message"]["text"] == "from the server"
    assert server.requests[-1].body["model"] == "m"
    async with opened(tmp_path / "state", text) as desk:
        assert (await desk.ok("models.test", ref=f"{name}/m"))["reason"] == "unreachable"


async def test_011_of_ollama_too(tmp_path: Path):
    async with FakeOllama() as server:
        server.has("llama3.3", "tools")
        text = config(server.url, "ollama", "llama3.3")
        async with opened(tmp_path / "state", text) as desk:
            server.answer(*ollama_text("OK"))
            assert (await desk.ok("models.test", ref="ollama/llama3.3"))["ok"] is True
            server.refuse(404, json.dumps({"error": "model 'x' not found"}))
            assert (await desk.ok("models.test", ref="ollama/x"))["reason"] == "model"
    async with opened(tmp_path / "state", text) as desk:
        assert (await desk.ok("models.test", ref="ollama/llama3.3"))["reason"] == "unreachable"


async def test_012_a_refused_key_is_not_ready_and_looking_costs_nothing(tmp_path: Path):
    async with FakeOpenAI() as server:
        text = config(server.url, "far", more=f", api_key: {SECRET}")
        async with opened(tmp_path / "state", text) as desk:

            async def row() -> dict[str, object]:
                rows = (await desk.ok("models.list"))["models"]
                return next(one for one in rows if one["ref"] == "far/m")

            assert (await row())["ready"] is True
            assert server.requests == [], "looking asks no model"
            server.refuse(401, error("Incorrect API key"))
            assert (await desk.say("hi"))["state"] == "error"
            refused = await row()
            assert refused["ready"] is False and "credentials were refused" in str(
                refused["reason"]
            )
            assert SECRET not in json.dumps(refused) and len(server.requests) == 1


async def test_013_018_each_agent_asks_its_own_model_also_after_a_change(tmp_path: Path):
    async with FakeOpenAI() as server:
        before = f"""
agents: [{{id: x, model: far/a}}, {{id: y, model: far/a}}]
providers: {{far: {{api: openai, base_url: "{server.url}", api_key: k}}}}
"""
        state = tmp_path / "state"
        async with opened(state, before) as desk:
            for agent in ("x", "y"):
                server.answer(*text_stream("fine"))
                await desk.say("hi", f"agent:{agent}:main")
            await desk.ok("config.set", key="agents.x.model", value="far/b")
        async with opened(state, (state / "config.yaml").read_text()) as desk:
            desk.keys = iter(range(100, 200))
            for agent in ("x", "y"):
                server.answer(*text_stream("fine"))
                await desk.say("hi", f"agent:{agent}:main")
    assert [one.body["model"] for one in server.requests] == ["a", "a", "b", "a"]


async def test_063_vllm_is_discovered_listed_and_answers_with_tools(tmp_path: Path):
    async with FakeOpenAI() as server:
        server.documents["/v1/models"] = {"data": [{"id": "m", "max_model_len": 8192}]}
        async with opened(tmp_path / "state", config(server.url, "vllm")) as desk:
            presets = (await desk.ok("providers.list"))["presets"]
            (preset,) = [one for one in presets if one["id"] == "vllm"]
            assert preset["base_url"] == "http://127.0.0.1:8000/v1"
            found = await desk.ok("providers.discover", provider="vllm")
            assert [one["id"] for one in found["models"]] == ["m"]
            assert "vllm/m" in [one["ref"] for one in (await desk.ok("models.list"))["models"]]
            call = {"tool_calls": [call_piece(0, "c1", "session_status", "{}")]}
            server.answer(*stream_of(call, finish="tool_calls"))
            server.answer(*text_stream("I looked."))
            assert (await desk.say("look"))["message"]["text"] == "I looked."
    assert server.requests[-1].body["messages"][-1]["role"] == "tool"


async def test_066_lm_studio_has_its_address_filled_in(tmp_path: Path):
    """Nobody is asked at that address here: something else might listen there."""
    async with FakeOpenAI() as server:
        server.documents["/v1/models"] = {"data": [{"id": "loaded-1"}, {"id": "loaded-2"}]}
        async with opened(tmp_path / "state", config(server.url, "lmstudio")) as desk:
            presets = (await desk.ok("providers.list"))["presets"]
            (preset,) = [one for one in presets if one["id"] == "lmstudio"]
            assert preset["base_url"] == "http://127.0.0.1:1234/v1"
            found = await desk.ok("providers.discover", provider="lmstudio")
    assert [one["id"] for one in found["models"]] == ["loaded-1", "loaded-2"]


async def test_067_models_of_a_proxy_keep_their_slashes(tmp_path: Path):
    names = ["azure/gpt-5", "bedrock/anthropic/claude-1"]
    async with FakeOpenAI() as server:
        server.documents["/v1/models"] = {"data": [{"id": name} for name in names]}
        async with opened(tmp_path / "state", config(server.url, "litellm", names[0])) as desk:
            found = await desk.ok("providers.discover", provider="litellm")
            assert [one["id"] for one in found["models"]] == names
            refs = [f"litellm/{name}" for name in names]
            assert set(refs) <= {one["ref"] for one in (await desk.ok("models.list"))["models"]}
            for ref in refs:
                await desk.ok("sessions.patch", sessionKey=MAIN, model=ref)
                server.answer(*text_stream("fine"))
                assert (await desk.say("hi"))["state"] == "final"
                status = (await desk.say("/status"))["message"]["text"]
                assert f"`{ref}`" in status
    assert [one.body["model"] for one in server.requests] == names


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
async def test_068_any_compatible_server(tmp_path: Path, keyed: bool, streamed: bool):
    async with FakeOpenAI() as server:
        server.answer(*(text_stream("Hel", "lo.") if streamed else [whole({"content": "Hello."})]))
        more = f", api_key: {SECRET}, headers: {{X-Team: blue}}" * keyed
        async with opened(tmp_path / "state", config(server.url, "mine", more=more)) as desk:
            assert (await desk.say("hi"))["message"]["text"] == "Hello."
    sent = server.requests[0].headers
    assert sent.get("Authorization") == (f"Bearer {SECRET}" if keyed else None)
    assert sent.get("X-Team") == ("blue" if keyed else None)


async def test_069_cloudflare_has_its_own_address_and_tells_what_it_answered(tmp_path: Path):
    async with FakeOpenAI() as server:
        more = f", api_key: {SECRET}"
        async with opened(tmp_path / "state", config(server.url, "cloudflare", more=more)) as desk:
            server.answer(*text_stream("fine"))
            assert (await desk.say("hi"))["state"] == "final"
            server.refuse(403, error("Authentication error"))
            told = await desk.ok("models.test", ref="cloudflare/m")
    assert server.requests[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert (told["ok"], told["reason"], told["status"]) == (False, "auth", 403)
    assert SECRET not in json.dumps(told)


async def test_099_who_waits_while_one_model_fails_gets_the_answer_of_the_next(tmp_path: Path):
    async with FakeOpenAI() as server:
        text = f"""
agents: [{{id: main, model: {{primary: far/a, fallbacks: [far/b]}}}}]
providers: {{far: {{api: openai, base_url: "{server.url}", api_key: k}}}}
"""
        async with opened(tmp_path / "state", text) as desk:
            server.refuse(503, error("overloaded"))
            server.answer(*text_stream("from b"))
            sent = await desk.ok("agent", message="hi", idempotencyKey="r1")
            waited = await desk.ok("agent.wait", runId=sent["runId"])
    assert (waited["status"], waited["reply"]) == ("ok", "from b")
    assert [one.body["model"] for one in server.requests] == ["a", "b"]


async def test_139_a_broken_provider_is_one_short_message(tmp_path: Path):
    async with FakeOpenAI() as server:
        server.refuse(500, error(f"boom, key {SECRET}"))
        more = f", api_key: {SECRET}"
        async with opened(tmp_path / "state", config(server.url, "far", more=more)) as desk:
            end = await desk.say("hi")
            history = (await desk.ok("chat.history", sessionKey=MAIN))["messages"]
    told = json.dumps([end, history])
    assert end["state"] == "error"
    assert SECRET not in told and "Traceback" not in told and len(end["error"]["message"]) < 300


async def test_082_188_192_what_a_session_thinks_and_holds(tmp_path: Path):
    """A smaller window is honoured, and `/think` changes the request of models that can."""
    async with FakeOpenAI() as server:
        text = f"""
agents: [{{id: main, model: far/deep, context_tokens: 20000}}]
providers:
  far:
    api: openai
    base_url: "{server.url}"
    api_key: k
    models: [{{id: deep, reasoning: true, context_window: 200000}}, {{id: plain}}]
"""
        async with opened(tmp_path / "state", text) as desk:
            for words in ("/think high", "hi", "/think off", "hi", "/think high"):
                if words == "hi":
                    server.answer(*text_stream("fine"))
                assert (await desk.say(words))["state"] == "final"
            await desk.ok("sessions.patch", sessionKey=MAIN, model="far/plain")
            server.answer(*text_stream("fine"))
            assert (await desk.say("hi"))["state"] == "final"
            await desk.ok("sessions.patch", sessionKey=MAIN, model=None)
            status = (await desk.say("/status"))["message"]["text"]
    assert "Model: `far/deep` (agent)" in status and "Thinking: high" in status
    efforts = [one.body.get("reasoning_effort") for one in server.requests]
    assert efforts == ["high", None, None]
    assert re.search(r"Context: [\d,]+ of 20,000 tokens", status)
