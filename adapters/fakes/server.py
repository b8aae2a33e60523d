"""What every local platform is: a server here that notes its calls and fails on request."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

from aiohttp import web

_CONTROL = "/_control/"


@dataclass(slots=True, kw_only=True)
class Fault:
    """What the next `times` calls of a name meet instead of, or after, being done.

    `status` answers with an error; `cut` drops the connection `before` or `after` the call is done;
    `hang` never answers; `body` is answered as it is, under `status` or 200.
    """

    status: int = 0
    cut: Literal["", "before", "after"] = ""
    hang: bool = False
    body: str | None = None
    times: int = 1


F = TypeVar("F", bound=Fault)


class Cut(Exception):
    """The connection is dropped; there is nobody to answer."""


class FakeServer(Generic[F]):
    """`start` before use, `stop` after; or `async with`. `base_url` says where it is.

    `named` is what a call's name is called in the control API, which every server has below
    `/_control/`: `fail`, `wait`, and what `_steer` adds.
    """

    named: ClassVar[str] = "name"

    def __init__(self, fault: type[F]) -> None:
        self.base_url = ""
        self.calls: list[Any] = []
        self._kind = fault
        self._faults: dict[str, list[F]] = {}
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        self._runner = web.ServerRunner(
            web.Server(self._receive, access_log=None), shutdown_timeout=0.1
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve; port 0 is a free one."""
        self._located(await self._serve(host, port))

    async def stop(self) -> None:
        """Close every connection."""
        self._stopped.set()
        await self._runner.cleanup()

    async def _serve(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> str:
        """Begin to listen; where, as host:port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=tls).start()
        host, port = self._runner.addresses[0][:2]
        return f"{host}:{port}"

    def _located(self, where: str) -> None:
        """Take note of where this server is."""
        self.base_url = f"http://{where}"

    def fail(self, name: str, **fault: Any) -> None:
        """Let the next calls of a name fail; see the platform's Fault."""
        self._faults.setdefault(name, []).append(self._kind(**fault))

    def heal(self) -> None:
        """Let no call fail any more."""
        self._faults.clear()

    async def wait_for(self, predicate: Callable[[], object], timeout: float = 30.0) -> None:
        """Return once the predicate holds; it is asked after each change. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not predicate():
                self._changed.clear()
                await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()

    async def _receive(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(_CONTROL):
            return await self._control(request.path.removeprefix(_CONTROL), request)
        try:
            return await self._handle(request)
        except (Cut, ConnectionResetError):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        finally:
            self._wake()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as the platform does. Raises Cut."""
        raise NotImplementedError

    def _fault(self, name: str) -> F | None:
        """What a call of this name meets, if anything."""
        faults = self._faults.get(name)
        if not faults:
            return None
        faults[0].times -= 1
        return faults.pop(0) if faults[0].times <= 0 else faults[0]

    async def _met(self, name: str) -> F:
        """What this call meets, once it has got past the beginning. Raises Cut."""
        fault = self._fault(name) or self._kind()
        if fault.hang:
            await self._stopped.wait()
        if fault.cut == "before":
            raise Cut
        return fault

    async def _control(self, verb: str, request: web.BaseRequest) -> web.Response:
        body = json.loads(await request.read() or b"{}")
        if verb == "wait":
            return answered(await self._awaited(request.query))
        if verb == "fail":
            self.fail(body.pop(self.named), **body)
            return answered({"ok": True})
        done = await self._steer(verb, body)
        return web.Response(status=404) if done is None else answered(done)

    async def _steer(self, verb: str, body: dict[str, Any]) -> Any:
        """What another process may see or make happen; None for a verb that is not known."""
        raise NotImplementedError

    def _count(self, name: str) -> int:
        """How many calls of a name were made, of all without one."""
        return sum(name.lower() in ("", getattr(call, self.named).lower()) for call in self.calls)

    async def _awaited(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Wait until so many calls (of one name) were made; `reached` says whether in time."""
        wanted, name = int(query["count"]), query.get(self.named, "")
        reached = True
        try:
            seconds = float(query.get("timeout", "30"))
            await self.wait_for(lambda: self._count(name) >= wanted, seconds)
        except TimeoutError:
            reached = False
        return {"reached": reached, "count": self._count(name)}


def answered(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON answer, without a charset as the platforms give it."""
    body = json.dumps(value, default=str).encode()
    kind = {"Content-Type": "application/json"}
    return web.Response(status=status, body=body, headers={**kind, **(headers or {})})
