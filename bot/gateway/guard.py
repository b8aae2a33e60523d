"""First in the chain: what reaches the gateway at all. No address is trusted, local ones included.

A page in the operator's own browser can reach a loopback port, so a request must name a host of
ours (DNS rebinding), come from our own pages when a browser sends it (CSRF, socket hijacking), and
carry a content type that no foreign form can send.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import structlog
from aiohttp import web

from bot.errors import ConfigError
from bot.gateway.answers import Handler, error_answer

log = structlog.get_logger("gateway")

MAX_BODY = 1 << 20
# Where files come in: routes that read their bodies piece by piece, after signing in.
LARGER = {"/uploads": 25 << 20, "/v1/chat/completions": 8 << 20}
# What works without scripts: its forms have no other type.
FORMS = ("/login", "/repair")
# Asked by probes and load balancers, which name the address that they found.
HEALTH = ("/healthz", "/readyz")
COOKIE = "trunkline"

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::([0-9]{1,5}))?")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"

Network = IPv4Network | IPv6Network
Refusal = tuple[int, str, str]


def is_loopback(host: str) -> bool:
    """Does only this machine reach a listener on this host?"""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_bind(host: str, hosts: Sequence[str], proxies: Sequence[str], tls: bool) -> None:
    """A bind that other machines reach must say its names. Raises ConfigError with what to set.

    Without TLS or a named proxy it is warned of: whoever shares the network could read along.
    """
    if is_loopback(host):
        return
    if not hosts:
        raise ConfigError(
            [f"gateway.allowed_hosts: empty, and {host} is open to others; name the page's hosts"]
        )
    if not tls and not proxies:
        log.warning(
            f"the gateway listens on {host} without TLS; set gateway.tls, "
            "or gateway.trusted_proxies to the proxy that serves HTTPS"
        )


class Guard:
    """Judges requests by their head alone. Raises ConfigError for a host or proxy it cannot read.

    `port` is the one really bound. `probed`: health is told under any name, in a process that has
    nothing else to show to a browser.
    """

    def __init__(
        self,
        port: int,
        tls: bool = False,
        hosts: Sequence[str] = (),
        proxies: Sequence[str] = (),
        probed: bool = False,
    ) -> None:
        self.port = port
        self._probed = probed
        self._tls = tls
        self._proxies = [_network(proxy) for proxy in proxies]
        self._hosts = {(name, port) for name in _LOOPBACK}
        for entry in hosts:
            name, given = _entry(entry)
            self._hosts |= {(name, one) for one in ((given,) if given else (port, 80, 443))}

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if refused := self.judge(request):
            return error_answer(*refused)
        return await handler(request)

    def judge(self, request: web.BaseRequest) -> Refusal | None:
        """Why a request is refused, as status, code and sentence; None when it may pass."""
        probe = self._probed and request.rel_url.path in HEALTH
        if not probe and not self._known_host(request):
            return 404, "NOT_FOUND", "not found"
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            return 403, "FORBIDDEN", "other sites may not call this one; open it directly"
        unsafe = request.method not in _SAFE
        if (unsafe or _wants_socket(request)) and not self._own_origin(request):
            return 403, "FORBIDDEN", "this origin may not do this; use the page's own address"
        if unsafe and not _type_fits(request):
            return 415, "INVALID_PARAMS", f"send the content type {_JSON}"
        most = LARGER.get(request.rel_url.path, MAX_BODY)
        if (request.content_length or 0) > most:
            return 413, "TOO_LARGE", f"a body is at most {most} bytes"
        return None

    def https(self, request: web.BaseRequest) -> bool:
        """Did the browser use HTTPS, to us or to a proxy that we trust?"""
        return self._tls or self._forwarded_proto(request) == "https"

    def source(self, request: web.BaseRequest) -> str:
        """Who asks, for counting failures: the peer, or whom a trusted proxy names."""
        peer = request.remote or "unknown"
        if not self._trusted(peer):
            return peer
        chain = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
        named = [hop.strip() for hop in chain if hop.strip()]
        return next((hop for hop in reversed(named) if not self._trusted(hop)), peer)[:64]

    def _known_host(self, request: web.BaseRequest) -> bool:
        hosts = request.headers.getall("Host", ())
        # A request line with a whole address would overrule the Host header.
        if len(hosts) != 1 or not request.raw_path.startswith("/"):
            return False
        found = _AUTHORITY.fullmatch(hosts[0].lower())
        if found is None:
            return False
        port = int(found[2]) if found[2] else 443 if self.https(request) else 80
        return (found[1], port) in self._hosts

    def _own_origin(self, request: web.BaseRequest) -> bool:
        """Only our own pages may act; a program that is no browser names no origin."""
        origins = request.headers.getall("Origin", ())
        if not origins:
            return not _is_browser(request)
        host = request.headers["Host"].lower()
        scheme, _, authority = origins[0].lower().partition("://")
        if len(origins) != 1 or authority != host:
            return False
        if self._tls or self._forwarded_proto(request):
            return scheme == ("https" if self.https(request) else "http")
        # Without a port in Host the default one was used, perhaps a tunnel's on this machine.
        return scheme == "http" or (scheme == "https" and _AUTHORITY.sub(r"\2", host) == "")

    def _forwarded_proto(self, request: web.BaseRequest) -> str:
        if not self._proxies or not self._trusted(request.remote or ""):
            return ""
        return request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()

    def _trusted(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)


def _entry(text: str) -> tuple[str, int | None]:
    found = _AUTHORITY.fullmatch(text.strip().lower())
    if found is None:
        raise ConfigError(
            [f"gateway.allowed_hosts: {text!r} is not a host; write bot.example.org or host:8443"]
        )
    return found[1], int(found[2]) if found[2] else None


def _network(text: str) -> Network:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        raise ConfigError(
            [f"gateway.trusted_proxies: {text!r} is not an address or a network like 10.0.0.0/8"]
        ) from None


def _wants_socket(request: web.BaseRequest) -> bool:
    return request.rel_url.path == "/ws" or "Upgrade" in request.headers


def _is_browser(request: web.BaseRequest) -> bool:
    """A sign of a browser: then its missing Origin is an attack or a fault, never a program."""
    headers = request.headers
    return (
        any(name.lower().startswith("sec-fetch-") for name in headers)
        or headers.get("User-Agent", "").startswith("Mozilla/")
        or any(COOKIE in name for name in request.cookies)
    )


def _type_fits(request: web.BaseRequest) -> bool:
    """JSON everywhere; forms of pages without scripts; webhooks and files send their own."""
    path = request.rel_url.path
    if path.startswith("/channels/") or path == "/uploads":
        return True
    return request.content_type == _JSON or (path in FORMS and request.content_type == _FORM)
