"""A PostgreSQL for tests: their own, made in a temporary folder, and a database for each test.

`TRUNKLINE_TEST_PG` names another server, by the address of a database where one may create others;
`none` leaves these tests out.
"""

import atexit
import functools
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from bot.store.shared import open_shared

RUNNING = "postgresql://root@127.0.0.1:5432/postgres"
HOW = (
    "no PostgreSQL for these tests: install its server (Debian: apt install postgresql), or start "
    "one with: docker run -d -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres:15 "
    "and set TRUNKLINE_TEST_PG=postgresql://postgres@127.0.0.1:5432/postgres"
)
_FOLDERS = ("/usr/lib/postgresql/*/bin/{}", "/usr/pgsql-*/bin/{}")
_TEMPLATE = "trunkline_template"


def _binary(name: str) -> str | None:
    if found := shutil.which(name):
        return str(Path(found).resolve())
    places = (place for one in _FOLDERS for place in Path("/").glob(one.format(name)[1:]))
    return next(map(str, places), None)


class Server:
    """A server of our own, which can be stopped and started again.

    `settings` are words for the server beside its defaults, `-c name=value`.
    """

    def __init__(self, settings: str = "") -> None:
        self._settings = settings
        self._initdb, self._pg_ctl = _binary("initdb"), _binary("pg_ctl")
        assert self._initdb and self._pg_ctl
        self.folder = Path(tempfile.mkdtemp(prefix="trunkline-pg-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        if os.getuid() == 0:  # the server refuses to run as root
            shutil.chown(self.folder, "postgres")
        self._run(self._initdb, "-A", "trust", "-U", "root", "-E", "UTF8", "--locale", "C.UTF-8")
        self.start()
        atexit.register(self.remove)

    @property
    def url(self) -> str:
        return f"postgresql://root@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c max_connections=200"
        options = f"{options} {self._settings}"
        self._run(self._pg_ctl, "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run(self._pg_ctl, "-w", "-m", "immediate", "stop")

    def remove(self) -> None:
        atexit.unregister(self.remove)
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str | None, *words: str) -> None:
        assert program is not None
        whose = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*whose, program, "-D", str(self.folder / "data"), *words]
        done = subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
        )
        assert done.returncode == 0, command


@functools.cache
def own_server() -> Server | None:
    """A server that only these tests use; None where the programs are not installed."""
    return Server() if _binary("initdb") and _binary("pg_ctl") else None


@functools.cache
def server_url() -> str | None:
    """The address of a server where databases may be made, None where there is none."""
    if named := os.environ.get("TRUNKLINE_TEST_PG"):
        return named
    if own := own_server():
        return own.url
    try:
        psycopg.connect(RUNNING, connect_timeout=3).close()
    except psycopg.Error:
        return None
    return RUNNING


def needed() -> str:
    """The server's address; without one the test is skipped, or fails where CI is set."""
    if os.environ.get("TRUNKLINE_TEST_PG") == "none":
        pytest.skip("only the embedded engine is tested")
    url = server_url()
    if url is None and os.environ.get("CI"):
        pytest.fail(HOW)
    if url is None:
        pytest.skip(HOW)
    return url


def named(url: str, database: str) -> str:
    return url.rpartition("/")[0] + "/" + database


def run(url: str, text: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))


@functools.cache
def _template(url: str) -> str:
    name = f"{_TEMPLATE}_{secrets.token_hex(4)}"
    run(url, "CREATE DATABASE {}", name)
    open_shared(named(url, name))
    run(named(url, name), "CREATE TABLE things(key TEXT PRIMARY KEY, n BIGSERIAL)")
    atexit.register(_drop, url, name)
    return name


def _drop(url: str, name: str) -> None:
    try:
        run(url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    except psycopg.OperationalError:
        assert own_server() is not None, "only our own server may be gone before its databases"


@contextmanager
def database(*, empty: bool = False) -> Iterator[str]:
    """The address of a database that is made for a test: a Trunkline store with a table `things`.

    With `empty` there is nothing in it.
    """
    url = needed()
    name = f"trunkline_{secrets.token_hex(6)}"
    if empty:
        run(url, "CREATE DATABASE {}", name)
    else:
        run(url, "CREATE DATABASE {} TEMPLATE {}", name, _template(url))
    try:
        yield named(url, name)
    finally:
        _drop(url, name)
