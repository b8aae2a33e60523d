"""What a chat completion asks for, pure: read and checked, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from bot.errors import RequestError
from bot.gateway.uploads import MAX_FILES, FileParam
from bot.types import Thinking

MOST = 2000
_EFFORT: Mapping[str, Thinking] = {
    "none": "off",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
}
_SYSTEM = ("system", "developer")
_OURS = "the agent uses its own tools; leave {} out"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the last message of the user, and what stands before it."""

    model: str
    text: str
    files: tuple[FileParam, ...]
    system: str
    history: tuple[tuple[str, str], ...]
    user: str | None
    stream: bool
    usage: bool
    thinking: Thinking | None


def asked(body: object) -> Asked:
    """Read a request. Raises RequestError that names the parameter."""
    if not isinstance(body, Mapping):
        raise _wrong("body", "must be a JSON object")
    _refuse(body)
    messages = body.get("messages")
    if not isinstance(messages, list) or not 1 <= len(messages) <= MOST:
        raise _wrong("messages", f"must be a list of 1 to {MOST} messages")
    read = [_message(one, number) for number, one in enumerate(messages)]
    spoken = [one for one in read if one[0] not in _SYSTEM]
    if not spoken or spoken[-1][0] != "user":
        raise _wrong("messages", "must end with a message of the user")
    text, files = spoken[-1][1], spoken[-1][2]
    if not text.strip() and not files:
        raise _wrong("messages", "the last message is empty")
    effort = body.get("reasoning_effort")
    return Asked(
        model=_text(body, "model"),
        text=text,
        files=files,
        system="\n\n".join(one[1] for one in read if one[0] in _SYSTEM),
        history=tuple((one[0], _told(one[1], one[2])) for one in spoken[:-1]),
        user=_text(body, "user")[:200] if body.get("user") is not None else None,
        stream=_flag(body, "stream"),
        usage=_flag(body.get("stream_options") or {}, "include_usage"),
        thinking=None if effort is None else _thinking(effort),
    )


def _refuse(body: Mapping[str, Any]) -> None:
    """What cannot be honoured is refused; only sampling is left to the agent without a word."""
    for name in ("tools", "functions", "tool_choice", "function_call"):
        if body.get(name) not in (None, [], "none", "auto"):
            raise _wrong(name, _OURS.format(name))
    if body.get("n") not in (None, 1):
        raise _wrong("n", "must be 1")
    form = body.get("response_format")
    if form is not None and (not isinstance(form, Mapping) or form.get("type") != "text"):
        raise _wrong("response_format", 'must be {"type": "text"}; ask for the form in words')


def _message(one: object, number: int) -> tuple[str, str, tuple[FileParam, ...]]:
    place = f"messages[{number}]"
    if not isinstance(one, Mapping):
        raise _wrong(place, "must be an object")
    role = one.get("role")
    if role not in (*_SYSTEM, "user", "assistant"):
        raise _wrong(f"{place}.role", "must be system, developer, user or assistant")
    if one.get("tool_calls"):
        raise _wrong(f"{place}.tool_calls", _OURS.format("tool_calls"))
    content = one.get("content")
    if isinstance(content, str):
        return role, content, ()
    if content is None and role == "assistant":
        return role, "", ()
    if not isinstance(content, list):
        raise _wrong(f"{place}.content", "must be text or a list of parts")
    texts, files = [], []
    for part in content:
        found = _part(part, f"{place}.content")
        if isinstance(found, FileParam):
            files.append(found)
        else:
            texts.append(found)
    if len(files) > MAX_FILES:
        raise _wrong(f"{place}.content", f"has more than {MAX_FILES} files")
    return role, "\n".join(texts), tuple(files)


def _part(part: object, place: str) -> str | FileParam:
    if not isinstance(part, Mapping):
        raise _wrong(place, "parts must be objects")
    kind = part.get("type")
    if kind in ("text", "refusal"):
        return _text(part, cast(str, kind))
    inner = part.get(kind) if isinstance(kind, str) else None
    if kind == "image_url" and isinstance(inner, Mapping):
        return _data("picture", inner.get("url"), place)
    if kind == "file" and isinstance(inner, Mapping):
        return _data(str(inner.get("filename") or "file"), inner.get("file_data"), place)
    if kind == "input_audio" and isinstance(inner, Mapping):
        name = f"audio.{str(inner.get('format'))[:8]}"
        return FileParam(name=name, data=_text(inner, "data"))
    raise _wrong(place, "parts are text, image_url, file or input_audio")


def _data(name: str, url: object, place: str) -> FileParam:
    head, comma, data = url.partition(",") if isinstance(url, str) else ("", "", "")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise _wrong(place, "files are sent as data:TYPE;base64,… ; addresses are not fetched")
    mime = head[5:-7]
    if name == "picture" and mime.startswith("image/"):
        name = f"picture.{mime[6:14]}"
    return FileParam(name=name[:500], mime=mime[:200], data=data)


def _told(text: str, files: tuple[FileParam, ...]) -> str:
    """An earlier message; its files are named only."""
    return "\n".join([text, *(f"[a file was here: {one.name}]" for one in files)]).strip()


def _thinking(effort: object) -> Thinking:
    if not isinstance(effort, str) or effort not in _EFFORT:
        raise _wrong("reasoning_effort", f"must be one of {', '.join(_EFFORT)}")
    return _EFFORT[effort]


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or (name in ("model", "user") and not value.strip()):
        raise _wrong(name, "must be text")
    return value


def _flag(body: Any, name: str) -> bool:
    value = body.get(name) if isinstance(body, Mapping) else "wrong"
    if value is not None and not isinstance(value, bool):
        raise _wrong(name, "must be true or false")
    return bool(value)


def _wrong(param: str, why: str) -> RequestError:
    return RequestError("INVALID_PARAMS", f"{param} {why}", {"param": param})
