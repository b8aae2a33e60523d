"""The table at the end: a row for each check, a column for each adapter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.testing.conformance.suite import CHECKS, Result

MARKS = {"pass": "ok", "fail": "FAIL", "absent": "-"}


def table(results: Iterable[Result], *, sentences: bool = False) -> list[str]:
    """Lines for a terminal: the table, why a check failed or is not asked, and the sums."""
    kept = list(results)
    adapters = list(dict.fromkeys(result.adapter for result in kept))
    marks = {(result.check, result.adapter): MARKS[result.outcome] for result in kept}
    checks = [name for name in CHECKS if any((name, adapter) in marks for adapter in adapters)]
    rows = [["check", *adapters]]
    rows += [[name, *(marks.get((name, adapter), "") for adapter in adapters)] for name in checks]
    lines = _columns(rows)
    if sentences:
        lines = [lines[0], *map(" ".join, zip(lines[1:], map(_says, checks), strict=True))]
    return [*lines, *_failures(kept), *_reasons(kept), *_sums(kept, adapters)]


def _says(check: str) -> str:
    return f" {CHECKS[check].says}"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _failures(results: Iterable[Result]) -> list[str]:
    failed = [result for result in results if result.outcome == "fail"]
    lines = [
        f"FAIL {result.adapter}: {result.check}: {result.detail}\n"
        f"     ({CHECKS[result.check].says})"
        for result in failed
    ]
    return ["", *lines] if lines else []


def _reasons(results: Iterable[Result]) -> list[str]:
    """Each reason once, with the checks that it keeps from being asked."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result.outcome == "absent":
            reasons.setdefault((result.adapter, result.detail), []).append(result.check)
    lines = [f"- {name}: {', '.join(checks)}: {why}" for (name, why), checks in reasons.items()]
    return ["", *lines] if lines else []


def _sums(results: Sequence[Result], adapters: Iterable[str]) -> list[str]:
    def sums(adapter: str) -> str:
        outcomes = [result.outcome for result in results if result.adapter == adapter]
        passed, failed, absent = (outcomes.count(kind) for kind in MARKS)  # type: ignore[arg-type]
        return f"{adapter}: {passed} hold, {failed} fail, {absent} not asked"

    return ["", *map(sums, adapters)]
