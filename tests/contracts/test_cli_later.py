"""`docs`, `support` and `service`: the verbs for those who look after an installation."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from bot.cli.docs import search
from tests.contracts.cli_support import ROOT, Trunkline


@pytest.fixture
def trunkline(tmp_path: Path) -> Trunkline:
    return Trunkline(tmp_path / "home")


def test_the_documentation_is_searched_by_sections(trunkline: Trunkline):
    shown = trunkline.run("docs", "heartbeat")
    assert shown.returncode == 0 and shown.stdout.startswith("tasks.md, Heartbeat\n")
    assert trunkline.run("docs", "gibberishword").returncode == 1
    pages = {one["page"] for one in trunkline.json("docs")["pages"]}
    assert {"models", "tasks", "health", "telegram"} <= pages
    assert not trunkline.home.exists()


def test_a_heading_counts_more_than_the_text_and_every_word_must_be_there():
    pages = {
        "a": "# A\nred\n## Green\nred and blue\n```\n# green is no heading here\n```\n",
        "b": "# B\ngreen red\n",
    }
    found = search(pages, ["green", "Red"])
    assert [(one.page, one.heading) for one in found] == [("a", "Green"), ("b", "B")]
    assert search(pages, ["red", "yellow"]) == []


def test_a_support_file_has_what_helps_and_nothing_secret(trunkline: Trunkline):
    trunkline.config(
        "gateway: {token: verysecretverysecret1234}\n"
        "channels: {telegram: {enabled: false, token: '12345:TELEGRAMSECRET'}}\n"
    )
    trunkline.ok("chat", "-m", "my private words")
    logs = trunkline.home / "logs" / "trunkline.jsonl"
    logs.write_text('{"at": "x", "event": "had verysecretverysecret1234 in it"}\n')
    file = trunkline.home.parent / "bundle.zip"
    told = trunkline.json("support", str(file))
    assert told["file"] == str(file) and file.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(file) as bundle:
        parts = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert list(parts) == told["parts"]
    whole = "".join(parts.values())
    for hidden in ("verysecret", "TELEGRAMSECRET", "my private words"):
        assert hidden not in whole
    assert json.loads(parts["about.json"])["version"]
    assert json.loads(parts["store.json"])["rows"]["inbox"] == 1
    assert "secrets.in_file" in parts["audit.json"] and "had " in parts["log.jsonl"]
    assert trunkline.run("support", str(file)).returncode == 2
    trunkline.config("gatway: {}\n")
    broken = trunkline.json("support", str(file.with_name("broken.zip")))
    assert "config.json" not in broken["parts"]


def test_a_service_is_a_unit_that_systemd_reads(trunkline: Trunkline):
    home = trunkline.home.with_name("my 100% state")
    trunkline.env |= {"TRUNKLINE_HOME": str(home), "XDG_CONFIG_HOME": str(home.parent / "xdg")}
    shown = trunkline.ok("service", "install", "--print")
    path = home.parent / "xdg" / "systemd" / "user" / "trunkline.service"
    assert not path.exists()
    assert "-m bot up --no-browser\n" in shown and "NoNewPrivileges=yes" in shown
    assert f'Environment="TRUNKLINE_HOME={home.parent}/my 100%% state"' in shown
    assert trunkline.json("service", "install")["file"] == str(path)
    assert path.read_text() == shown
    path.write_text("mine")
    trunkline.ok("service", "install")
    assert path.with_name("trunkline.service.bak").read_text() == "mine"


def test_the_documentation_is_in_the_package():
    wheel = (ROOT / "pyproject.toml").read_text()
    assert '"docs" = "bot/docs"' in wheel


def test_systemd_finds_nothing_wrong(trunkline: Trunkline, tmp_path: Path):
    unit = tmp_path / "trunkline.service"
    trunkline.home.mkdir()
    unit.write_text(trunkline.ok("service", "install", "--print"))
    try:
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
        )
    except FileNotFoundError:
        pytest.skip("there is no systemd here")
    assert "trunkline.service" not in done.stderr, done.stderr
