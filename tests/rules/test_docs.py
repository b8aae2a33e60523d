"""Every module says what it is for, and every command can explain itself."""

import ast
from collections.abc import Iterator

import pytest

from tests.rules.source import PACKAGES, Function, Source, dotted, expect_none, sources

HELP = {"help", "summary", "description"}


def silent_module(source: Source) -> Iterator[str]:
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield f"{source.path}: begin with a docstring that says what the module is for"


def registrations(source: Source) -> Iterator[tuple[Function, ast.expr]]:
    """Every function under `@command` or `@command(...)`, with that decorator."""
    for function in source.functions():
        for decorator in function.decorator_list:
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            if dotted(target).rpartition(".")[2] == "command":
                yield function, decorator


def helpless_commands(source: Source) -> Iterator[str]:
    for function, decorator in registrations(source):
        words = decorator.keywords if isinstance(decorator, ast.Call) else []
        if not ast.get_docstring(function) and not HELP & {word.arg for word in words}:
            yield f"{source.at(function)}: {function.name} has no help; its docstring is the text"


def test_every_module_says_what_it_is_for():
    expect_none(problem for source in sources(*PACKAGES) for problem in silent_module(source))


def test_every_command_has_help():
    files = sources("commands", "bot/cli")
    expect_none(problem for source in files for problem in helpless_commands(source))


def test_a_silent_module_is_seen():
    assert "a.py" in next(silent_module(Source("a.py", "x = 1")))
    assert list(silent_module(Source("a.py", '"""Says."""\nx = 1'))) == []


@pytest.mark.parametrize("mark", ["@command", "@command('x')", "@app.command(name='x')"])
def test_a_helpless_command_is_seen(mark: str):
    assert "a.py:2" in next(helpless_commands(Source("a.py", f"{mark}\ndef f(): ...")))
    helpful = f'{mark}\nasync def f():\n    """Helps."""'
    assert list(helpless_commands(Source("a.py", helpful))) == []
    assert list(helpless_commands(Source("a.py", "@command('x', help='y')\ndef f(): ..."))) == []
