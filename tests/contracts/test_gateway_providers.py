"""`providers.set` and `providers.remove`: the file keeps its comments, keys go in and never out."""

import json
from pathlib import Path

from tests.contracts.gateway_product import opened
from tests.fakes.openai_server import FakeOpenAI, text_stream

SECRET = "sk-canary-0123456789"
OTHER = "sk-canary-9876543210"
CONFIG = """\
# my models
agents: [{id: main, model: demo/demo}]  # the only one
"""


async def test_a_provider_is_added_changed_and_removed_while_it_runs(tmp_path: Path):
    state = tmp_path / "state"
    async with FakeOpenAI() as server, FakeOpenAI() as second:
        server.answer(*text_stream("one"))
        server.answer(*text_stream(f"the key is {OTHER}"))
        second.answer(*text_stream("three"))
        async with opened(state, CONFIG) as desk:
            given = {"api": "openai", "base_url": server.url, "api_key": SECRET}
            added = await desk.ok("providers.set", provider="far", **given)
            assert added["provider"]["ready"] and added["provider"]["keys"] == 1
            await desk.ok("sessions.patch", sessionKey="agent:main:main", model="far/m")
            assert (await desk.say("hi"))["message"]["text"] == "one"
            changed = await desk.ok("providers.set", provider="far", api_key=OTHER)
            assert (await desk.say("hi"))["message"]["text"] == "the key is [secret]"
            wrong = await desk.error("providers.set", provider="far", base_url=second.url)
            assert wrong["code"] == "INVALID_PARAMS" and "api_key" in wrong["message"]
            moved = {"base_url": second.url, "api_key": None}
            await desk.ok("providers.set", provider="far", **moved)
            assert (await desk.say("hi"))["message"]["text"] == "three"
            listed = await desk.ok("providers.list")
            removed = await desk.ok("providers.remove", provider="far")
            # The agent's own model answers in the place of the one that the session had picked.
            assert "demo" in (await desk.say("hi"))["message"]["text"]
            assert (await desk.error("providers.remove", provider="far"))["code"] == "NOT_FOUND"
    said = json.dumps([added, changed, listed, removed, wrong])
    assert SECRET not in said and OTHER not in said
    keys = [one.headers.get("Authorization") for one in (*server.requests, *second.requests)]
    assert keys == [f"Bearer {SECRET}", f"Bearer {OTHER}", None]
    text = (state / "config.yaml").read_text()
    assert "# my models" in text and "# the only one" in text and "far:" not in text


async def test_models_that_come_with_a_provider_join_a_list_of_models(tmp_path: Path):
    given = {"api": "openai", "base_url": "http://127.0.0.1:9/v1", "models": [{"id": "m-4.1"}]}
    for name, more, wanted in (
        ("with", "models:\n  demo/demo: {alias: d}  # mine\n", {"demo/demo", "far/m-4.1"}),
        ("without", "", None),
    ):
        async with opened(tmp_path / name, CONFIG + more) as desk:
            await desk.ok("providers.set", provider="far", **given)
            listed = await desk.ok("models.list", agentId="main")
            assert "far/m-4.1" in [row["ref"] for row in listed["models"]]
            if wanted is not None:
                assert {row["ref"] for row in listed["models"]} == wanted
        text = (tmp_path / name / "config.yaml").read_text()
        assert ("models:\n  demo/demo: {alias: d}  # mine\n  far/m-4.1: {}" in text) == bool(more)
    async with opened(tmp_path / "odd", CONFIG + "models: {demo/demo: {}}\n") as desk:
        wrong = await desk.error("providers.set", provider="far", api="openai", models=7)
        assert wrong["code"] == "INVALID_PARAMS"


async def test_what_is_wrong_or_runs_a_program_changes_nothing(tmp_path: Path):
    state = tmp_path / "state"
    async with opened(state, CONFIG) as desk:
        wrong = await desk.error("providers.set", provider="x", api="command", command=["/bin/sh"])
        assert wrong["code"] == "FORBIDDEN"
        wrong = await desk.error("providers.set", provider="x", api="openai", base_ulr="http://x")
        assert wrong["code"] == "INVALID_PARAMS" and "base_url" in wrong["message"]
        wrong = await desk.error("providers.set", provider="x", api="openai", base="stale")
        assert wrong["code"] == "CONFLICT"
    assert (state / "config.yaml").read_text() == CONFIG
