"""The table of commands: where it comes from, what it refuses, what names it is true."""

import re
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.types import CommandContext
from commands import BUILT_IN, agent, command, model, session, subagents, table, task
from commands.reference import reference
from tests.pure.command_chat import Chat

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "new",
    "reset",
    "stop",
    "retry",
    "session",
    "compact",
    "export",
    "agent",
    "model",
    "think",
    "verbose",
    "reasoning",
    "skill",
    "queue",
    "exec",
    "elevated",
    "approve",
    "subagents",
    "task",
    "status",
    "usage",
    "context",
    "why",
    "whoami",
    "help",
    "commands",
]
PLUGIN = """
from commands import command

@command({name!r}, group="Games")
async def play(ctx):
    "Roll a die."
    return "4"
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, text: str) -> None:
    """Lay a package with an entry point out as an installer would."""
    (folder / f"{module}.py").write_text(text)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[trunkline.commands]\n{module} = {module}\n")
    monkeypatch.syspath_prepend(str(folder))


def test_the_order_is_fixed_and_every_command_has_a_handler():
    assert [info.name for info in table().infos] == NAMES
    assert list(table().handlers) == NAMES


def test_every_file_of_the_package_is_in_the_table():
    helpers = {"__init__", "registry", "words", "catalogue", "levels", "reference", "task_words"}
    files = {file.stem for file in (ROOT / "commands").glob("*.py")} - helpers
    assert files == {module.__name__.rpartition(".")[2] for module in BUILT_IN}


async def test_a_package_adds_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path, monkeypatch, "dice_commands", PLUGIN.format(name="dice"))
    extended = table(["dice_commands"])
    assert [info.name for info in extended.infos] == [*NAMES, "dice"]
    assert (await extended.handlers["dice"](Chat().context("dice"))).text == "4"


@pytest.mark.parametrize("name", ["stop", "id"])
def test_a_name_that_is_taken_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    module = f"clash_{name}"
    install(tmp_path, monkeypatch, module, PLUGIN.format(name=name))
    with pytest.raises(ConfigError, match=f"/{name} is both"):
        table([module])


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        ("broken_commands", "raise OSError('no dice')", "no dice"),
        ("empty_commands", "x = 1", "holds no command"),
    ],
)
def test_a_package_that_does_not_work_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, text: str, said: str
):
    install(tmp_path, monkeypatch, module, text)
    with pytest.raises(ConfigError, match=f"{module}.*{said}"):
        table([module])


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match="nowhere"):
        table(["nowhere"])


@pytest.mark.parametrize("name", ["Stop", "two words", "", "x" * 33])
def test_a_name_must_fit_into_every_menu(name: str):
    with pytest.raises(ValueError, match="name"):
        command(name)


def test_a_command_without_help_is_an_error():
    async def silent(ctx: CommandContext) -> str:
        return ""

    with pytest.raises(ValueError, match="docstring"):
        command("silent")(silent)


def test_the_page_is_the_table():
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert page == reference(table().infos), "run: python -m commands.reference > docs/commands.md"


@pytest.mark.parametrize("info", table().infos, ids=lambda info: info.name)
def test_help_usage_and_examples_are_fit_to_be_shown(info):
    assert info.help[0].isupper() and info.help.endswith(".") and len(info.help) <= 100
    assert "!" not in info.help
    assert {line.split()[0] for line in (info.usage, *info.examples)} == {f"/{info.name}"}


@pytest.mark.parametrize(
    ("name", "module"), [("session", session), ("agent", agent), ("subagents", subagents)]
)
def test_usage_names_exactly_the_sub_commands(name: str, module):
    info = table().resolve(name)
    assert info is not None
    assert re.findall(r"[\[|] ?([a-z]+)", info.usage) == list(module.SUBS)
    typed = [words[1] for example in info.examples if len(words := example.split()) > 1]
    assert set(typed) <= set(module.SUBS)


def test_the_usage_of_model_names_its_words():
    info = table().resolve("model")
    assert info is not None
    assert set(re.findall(r"[a-z]+", info.usage)) - {"model"} == set(model.SUBS)


def test_every_hint_in_the_texts_can_be_typed():
    """A hint that leads nowhere is worse than none."""
    subs = {
        "session": session.SUBS,
        "agent": agent.SUBS,
        "model": model.SUBS,
        "subagents": subagents.SUBS,
        "task": task.SUBS,
    }
    for file in (ROOT / "commands").glob("*.py"):
        text = re.sub("`/word`|docs/commands.md", "", file.read_text("utf-8"))
        for name in re.findall(r"[ \"`(]/([a-z]+)\b", text):
            assert table().resolve(name), f"{file.name}: /{name}"
        for name, sub in re.findall(r"`/([a-z]+) ([a-z-]+)", text):
            assert sub in subs[name], f"{file.name}: /{name} {sub}"
