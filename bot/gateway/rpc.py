"""Methods by name: each with its parameters and help, called the same with or without a socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import structlog

from bot.errors import RequestError, RunError, StoreError
from bot.gateway.frames import Params, check

log = structlog.get_logger("rpc")

S = TypeVar("S")
P = TypeVar("P", bound=Params)
Json = Mapping[str, Any]


class Client(Protocol):
    """Who calls. `by_token`: it knows the token itself, not only a browser's cookie."""

    @property
    def role(self) -> str: ...

    @property
    def caps(self) -> frozenset[str]: ...

    @property
    def by_token(self) -> bool: ...

    @property
    def node(self) -> str | None:
        """Which node this is, None for an operator."""
        ...


@dataclass(frozen=True, slots=True)
class Method:
    """One method. `waits`: it may take long, so its client's later requests do not wait for it.

    `role`: who may call it.
    """

    name: str
    params: type[Params]
    help: str
    run: Callable[[Any, Client, Any], Awaitable[Json]]
    waits: bool = False
    role: str = "operator"


def method(
    name: str, params: type[P], *, help: str, waits: bool = False, role: str = "operator"
) -> Callable[[Callable[[S, Client, P], Awaitable[Json]]], Method]:
    """Make a method of `async def f(services, client, params) -> payload`."""
    return lambda run: Method(name, params, help, run, waits, role)


class Methods:
    """A table of methods over the services they need; the same with or without a socket."""

    def __init__(self, services: Any, methods: Iterable[Method]) -> None:
        self._services = services
        self._methods: dict[str, Method] = {}
        for one in methods:
            if one.name in self._methods:
                raise ValueError(f"the method {one.name} is registered twice")
            self._methods[one.name] = one

    @property
    def names(self) -> list[str]:
        return sorted(self._methods)

    def names_for(self, role: str) -> list[str]:
        """What clients of a role may call."""
        return [name for name in self.names if self._methods[name].role == role]

    def waits(self, name: str) -> bool:
        return name in self._methods and self._methods[name].waits

    async def call(self, client: Client, name: str, params: Json) -> Json:
        """Run a method. Raises RequestError and nothing else; what went wrong inside is logged."""
        found = self._methods.get(name)
        if found is None:
            near = get_close_matches(name[:80], self._methods, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise RequestError("UNKNOWN_METHOD", f"there is no method {name[:80]!r}{hint}")
        if client.role != found.role:
            raise RequestError("FORBIDDEN", f"{name} is for the role {found.role}")
        checked = check(found.params, params)
        try:
            return await found.run(self._services, client, checked)
        except RequestError:
            raise
        except RunError as error:
            raise RequestError(error.code, str(error)) from error
        except StoreError as error:
            raise RequestError("UNAVAILABLE", str(error), retryable=True) from error
        except Exception as error:
            number = uuid4().hex[:8]
            log.exception("method failed", method=name, id=number)
            said = f"something went wrong; the log has it as {number}"
            raise RequestError("INTERNAL", said, {"id": number}) from error
