"""The pure parts decide and do nothing else: no I/O, no clock, no chance, nobody beside them."""

import tomllib
from collections.abc import Iterator

import pytest

from tests.rules.source import PACKAGES, ROOT, Source, expect_none, sources

PURE = {
    "bot/admission.py",
    "bot/bindings.py",
    "bot/routing.py",
    "bot/typed.py",
    "bot/loop.py",
    "bot/reply.py",
    "bot/preview.py",
    "bot/context/prompt.py",
    "bot/context/sections.py",
    "bot/context/chunks.py",
    "bot/context/memory.py",
    "bot/context/skillfile.py",
    "bot/context/dispatch.py",
    "bot/context/report.py",
    "bot/context/compaction.py",
    "bot/context/budget.py",
    "bot/tools/policy.py",
    "bot/tools/untrusted.py",
    "bot/tools/web_addresses.py",
    "bot/tools/web_packed.py",
    "bot/tools/web_text.py",
    "bot/schedule/when.py",
    "bot/schedule/meaning.py",
    "bot/schedule/trigger.py",
    "bot/schedule/cron.py",
    "bot/schedule/words.py",
    "bot/schedule/planner.py",
    "bot/schedule/evaluator.py",
    "bot/gateway/frames.py",
}
IMPURE_MODULES = {
    *("aiohttp", "asyncio", "logging", "os", "pathlib", "random", "secrets", "shutil", "socket"),
    *("sqlite3", "structlog", "subprocess", "tempfile", "threading", "time", "uuid"),
}
IMPURE_CALLS = {"now", "utcnow", "today", "open", "print", "input"}


def impure(source: Source) -> Iterator[str]:
    for node, name in source.imports():
        if name.partition(".")[0] in IMPURE_MODULES:
            yield f"{source.at(node)}: a pure part imports {name}; take the value as an argument"
    for call, name in source.calls():
        if name.rpartition(".")[2] in IMPURE_CALLS:
            yield f"{source.at(call)}: a pure part calls {name}; take the value as an argument"


def neighbours() -> dict[str, set[str]]:
    """For each part of bot, the others of its layer."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    groups = [{part.strip(" ()") for part in layer.split(":")} for layer in layers]
    return {part: group - {part} for group in groups for part in group}


def sideways(source: Source) -> Iterator[str]:
    own = source.path.split("/")[1].removesuffix(".py")
    for node, name in source.imports():
        parts = name.split(".")
        if parts[0] == "bot" and len(parts) > 1 and parts[1] in neighbours()[own]:
            yield f"{source.at(node)}: a pure part imports only downward, not {name} beside it"


def pure_sources() -> list[Source]:
    return [source for source in sources(*PACKAGES) if source.path in PURE]


def test_pure_parts_stay_pure():
    expect_none(problem for source in pure_sources() for problem in impure(source))


def test_pure_parts_import_only_downward():
    expect_none(problem for source in pure_sources() for problem in sideways(source))


@pytest.mark.parametrize(
    "text",
    ["import time", "from asyncio import sleep", "datetime.now()", "open('x')"],
)
def test_an_impurity_is_seen(text: str):
    assert "bot/loop.py:1" in next(impure(Source("bot/loop.py", text)))
    assert list(impure(Source("bot/loop.py", "from datetime import datetime"))) == []


@pytest.mark.parametrize("text", ["import bot.delivery", "from bot import sessions"])
def test_a_sideways_import_is_seen(text: str):
    assert "bot/loop.py:1" in next(sideways(Source("bot/loop.py", text)))
    assert list(sideways(Source("bot/loop.py", "from bot.types import Turn"))) == []
