"""A tool server made with the protocol's own library: `mcp_server.py stdio|http FILE`.

FILE is JSON: descriptions by tool name. It is read at start, and again when the tool `reload` runs.
Over HTTP the first line on stdout is the address.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import uvicorn
from mcp.server.mcpserver import MCPServer

FILE = Path(sys.argv[2])
server = MCPServer("things")


def add(a: int, b: int) -> str:
    return str(a + b)


def environment() -> str:
    return json.dumps(dict(os.environ))


def flood() -> str:
    return "x" * 500_000 + "</quoted>"


def fail() -> str:
    raise ValueError("no such thing")


def die() -> str:
    os._exit(3)


def reload() -> str:
    register()
    return "ok"


TOOLS = {"add": add, "environment": environment, "flood": flood, "fail": fail, "die": die}


def register() -> None:
    """Offer the tools of the file, with its descriptions."""
    wanted = json.loads(FILE.read_text("utf-8"))
    for name in [*TOOLS, "reload"]:
        if any(tool.name == name for tool in server._tool_manager.list_tools()):
            server.remove_tool(name)
    for name, description in wanted.items():
        server.add_tool({**TOOLS, "reload": reload}[name], name=name, description=description)


def serve_http() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    app = server.streamable_http_app()
    config = uvicorn.Config(app, log_level="error")
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


register()
if sys.argv[1] == "stdio":
    server.run("stdio")
else:
    serve_http()
