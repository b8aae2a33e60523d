"""What the tests of hooks share: the example package, installed; its diary; its rules."""

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

from bot.testing.running import CONFIG, Bench

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "trunkline-hooks"
ALLOWED = "[lookup, probe, sessions_spawn]"
AGENT = f"agents: [{{id: main, model: demo/demo, tools: {{allow: {ALLOWED}}}}}]\n"
DIARY = CONFIG + AGENT + "plugins: [diary]\n"


def wheel(folder: Path) -> Path:
    """The example as a wheel, made by hand: building one needs a tool that tests may not have."""
    about = tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    name, version = about["name"].replace("-", "_"), about["version"]
    points = "".join(
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in named.items())
        for group, named in about["entry-points"].items()
    )
    info, made = f"{name}-{version}.dist-info", folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for file in sorted(EXAMPLE.rglob("*.py")):
            archive.write(file, file.relative_to(EXAMPLE).as_posix())
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {version}\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/entry_points.txt", points)
        archive.writestr(f"{info}/RECORD", "")
    return made


def install(folder: Path) -> Path:
    """Install the example with pip; the folder that it is in now."""
    site = folder / "site"
    install = ("install", "-q", "--no-deps", "--no-index", "--target", str(site))
    subprocess.run(
        [sys.executable, "-m", "pip", *install, str(wheel(folder))], check=True, timeout=120
    )
    return site


class Diary:
    """What the hooks of the example heard, and what they are to answer."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "diary.jsonl"
        self.rules = folder / "rules.json"

    def answer(self, **rules: Any) -> None:
        self.rules.write_text(json.dumps(rules))

    @property
    def lines(self) -> list[dict[str, Any]]:
        if not self.file.is_file():
            return []
        return [json.loads(line) for line in self.file.read_text("utf-8").splitlines()]

    def heard(self, hook: str) -> list[dict[str, Any]]:
        """The events of one hook, in order."""
        return [line["event"] for line in self.lines if line["hook"] == hook]

    def contexts(self, hook: str) -> list[dict[str, Any]]:
        return [line["ctx"] for line in self.lines if line["hook"] == hook]


async def done(bench: Bench) -> None:
    """Return when nothing is left to do now, hooks and all."""
    await bench.settle()
    await bench.app.engine.idle()
    await bench.app.hooks.idle()
