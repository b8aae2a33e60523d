"""The Dockerfile and compose.yaml carried out without Docker: their own words, user, environment,
mounts and read-only root, in namespaces that bubblewrap makes.

What is not shown by this: that the base image can be fetched, and the layers built.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.contracts.cli_support import PATIENCE, ROOT, Running

_REFERENCE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
_NEEDED = ("/etc/hosts", "/etc/resolv.conf", "/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/ssl")


@dataclass
class Image:
    """What the last stage of a Dockerfile leaves; `runs` are the RUN lines of all stages."""

    base: str = ""
    user: str = "0"
    env: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    runs: list[list[str]] = field(default_factory=list)


def image() -> Image:
    """The Dockerfile, read. Every command in it is in exec form, or this fails."""
    made = Image()
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        if word == "FROM":
            made = Image(base=rest.split()[0], copies=made.copies, runs=made.runs)
        elif word == "ENV":
            made.env |= dict(one.split("=", 1) for one in shlex.split(rest))
        elif word == "USER":
            made.user = rest
        elif word == "VOLUME":
            made.volumes.append(rest)
        elif word == "COPY" and not rest.startswith("--from"):
            made.copies += rest.split()[:-1]
        elif word == "RUN":
            made.runs.append(json.loads(rest))
        elif word == "HEALTHCHECK":
            made.health = json.loads(rest.partition("CMD ")[2])
        elif word == "ENTRYPOINT":
            made.entrypoint = json.loads(rest)
        elif word == "CMD":
            made.command = json.loads(rest)
    return made


def compose(env: Mapping[str, str]) -> dict[str, Any]:
    """compose.yaml with its references filled. Fails where a needed one is not set."""
    data = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())

    def fill(found: re.Match[str]) -> str:
        name, how, rest = found.groups()
        assert name in env or how != "?", f"{name}: {rest}"
        return env.get(name) or (rest if how == "-" else "")

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [filled(one) for one in value]
        return _REFERENCE.sub(fill, value) if isinstance(value, str) else value

    made: dict[str, Any] = filled(data)
    return made


def sandbox() -> str:
    """Bubblewrap; without it the test is skipped, or fails where CI is set."""
    found = shutil.which("bwrap")
    if found is None and os.environ.get("CI"):
        pytest.fail("needs bubblewrap: apt install bubblewrap")
    if found is None:
        pytest.skip("needs bubblewrap")
    return found


class Host:
    """A machine with one volume, which runs services of compose.yaml."""

    def __init__(self, folder: Path, made: Image, services: Mapping[str, Any]) -> None:
        self.state = folder / "state"
        self.state.mkdir(mode=0o700)
        self._image, self._services = made, services

    def words(self, service: str, command: Sequence[str], **env: str) -> list[str]:
        """The command line that runs something as a service."""
        about = self._services[service]
        uid, gid = self._image.user.split(":")
        variables = {**self._image.env, **about["environment"], **env}
        variables["PATH"] = f"{sys.prefix}/bin:{variables['PATH']}"
        words = [sandbox(), "--unshare-user", "--unshare-pid", "--unshare-ipc", "--as-pid-1"]
        words += ["--die-with-parent", "--cap-drop", "ALL", "--uid", uid, "--gid", gid]
        words += ["--clearenv", "--setenv", "PYTHONPATH", "/src"]
        for name, value in variables.items():
            words += ["--setenv", name, str(value)]
        words += ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
        for name in ("bin", "lib", "lib64"):
            words += ["--symlink", f"usr/{name}", f"/{name}"]
        # Before what is bound: the program itself may be below one of them.
        for mount in about["tmpfs"]:
            words += ["--tmpfs", mount.partition(":")[0]]
        for path in _NEEDED:
            words += ["--ro-bind-try", path, path]
        for path in dict.fromkeys((sys.base_prefix, sys.prefix)):
            words += ["--ro-bind", path, path] if path != "/usr" else []
        for name in self._image.copies:
            words += ["--ro-bind", str(ROOT / name), f"/src/{name}"]
        for mount in about["volumes"]:
            source, target, *_ = mount.split(":")
            if source.startswith("./"):
                words += ["--ro-bind", str(ROOT / source), target]
            else:
                words += ["--bind", str(self.state), target]
        if about["read_only"]:
            words += ["--remount-ro", "/"]
        return [*words, "--chdir", "/data", "--", *command]

    def run(self, service: str, command: Sequence[str], **env: str) -> Any:
        """Run a command in a service's container to its end."""
        return subprocess.run(
            self.words(service, command, **env),
            capture_output=True, text=True, timeout=PATIENCE, check=False, cwd="/",
        )  # fmt: skip

    def once(self, service: str, **env: str) -> Any:
        """Run a service to its end."""
        command = [*self._image.entrypoint, *self._services[service]["command"]]
        return self.run(service, command, **env)

    @contextmanager
    def up(self, service: str, **env: str) -> Iterator["Contained"]:
        """A service that runs until it is told to stop."""
        command = [*self._image.entrypoint, *self._services[service]["command"]]
        words = self.words(service, command, **env)
        read, write = os.pipe()
        process = subprocess.Popen(
            [words[0], "--info-fd", str(write), *words[1:]],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, pass_fds=[write], cwd="/",
        )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as told:
            inner = json.load(told)["child-pid"]
        assert process.stdout is not None
        running = Contained(process, process.stdout.readline(), inner)
        try:
            assert running.ready.startswith("ready "), process.communicate()[1]
            yield running
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


class Contained(Running):
    """A program that is process 1 of its container; `inner` is its number outside."""

    def __init__(self, process: subprocess.Popen[str], ready: str, inner: int) -> None:
        super().__init__(process, ready)
        self.inner = inner

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        os.kill(self.inner, number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
