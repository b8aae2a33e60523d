"""Who may import whom, and where: the shape of the project, kept by machine."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rules.source import PACKAGES, ROOT, Source, expect_none, sources

# The loaders of optional parts: they know a module by its name only, and only while running.
LOADERS = {"bot/app.py", "adapters/__init__.py", "bot/lazy.py", "bot/cli/__init__.py"}
MOCKS = {"mock", "unittest.mock", "pytest_mock"}


def imports_inside_functions(source: Source) -> Iterator[str]:
    for function in source.functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{source.at(node)}: import inside {function.name}; move it to the top"


def imports_by_name(source: Source) -> Iterator[str]:
    for call, name in source.calls():
        if name.rpartition(".")[2] in {"import_module", "__import__"}:
            yield f"{source.at(call)}: {name} belongs in one of {', '.join(sorted(LOADERS))}"


def mocks(source: Source) -> Iterator[str]:
    for node, name in source.imports():
        if name in MOCKS or name.rpartition(".")[0] in MOCKS:
            yield f"{source.at(node)}: {name}; use a fake from tests/fakes or bot/testing"


def hidden_folders(root: Path) -> Iterator[str]:
    """A folder of modules without __init__.py would stand outside the contracts, unseen."""
    for folder in {file.parent for package in PACKAGES for file in (root / package).rglob("*.py")}:
        if not (folder / "__init__.py").exists():
            yield f"{folder.relative_to(root).as_posix()}: add __init__.py"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of pyproject.toml against the packages in a folder."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-logo", "--no-cache", "--config", ROOT / "pyproject.toml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_stand_at_the_top():
    expect_none(p for source in sources(*PACKAGES) for p in imports_inside_functions(source))


def test_only_the_loaders_import_by_name():
    files = (source for source in sources(*PACKAGES) if source.path not in LOADERS)
    expect_none(problem for source in files for problem in imports_by_name(source))


def test_nothing_is_mocked():
    expect_none(problem for source in sources(*PACKAGES, "tests") for problem in mocks(source))


def test_every_folder_is_a_package():
    expect_none(hidden_folders(ROOT))


def test_the_layers_hold():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "text",
    ["def f():\n    import os", "async def f():\n    if 1:\n        from a import b"],
)
def test_a_late_import_is_seen(text: str):
    assert "a.py" in next(imports_inside_functions(Source("a.py", text)))
    assert list(imports_inside_functions(Source("a.py", "if 1:\n    import os"))) == []


@pytest.mark.parametrize(
    "text", ["importlib.import_module(x)", "import_module(x)", "__import__(x)"]
)
def test_an_import_by_name_is_seen(text: str):
    assert "a.py:1" in next(imports_by_name(Source("a.py", text)))


@pytest.mark.parametrize(
    "text",
    ["import unittest.mock", "from unittest import mock", "from unittest.mock import Mock"],
)
def test_a_mock_is_seen(text: str):
    assert "a.py:1" in next(mocks(Source("a.py", text)))
    assert list(mocks(Source("a.py", "from hypothesis import mocking"))) == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("bot/types.py", "from bot import config"),
        ("bot/errors.py", "def f():\n    from bot.app import x"),
        ("bot/surprise.py", ""),
        ("bot/keys.py", "import bot.steps"),  # and steps imports keys, below
        ("bot/app.py", "import adapters"),
        ("bot/cli.py", "import commands.help"),
        ("adapters/x.py", "import bot.types"),
        ("adapters/x.py", "import commands.help"),
        ("commands/help.py", "from bot import config"),
        ("commands/help.py", "import adapters.x"),
    ],
)
def test_a_broken_contract_is_seen(tmp_path: Path, file: str, text: str):
    """The contracts are checked against a tiny project with exactly one import too many."""
    small_project(tmp_path)
    good = lint_imports(tmp_path)
    assert good.returncode == 0, good.stdout + good.stderr
    (tmp_path / file).write_text(text)
    assert "BROKEN" in lint_imports(tmp_path).stdout


def test_a_hidden_folder_is_seen(tmp_path: Path):
    small_project(tmp_path)
    assert list(hidden_folders(tmp_path)) == []
    (tmp_path / "bot" / "store").mkdir()
    (tmp_path / "bot" / "store" / "inbox.py").touch()
    assert list(hidden_folders(tmp_path)) == ["bot/store: add __init__.py"]


def small_project(folder: Path) -> None:
    files = {
        "bot/app.py": "import bot.config, bot.types",
        "bot/cli.py": "import bot.app",
        "bot/config.py": "",
        "bot/contract.py": "",
        "bot/errors.py": "",
        "bot/keys.py": "",
        "bot/steps.py": "import bot.keys",
        "bot/types.py": "import bot.contract",
        "adapters/x.py": "import bot.contract, bot.errors",
        "commands/help.py": "import bot.types, bot.contract, bot.errors",
    }
    for package in PACKAGES:
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    for name, text in files.items():
        (folder / name).write_text(text)
