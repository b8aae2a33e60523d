"""The map in bot/__init__.py is the first thing a newcomer reads, so it may not lie."""

import ast
import re
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

from tests.rules.source import ROOT, Source, expect_none

MAP = "bot/__init__.py"
ENTRY = re.compile(r"^\s{2,}(\w+(?:\.py|/)?)\s{2,}\S", re.MULTILINE)


def plain(name: str) -> str:
    return name.removesuffix("/").removesuffix(".py")


def parts(folder: Path) -> set[str]:
    """The modules and packages directly in a folder."""
    modules = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    return modules | {file.parent.name for file in folder.glob("*/__init__.py")}


def wrong_entries(docstring: str, there: Set[str]) -> Iterator[str]:
    names = [plain(name) for name in ENTRY.findall(docstring)]
    yield from (f"{MAP}: {name} is on the map but not in bot/" for name in {*names} - there)
    yield from (f"{MAP}: {name} is in bot/ but not on the map" for name in there - {*names})
    yield from (f"{MAP}: {name} is on the map twice" for name in {*names} if names.count(name) > 1)


def definitions(part: Path) -> set[str]:
    """Every name that a module, or a package with all below it, defines."""
    files = part.rglob("*.py") if part.is_dir() else [part.with_suffix(".py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in nodes if isinstance(node, kinds)}


def wrong_steps(docstring: str, folder: Path) -> Iterator[str]:
    """The path of one message names functions as `inbound.receive`; each must be there."""
    there = parts(folder)
    for part, name in re.findall(r"(?<![\w./])(\w+)\.(\w+)", docstring):
        if part in there and name != "py" and name not in definitions(folder / part):
            yield f"{MAP}: the path names {part}.{name}, and {part} defines no {name}"


@pytest.fixture(scope="module")
def docstring() -> str:
    source = Source(MAP, (ROOT / MAP).read_text("utf-8"))
    return ast.get_docstring(source.tree, clean=False) or ""


def test_the_map_names_what_is_there(docstring: str):
    expect_none(wrong_entries(docstring, parts(ROOT / "bot")))


def test_the_path_of_a_message_names_what_is_there(docstring: str):
    expect_none(wrong_steps(docstring, ROOT / "bot"))


def test_a_false_map_is_seen():
    there = {"loop", "store"}
    assert list(wrong_entries("Map:\n\n    loop.py   decides\n    store/    keeps", there)) == []
    assert "store is in bot/ but not" in next(wrong_entries("    loop.py  decides", there))
    missing = wrong_entries("  loop  decides\n  store  keeps\n  ghost  haunts", there)
    assert "ghost is on the map but not" in next(missing)
    assert "twice" in next(wrong_entries("  loop  a\n  loop  b\n  store  c", there))


def test_a_false_step_is_seen(tmp_path: Path):
    (tmp_path / "loop.py").write_text("def decide(): ...")
    assert list(wrong_steps("see loop.py, then loop.decide", tmp_path)) == []
    assert "defines no guess" in next(wrong_steps("then loop.guess", tmp_path))
