"""What every test stands on: an environment of its own, and one answer to "is there a browser"."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is not a failing property; in CI the same examples run every time.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
# A property of a test whose text is printed when all have run.
SUMMARY = "summary"
# What takes longest goes first, so that no process is left alone with it at the end.
SLOW = (
    "tests/scenarios/test_task_years",
    "tests/browser/",
    "tests/contracts/test_backup",
    "tests/contracts/test_cli_",
    "tests/contracts/test_cluster_",
    "tests/contracts/test_store_",
    "tests/scenarios/",
)
_home = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the developer's own Trunkline out of the tests, and the tests out of it."""
    for name in {*os.environ} - {"TRUNKLINE_TEST_PG"}:
        if name.startswith("TRUNKLINE_") or name == "PORT":
            del os.environ[name]
    config.stash[_home] = os.environ["TRUNKLINE_HOME"] = tempfile.mkdtemp(prefix="trunkline-test-")
    settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[_home], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first; otherwise the order stays."""

    def place(item: pytest.Item) -> int:
        kinds = (place for place, start in enumerate(SLOW) if item.nodeid.startswith(start))
        return next(kinds, len(SLOW))

    items.sort(key=place)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests found for people, whichever process they ran in."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties:
            if name == SUMMARY:
                terminalreporter.write_line(str(text))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A browser may be missing on a desk, never in CI: there the test fails instead."""
    if item.get_closest_marker("browser") and not CHROMIUM and not os.environ.get("CI"):
        pytest.skip("needs chromium on the PATH")


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser that tests marked `browser` start."""
    assert CHROMIUM, "tests marked browser need chromium on the PATH"
    return Path(CHROMIUM)
