"""Small pieces: a number that pinches means that something has two reasons to change."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

from tests.rules.source import PACKAGES, ROOT, Function, Source, expect_none, sources

FILE_LINES = 400
FUNCTION_LINES = 60
MEDIAN_LINES = 12
PAGE_FILES = {".js", ".css", ".html", ".j2", ".sql"}


def length(function: Function) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def long_file(path: str, text: str) -> Iterator[str]:
    lines = len(text.splitlines())
    if lines > FILE_LINES:
        yield f"{path}: {lines} lines, the limit is {FILE_LINES}; split it by reason to change"


def long_functions(source: Source) -> Iterator[str]:
    for function in source.functions():
        if (lines := length(function)) > FUNCTION_LINES:
            yield (
                f"{source.at(function)}: {function.name} has {lines} lines, "
                f"the limit is {FUNCTION_LINES}"
            )


def high_median(files: Iterable[Source]) -> Iterator[str]:
    lengths = [length(function) for source in files for function in source.functions()]
    if lengths and (middle := median(lengths)) > MEDIAN_LINES:
        yield f"half of all functions have {middle:g} lines or more, the limit is {MEDIAN_LINES}"


def page_files() -> Iterator[Path]:
    """Scripts, styles, pages and SQL of our own; what we ship for others keeps its size."""
    for file in (ROOT / "bot").rglob("*"):
        if file.suffix in PAGE_FILES and "vendor" not in file.parts:
            yield file


def test_the_rules_see_all_three_packages():
    """A rule that walks over nothing would pass for ever."""
    assert [folder for folder in PACKAGES if not sources(folder)] == []


def test_files_are_short():
    python = ((source.path, source.text) for source in sources(*PACKAGES, "tests"))
    pages = ((file.relative_to(ROOT).as_posix(), file.read_text("utf-8")) for file in page_files())
    expect_none(problem for entry in [*python, *pages] for problem in long_file(*entry))


def test_functions_are_short():
    expect_none(p for source in sources(*PACKAGES, "tests") for p in long_functions(source))


def test_most_functions_are_tiny():
    expect_none(high_median(sources(*PACKAGES)))


def function_of(lines: int) -> str:
    return "def f():\n" + "    pass\n" * (lines - 1)


def test_one_line_too_many_is_seen():
    assert list(long_file("a.py", "\n" * FILE_LINES)) == []
    assert "401 lines" in next(long_file("a.py", "\n" * (FILE_LINES + 1)))
    assert list(long_functions(Source("a.py", function_of(FUNCTION_LINES)))) == []
    assert "a.py:1: f has 61" in next(long_functions(Source("a.py", function_of(61))))
    assert list(high_median([Source("a.py", function_of(MEDIAN_LINES))])) == []
    assert "13 lines" in next(high_median([Source("a.py", function_of(13))]))
