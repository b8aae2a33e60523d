"""`memory` and `skills` in a terminal, with and without a running gateway."""

from pathlib import Path

import pytest

from tests.contracts.cli_support import Trunkline

SKILL = "---\nname: bread\ndescription: Bakes.\n---\nKnead.\n"


@pytest.fixture
def trunkline(tmp_path: Path) -> Trunkline:
    one = Trunkline(tmp_path / "home")
    one.config("{}\n")
    work = one.home / "workspaces/main"
    (work / "memory/people/irc-bob").mkdir(parents=True)
    (work / "memory/a.md").write_text("The safe is behind the clock.")
    (work / "memory/people/irc-bob/a.md").write_text("Bob has a safe too.")
    for name, text in (("bread", SKILL), ("broken", "no front matter")):
        folder = work / "skills" / name
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_text(text)
    return one


def test_memory_is_searched_and_indexed_without_a_gateway(trunkline: Trunkline):
    [hit] = trunkline.json("memory", "search", "where is the safe")["results"]
    assert hit["path"] == "memory/a.md" and hit["text"] == "The safe is behind the clock."
    [bob] = trunkline.json("memory", "search", "safe", "--person", "irc-bob")["results"]
    assert bob["path"] == "memory/people/irc-bob/a.md"
    assert "behind the clock" in trunkline.ok("memory", "search", "safe")
    assert "Nothing found." in trunkline.ok("memory", "search", "zebra")
    again = trunkline.json("memory", "index", "--again")
    assert again == {"indexed": [{"agentId": "main", "files": 2}]}
    [state] = trunkline.json("memory", "status")["agents"]
    assert (state["files"], state["chunks"], state["problem"]) == (2, 2, None)


def test_skills_are_listed_with_the_reason_why_not(trunkline: Trunkline):
    bread, broken = trunkline.json("skills", "list")["skills"]
    assert (bread["name"], bread["ready"], bread["location"]) == (
        "bread",
        True,
        "skills/bread/SKILL.md",
    )
    assert not broken["ready"] and "front matter" in broken["reason"]
    assert "front matter" in trunkline.ok("skills", "list")


def test_the_same_works_beside_a_running_gateway(trunkline: Trunkline):
    with trunkline.up():
        [hit] = trunkline.json("memory", "search", "safe")["results"]
        assert hit["path"] == "memory/a.md"
        assert len(trunkline.json("skills", "list")["skills"]) == 2


def test_a_mistake_is_one_sentence(trunkline: Trunkline):
    for words in (
        ("memory", "search", "x", "--agent", "nobody"),
        ("memory", "search", "x", "--person", "../etc"),
        ("skills", "list", "--agent", "nobody"),
    ):
        done = trunkline.run(*words)
        assert done.returncode in (1, 2) and "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
