"""What `doctor` and `audit` have found: one line each, with what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bot.cli.output import say
from bot.config.problems import Path

Severity = Literal["critical", "warn", "info"]

_GRAVE: dict[Severity, int] = {"critical": 0, "warn": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know. `id` is stable, `place` says where as `file:line:column` or a path.

    `key` is the key of the configuration it is about; `path` leads to that key in the file.
    """

    id: str
    severity: Severity
    what: str
    fix: str
    place: str = ""
    path: Path = ()

    def row(self) -> dict[str, Any]:
        found = asdict(self)
        path = found.pop("path")
        key = ".".join(map(str, path)) or None
        docs = f"docs/health.md#{self.id.partition('.')[0]}"
        return {**found, "place": self.place or None, "key": key, "docs": docs}

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{self.severity:<8} {self.id}: {where}{self.what}; {self.fix}"


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """The gravest first, else in the order in which they were found."""
    return sorted(findings, key=lambda one: _GRAVE[one.severity])


def grave(findings: Sequence[Finding]) -> bool:
    """Is there one at or above `warn`?"""
    return any(one.severity != "info" for one in findings)


def report(findings: Sequence[Finding]) -> dict[str, Any]:
    """The findings as a document: `{ok, findings, counts}`."""
    counts = Counter(one.severity for one in findings)
    return {
        "ok": not grave(findings),
        "findings": [one.row() for one in findings],
        "counts": {severity: counts[severity] for severity in _GRAVE},
    }


def tell(findings: Sequence[Finding], nothing: str) -> None:
    for one in findings:
        say(one)
    if not grave(findings):
        say(nothing)
