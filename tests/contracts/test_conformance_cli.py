"""`channels conformance`, as an author of an adapter runs it."""

import json
from pathlib import Path

import pytest

from bot.testing.conformance import CHECKS
from tests.contracts.cli_support import Trunkline

SOME = ("--check", "up", "--check", "parse-pure")


@pytest.fixture
def trunkline(tmp_path: Path) -> Trunkline:
    return Trunkline(tmp_path / "state")


def test_the_table_of_one_adapter(trunkline: Trunkline):
    said = trunkline.ok("channels", "conformance", "telegram", *SOME, "--explain")
    assert said.splitlines()[0].split() == ["check", "telegram"]
    assert CHECKS["up"].says in said
    assert "telegram: 2 hold, 0 fail, 0 not asked" in said


def test_all_adapters_at_once_as_json(trunkline: Trunkline):
    results = trunkline.json("channels", "conformance", *SOME)
    assert {(one["check"], one["outcome"]) for one in results} == {
        ("up", "pass"),
        ("parse-pure", "pass"),
    }
    assert {one["adapter"] for one in results} >= {"telegram", "discord", "slack", "mattermost"}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("nobody",), "nothing describes an adapter 'nobody'; there are: telegram"),
        (("telegram", "--check", "nothing"), "there is no check 'nothing'"),
    ],
)
def test_a_wrong_name_is_said(trunkline: Trunkline, words: tuple[str, ...], hint: str):
    done = trunkline.run("channels", "conformance", *words)
    assert done.returncode == 2
    assert hint in done.stderr


def test_an_adapter_of_another_package_comes_by_its_entry_point(
    trunkline: Trunkline, tmp_path: Path
):
    """A folder that looks like an installed package, with a descriptor that fails a check."""
    (tmp_path / "stranger.py").write_text(
        "from bot.testing.conformance.memory import MemoryDescriptor, Sound\n"
        "class Broken(Sound):\n"
        "    @classmethod\n"
        "    def render(cls, text):\n"
        "        return [{'text': text.encode('utf-8', 'replace')}]\n"
        "DESCRIPTOR = MemoryDescriptor(Broken)\n"
        "DESCRIPTOR.name = 'stranger'\n"
    )
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    points = "[trunkline.conformance]\nstranger = stranger:DESCRIPTOR\n"
    (info / "entry_points.txt").write_text(points)
    trunkline.env["PYTHONPATH"] += f":{tmp_path}"
    done = trunkline.run("channels", "conformance", "stranger", "--check", "render-pure", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["outcome"] == "fail"
