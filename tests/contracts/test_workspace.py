"""An agent's folder: made whole on first use, for its owner alone, and seeded once."""

from pathlib import Path

import pytest

from bot.config.load import load_text
from bot.errors import PathError
from bot.workspace import Seed, Workspaces


def made(state: Path, seed: Seed, config: str = "agents: [{id: main}]") -> Workspaces:
    loaded = load_text(config, "config.yaml", {}, {})
    return Workspaces(state, lambda: loaded, seed)


def test_the_folder_is_private_and_seeded_once(tmp_path: Path):
    seeded: list[str] = []

    def seed(agent: str, folder: Path) -> None:
        seeded.append(agent)
        (folder / "AGENTS.md").write_text("be kind")

    workspaces = made(tmp_path, seed)
    path = workspaces.path("main")
    assert path == tmp_path / "workspaces" / "main" and not path.exists()
    assert workspaces.ensure("main") == path
    assert path.stat().st_mode & 0o777 == 0o700
    assert (path / "AGENTS.md").read_text() == "be kind"
    (path / "own.md").write_text("x")
    (path / "AGENTS.md").unlink()
    assert [workspaces.ensure("main") for _ in range(3)] == [path] * 3
    assert seeded == ["main"] and not (path / "AGENTS.md").exists()


def test_a_seed_that_fails_leaves_no_half_folder(tmp_path: Path):
    def failing(agent: str, folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    with pytest.raises(PathError, match=r"cannot be made: No space left"):
        made(tmp_path, failing).ensure("main")
    assert list((tmp_path / "workspaces").iterdir()) == []


def test_a_folder_of_the_operators_is_used_as_it_is(tmp_path: Path):
    def seed(agent: str, folder: Path) -> None:
        (folder / "AGENTS.md").write_text("be kind")

    for name in ("empty", "full"):
        (tmp_path / name).mkdir(mode=0o750)
    (tmp_path / "full" / "mine").write_text("x")
    agents = ", ".join(f"{{id: {n}, workspace: {tmp_path / n}}}" for n in ("empty", "full", "new"))
    workspaces = made(tmp_path / "state", seed, f"agents: [{agents}]")
    found = {
        n: sorted(p.name for p in workspaces.ensure(n).iterdir()) for n in ("empty", "full", "new")
    }
    assert found == {"empty": ["AGENTS.md"], "full": ["mine"], "new": ["AGENTS.md"]}
    assert (tmp_path / "full").stat().st_mode & 0o777 == 0o750


def test_a_place_where_no_folder_can_be_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    config = f"agents: [{{id: main, workspace: {tmp_path / 'file' / 'below'}}}]"
    with pytest.raises(PathError, match="cannot be made"):
        made(tmp_path / "state", lambda *_: None, config).ensure("main")
