"""Skills on a disk: which one counts, what gates it, and hostile folders."""

import os
import sys
from pathlib import Path

import pytest

from bot.config.load import load_text
from bot.config.settings import Config
from bot.context.bootstrap import FILES, Shelf
from bot.context.skills import Found, Library, Shelves

BODY = "---\nname: {name}\ndescription: {about}\n{more}---\nDo {{baseDir}}.\n"


class Desk:
    """A workspace, a home and a state directory in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.work, self.home, self.state = root / "work", root / "home", root / "state"
        self.work.mkdir()
        self.environ = {"PATH": os.environ["PATH"]}
        self.library = Library(Shelves(self.state, self.home, self.environ))

    def put(self, folder: Path, name: str, about: str = "d", more: str = "") -> Path:
        file = folder / name / "SKILL.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(BODY.format(name=name, about=about, more=more))
        return file

    def find(self, config: str = "") -> list[Found]:
        loaded = load(config)
        return self.library.find(loaded, loaded.agents[0], self.work)

    def only(self, config: str = "") -> Found:
        [found] = self.find(config)
        return found


def load(text: str) -> Config:
    return load_text(text or "{}", "config.yaml", {}, {})


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_first_place_wins_and_the_others_say_so(desk: Desk, tmp_path: Path):
    extra = tmp_path / "extra"
    places = [
        desk.work / "skills",
        desk.work / ".agents/skills",
        desk.home / ".agents/skills",
        desk.state / "skills",
        extra,
    ]
    for number, place in enumerate(places):
        desk.put(place, "bread", f"number {number}")
    found = desk.find(f"skills: {{dirs: ['{extra}']}}")
    assert [one.file.description for one in found if one.file] == [
        f"number {number}" for number in range(5)
    ]
    assert [one.reason is None for one in found] == [True, False, False, False, False]
    assert found[1].reason == "another skill of this name comes first: skills/bread/SKILL.md"
    assert [one.source for one in found] == ["workspace", "workspace", "user", "managed", "extra"]
    assert found[0].location == "skills/bread/SKILL.md"
    assert found[4].location == str(extra / "bread/SKILL.md")


@pytest.mark.parametrize(
    ("requires", "config", "reason"),
    [
        (f'{{"os": ["{sys.platform}"]}}', "", None),
        ('{"os": ["beos"]}', "", "it is for beos"),
        ('{"requires": {"bins": ["sh"]}}', "", None),
        ('{"requires": {"bins": ["no-such-thing"]}}', "", "install no-such-thing"),
        ('{"requires": {"anyBins": ["no-such-thing", "sh"]}}', "", None),
        ('{"requires": {"anyBins": ["no-a", "no-b"]}}', "", "install one of no-a, no-b"),
        ('{"requires": {"env": ["API"]}}', "", "set API in the environment"),
        ('{"requires": {"env": ["API"]}}', "skills: {entries: {x: {env: {API: k}}}}", None),
        ('{"requires": {"env": ["PATH"]}}', "", None),
        ('{"requires": {"config": ["memory.embeddings"]}}', "", "set memory.embeddings"),
        (
            '{"requires": {"config": ["memory.embeddings"]}}',
            "memory: {embeddings: demo/b}",
            None,
        ),
        (
            '{"requires": {"config": ["a.b"]}}',
            "skills: {entries: {x: {config: {a: {b: 1}}}}}",
            None,
        ),
        ('{"requires": {"config": ["__class__.x"]}}', "", "set __class__.x"),
        ('{"always": true, "requires": {"bins": ["no-such-thing"]}}', "", None),
        ("{}", "skills: {entries: {x: {enabled: false}}}", "switched off"),
        ("{}", "agents: [{id: main, skills: [y]}]", "not among the skills of the agent main"),
        ("{}", "agents: [{id: main, skills: [X]}]", None),
    ],
)
def test_what_a_skill_needs(desk: Desk, requires: str, config: str, reason: str | None):
    desk.put(desk.work / "skills", "x", more=f'metadata: {{"trunkline": {requires}}}\n')
    found = desk.only(config).reason
    assert found is None if reason is None else (found or "").startswith(reason)


def test_an_edit_is_seen_the_next_time(desk: Desk):
    file = desk.put(desk.work / "skills", "x", "before")
    assert desk.only().skill.description == "before"
    file.write_text(file.read_text().replace("before", "after!"))
    assert desk.only().skill.description == "after!"
    file.unlink()
    assert desk.find() == []


def test_variables_come_from_the_settings_alone(desk: Desk):
    """What a file asks for gives it nothing, and no skill decides what other programs load."""
    desk.put(
        desk.work / "skills", "x", more='metadata: {"trunkline": {"requires": {"env": ["S"]}}}\n'
    )
    desk.environ |= {"S": "of the process", "TAKEN": "of the process"}
    config = load(
        "skills: {entries: {x: {env: {KEY: k, TAKEN: t, LD_PRELOAD: /evil.so, PATH: /evil}}}}"
    )
    skills = [one.skill for one in desk.library.find(config, config.agents[0], desk.work)]
    assert desk.library.env(config, skills) == {"KEY": "k", "TAKEN": "of the process"}
    assert desk.library.env(config, []) == {}


def test_links_are_the_operators_alone(desk: Desk, tmp_path: Path):
    elsewhere = desk.put(tmp_path / "elsewhere", "far")
    for root in (desk.work / "skills", desk.home / ".agents/skills"):
        root.mkdir(parents=True)
        (root / "linked").symlink_to(elsewhere.parent)
        (root / "file").mkdir()
        (root / "file/SKILL.md").symlink_to(elsewhere)
    found = {(one.source, one.folder.name): one.reason for one in desk.find()}
    assert found["user", "linked"] is None
    assert "link" in str(found["workspace", "linked"])
    assert "link" in str(found["workspace", "file"])


def test_hostile_folders_give_findings_and_no_crash(desk: Desk):
    root = desk.work / "skills"
    for name in ("pipe", "folder", "binary", "latin", "huge", "locked", "empty", "nothing"):
        (root / name).mkdir(parents=True)
    os.mkfifo(root / "pipe/SKILL.md")
    (root / "folder/SKILL.md").mkdir()
    (root / "binary/SKILL.md").write_bytes(b"---\nname: x\0\n---")
    (root / "latin/SKILL.md").write_bytes("---\nname: é\n---".encode("latin-1"))
    with (root / "huge/SKILL.md").open("wb") as file:
        file.truncate(1 << 40)
    (root / "empty/SKILL.md").touch()
    desk.put(root, "bad\nname")
    desk.put(root, "good")
    (root / "a file").touch()
    found = {one.folder.name: one for one in desk.find()}
    assert found["good"].reason is None
    bad = {name: str(one.reason) for name, one in found.items() if name != "good"}
    assert set(bad) == {"pipe", "folder", "binary", "latin", "huge", "empty", "bad\nname"}
    assert "no file but a device, a pipe" in bad["pipe"] and "larger than" in bad["huge"]
    assert "not text" in bad["binary"] and "UTF-8" in bad["latin"]
    assert all("\n" not in one.location for one in found.values())


def test_hostile_files_of_a_prompt_leave_a_marker(tmp_path: Path):
    (tmp_path / "secret").write_text("SECRET")
    work = tmp_path / "work"
    work.mkdir()
    (work / "AGENTS.md").symlink_to(tmp_path / "secret")
    os.mkfifo(work / "SOUL.md")
    (work / "TOOLS.md").write_bytes(b"\x00\x01")
    with (work / "IDENTITY.md").open("wb") as file:
        file.truncate(1 << 40)
    (work / "USER.md").mkdir()
    os.link(tmp_path / "secret", work / "MEMORY.md")
    files = {file.name: file for file in Shelf().files(work, FILES)}
    assert [files[name].state for name in FILES] == [
        *("refused", "refused", "refused", "refused", "refused", "missing", "missing", "refused")
    ]
    said = "\n".join(file.text for file in files.values())
    assert "SECRET" not in said and said.count("was not read") == 6


def test_a_changed_file_is_read_again(tmp_path: Path):
    shelf = Shelf()
    for text in ("one", "two", "three and more"):
        (tmp_path / "AGENTS.md").write_text(text)
        assert shelf.files(tmp_path, ["AGENTS.md"])[0].text == text
    (tmp_path / "memory.md").write_text("in small letters")
    assert shelf.files(tmp_path, ["MEMORY.md"])[0].text == "in small letters"
