"""The processes of a measurement: fake servers, floors, and the product itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_CONFIG = """
gateway: {{port: 0}}
providers:
  fake: {{api: openai, base_url: "{model}/v1", api_key: x}}
agents:
  - {{id: main, name: Assistant, model: fake/echo}}
channels:
  telegram:
    token: "1:bench"
    base_url: "{telegram}"
    dm_policy: open
    allow_from: ["*"]
limits: {{per_sender: null}}
"""


class Server:
    """A helper process whose first line is its port."""

    def __init__(self, *argv: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *argv], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()


class Model(Server):
    """The model server; `delay` in seconds before each answer."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__("-m", "bench.model", "--delay", str(delay))


class Telegram(Server):
    """The platform, which also makes the load."""

    def __init__(self) -> None:
        super().__init__("-m", "bench.telegram")

    def ask(self, method: str, asked: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.url}/control/{method}", json.dumps(asked).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            found: dict[str, Any] = json.loads(answer.read())["result"]
            return found

    def run(self, **asked: Any) -> dict[str, Any]:
        return self.ask("run", asked)


class Program:
    """A program under test, with what the kernel knows of it."""

    def __init__(self, argv: list[str], telegram: Telegram, env: dict[str, str]) -> None:
        self.began = time.time()
        self._process = subprocess.Popen(
            [sys.executable, *argv],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            # As after an installation: what was compiled once is not compiled at every start.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **env},
        )
        self.pid = self._process.pid
        self.first_poll = float(telegram.ask("polled", {})["at"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=60)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def cpu(self) -> float:
        """Seconds of processor time so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss(self) -> float:
        """Resident megabytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def settle(self) -> None:
        """Wait until it idles: its processor time stands still."""
        last = -1.0
        while (now := self.cpu()) != last:
            last = now
            time.sleep(0.5)


def floor(name: str, telegram: Telegram, model: Model) -> Program:
    module = f"bench.floor_{name.lower()}"
    argv = ["-m", module, "--telegram", telegram.url, "--model", f"{model.url}/v1"]
    return Program(argv, telegram, {})


def product(folder: Path, telegram: Telegram, model: Model, more: str = "") -> Program:
    """Trunkline on its default configuration, with an allow-list and without the sender limit.

    `more` are further lines of the configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yaml"
    config.write_text(_CONFIG.format(telegram=telegram.url, model=model.url) + more)
    argv = ["-m", "bot", "up", "--config", str(config), "--no-browser"]
    return Program(argv, telegram, {"TRUNKLINE_HOME": str(folder / "state")})
