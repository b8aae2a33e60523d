"""The box that commands run in: bubblewrap, with the workspace as the only place to write.

Inside there is no network, a private /tmp and /proc, read-only system folders, and nothing of the
home, the state folder or other agents. Limits of memory, file size, processor time and processes
are set inside. (The kernel does not count processes for a box that root starts.)
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.config.settings import Sandbox
from bot.keys import main_key

PROCESSES = 256
MEMORY = 1 << 30
FILE_SIZE = 1 << 30
OPEN_FILES = 1024

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (
    *("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types"),
    *("nsswitch.conf", "passwd", "group", "magic", "python3", "perl", "java-17-openjdk"),
)


class NoBox(Exception):
    """Commands cannot be boxed in here; the text says what to do. Nothing may run instead."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box for one workspace. `access` is none, ro or rw; `backend` the program that makes it."""

    backend: str
    workspace: Path
    access: str

    def argv(self, words: Sequence[str], cwd: Path, seconds: float) -> list[str]:
        """The command that runs these words in the box, for at most so many processor seconds."""
        made = [self.backend, "--unshare-all", "--unshare-user", "--die-with-parent"]
        made += ["--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"]
        for folder in map(Path, _SYSTEM):
            if folder.is_symlink():
                made += ["--symlink", str(folder.readlink()), str(folder)]
            elif folder.is_dir():
                made += ["--ro-bind", str(folder), str(folder)]
        for name in _ETC:
            made += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        made += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        if self.access != "none":
            bind = "--bind" if self.access == "rw" else "--ro-bind"
            made += [bind, str(self.workspace), str(self.workspace)]
        made += ["--remount-ro", "/"]
        made += ["--chdir", str(cwd) if self.access != "none" else "/tmp", "--"]
        return [*made, *_limits(seconds), *words]

    def environment(self, env: dict[str, str]) -> dict[str, str]:
        """What programs in the box see: no home of ours."""
        home = str(self.workspace) if self.access != "none" else "/tmp"
        return {**env, "HOME": home, "TMPDIR": "/tmp"}


def applies(settings: Sandbox, session_key: str, agent: str) -> bool:
    """Are the commands of this session boxed in?"""
    if settings.mode == "non-main":
        return session_key != main_key(agent)
    return settings.mode == "all"


def box(settings: Sandbox, workspace: Path, state: Path) -> Box:
    """The box of a workspace. Raises NoBox when there cannot be one."""
    backend = shutil.which(settings.backend)
    if backend is None:
        raise NoBox(
            f"the sandbox needs bubblewrap, and {settings.backend} is not installed here: "
            "apt install bubblewrap"
        )
    if shutil.which("prlimit", path="/usr/bin:/bin") is None:
        raise NoBox("the sandbox needs prlimit: apt install util-linux")
    real = Path(os.path.realpath(workspace))
    if Path(os.path.realpath(state)).is_relative_to(real):
        raise NoBox("the workspace holds the state folder, so a sandbox would not keep it apart")
    if len(real.parts) < 3 and str(real) != "/srv":
        raise NoBox(f"the workspace {real} is a system folder; give the agent one of its own")
    return Box(backend, real, settings.workspace)


def _limits(seconds: float) -> list[str]:
    limits = {
        "nproc": PROCESSES,
        "data": MEMORY,
        "fsize": FILE_SIZE,
        "nofile": OPEN_FILES,
        "core": 0,
        "cpu": max(1, int(seconds)),
    }
    return ["prlimit", *(f"--{name}={value}" for name, value in limits.items()), "--"]
