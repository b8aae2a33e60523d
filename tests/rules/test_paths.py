"""A file of the project names no folder of the machine it was written on."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.rules.source import ROOT, expect_none

# Put together from parts, so that this file does not name one either.
MACHINE = re.compile(r"(?<![\w.:/\-])/(?:" + "|".join(["work", "root"]) + r")/")


def machine_paths(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if found := MACHINE.search(line):
            yield f"{path}:{number}: names {found[0]} of somebody's machine"


def project_files() -> Iterator[tuple[str, str]]:
    """Every text file that is committed or would be; those of others are left as they came."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for path in filter(None, listed.split("\0")):
        file = ROOT / path
        if file.is_file() and "vendor" not in file.parts:
            yield path, file.read_text("utf-8", errors="ignore")


def test_no_file_names_a_machine():
    expect_none(problem for file in project_files() for problem in machine_paths(*file))


@pytest.mark.parametrize("folder", ["work", "root"])
def test_a_machine_path_is_seen(folder: str):
    assert "a.md:2" in next(machine_paths("a.md", f"\nsee /{folder}/notes"))
    assert list(machine_paths("a.md", f"https://example.org/{folder}/ and src/{folder}/x")) == []
