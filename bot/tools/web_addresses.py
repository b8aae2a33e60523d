"""Which addresses of the web may be reached, pure: what a URL says, and what its name leads to.

A name tells nothing about where it leads, so the address that is connected to is what is judged.
The standard library's `is_global` is true for NAT64, 6to4 and multicast, so what such an address
carries inside is judged in its place (IANA IPv4 and IPv6 Special-Purpose Address Registries).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from yarl import URL

from bot.errors import FetchError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL = 8000
PORTS = {"http": 80, "https": 443}

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_RESERVED: tuple[Network, ...] = (
    # What older versions of the standard library take for public.
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)
# Where clouds hand out the credentials of a machine; the first of Azure's is a public address.
_METADATA: frozenset[Address] = frozenset(
    ip_address(text)
    for text in (
        *("168.63.129.16", "169.254.169.254", "169.254.170.2", "169.254.170.23"),
        *("100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
    )
)
_METADATA_NAMES = frozenset(
    {"metadata", "metadata.goog", "metadata.google.internal", "instance-data", "instance-data.ec2"}
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What of `tools.web.allow_private` may be reached although it is private."""

    networks: tuple[Network, ...] = ()
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Allowed:
        """Networks and single addresses; what is neither is a host's name."""
        networks, names = [], set()
        for entry in entries:
            try:
                networks.append(ip_network(entry.strip().strip("[]"), strict=False))
            except ValueError:
                names.add(_encoded(plain_name(entry)))
        return cls(tuple(networks), frozenset(names))

    def covers(self, address: Address) -> bool:
        """Is the address in one of the networks? A cloud's credentials only when named alone."""
        fitting = [one for one in self.networks if address in one]
        if address in _METADATA:
            return any(one.num_addresses == 1 for one in fitting)
        return bool(fitting)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the URL as it is sent, the name without its trailing dot, the port."""

    url: URL
    host: str
    port: int


def target(text: str, base: URL | None = None) -> Target:
    """Read a URL, perhaps one relative to `base`. Raises FetchError saying what is wrong with it.

    Refused are other schemes than http and https, user names, and hosts with an interface's name.
    """
    if len(text) > MAX_URL:
        raise FetchError("the address is too long")
    if any(ord(one) <= 0x20 or ord(one) == 0x7F or one == "\\" for one in text):
        raise FetchError("the address holds blanks, control characters or backslashes")
    try:
        url = URL(text) if base is None else base.join(URL(text))
        host, port = plain_name(url.raw_host or ""), url.port
    except ValueError:
        raise FetchError(
            "this is not an address of the web; write https://example.org/page"
        ) from None
    if url.scheme not in PORTS:
        raise FetchError(
            f"only http and https addresses can be read, not {url.scheme[:20] or 'this'}"
        )
    if url.raw_user is not None or url.raw_password is not None:
        raise FetchError("an address with a user name or password is not read; leave them out")
    if not host or "%" in host or port is None:
        raise FetchError("the address names no host that can be reached")
    return Target(url, host, port)


def plain_name(host: str) -> str:
    """A host's name for comparing: lower case, without brackets and trailing dots."""
    return host.strip().lower().strip("[]").rstrip(".")


def _encoded(name: str) -> str:
    """A name as it is looked up: in the ASCII form of international names."""
    try:
        return URL.build(scheme="http", host=name).raw_host or name
    except ValueError:
        return name


def refusal(host: str, port: int, addresses: Iterable[Address], allowed: Allowed) -> str | None:
    """Why a host that leads to these addresses may not be reached; None when it may.

    One bad address among good ones is enough: which of them is connected to is chance. What is
    allowed by name or network may have any port, everything else the web's two.
    """
    exempt = host in allowed.names
    if host in _METADATA_NAMES and not exempt:
        return f"{host} gives out credentials of this machine and is never read"
    found = list(addresses)
    if not found:
        return f"{host} has no address"
    if exempt or all(allowed.covers(one) for one in found):
        return None
    if not all(allowed.covers(one) or is_public(one) for one in found):
        return f"{host} leads to a private or reserved address, which is not read"
    if port not in PORTS.values():
        return f"port {port} is not read; only 80 and 443 are"
    return None


def is_public(address: Address) -> bool:
    """Does an address belong to the public internet, whatever it is wrapped in?"""
    inner = _carried(address)
    if inner is not None:
        return all(is_public(one) for one in inner)
    if address in _METADATA or any(address in one for one in _RESERVED):
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _carried(address: Address) -> tuple[IPv4Address, ...] | None:
    """The IPv4 addresses inside an IPv6 one: mapped, NAT64, 6to4, Teredo (server and client)."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo
