"""docs/adapters.md: its adapter works as it is written there, and so does its descriptor."""

import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.testing.conformance import CHECKS, run_check, wrong

PAGE = Path(__file__).parents[2] / "docs" / "adapters.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
NAMES = ("parrot", "parrot_descriptor")
_outcomes: list[str] = []


@pytest.fixture(scope="module")
def descriptor() -> Iterator[object]:
    """The page's two modules, as if they were saved under their names."""
    for name, code in zip(NAMES, BLOCKS, strict=False):
        module = sys.modules[name] = types.ModuleType(name)
        exec(compile(code, f"docs/adapters.md, {name}.py", "exec"), module.__dict__)  # noqa: S102
    yield sys.modules["parrot_descriptor"].DESCRIPTOR
    for name in NAMES:
        del sys.modules[name]


@pytest.mark.parametrize("check", CHECKS)
def test_the_page_adapter_keeps_its_promises(descriptor, check: str):
    result = run_check(descriptor, CHECKS[check])
    _outcomes.append(result.outcome)
    assert result.outcome != "fail", f"{CHECKS[check].says} {result.detail}"


def test_most_checks_are_asked_of_it(descriptor):
    assert _outcomes.count("pass") > 60 or len(_outcomes) < len(CHECKS)
    assert wrong(descriptor) == []


def test_the_adapter_is_as_short_as_the_page_says():
    lines = [line for line in BLOCKS[0].splitlines() if line.strip()]
    assert 60 <= len(lines) <= 150


def test_the_test_of_the_page_is_the_one_that_runs_here():
    assert "run_check(DESCRIPTOR, CHECKS[check])" in BLOCKS[2]
