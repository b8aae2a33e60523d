"""The real program in its own process and state directory, as a person in a terminal runs it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 60
ROOT = Path(__file__).resolve().parents[2]


class Trunkline:
    """One installation: what a person types, and what they get."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {**os.environ, "TRUNKLINE_HOME": str(home), "PYTHONPATH": str(ROOT)}
        self.cwd = home.parent

    def run(self, *words: str, input: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            input=input,
            env={**self.env, **env},
            cwd=self.cwd,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def ok(self, *words: str, input: str = "") -> str:
        """What a verb that must succeed prints."""
        done = self.run(*words, input=input)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.ok(*words, "--json"))

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", *words],
            env={**self.env, **env},
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def up(self, *words: str, **env: str) -> Iterator["Running"]:
        """A running gateway on a free port; stopped at the end unless the test did it."""
        process = self.start("up", "--port", "0", "--no-browser", *words, **env)
        assert process.stdout is not None
        ready = process.stdout.readline()
        running = Running(process, ready)
        try:
            assert ready.startswith("ready http://127.0.0.1:"), process.communicate()[1]
            yield running
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def config(self, text: str) -> Path:
        self.home.mkdir(mode=0o700, exist_ok=True)
        path = self.home / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return path


class Running:
    """A gateway process that said it is ready."""

    def __init__(self, process: subprocess.Popen[str], ready: str) -> None:
        self.process = process
        self.ready = ready
        self.url = ready.removeprefix("ready ").strip().rpartition("/")[0]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code and what was printed after the ready line."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err
