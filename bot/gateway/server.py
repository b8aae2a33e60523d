"""The gateway as a server: its port, its routes, its start and stop."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from pathlib import Path

import structlog
from aiohttp import web

from bot.config.settings import Gateway as Options
from bot.errors import ConfigError, ListenError
from bot.gateway import openai_api, tracing, uploads_http, webhooks
from bot.gateway.answers import error_answer, harden, on_prepare, shield
from bot.gateway.auth import Auth
from bot.gateway.guard import MAX_BODY, Guard, check_bind
from bot.gateway.metrics import add as add_metrics
from bot.gateway.routes import Routes
from bot.gateway.rpc import Methods
from bot.gateway.services import Site
from bot.gateway.socket import Sockets
from bot.roles import Role

log = structlog.get_logger("gateway")

_IDLE = 75.0
_LINGER = 5.0
_NEXT_PORTS = 50


class _Protocol(web.RequestHandler):
    """The library's connection, except that what is no HTTP gets an answer like every other."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500:
            log.error("connection failed", peer=request.remote, exc_info=exc)
        answer = error_answer(status, "INVALID_PARAMS" if status < 500 else "INTERNAL", "bad HTTP")
        harden(answer.headers)
        answer.force_close()
        return answer


class Gateway:
    """Serves the page, the socket and webhooks. `token` is what signs in.

    In a process whose role has no pages, only what others ask of it: health, figures, webhooks.
    """

    def __init__(
        self,
        options: Options,
        token: str,
        site: Site,
        methods: Methods,
        role: Role | None = None,
    ) -> None:
        self._options = options
        self._token = token
        self._site = site
        self._methods = methods
        self._role = role or Role()
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._sockets: Sockets | None = None
        self._auth: Auth | None = None
        self.url = ""

    async def start(self, host: str | None = None, port: int | None = None) -> str:
        """Listen (port 0: a free one) and serve; the base URL with the real port.

        Raises ConfigError for settings that are not safe or not readable, ListenError when the port
        cannot be had.
        """
        options = self._options
        host, port = host or options.host, options.port if port is None else port
        tls = _tls_context(options.tls.cert, options.tls.key)
        if self._role.serves:
            check_bind(host, options.allowed_hosts, options.trusted_proxies, tls is not None)
        listener = listen(host, port)
        try:
            port = listener.getsockname()[1]
            await self._serve(listener, port, tls)
        except BaseException:
            listener.close()
            raise
        self.url = f"{'https' if tls else 'http'}://{_shown(host)}:{port}"
        return self.url

    async def _serve(self, listener: socket.socket, port: int, tls: ssl.SSLContext | None) -> None:
        options, site = self._options, self._site
        guard = Guard(
            *(port, tls is not None, options.allowed_hosts, options.trusted_proxies),
            probed=not self._role.serves,
        )
        auth = self._auth = Auth(self._token, guard, site.browsers, site.clock)
        sockets = Sockets(auth, self._methods, site.hub, site.views, site.clock, site.nodes)
        app = web.Application(middlewares=[shield, guard.middleware], client_max_size=MAX_BODY)
        app.on_response_prepare.append(on_prepare)
        self.routes(app, auth, sockets)
        runner = self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
        await runner.setup()
        manager = runner.server
        assert manager is not None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Protocol(
                manager,
                loop=loop,
                access_log=None,  # type: ignore[arg-type]  # no log is what it means by None
                keepalive_timeout=_IDLE,
                lingering_time=_LINGER,
            ),
            sock=listener,
            ssl=tls,
        )
        self._sockets = sockets
        sockets.start()

    def routes(self, app: web.Application, auth: Auth, sockets: Sockets) -> None:
        """Register everything that answers."""
        routes, core = Routes(auth, self._site), self._site.core
        if self._role.serves:
            routes.add(app, sockets.handle)
        else:
            routes.health(app)
            if self._role.receives:
                routes.hooks(app)
        if core is not None:
            ways = (openai_api.add, webhooks.add, uploads_http.add) if self._role.serves else ()
            for add in (*ways, add_metrics, tracing.add):
                add(app, core, auth)

    def login_url(self) -> str:
        """A link that signs a browser in: once, within a minute."""
        assert self._auth is not None
        return f"{self.url}/login?code={self._auth.issue_code()}"

    async def stop(self) -> None:
        """Accept nobody new, say goodbye on the sockets, close."""
        if self._server is not None:
            self._server.close()
        if self._sockets is not None:
            await self._sockets.stop()
        if self._runner is not None:
            await self._runner.cleanup()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ListenError, with the next free port when this one is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family, backlog=256)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            reason = error.strerror or str(error)
            raise ListenError(f"cannot listen on {host}:{port}: {reason}") from error
    free = next((one for one in range(port + 1, port + _NEXT_PORTS) if _free(host, one)), 0)
    raise ListenError(
        f"port {port} on {host} is taken; stop what uses it, or run: trunkline up --port {free}"
    )


def _free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host.strip("[]"), port), family=family).close()
    except (OSError, OverflowError):
        return False
    return True


def _shown(host: str) -> str:
    """A host as a browser on this machine can open it."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _tls_context(cert: str | None, key: str | None) -> ssl.SSLContext | None:
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise ConfigError(["gateway.tls: cert and key belong together; set both or none"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(Path(cert).expanduser(), Path(key).expanduser())
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"gateway.tls: cannot use {cert} with {key}: {error}"]) from error
    return context
