"""`make bench`: prints Trunkline's figures as ratios to floors measured in the same run."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import floor_c, product
from bench.programs import Model, Program, Telegram, floor
from bench.programs import product as trunkline

ROUNDS = 3
NAMES = ("latency", "rate", "cpu", "burst", "start", "rss")


@dataclass(slots=True)
class Figures:
    """What was measured of one program: milliseconds, seconds, megabytes; medians of the rounds."""

    latency: float = 0.0
    rate: float = 0.0
    cpu: float = 0.0
    burst: float = 0.0
    start: float = 0.0
    rss: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)


def measure(name: str, folder: Path, quick: bool) -> Figures:
    """All figures of one program: `A`, `B` or `trunkline`."""
    figures = Figures()
    with (
        Telegram() as telegram,
        Model() as model,
        program(name, folder / "plain", telegram, model) as running,
    ):
        figures.start = running.first_poll - running.began
        telegram.run(chats=1, messages=30, window=1)
        running.settle()
        figures.rss = running.rss()
        result = telegram.run(chats=5, messages=100 if quick else 300, window=1)
        figures.latency = statistics.median(result["latencies"]) * 1000
        messages = 500 if quick or name == "B" else 5000
        before = running.cpu()
        result = telegram.run(chats=200, messages=messages, window=200, limit=300)
        figures.rate = result["answered"] / result["seconds"]
        figures.cpu = (running.cpu() - before) / max(1, result["answered"]) * 1000
        figures.extra["missing"] = result["missing"]
    with (
        Telegram() as telegram,
        Model(delay=0.3) as model,
        program(name, folder / "slow", telegram, model),
    ):
        telegram.run(chats=5, messages=5, window=5)
        figures.burst = telegram.run(chats=200, messages=200, window=0, limit=120)["seconds"]
    return figures


def program(name: str, folder: Path, telegram: Telegram, model: Model) -> Program:
    if name == "trunkline":
        return trunkline(folder, telegram, model)
    return floor(name, telegram, model)


def best(rounds: list[Figures]) -> Figures:
    """The median of each figure."""
    return Figures(**{one: statistics.median(getattr(r, one) for r in rounds) for one in NAMES})


def table(found: dict[str, Figures], commit: dict[str, float]) -> str:
    ours, a, b = found["trunkline"], found["A"], found.get("B")
    excess = max(0.0, commit["commit_ms"] - 0.5) * 5
    rows = [
        ("figure", "trunkline", "floor A", "floor B", "ratio to A", "budget"),
        (
            "added latency p50, one at a time (ms)",
            f"{ours.latency:.1f}",
            f"{a.latency:.1f}",
            f"{b.latency:.1f}" if b else "-",
            f"{(ours.latency - excess) / a.latency:.2f}",
            "<= 1.75",
        ),
        (
            "messages per second, 200 chats",
            f"{ours.rate:.0f}",
            f"{a.rate:.0f}",
            f"{b.rate:.0f}" if b else "-",
            f"{ours.rate / a.rate:.2f}",
            ">= 0.45 and 4 x B",
        ),
        (
            "CPU per message under load (ms)",
            f"{ours.cpu:.2f}",
            f"{a.cpu:.2f}",
            f"{b.cpu:.2f}" if b else "-",
            f"{ours.cpu / a.cpu:.2f}",
            "<= 2.5",
        ),
        (
            "200 chats at once, model 300 ms (s)",
            f"{ours.burst:.2f}",
            f"{a.burst:.2f}",
            f"{b.burst:.2f}" if b else "-",
            f"{ours.burst / a.burst:.2f}",
            "<= 1.5",
        ),
        (
            "start to first poll (s)",
            f"{ours.start:.2f}",
            f"{a.start:.2f}",
            f"{b.start:.2f}" if b else "-",
            f"{ours.start / a.start:.2f}",
            "<= 0.9 s",
        ),
        (
            "idle RSS (MB)",
            f"{ours.rss:.0f}",
            f"{a.rss:.0f}",
            f"{b.rss:.0f}" if b else "-",
            f"{ours.rss / a.rss:.2f}",
            "<= 80 MB",
        ),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.append(
        f"floor C: one commit {commit['commit_ms']:.2f} ms, "
        f"{commit['grouped_per_s']:.0f} commits per second from 64 callers"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="fewer messages, without floor B")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    names = ["A", "trunkline"] if given.quick else ["A", "B", "trunkline"]
    rounds: dict[str, list[Figures]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        commit = floor_c.run()
        own = product.lines(Path(folder) / "own")
        for number in range(given.rounds):
            for name in names:
                if name == "B" and number > 0:
                    continue
                rounds[name].append(measure(name, Path(folder) / f"{name}-{number}", given.quick))
    found = {name: best(measured) for name, measured in rounds.items()}
    if given.json:
        figures = {
            name: {
                one: getattr(f, one) for one in ("latency", "rate", "cpu", "burst", "start", "rss")
            }
            for name, f in found.items()
        }
        print(json.dumps({**figures, "C": commit}, indent=1))
    else:
        print(table(found, commit))
        print(*own, sep="\n")


if __name__ == "__main__":
    main()
