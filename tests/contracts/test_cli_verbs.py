"""Every verb as a person meets it: help, mistakes, documents, and no secret anywhere."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest

from bot.cli import VERBS
from bot.cli.reference import helps, page
from bot.contract import Address, Author
from bot.engine.sqlite import connect, run_script
from bot.steps import STEPS
from bot.store import people
from tests.contracts.cli_support import ROOT, Trunkline

CANARY = "canary-6f1d0c9e4b"
UPDATE = {
    "update_id": 1,
    "message": {
        "message_id": 777,
        "date": 1700000000,
        "chat": {"id": 12345, "type": "private", "first_name": "Ada"},
        "from": {"id": 12345, "is_bot": False, "first_name": "Ada"},
        "text": "hello",
    },
}


@pytest.fixture
def trunkline(tmp_path: Path) -> Trunkline:
    return Trunkline(tmp_path / "home")


def test_every_verb_explains_itself_with_two_examples():
    found = dict(helps())
    assert {path.split()[1] for path in found} == set(VERBS)
    for path, text in found.items():
        shown = [line for line in text.splitlines() if line.startswith("    trunkline ")]
        assert len(shown) >= 2, path
        assert len(text.splitlines()) <= 30, path
        assert "--config" in text or "Commands:" in text, path


def test_the_page_is_what_the_verbs_say():
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == page(), "write docs/cli.md again: bot.cli.reference.page()"


def test_help_and_typos(trunkline: Trunkline):
    overview = trunkline.ok("--help")
    assert all(f"  {verb} " in overview for verb in VERBS)
    assert len(overview.splitlines()) <= 44
    wrong = trunkline.run("sesions", "list")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "did you mean sessions?" in wrong.stderr
    assert trunkline.run("chat", "--nope").returncode == 2
    assert not trunkline.home.exists()


def test_version_names_the_steps(trunkline: Trunkline):
    assert trunkline.json("version", "--steps") == list(STEPS)
    assert trunkline.json("version")["version"] in trunkline.ok("version")


def test_init_writes_once(trunkline: Trunkline):
    first = trunkline.json("init", "--yes")
    assert [Path(one).name for one in first["written"]] == ["config.yaml", "config.schema.json"]
    path = trunkline.home / "config.yaml"
    path.write_text(path.read_text() + "# mine\n")
    before = {file: file.read_bytes() for file in trunkline.home.iterdir()}
    assert trunkline.json("init", "--yes")["written"] == []
    assert {file: file.read_bytes() for file in trunkline.home.iterdir()} == before
    assert path.read_text().startswith("# yaml-language-server: $schema=config.schema.json")


def test_every_mistake_of_a_configuration_is_told_at_once(trunkline: Trunkline):
    path = trunkline.config("gateway: {prot: 1}\nmodels: []\nlimits: {daily_cost: much}\n")
    for words in (["up", "--port", "0", "--no-browser"], ["chat", "-m", "x"], ["config", "check"]):
        done = trunkline.run(*words)
        assert done.returncode == 1, words
        said = done.stdout + done.stderr
        assert f'{path}:1:11: gateway.prot: unknown key; did you mean "port"?' in said
        assert f"{path}:3:" in said and "Traceback" not in said
    problems = json.loads(trunkline.run("config", "check", "--json").stdout)["problems"]
    assert [one["line"] for one in problems] == [1, 2, 3]
    assert trunkline.run("config", "check", "--config", "nowhere.yaml").returncode == 2
    assert trunkline.run("up", "--config", "nowhere.yaml").returncode == 2


def test_the_configuration_is_read_and_changed(trunkline: Trunkline):
    path = trunkline.config("# my bot\ngateway:\n  port: 8000  # high\n")
    assert trunkline.json("config", "get", "gateway.port") == 8000
    trunkline.ok("config", "set", "gateway.port", "8080")
    trunkline.ok("config", "set", "providers.openai", "{api: openai, api_key: '${NAME:-}'}")
    assert path.read_text().startswith("# my bot\ngateway:\n  port: 8080  # high\n")
    assert trunkline.json("config", "get", "providers.openai.api") == "openai"
    refused = trunkline.run("config", "set", "gateway.prot", "1")
    assert refused.returncode == 1 and 'did you mean "port"?' in refused.stderr
    assert trunkline.run("config", "get", "gateway.prot").returncode == 2
    trunkline.ok("agents", "add", "support", "--model", "demo/demo")
    assert [one["id"] for one in trunkline.json("agents", "list")["agents"]] == ["main", "support"]
    assert trunkline.json("chat", "-m", "x", "--agent", "support")["sessionKey"] == (
        "agent:support:main"
    )
    trunkline.ok("agents", "remove", "support")
    assert [one["id"] for one in trunkline.json("agents", "list")["agents"]] == ["main"]
    schema = json.loads(trunkline.ok("config", "schema"))
    jsonschema.validate({"gateway": {"port": 8080}}, schema)


def test_a_raw_event_is_inspected(trunkline: Trunkline, tmp_path: Path):
    raw = tmp_path / "update.json"
    raw.write_text(json.dumps(UPDATE))
    [message] = json.loads(trunkline.ok("inspect", "telegram", str(raw)))
    assert (message["account"], message["id"], message["text"]) == ("telegram", "777", "hello")
    several = trunkline.run("inspect", "telegram", input=json.dumps([UPDATE, {"message": 5}]))
    assert several.returncode == 0
    assert [len(one) for one in json.loads(several.stdout)] == [1, 0]
    assert "event 1" in several.stderr
    assert trunkline.run("inspect", "telegram", input="{").returncode == 2
    assert trunkline.run("inspect", "nothing", input="{}").returncode == 2


def test_markdown_is_rendered(trunkline: Trunkline, tmp_path: Path):
    one = json.loads(trunkline.ok("render", "telegram", input="**bold**"))
    assert one["parts"][0]["text"] == "bold"
    files = [tmp_path / "a.md", tmp_path / "b.md"]
    for file in files:
        file.write_text(file.stem)
    both = json.loads(trunkline.ok("render", "telegram", *map(str, files)))
    assert [each["parts"][0]["text"] for each in both] == ["a", "b"]


def ask_to_be_let_in(trunkline: Trunkline, person: str) -> str:
    """What the bot does when a stranger writes; the code they are told."""
    connection = connect(trunkline.home / "trunkline.db")
    address = Address("telegram", "home", person)
    code = run_script(
        connection, people.ask_pairing(Author(person, "Ada"), address, time.time()), []
    )
    connection.close()
    assert code is not None
    return code


def test_people_are_let_in_and_put_out(trunkline: Trunkline):
    assert trunkline.json("pairing", "list") == {"pairings": [], "people": []}
    code = ask_to_be_let_in(trunkline, "7")
    assert trunkline.json("pairing", "list")["pairings"][0]["code"] == code
    assert trunkline.json("pairing", "approve", code.lower())["author"]["id"] == "7"
    with trunkline.up():
        other = ask_to_be_let_in(trunkline, "8")
        trunkline.ok("pairing", "approve", other)
        denied = ask_to_be_let_in(trunkline, "9")
        trunkline.ok("pairing", "deny", denied)
        assert trunkline.run("pairing", "approve", denied).returncode == 1
        listed = trunkline.json("pairing", "list")
        assert listed["pairings"] == []
        assert [one["author"]["id"] for one in listed["people"]] == ["7", "8"]
        trunkline.ok("pairing", "revoke", "home:7")
        assert trunkline.run("pairing", "revoke", "home:7").returncode == 1


def test_a_session_is_reset_and_exported(trunkline: Trunkline):
    trunkline.ok("chat", "-m", "[[demo text first]]")
    lines = trunkline.ok("sessions", "export", "main", "--format", "jsonl").splitlines()
    assert [json.loads(line)["text"] for line in lines][-1] == "first"
    assert "first" in trunkline.ok("sessions", "export", "main", "--format", "md")
    trunkline.ok("sessions", "reset", "main")
    assert trunkline.json("sessions", "show", "main")["messages"] == []
    unknown = trunkline.run("sessions", "show", "agent:main:nobody")
    assert unknown.returncode == 1 and "no session" in unknown.stderr


@contextmanager
def with_secrets(trunkline: Trunkline) -> Iterator[list[str]]:
    """A gateway whose configuration has a secret of every kind, and all that it printed."""
    trunkline.config(
        f"gateway: {{token: {CANARY}-token}}\n"
        f"providers: {{openai: {{api_key: {CANARY}-key, base_url: 'http://127.0.0.1:9'}}}}\n"
        f"channels: {{telegram: {{token: '1:{CANARY}', base_url: 'http://127.0.0.1:9'}}}}\n"
        "agents: [{id: main}, {id: far, model: openai/x}]\n"
    )
    printed: list[str] = []
    with trunkline.up() as running:
        yield printed
        _, out, err = running.stop()
        printed += [running.ready, out, err]


def test_no_verb_shows_a_secret(trunkline: Trunkline):
    verbs = [
        *(["config", "get"], ["config", "check", "--json"], ["config", "env"], ["status"]),
        *(["status", "--deep", "--json"], ["channels", "status"], ["models", "list", "--json"]),
        *(["agents", "list"], ["agent", "-m", "x", "--agent", "far", "--json"], ["logs"]),
        *(["chat", "-m", "/status"], ["config", "set", "gateway.token", "5"]),
    ]
    with with_secrets(trunkline) as printed:
        for words in verbs:
            done = trunkline.run(*words)
            printed += [done.stdout, done.stderr]
    logs = list((trunkline.home / "logs").iterdir())
    printed += [file.read_text() for file in logs]
    assert logs and [text for text in printed if CANARY in text] == []


def test_the_log_is_read_from_its_end(trunkline: Trunkline):
    assert trunkline.run("logs").returncode == 2
    with trunkline.up() as running:
        trunkline.ok("status", "--deep")
        running.stop()
    last = json.loads(trunkline.ok("logs", "-n", "1", "--json"))
    assert {"at", "level", "logger", "event"} <= set(last)
    assert last["event"] in trunkline.ok("logs", "-n", "1")
