"""The project's own source as data: what the rules in this folder walk over."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "adapters", "commands")

type_of_function = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, with slashes, and its text."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parse(self.text, self.path)

    def at(self, node: ast.AST) -> str:
        """`file:line` of a node, as editors understand it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, type_of_function))

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the dotted name of what is called (`asyncio.sleep`)."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, dotted(node.func)

    def imports(self) -> Iterator[tuple[ast.stmt, str]]:
        """Every import with the dotted name of what it brings (`os.path`, `bot.contract.Reply`)."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = "." * node.level + (node.module or "")
                yield from ((node, f"{origin}.{alias.name}") for alias in node.names)


@cache
def _parse(text: str, path: str) -> ast.Module:
    return ast.parse(text, path)


def dotted(node: ast.expr) -> str:
    """The name of an expression as written; `?` stands for a part that is not a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """The Python files below these folders of the root, in order."""
    files = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return tuple(
        Source(file.relative_to(ROOT).as_posix(), file.read_text("utf-8")) for file in files
    )


def expect_none(problems: Iterable[str]) -> None:
    """Fail with one line for each problem."""
    found = sorted(problems)
    if found:
        pytest.fail("\n".join(found), pytrace=False)
