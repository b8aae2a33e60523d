"""Memory through a whole app: who finds what, by words and by meaning, as files change."""

import json
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.cli.inside import core_of
from bot.context.memory import Scope, person_folder
from bot.context.recall import PAUSE, Memory
from bot.engine.port import Script, q
from bot.errors import RequestError
from bot.gateway.methods import table
from bot.gateway.rpc import Client
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import CONFIG, Bench, running
from tests.fakes.embeddings_server import Embeddings, embeddings_server
from tests.scenarios.kit import scripted
from tests.scenarios.test_context import results

OWNER = Scope("memory", True)
PEOPLE = """
owners: ["idempotent:ada"]
agents: [{id: main, timezone: Asia/Tokyo}, {id: other}]
"""
ROOMS = """
  rooms: {adapter: idempotent, group_policy: open, require_mention: false,
    groups: {kitchen: {}, study: {memory: true}}}
"""


@pytest.fixture
async def bench(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with running(tmp_path, CONFIG + ROOMS + PEOPLE, clock=clock, scripted=True) as one:
        yield one


def note(state: Path, path: str, text: str, agent: str = "main") -> Path:
    file = state / "workspaces" / agent / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


async def searched(bench: Bench, who: str, query: str, account: str = "idempotent", **more: Any):
    """Somebody lets the agent search; the answer of the tool."""
    model, platform = scripted(bench), bench.platform(account)
    model.on("find it", [call("memory_search", query=query)], ["done"])
    sent = len(platform.messages)
    platform.say("find it", **{"conversation": who, **more})
    await platform.wait_for(lambda one: len(one.messages) > sent)
    await bench.app.engine.idle()
    text = results(model.requests[-1])[-1]
    return json.loads(text) if text.startswith("{") else text


async def found(memory: Memory, query: str, agent: str = "main", scope: Scope = OWNER) -> list[str]:
    return [hit.path for hit in await memory.search(agent, scope, query)]


async def test_everybody_finds_their_own_notes_and_nobody_elses(bench: Bench, tmp_path: Path):
    note(tmp_path, "memory/2026-01-01.md", "The code of the safe is 1234.")
    note(tmp_path, "MEMORY.md", "The safe is behind the clock.")
    note(tmp_path, "memory/people/idempotent-bob/2026-01-01.md", "Bob keeps his safe at work.")
    note(tmp_path, "memory/people/idempotent-eve/2026-01-01.md", "Eve wants to find a safe.")
    note(tmp_path, "memory/2026-01-02.md", "Another agent's safe.", agent="other")
    ada = await searched(bench, "ada", "safe")
    assert {hit["path"] for hit in ada["results"]} == {"memory/2026-01-01.md", "MEMORY.md"}
    bob = await searched(bench, "bob", "safe")
    [hit] = bob["results"]
    assert hit["path"] == "memory/people/idempotent-bob/2026-01-01.md"
    assert (hit["startLine"], hit["endLine"]) == (1, 1) and "Bob keeps" in hit["text"]
    assert bob["notesOfToday"].startswith("memory/people/idempotent-bob/")


async def test_rooms_have_no_memory_unless_the_configuration_says_so(bench: Bench, tmp_path: Path):
    note(tmp_path, "memory/2026-01-01.md", "The code of the safe is 1234.")
    note(tmp_path, "memory/people/idempotent-bob/a.md", "Bob keeps his safe at work.")
    room = {"kind": "group", "author": "ada"}
    assert "no memory" in await searched(bench, "kitchen", "safe", "rooms", **room)
    ada = await searched(bench, "study", "safe", "rooms", **room)
    bob = await searched(bench, "study", "safe", "rooms", kind="group", author="bob")
    assert [hit["path"] for hit in bob["results"]] == ["memory/people/idempotent-bob/a.md"]
    assert [hit["path"] for hit in ada["results"]] == ["memory/2026-01-01.md"]


async def test_agents_share_nothing(bench: Bench, tmp_path: Path):
    note(tmp_path, "memory/a.md", "The secret word is marmalade.", agent="main")
    memory = bench.app.memory
    assert await found(memory, "marmalade") == ["memory/a.md"]
    assert await found(memory, "marmalade", agent="other") == []
    with pytest.raises(RequestError):
        await memory.read("other", OWNER, "memory/a.md")


@pytest.mark.parametrize("seed", range(5))
async def test_no_mixture_of_notes_leaks(bench: Bench, tmp_path: Path, seed: int):
    """Whatever is written, renamed and deleted: a search gives the asking scope's files alone."""
    chance, memory = random.Random(seed), bench.app.memory
    scopes = [OWNER, *(Scope(person_folder("irc", peer)) for peer in ("a", "A-", "a-b", "b", "ä"))]
    for step in range(60):
        agent, scope = chance.choice(["main", "other"]), chance.choice(scopes)
        path = f"{scope.folder}/{chance.randrange(4)}.md"
        file = note(tmp_path, path, f"marmalade {agent} {scope.folder} {step}", agent)
        if chance.random() < 0.3:
            file.unlink()
        agent, scope = chance.choice(["main", "other"]), chance.choice(scopes)
        for hit in await memory.search(agent, scope, "marmalade", 50):
            assert hit.path.rpartition("/")[0] in scope.folders
            assert hit.chunk.text.startswith(f"marmalade {agent} {scope.folder} ")
    written = {
        (agent, scope.folder): len(
            list((tmp_path / "workspaces" / agent / str(scope.folder)).glob("*.md"))
        )
        for agent in ("main", "other")
        for scope in scopes
    }
    for (agent, folder), count in written.items():
        scope = next(one for one in scopes if one.folder == folder)
        assert len(await memory.search(agent, scope, "marmalade", 50)) == count


async def test_a_change_is_found_at_once(bench: Bench, tmp_path: Path):
    memory = bench.app.memory
    file = note(tmp_path, "memory/a.md", "apples")
    assert await found(memory, "apples") == ["memory/a.md"]
    file.write_text("oranges")
    assert await found(memory, "apples") == []
    assert await found(memory, "oranges") == ["memory/a.md"]
    file.rename(file.with_name("b.md"))
    assert await found(memory, "oranges") == ["memory/b.md"]
    file.with_name("b.md").unlink()
    assert await found(memory, "oranges") == []
    assert (await memory.status("main"))["chunks"] == 0


async def test_a_question_may_hold_anything(bench: Bench, tmp_path: Path):
    """Nothing of it is an operator of the index."""
    note(tmp_path, "memory/a.md", "A plain note: NEAR and OR are words, 東京 is a city.")
    memory = bench.app.memory
    for query in ('"', "'; DROP TABLE", "a AND (b OR", "NEAR(a b, 2)", "*", "words:*", "^-x", "\0"):
        await memory.search("main", OWNER, query)
    assert await found(memory, "words") == ["memory/a.md"]
    assert await found(memory, "京") == ["memory/a.md"]
    assert await found(memory, "x" * 100_000) == []


async def test_hostile_files_are_passed_over(bench: Bench, tmp_path: Path):
    (tmp_path / "secret.md").write_text("marmalade")
    folder = note(tmp_path, "memory/good.md", "marmalade").parent
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    os.link(tmp_path / "secret.md", folder / "hard.md")
    os.mkfifo(folder / "pipe.md")
    (folder / "folder.md").mkdir()
    (folder / "binary.md").write_bytes(b"marmalade\0")
    (folder / "latin.md").write_bytes("marmalade é".encode("latin-1"))
    with (folder / "huge.md").open("wb") as file:
        file.truncate(1 << 40)
    (folder / "bad\nname.md").write_text("marmalade")
    (folder / "notes.txt").write_text("marmalade")
    (folder / "long.md").write_text("jam " * 50_000)
    assert await found(bench.app.memory, "marmalade") == ["memory/good.md"]


async def test_a_file_is_read_by_its_lines(bench: Bench, tmp_path: Path):
    note(tmp_path, "memory/a.md", "one\ntwo\nthree\nfour")
    memory = bench.app.memory
    assert await memory.read("main", OWNER, "memory/a.md", 2, 2) == "two\nthree"
    for path in ("memory/b.md", "AGENTS.md", "../x.md", "/etc/passwd", "memory/../MEMORY.md"):
        with pytest.raises(RequestError):
            await memory.read("main", OWNER, path)


MEANING = (
    "memory: {embeddings: local/m}\nproviders:\n  local: {api: %s, base_url: %s, api_key: k}\n"
)
NOTES = {
    "memory/car.md": "Bought an automobile in spring.",
    "memory/bread.md": "The sourdough needs two days.",
}


@pytest.fixture
async def fake() -> AsyncIterator[Embeddings]:
    async with embeddings_server() as server:
        yield server


@pytest.mark.parametrize(("api", "path"), [("openai", "/v1"), ("ollama", "/v1"), ("ollama", "")])
async def test_a_paraphrase_finds_the_note_where_meaning_counts(
    fake: Embeddings, tmp_path: Path, clock: VirtualClock, api: str, path: str
):
    config = CONFIG + PEOPLE + MEANING % (api, fake.url + path)
    async with running(tmp_path, config, clock=clock) as bench:
        for name, text in NOTES.items():
            note(tmp_path, name, text)
        assert await found(bench.app.memory, "which vehicle") == ["memory/car.md"]
        assert fake.keys[0] == "Bearer k"


async def test_without_meaning_words_are_enough(bench: Bench, tmp_path: Path):
    for name, text in NOTES.items():
        note(tmp_path, name, text)
    assert await found(bench.app.memory, "which vehicle") == []
    assert await found(bench.app.memory, "sourdough") == ["memory/bread.md"]


async def test_a_text_is_embedded_once(fake: Embeddings, tmp_path: Path, clock: VirtualClock):
    config = CONFIG + PEOPLE + MEANING % ("openai", f"{fake.url}/v1")
    async with running(tmp_path, config, clock=clock) as bench:
        for name, text in NOTES.items():
            note(tmp_path, name, text)
        for _ in range(3):
            await found(bench.app.memory, "vehicle")
        note(tmp_path, "memory/copy.md", NOTES["memory/car.md"])
        await found(bench.app.memory, "vehicle")
        assert sorted(fake.texts) == sorted([*NOTES.values(), *["vehicle"] * 4])
        for name in (*NOTES, "memory/copy.md"):
            (tmp_path / "workspaces/main" / name).unlink()
        await found(bench.app.memory, "vehicle")
        assert await bench.rows("SELECT * FROM memory_vectors") == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, "oops"),
        (401, {"error": {"message": "bad key k"}}),
        (200, "not json"),
        (200, []),
        (200, {"data": "x"}),
        (200, {"data": []}),
        (200, {"data": [{"embedding": "x"}]}),
        (200, {"data": [{"embedding": []}]}),
        (200, {"data": [{"embedding": [True]}]}),
        (200, {"data": [{"embedding": [1.7e308, 1.7e308]}]}),
        (200, {"data": [{"embedding": [10**307, 1]}, {"embedding": [1]}]}),
        (200, {"data": [7]}),
        (200, '{"data": [{"embedding": [NaN]}]}'),
        (302, ""),
    ],
)
async def test_a_broken_endpoint_leaves_words_and_is_tried_again_later(
    fake: Embeddings, tmp_path: Path, clock: VirtualClock, status: int, body: Any
):
    config = CONFIG + PEOPLE + MEANING % ("openai", f"{fake.url}/v1")
    async with running(tmp_path, config, clock=clock) as bench:
        for name, text in NOTES.items():
            note(tmp_path, name, text)
        fake.status, fake.body = status, body
        assert await found(bench.app.memory, "sourdough") == ["memory/bread.md"]
        assert (await bench.app.memory.status("main"))["problem"]
        asked = len(fake.texts)
        await found(bench.app.memory, "sourdough")
        assert len(fake.texts) == asked, "an endpoint that failed is left alone for a while"
        fake.status, fake.body = 200, None
        await clock.advance(PAUSE + 1)
        assert await found(bench.app.memory, "vehicle") == ["memory/car.md"]
        assert (await bench.app.memory.status("main"))["problem"] is None


async def test_no_endpoint_at_all_leaves_words(tmp_path: Path, clock: VirtualClock):
    """Nothing listens at the address."""
    config = CONFIG + PEOPLE + MEANING % ("openai", "http://127.0.0.1:1/v1")
    async with running(tmp_path, config, clock=clock) as bench:
        note(tmp_path, "memory/bread.md", NOTES["memory/bread.md"])
        assert await found(bench.app.memory, "sourdough") == ["memory/bread.md"]


class Operator(Client):
    role, caps, by_token = "operator", frozenset[str](), True


async def test_the_operator_searches_and_indexes_from_outside(bench: Bench, tmp_path: Path):
    note(tmp_path, "memory/a.md", "The safe is behind the clock.")
    note(tmp_path, "memory/people/idempotent-bob/a.md", "Bob has a safe too.")
    methods, client = table(core_of(bench.app)), Operator()
    answer = await methods.call(client, "memory.index", {"agentId": "main"})
    assert answer == {"indexed": [{"agentId": "main", "files": 2}]}
    [hit] = (await methods.call(client, "memory.search", {"query": "safe"}))["results"]
    assert set(hit) == {"path", "startLine", "endLine", "score", "text"}
    params = {"query": "safe", "person": "idempotent-bob"}
    [bob] = (await methods.call(client, "memory.search", params))["results"]
    assert bob["path"] == "memory/people/idempotent-bob/a.md"
    for person in ("../x", "..", "."):
        with pytest.raises(RequestError):
            await methods.call(client, "memory.search", {"query": "safe", "person": person})
    [state, _] = (await methods.call(client, "memory.status", {}))["agents"]
    assert (state["files"], state["embeddings"]) == (2, None)
    skills = (await methods.call(client, "skills.list", {}))["skills"]
    assert skills == []


async def test_an_old_way_of_cutting_is_indexed_again(bench: Bench, tmp_path: Path):
    note(tmp_path, "memory/a.md", "apples")
    await bench.app.memory.index("main")

    def age() -> Script[None]:
        yield q("UPDATE memory_files SET stamp = 'old'")

    await bench.app.engine.tx(age())
    assert await bench.app.memory.index("main") == 1
    assert await bench.app.memory.index("main") == 0
    assert await bench.app.memory.index("main", again=True) == 1
