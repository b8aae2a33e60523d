"""A workspace on a real file system with secrets beside it, and the file tools of a run."""

import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.config.load import load_text
from bot.config.settings import Config
from bot.context.memory import Scope
from bot.contract import Address, Author, Message, Ref
from bot.tools.files import Files, file_tools
from bot.types import Session, ToolContext, ToolResult, Turn
from bot.workspace import Workspaces

SECRET = "the-secret-4f7a"
CONFIG = """
agents: [{id: main}, {id: other}, {id: third, workspace: "%s"}]
"""


def context(**more: Any) -> ToolContext:
    """What a tool is told of a run of the agent main."""
    address = Address("webchat", "webchat", "main")
    at = datetime(2026, 1, 2, tzinfo=UTC)
    message = Message(Ref(address, "1"), Author("operator", "O"), "hi", at, "direct")
    session = Session("s1", "agent:main:main", "main", "Main")
    turn = Turn("r1", session.key, 1, session, (1,), message, "operator", None, 0.0)
    return ToolContext(turn, "demo/demo", lambda _: None, {}, owner=True, **more)


class Place:
    """`top/state` with the agents' folders, `top/outside` with secrets, `top/config.yaml`."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.state = top / "state"
        self.outside = top / "outside"
        self.state.mkdir(mode=0o700)
        self.outside.mkdir()
        (self.outside / "secret").write_text(SECRET)
        (self.outside / "deep").mkdir()
        (self.outside / "deep" / "secret").write_text(SECRET)
        (self.state / "token").write_text(SECRET)
        self.file = top / "config.yaml"
        self.file.write_text(CONFIG % (top / "third"))
        self.config: Config = load_text(self.file.read_text(), str(self.file), {}, {})
        self.workspaces = Workspaces(self.state, lambda: self.config)
        self.root = self.workspaces.ensure("main")
        other = self.workspaces.ensure("other")
        (other / "secret").write_text(SECRET)
        self.skills: list[Path] = []
        self.scope = Scope("memory", True)
        files = Files(self.workspaces.folder, lambda _: self.skills, lambda *_: self.scope)
        self.tools = {tool.name: tool for tool in file_tools(files)}
        self.files = files

    async def call(self, tool: str, args: Mapping[str, Any], **more: Any) -> ToolResult:
        return await self.tools[tool].run(args, context(**more))

    def furnish(self) -> None:
        """Everything that a workspace could be laid with to lead out of it."""
        root, outside = self.root, self.outside
        (root / "a.txt").write_text("inside\n")
        (root / "sub" / "deeper").mkdir(parents=True)
        (root / "sub" / "b.txt").write_text("inside\n")
        links = {
            "to-file": outside / "secret",
            "to-folder": outside,
            "to-parent": Path(".."),
            "to-root": Path("/"),
            "to-state": self.state,
            "to-token": self.state / "token",
            "to-config": self.file,
            "to-proc": Path("/proc/self/cwd"),
            "to-fd": Path("/proc/self/fd"),
            "to-inside": Path("a.txt"),
            "to-sub": Path("sub"),
            "to-itself": Path("to-itself"),
            "to-nothing": outside / "new",
            "sub/up": Path("../.."),
            "sub/to-file": outside / "secret",
            "sub/deeper/chain": Path("../up"),
        }
        for name, target in links.items():
            (root / name).symlink_to(target)
        os.link(outside / "secret", root / "hard")
        os.link(outside / "secret", root / "sub" / "hard")
        os.mkfifo(root / "pipe")
        self.socket = socket.socket(socket.AF_UNIX)
        short = os.open(root, os.O_RDONLY)
        try:
            self.socket.bind(f"/proc/self/fd/{short}/sock")
        finally:
            os.close(short)

    def close(self) -> None:
        if hasattr(self, "socket"):
            self.socket.close()

    def snapshot(self) -> dict[str, tuple[int, int, bytes]]:
        """Everything outside the workspace: kind, links and bytes."""
        found = {}
        for path in sorted(self.top.rglob("*")):
            if self.root in (path, *path.parents) or path == self.root:
                continue
            about = path.lstat()
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[str(path)] = (about.st_mode, about.st_size * path.is_file(), data)
        return found
