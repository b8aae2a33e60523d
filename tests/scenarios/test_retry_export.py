"""`/retry` asks again, `/export` sends the transcript: as people see it in a chat."""

import json
from base64 import b64decode
from pathlib import Path

import pytest

from bot.testing.clock import VirtualClock
from bot.testing.running import Bench, running

SECRET = "sk-hidden-0123456789abcdef"
CONFIG = f"""
limits: {{per_sender: null}}
owners: ["idempotent:boss"]
messages: {{queue: {{mode: followup}}}}
providers: {{x: {{api: openai, base_url: "http://127.0.0.1:9", api_key: "{SECRET}"}}}}
channels:
  idempotent: {{dm_policy: open, allow_from: ["*"], group_policy: open}}
"""


def scripted(bench: Bench):
    assert bench.model is not None
    return bench.model


async def test_retry_asks_again_and_keeps_the_former_answer(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        scripted(bench).on("roll a die", ["three"], ["five"])
        platform.say("/retry")
        await platform.shows("You have not asked anything in this session yet.")
        platform.say("roll a die")
        await platform.wait_for(lambda one: "three" in one.visible("ada"))
        platform.say("/retry")
        await platform.wait_for(lambda one: one.visible("ada")[-2:] == ["three", "five"])
        said = await bench.transcript("agent:main:idempotent:idempotent:direct:ada")
        assert [role for role, _ in said] == ["user", "assistant", "user", "assistant"]
        platform.say("/retry nosuch/model")
        await platform.wait_for(lambda one: "not in the catalogue" in one.visible("ada")[-1])


async def test_a_greeting_is_nobodys_question(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        platform.say("/new")
        await platform.wait_for(lambda one: any("Greet me" in text for text in one.visible("ada")))
        platform.say("/retry")
        await platform.wait_for(lambda one: "not asked anything" in one.visible("ada")[-1])


@pytest.mark.parametrize("form", ["md", "json", "jsonl"])
async def test_export_sends_the_transcript_without_secrets(
    tmp_path: Path, clock: VirtualClock, form: str
):
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        platform.say(f"the key is {SECRET}")
        await platform.wait_for(lambda one: len(one.visible("ada")) == 1)
        platform.say(f"/export {form}")
        await platform.wait_for(lambda one: "This session as" in one.visible("ada")[-1])
        rows = await bench.rows("SELECT reply FROM outbox ORDER BY id")
        name, _, data = json.loads(rows[-1]["reply"])["files"][0]
        text = b64decode(data).decode()
        assert name == f"session.{form}" and "the key is" in text and SECRET not in text
        if form == "json":
            assert [one["role"] for one in json.loads(text)["messages"]] == ["user", "assistant"]
        if form == "jsonl":
            assert [json.loads(one)["role"] for one in text.splitlines()] == ["user", "assistant"]


@pytest.mark.parametrize(("who", "told"), [("ada", "only an owner"), ("boss", "This session as")])
async def test_a_room_is_exported_by_owners_only(
    tmp_path: Path, clock: VirtualClock, who: str, told: str
):
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        platform = bench.platform()
        platform.say("hello", "room", author=who, kind="group", mentioned=True)
        await platform.wait_for(lambda one: len(one.visible("room")) == 1)
        platform.say("/export", "room", author=who, kind="group", mentioned=True)
        await platform.wait_for(lambda one: told in one.visible("room")[-1])
