"""The socket's language, pure: read requests, check parameters, write responses and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from bot import __version__
from bot.errors import RequestError
from bot.jsonio import dumps, loads

PROTOCOL = 1
MAX_FRAME = 2 << 20
MAX_FIRST_FRAME = 64 << 10
TICK = 15.0
EVENTS = (
    *("agent", "chat", "sessions.changed", "tasks.changed", "approval.requested"),
    *("approval.resolved", "channel.status", "pairing.requested", "tick", "shutdown"),
    *("node.invoke", "agents.changed"),
)

_ID_LENGTH = 128
_SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a parameter",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}

FrameId = str | int | None


class Params(BaseModel):
    """Parameters of a method: camelCase on the wire, nothing converted, nothing unknown."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=False,
        hide_input_in_errors=True,
        # A validator is built when its method is first asked: all of them take 12 MB.
        defer_build=True,
    )


P = TypeVar("P", bound=Params)


class ClientInfo(Params):
    """What a client calls itself."""

    id: str = ""
    version: str = ""


class Credential(Params):
    """How a client signs in, unless its cookie or header does."""

    token: str | None = None


class NodeInfo(Params):
    """What a node says it is; `commands` are the names of what it can be asked to do."""

    id: Annotated[str, Field(pattern=r"^[\w.:@-]{1,64}$")]
    name: Annotated[str, Field(min_length=1, max_length=64)]
    commands: Annotated[
        list[Annotated[str, Field(pattern=r"^[\w.:/-]{1,64}$")]], Field(max_length=100)
    ]


class Connect(Params):
    """The first request of a socket; `node` with the role node."""

    protocol: Literal[1]
    client: ClientInfo = ClientInfo()
    role: Literal["operator", "node"] = "operator"
    node: NodeInfo | None = None
    caps: list[str] = []
    auth: Credential = Credential()


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; `params` is checked by the method."""

    id: FrameId
    method: str
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)

    known: ClassVar[frozenset[str]] = frozenset({"type", "id", "method", "params"})


class BadFrame(Exception):
    """A frame that is no request; `id` is the request's, as far as it could be read."""

    def __init__(self, id: FrameId, message: str) -> None:
        super().__init__(message)
        self.id = id

    @property
    def error(self) -> RequestError:
        return RequestError("INVALID_PARAMS", str(self))


def parse(text: str) -> Request:
    """Read a request. Raises BadFrame with a sentence that never repeats the content."""
    try:
        frame = loads(text, max_bytes=MAX_FRAME)
    except ValueError as error:
        raise BadFrame(None, str(error)) from None
    if not isinstance(frame, dict):
        raise BadFrame(None, "a frame is a JSON object")
    id = frame.get("id")
    if isinstance(id, bool) or not isinstance(id, str | int) or len(str(id)) > _ID_LENGTH:
        raise BadFrame(None, f"id must be text of at most {_ID_LENGTH} characters")
    if frame.get("type") != "req":
        raise BadFrame(id, 'type must be "req"')
    method, params = frame.get("method"), frame.get("params", {})
    if not isinstance(method, str):
        raise BadFrame(id, "method must be text")
    if not isinstance(params, dict):
        raise BadFrame(id, "params must be an object")
    if unknown := frame.keys() - Request.known:
        raise BadFrame(id, f"a frame has no {min(unknown)[:40]!r}")
    return Request(id, method, params)


def check(model: type[P], params: Mapping[str, Any]) -> P:
    """Parameters as a method's model. Raises RequestError that names the field and the rule."""
    try:
        return model.model_validate(params)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
    fields = [_field(problem["loc"]) for problem in problems]
    known = [info.alias or name for name, info in model.model_fields.items()]
    first = _sentence(fields[0], problems[0]["type"], problems[0]["msg"], known)
    raise RequestError("INVALID_PARAMS", first, {"field": fields[0], "fields": fields})


def response(id: FrameId, payload: Mapping[str, Any]) -> str:
    return dumps({"type": "res", "id": id, "ok": True, "payload": payload})


def failure(id: FrameId, error: RequestError) -> str:
    body = {
        "code": error.code,
        "message": str(error),
        "details": error.details,
        "retryable": error.retryable,
    }
    return dumps({"type": "res", "id": id, "ok": False, "error": body})


def event(name: str, seq: int, payload: Mapping[str, Any]) -> str:
    """An event frame; its `seq` counts this client's events, the payload's counts the run's."""
    return dumps({"type": "event", "event": name, "seq": seq, "payload": payload})


def hello(methods: Sequence[str], **more: Any) -> dict[str, Any]:
    """The payload that answers `connect`."""
    return {
        **more,
        "protocol": PROTOCOL,
        "server": {"version": __version__},
        "policy": {"maxPayload": MAX_FRAME, "tickIntervalMs": int(TICK * 1000)},
        "methods": list(methods),
        "events": list(EVENTS),
    }


def _field(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:60] for part in place) or "params"


def _sentence(field: str, kind: str, message: str, known: Sequence[str]) -> str:
    plain = message.removeprefix("Value error, ").replace("Input should be", "must be")
    said = _SENTENCES.get(kind) or plain
    near = get_close_matches(field, known, 1) if kind == "extra_forbidden" else []
    return f"{field} {said}" + (f"; did you mean {near[0]}?" if near else "")
