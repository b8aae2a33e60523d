"""Machines of their own: network namespaces of Linux, with links to this one that can be cut.

Each has one link to the database and one to the platforms. A link that is cut drops every packet
and answers none, as a pulled cable or a dead switch does: nobody is told that a connection ended.
"""

import itertools
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

import pytest

Link = Literal["database", "platform"]
LINKS: tuple[Link, ...] = ("database", "platform")
# Addresses for tests of networks (RFC 2544), which no other network has.
_NETS = itertools.cycle(range(os.getpid() % 250, os.getpid() % 250 + 250))


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def needed() -> None:
    """Skip where no network can be made: that takes Linux, iproute2, and the rights of root."""
    if shutil.which("ip") is None:
        lacking = "iproute2 is not installed (Debian: apt install iproute2)"
        if os.environ.get("CI"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    name = f"tl{secrets.token_hex(3)}"
    try:
        _ip("netns", "add", name)
        _ip("link", "add", name, "type", "veth", "peer", "name", f"{name}p")
        _ip("link", "delete", name)
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip()
        pytest.skip(f"cutting hosts apart takes root and network namespaces; here ip says: {said}")
    finally:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


class Host:
    """A machine. `inside` begins a command that runs there; its own address there by each link."""

    def __init__(self, net: str, number: int, services: dict[Link, str]) -> None:
        self._name = f"tl{secrets.token_hex(3)}"
        self.inside = ("ip", "netns", "exec", self._name)
        self.address: dict[Link, str] = {}
        self._nets: list[str] = []
        _ip("netns", "add", self._name)
        _ip("-n", self._name, "link", "set", "lo", "up")
        for at, link in enumerate(LINKS):
            self._connect(link, net, 16 + 8 * number + 4 * at, services[link])

    def _connect(self, link: Link, net: str, first: int, service: str) -> None:
        """Make a link of the four addresses from `first`."""
        ours, theirs, four = f"{net}.{first + 1}", f"{net}.{first + 2}", f"{net}.{first}/30"
        here, there = f"{self._name}{link[0]}", f"{self._name}{link[0]}p"
        _ip("link", "add", here, "type", "veth", "peer", "name", there)
        _ip("link", "set", there, "netns", self._name)
        _ip("address", "add", f"{ours}/30", "dev", here)
        _ip("link", "set", here, "up")
        _ip("-n", self._name, "address", "add", f"{theirs}/30", "dev", there)
        _ip("-n", self._name, "link", "set", there, "up")
        _ip("-n", self._name, "route", "add", service, "via", ours)
        # While the link is down, what goes there must not look for another way.
        _ip("route", "add", "blackhole", four, "metric", "9999")
        self.address[link] = theirs
        self._nets.append(four)

    def cut(self, *links: Link) -> None:
        """From now on no packet comes through, and nobody is told."""
        for link in links:
            _ip("link", "set", f"{self._name}{link[0]}", "down")

    def heal(self) -> None:
        for link in LINKS:
            _ip("link", "set", f"{self._name}{link[0]}", "up")

    def remove(self) -> None:
        for four in self._nets:
            _ip("route", "delete", "blackhole", four)
        for link in LINKS:
            _ip("link", "delete", f"{self._name}{link[0]}")
        _ip("netns", "delete", self._name)


class Network:
    """Addresses for the database and for the platforms, and machines that reach each by a link."""

    def __init__(self, net: str) -> None:
        self._net = net
        self.services: dict[Link, str] = {"database": f"{net}.1", "platform": f"{net}.2"}
        self._left = ExitStack()
        for number, address in enumerate(self.services.values()):
            _ip("address", "add", f"{address}/32", "dev", "lo", "label", f"lo:{number}")
            self._left.callback(_ip, "address", "delete", f"{address}/32", "dev", "lo")
        self._hosts = itertools.count()

    def host(self) -> Host:
        made = Host(self._net, next(self._hosts), self.services)
        self._left.callback(made.remove)
        return made

    def close(self) -> None:
        self._left.close()


@contextmanager
def network() -> Iterator[Network]:
    needed()
    made = Network(f"198.18.{next(_NETS) % 250 + 1}")
    try:
        yield made
    finally:
        made.close()
