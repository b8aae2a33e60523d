"""`doctor` and `audit`: what a person is told of a broken or a dangerous installation."""

import json
import re
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters import option_types
from bot.cli import hazards, hazards_tools
from bot.config.load import load_text
from bot.opening import NAME
from bot.store.migrations import open_store
from tests.contracts.cli_support import ROOT, Trunkline
from tests.contracts.postgres_kit import database

CALM = "gateway: {port: 0}\n"


@pytest.fixture
def program(tmp_path: Path) -> Trunkline:
    one = Trunkline(tmp_path / "home")
    one.config(CALM).chmod(0o600)
    return one


def found(program: Trunkline, *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """The findings by their ids."""
    done = program.run(*words, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["ok"] is (code == 0)
    return {one["id"]: one for one in told["findings"]}


def test_a_sound_installation_has_nothing_wrong_or_dangerous(tmp_path: Path):
    fresh = Trunkline(tmp_path / "none")
    assert set(found(fresh, "doctor")) >= {"state.none", "gateway.down"}
    assert not fresh.home.exists()
    assert set(found(fresh, "audit")) <= {"state.root"}
    with fresh.up():
        assert not set(found(fresh, "doctor")) - {"disk.low"}
    assert set(found(fresh, "audit")) <= {"state.root"}
    fresh.ok("doctor", "--fix")


def test_rights_and_leftovers_are_mended_only_when_asked(program: Trunkline):
    open_store(program.home / NAME)
    (program.home / NAME).chmod(0o600)
    (program.home / "token").write_text("x" * 40)
    (program.home / "token").chmod(0o644)
    (program.home / "lock").write_text("trunkline 0.0.1 on there, process 1")
    (program.home / "gateway.json").write_text('{"url": "http://127.0.0.1:1", "pid": 99999999}')
    for name in ("lock", "gateway.json"):
        (program.home / name).chmod(0o600)
    program.home.chmod(0o755)
    told = found(program, "doctor", code=1)
    assert {"state.rights", "store.lock_left", "gateway.left_behind"} <= set(told)
    assert told["state.rights"]["severity"] == "critical"
    assert program.home.stat().st_mode & 0o777 == 0o755
    assert found(program, "audit", code=1)["state.rights"]["place"]
    done = json.loads(program.ok("doctor", "--fix", "--json"))
    assert len(done["fixed"]) == 4 and done["ok"] is True
    assert program.home.stat().st_mode & 0o777 == 0o700
    assert (program.home / "token").stat().st_mode & 0o777 == 0o600
    assert not (program.home / "gateway.json").exists()
    assert set(found(program, "doctor")) <= {"gateway.down", "disk.low"}


def test_what_waits_in_the_store_is_told_with_its_next_step(program: Trunkline):
    path = program.home / NAME
    open_store(path)
    path.chmod(0o600)
    long_ago = datetime(2026, 1, 2, tzinfo=UTC).timestamp()
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("INSERT INTO quarantine(account, reason, raw, at) VALUES('tg', 'x', '{}', 1)")
        store.execute(
            "INSERT INTO outbox(run, part, address, op, reply, state, next_at, created_at) "
            "VALUES('r', 1, 'a:b:c', 'send', '{}', 'pending', ?, ?)",
            (long_ago, long_ago),
        )
        store.execute(
            "INSERT INTO tasks(id, agent, session_key, name, prompt, schedule, zone, policy, "
            "delivery, requester, asked, enabled, next_at, author, state, last_status, "
            "created_at, updated_at) VALUES('task-a-1', 'main', 'agent:main:main', 'A', 'p', '{}', "
            "'UTC', '{}', '{}', 'x', 'x', 1, ?, '{}', '{}', 'error', 1, 1)",
            (long_ago,),
        )
    logs = program.home / "logs"
    logs.mkdir(mode=0o700)
    record = {"at": datetime.now(UTC).isoformat(), "level": "error", "logger": "x", "event": "bad"}
    (logs / "trunkline.jsonl").write_text(json.dumps(record) + "\n")
    told = found(program, "doctor", code=1)
    assert {"events.quarantined", "outbox.stuck", "tasks.late", "tasks.failing"} <= set(told)
    assert "never run" in told["tasks.late"]["what"]
    assert "x: bad" in told["log.errors"]["what"]
    with closing(sqlite3.connect(path)) as store, store:
        store.execute(
            "DELETE FROM _sqlite_migrations WHERE id = (SELECT max(id) FROM _sqlite_migrations)"
        )
    assert "store migrate" in found(program, "doctor", code=1)["store.older"]["fix"]
    path.write_bytes(b"something else entirely" * 400)
    assert "backup restore" in found(program, "doctor", code=1)["store.unusable"]["fix"]


def test_files_that_hold_anything_are_no_failure_of_the_doctor(program: Trunkline):
    store = program.home.parent / "other" / "store.db"
    program.config(f"{CALM}store: {{url: sqlite://{store}}}\n").chmod(0o600)
    (program.home / "logs").mkdir(mode=0o700)
    log = program.home / "logs" / "trunkline.jsonl"
    log.write_text('garbage\n[1]\n"x"\n{"level": 5, "at": 7}\n')
    about = program.home / "gateway.json"
    about.write_text('{"url": "http://127.0.0.1:none", "pid": 1}')
    for path in (log, about):
        path.chmod(0o600)
    told = found(program, "doctor", code=1)
    assert told["folders.missing"]["place"] == str(store.parent)
    assert program.json("status")["gateway"]["running"] is False
    assert json.loads(program.ok("doctor", "--fix", "--json"))["fixed"] == [f"{store.parent}: made"]
    assert store.parent.stat().st_mode & 0o777 == 0o700


def test_a_broken_configuration_does_not_keep_the_doctor_away(program: Trunkline):
    program.config("gatway: {}\nagents: [{id: main, thinkin: low}]\n")
    done = program.run("doctor")
    assert done.returncode == 1
    assert "config.yaml:1:1: gatway" in done.stdout and "2:21" in done.stdout
    assert program.run("audit").returncode == 2
    for verb in ("doctor", "audit"):
        missing = program.run(verb, "--config", "nowhere.yaml")
        assert missing.returncode == 2 and "Traceback" not in missing.stderr


def test_others_are_asked_and_what_is_missing_is_named(program: Trunkline):
    """Nobody listens at the addresses, and the port is somebody else's."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        program.config(
            f"""
gateway: {{port: {port}}}
providers:
  lab: {{api: openai, base_url: "http://127.0.0.1:9/v1", api_key: "k"}}
  far: {{api: anthropic}}
agents: [{{id: main, model: {{primary: lab/x, fallbacks: [far/y]}}}}]
channels: {{telegram: {{token: "1:abc", base_url: "http://127.0.0.1:9"}}}}
tools: {{sandbox: {{mode: all, backend: no-such-box}}}}
hooks: {{dirs: [/no/such/folder]}}
"""
        )
        open_store(program.home / NAME)
        told = found(program, "doctor", code=1)
    assert {
        "gateway.port",
        "models.unready",
        "models.unreachable",
        "channels.unreachable",
        "programs.missing",
        "folders.missing",
    } <= set(told)
    assert told["channels.unreachable"]["place"] == "channels.telegram"


DANGEROUS = """
gateway: {host: 0.0.0.0, allowed_hosts: [x.org], token: short, openai_api: true,
          trusted_proxies: [0.0.0.0/0]}
providers:
  lab: {api: openai, base_url: http://lab.example.org/v1, api_key: sk-123}
agents:
  - id: main
    workspace: /srv
    tools:
      {profile: full, allow: ["*"], payments: ask, exec: {security: full, ask: off, allow: ["*"]}}
  - {id: low, workspace: "~", tools: {exec: {security: allowlist, ask: off}}}
channels:
  telegram:
    token: "1:abc"
    base_url: http://tg.example.org
    dm_policy: open
    allow_from: ["*"]
    group_policy: open
    group_allow_from: ["*"]
    allow_bots: true
    webhook: {url: "https://x.org/channels/telegram"}
    groups: {"-1": {allow_from: ["*"], memory: true}}
  second: {adapter: telegram, token: "${T:-1:x}", allow_from: ["*"]}
session: {dm_scope: main}
tools: {elevated: {enabled: true, allow_from: ["telegram:*"]}, web: {allow_private: [10.0.0.0/8]}}
owners: ["telegram:*"]
limits: {per_sender: null}
mcp: {servers: {x: {url: "http://mcp.example.org/"}}}
plugins: [somebodys_code]
"""


def test_every_danger_is_found_by_its_name(tmp_path: Path):
    from_adapters = option_types()
    config = load_text(DANGEROUS, "config.yaml", {}, from_adapters)
    all_of = [
        *hazards.hazards(config),
        *hazards_tools.hazards(config, Path("/srv/state")),
        *hazards.shared_people(config, 0),
    ]
    assert {one.id for one in all_of} == {
        *("gateway.host", "gateway.openai_api", "gateway.trusted_proxies", "gateway.token"),
        *("secrets.in_file", "limits.per_sender", "limits.daily_cost", "people.dm_open"),
        *("people.dm_everybody", "people.groups_open", "people.groups_everybody", "people.bots"),
        *("people.everybody_decides", "channels.webhook_secret", "channels.plain_http"),
        *("exec.full", "exec.unasked", "exec.wide", "exec.unboxed", "exec.elevated"),
        *("tools.profile", "tools.all", "tools.payments", "workspace.state", "workspace.wide"),
        *("web.private", "providers.plain_http", "code.mcp_plain_http", "code.mcp"),
        *("code.plugin", "memory.dm_scope", "memory.group"),
    }


def test_a_danger_stands_with_its_line_and_holds_no_secret(program: Trunkline):
    hooks = program.home.parent / "hooks"
    hooks.mkdir()
    hooks.chmod(0o777)
    other = program.home.parent / "other.yaml"
    other.write_text(
        "channels:\n  telegram:\n    token: '12345:SECRETSECRET'\n    dm_policy: open\n"
        f"    allow_from: ['*']\nhooks: {{dirs: ['{hooks}']}}\n"
    )
    other.chmod(0o644)
    told = found(program, "audit", "--config", str(other), code=1)
    assert told["people.dm_open"]["place"] == f"{other}:4:16"
    assert told["people.dm_open"]["key"] == "channels.telegram.dm_policy"
    assert told["code.writable"]["severity"] == "critical"
    assert told["secrets.readable"]["place"] == str(other)
    shown = program.run("audit", "--config", str(other))
    assert "SECRETSECRET" not in shown.stdout + shown.stderr
    assert shown.stdout.startswith("critical ")


def test_every_finding_is_explained():
    checks = (ROOT / "bot" / "cli").glob("*.py")
    code = [
        one for one in checks if one.stem in ("audit", "rights") or one.stem[:3] in ("haz", "hea")
    ]
    named = {
        id
        for path in code
        for id in re.findall(r'"([a-z]+\.[a-z_]+)"', path.read_text())
        if not id.endswith((".list", ".test", ".yaml", ".json", ".db"))
    }
    text = (ROOT / "docs" / "health.md").read_text()
    headings = set(re.findall(r"^## (\w+)$", text, re.M))
    explained = set(re.findall(r"`([a-z]+\.[a-z_]+)`", text))
    keys = {"hooks.dirs", "mcp.servers", "skills.dirs", "store.url", "tools.sandbox"}
    assert named - keys <= explained
    assert {id.partition(".")[0] for id in named - keys} <= headings


def test_a_store_of_many_machines_is_looked_at_too(program: Trunkline):
    with database() as url:
        program.config(f"store: {{url: {url}}}\n{CALM}").chmod(0o600)
        with psycopg.connect(url) as store:
            store.execute(
                "INSERT INTO quarantine(account, reason, raw, at) VALUES('t', 'x', '', 1)"
            )
        told = found(program, "doctor", code=1)
    assert "1 unreadable events of t" in told["events.quarantined"]["what"]
