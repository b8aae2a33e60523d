"""Concurrency that can be read in a debugger: tasks have names, and nobody waits by sleeping."""

import ast
from collections.abc import Iterator

import pytest

from tests.rules.source import PACKAGES, Source, expect_none, sources

SLEEPS = {"asyncio.sleep", "anyio.sleep", "sleep"}


def nameless_tasks(source: Source) -> Iterator[str]:
    for call, name in source.calls():
        last = name.rpartition(".")[2]
        if last == "create_task" and "name" not in {word.arg for word in call.keywords}:
            yield f"{source.at(call)}: give the task a name="
        if last == "ensure_future":
            yield f"{source.at(call)}: use create_task with a name= instead of ensure_future"


def blocking_sleeps(source: Source) -> Iterator[str]:
    for node, name in source.imports():
        if name == "time.sleep":
            yield f"{source.at(node)}: time.sleep stops every conversation; await instead"
    for call, name in source.calls():
        if name == "time.sleep":
            yield f"{source.at(call)}: time.sleep stops every conversation; await instead"


def waiting_sleeps(source: Source) -> Iterator[str]:
    for call, name in source.calls():
        if name in SLEEPS and call.args and is_duration(call.args[0]):
            yield f"{source.at(call)}: step the fake clock or await an event instead of sleeping"


def is_duration(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value != 0


def test_every_task_has_a_name():
    expect_none(problem for source in sources(*PACKAGES) for problem in nameless_tasks(source))


def test_nobody_blocks_the_loop():
    files = sources(*PACKAGES, "tests")
    expect_none(problem for source in files for problem in blocking_sleeps(source))


def test_tests_do_not_sleep():
    expect_none(problem for source in sources("tests") for problem in waiting_sleeps(source))


@pytest.mark.parametrize(
    "text",
    ["asyncio.create_task(f())", "group.create_task(f())", "asyncio.ensure_future(f())"],
)
def test_a_nameless_task_is_seen(text: str):
    assert "a.py:1" in next(nameless_tasks(Source("a.py", text)))
    assert list(nameless_tasks(Source("a.py", "group.create_task(f(), name='f')"))) == []


@pytest.mark.parametrize("text", ["time.sleep(1)", "from time import sleep"])
def test_a_blocking_sleep_is_seen(text: str):
    assert "a.py:1" in next(blocking_sleeps(Source("a.py", text)))


def test_a_sleeping_test_is_seen():
    assert "a.py:1" in next(waiting_sleeps(Source("a.py", "asyncio.sleep(0.01)")))
    assert list(waiting_sleeps(Source("a.py", "asyncio.sleep(0)\nclock.sleep(5)"))) == []
