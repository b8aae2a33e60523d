"""Providers through the whole product: set up, tested, discovered, and used in runs."""

import json
import re
import sys
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.config.agents import ModelCard
from bot.config.agents import Provider as ProviderSettings
from bot.config.load import load_text
from bot.providers import APIS, build
from bot.providers.catalogue import Catalogue, unready
from bot.providers.presets import PRESETS, table
from bot.types import Usage
from tests.contracts.cli_support import ROOT, Trunkline
from tests.contracts.gateway_product import opened
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.anthropic_server import text_stream as anthropic_text
from tests.fakes.ollama_server import FakeOllama
from tests.fakes.ollama_server import text_stream as ollama_text
from tests.fakes.openai_server import FakeOpenAI, error, text_stream

FAKES = ROOT / "tests" / "fakes"
SECRET = "sk-canary-0123456789"


async def test_065_ollama_by_its_address_and_a_model_alone(tmp_path: Path):
    """Also with the path of its other API pasted, and the window is the server's own."""
    async with FakeOllama() as server:
        server.has("llama3.3", "tools", length=20480)
        server.answer(*ollama_text("Hello from here."))
        config = f"""
agents: [{{id: main, model: ollama/llama3.3}}]
providers: {{ollama: {{base_url: "{server.url}/v1"}}}}
"""
        async with opened(tmp_path / "state", config) as desk:
            rows = (await desk.ok("models.list"))["models"]
            assert [row["ready"] for row in rows if row["ref"] == "ollama/llama3.3"] == [True]
            assert (await desk.say("hi"))["message"]["text"] == "Hello from here."
            (session,) = (await desk.ok("sessions.list"))["sessions"]
            assert session["contextLimit"] == 20480
    assert server.requests[0].body["options"]["num_ctx"] == 20480


async def test_064_a_model_without_tools_says_so_in_the_run(tmp_path: Path):
    async with FakeOllama() as server:
        server.has("small")
        server.answer(*ollama_text("Hi."))
        config = f"""
agents: [{{id: main, model: ollama/small}}]
providers: {{ollama: {{base_url: "{server.url}"}}}}
"""
        async with opened(tmp_path / "state", config) as desk:
            end = await desk.say("hi")
            notes = [one for one in desk.of(end["runId"], "agent") if one["stream"] == "diagnostic"]
    assert end["message"]["text"] == "Hi."
    assert [note["data"]["code"] for note in notes] == ["NO_TOOLS"]


async def test_085_a_command_answers_a_message(tmp_path: Path):
    program = json.dumps([sys.executable, str(FAKES / "printer.py"), "=I ran", "#0"])
    broken = json.dumps([sys.executable, str(FAKES / "printer.py"), "?no licence", "#4"])
    config = f"""
agents: [{{id: main, model: tool/default}}, {{id: other, model: bad/default}}]
providers:
  tool: {{api: command, command: {program}}}
  bad: {{api: command, command: {broken}}}
"""
    async with opened(tmp_path / "state", config) as desk:
        assert (await desk.say("hi"))["message"]["text"] == "I ran"
        end = await desk.say("hi", "agent:other:main")
    assert end["state"] == "error"
    history = json.dumps(end)
    assert "bad ended with exit code 4: no licence" in history
    assert "Traceback" not in history


async def test_084_an_external_agent_answers_and_no_provider_is_asked(tmp_path: Path):
    log = tmp_path / "log"
    program = json.dumps([sys.executable, str(FAKES / "acp_agent.py"), str(log)])
    async with FakeOpenAI() as server:
        config = f"""
agents: [{{id: main, model: x/default}}]
providers:
  x: {{api: acp, command: {program}}}
  openai: {{api: openai, base_url: "{server.url}", api_key: k}}
"""
        async with opened(tmp_path / "state", config) as desk:
            assert (await desk.say("say one"))["message"]["text"] == "one"
            assert (await desk.say("say two"))["message"]["text"] == "two"
            history = (await desk.ok("chat.history", sessionKey="agent:main:main"))["messages"]
        assert server.requests == []
    told = [json.loads(line) for line in log.read_text().splitlines()]
    opened_sessions = [one for one in told if one["method"] == "session/new"]
    assert len(opened_sessions) == 1
    assert opened_sessions[0]["params"]["cwd"] == str(tmp_path / "state" / "workspaces" / "main")
    prompts = [one["params"]["prompt"][0]["text"] for one in told if "prompt" in one["params"]]
    assert prompts[1] == "say two"
    assert not any("wire" in message for message in history)


async def test_models_are_tested_with_a_reason(tmp_path: Path):
    async with FakeOpenAI() as server, FakeAnthropic() as other:
        config = f"""
providers:
  far: {{api: openai, base_url: "{server.url}", api_key: {SECRET}}}
  claude: {{api: anthropic, base_url: "{other.url}", api_key: {SECRET}}}
  gone: {{api: openai, base_url: "http://127.0.0.1:9/v1"}}
  anthropic: {{api: anthropic}}
  tool: {{api: command, command: [/no/such/program]}}
"""
        server.answer(*text_stream("OK"))
        other.answer(*anthropic_text("OK"))
        server.refuse(401, error(f"wrong key {SECRET}"))
        server.refuse(404, error("The model `x` does not exist"))
        async with opened(tmp_path / "state", config) as desk:
            good = await desk.ok("models.test", ref="far/m")
            assert good["ok"] is True and good["latencyMs"] >= 0
            assert (await desk.ok("models.test", ref="claude/m"))["ok"] is True
            answers = [
                await desk.ok("models.test", ref=ref)
                for ref in ("far/m", "far/x", "gone/m", "anthropic/m", "tool/m", "nobody/m", "odd")
            ]
    assert [(one["reason"], one.get("status")) for one in answers] == [
        *(("auth", 401), ("model", 404), ("unreachable", None), ("auth", None)),
        *(("model", None), ("model", None), ("model", None)),
    ]
    assert all(one["ok"] is False and one["message"] for one in answers)
    assert SECRET not in json.dumps(answers)
    assert server.requests[0].body["max_tokens"] <= 100


async def test_providers_are_listed_without_their_secrets(tmp_path: Path):
    config = f"""
providers:
  far: {{api: openai, base_url: "http://me:{SECRET}@host/v1", api_keys: [{SECRET}, b],
         headers: {{X-Token: {SECRET}}}}}
  lmstudio: {{api: openai}}
"""
    async with opened(tmp_path / "state", config) as desk:
        answer = await desk.ok("providers.list")
    rows = {row["id"]: row for row in answer["providers"]}
    assert (rows["far"]["keys"], rows["far"]["headers"]) == (2, ["X-Token"])
    assert rows["lmstudio"]["base_url"] == "http://127.0.0.1:1234/v1"
    assert SECRET not in json.dumps(answer)
    assert [one["id"] for one in answer["presets"]] == [preset.id for preset in PRESETS]


async def test_066_what_a_server_offers_is_discovered(tmp_path: Path):
    async with FakeOpenAI() as server, FakeOllama() as local:
        server.documents["/v1/models"] = {"data": [{"id": "a", "max_model_len": 4096}, {"x": 1}]}
        local.has("llama3.3", "tools", length=8192)
        config = f"""
agents: [{{id: main, model: far/a}}]
providers:
  far: {{api: openai, base_url: "{server.url}", api_key: {SECRET}}}
"""
        async with opened(tmp_path / "state", config) as desk:
            found = await desk.ok("providers.discover", provider="far")
            assert [(one["id"], one["contextWindow"]) for one in found["models"]] == [("a", 4096)]
            (row, *_) = (await desk.ok("models.list"))["models"]
            assert (row["ref"], row["contextWindow"]) == ("far/a", 4096)
            new = {"provider": "local", "api": "ollama", "base_url": f"{local.url}/v1"}
            models = (await desk.ok("providers.discover", **new))["models"]
            assert {"llama3.3"} < {one["id"] for one in models}
            local.answer(*ollama_text("OK"))
            assert (await desk.ok("providers.test", model="llama3.3", **new))["ok"] is True
            nobody = {"provider": "local", "api": "openai", "base_url": "http://127.0.0.1:9/v1"}
            lost = await desk.ok("providers.test", **nobody)
            assert (lost["ok"], lost["reason"]) == (False, "unreachable")
            assert (await desk.error("providers.discover", provider="nobody"))["code"] == "NO_MODEL"


async def test_a_saved_key_never_goes_to_another_address(tmp_path: Path):
    async with FakeOpenAI() as home, FakeOpenAI() as elsewhere:
        for server in (home, elsewhere):
            server.documents["/v1/models"] = {"data": [{"id": "a"}]}
        config = f"""
providers:
  far: {{api: openai, base_url: "{home.url}", api_key: {SECRET}, headers: {{X-Own: {SECRET}}}}}
"""
        async with opened(tmp_path / "state", config) as desk:
            await desk.ok("providers.test", provider="far", headers={"X-More": "1"})
            await desk.ok("providers.test", provider="far", base_url=elsewhere.url)
            await desk.ok("providers.test", provider="far", base_url=home.url, api_key="sk-new")
    assert SECRET not in json.dumps([dict(one.headers) for one in elsewhere.lists])
    assert SECRET in home.lists[0].headers["Authorization"]
    assert home.lists[1].headers["Authorization"] == "Bearer sk-new"


async def test_no_program_is_started_for_who_only_asks(tmp_path: Path):
    config = "providers: {tool: {api: command, command: [/bin/true]}}"
    async with opened(tmp_path / "state", config) as desk:
        wrong = await desk.error("providers.test", provider="tool", api="command")
        assert wrong["code"] == "INVALID_PARAMS"
        wrong = await desk.error("providers.test", provider="tool", base_url="http://x/")
        assert wrong["code"] == "FORBIDDEN"
        assert "providers.tool.command" in wrong["message"]


def test_models_test_on_the_command_line(tmp_path: Path):
    trunkline = Trunkline(tmp_path / "home")
    trunkline.config("providers: {gone: {api: openai, base_url: 'http://127.0.0.1:9/v1'}}")
    assert trunkline.ok("models", "test", "demo/demo").startswith("demo/demo answered in ")
    assert trunkline.json("models", "test", "demo/demo")["ok"] is True
    failed = trunkline.run("models", "test", "gone/m")
    assert failed.returncode == 1
    assert failed.stdout.startswith("gone/m does not answer (unreachable): gone: cannot reach")
    assert "Traceback" not in failed.stderr


READY = [
    ("openai", {}, "no API key"),
    ("openai", {"api_key": "k"}, None),
    ("openai", {"headers": {"Authorization": "x"}}, None),
    ("anthropic", {}, "no API key"),
    ("anthropic", {"base_url": "http://proxy"}, None),
    ("ollama", {}, None),
    ("lmstudio", {"api": "openai"}, None),
    ("cloudflare", {"api": "openai", "api_key": "k"}, "no base_url"),
    ("x", {"api": "command", "command": ["/no/such"]}, "the program /no/such is not installed"),
    ("x", {"api": "acp", "command": [sys.executable]}, None),
    ("x", {"api": "demo"}, None),
]


@pytest.mark.parametrize(("name", "given", "reason"), READY)
def test_readiness_has_a_reason(name: str, given: dict[str, object], reason: str | None):
    settings = ProviderSettings.model_validate({"api": name, **given})
    found = unready(name, settings)
    assert (found or "").startswith(reason or "") and (found is None) == (reason is None)


@pytest.mark.parametrize("api", APIS)
async def test_every_api_is_built_and_closed_without_being_used(api: str):
    settings = ProviderSettings.model_validate({"api": api, "command": ["/bin/true"]})
    provider = build("some", settings, clock=SystemClock())
    await provider.close()


@pytest.mark.parametrize("preset", PRESETS, ids=lambda one: one.id)
def test_a_preset_can_be_built_from_its_name(preset: object):
    settings = ProviderSettings.model_validate({"api": preset.api})  # type: ignore[attr-defined]
    assert build(preset.id, settings, clock=SystemClock())  # type: ignore[attr-defined]


def test_what_a_cache_gives_and_takes_has_its_price():
    card = ModelCard.model_validate(
        {
            "id": "m",
            "cost": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75},
        }
    )
    text = f"providers: {{far: {{api: openai, models: [{card.model_dump_json()}]}}}}"
    catalogue = Catalogue(load_text(text, "config.yaml", {}, {}), SystemClock())
    usage = Usage(1_000_000, 100_000, cache_read=800_000, cache_write=100_000)
    assert catalogue.cost("far/m", usage) == pytest.approx(0.3 + 1.5 + 0.24 + 0.375)
    assert catalogue.cost("far/other", usage) is None


def test_the_page_has_the_presets_and_its_examples_are_right():
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert table() in page, "put bot.providers.presets.table() into docs/models.md"
    examples = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(examples) > 5
    for example in examples:
        load_text(example, "config.yaml", {}, {})
