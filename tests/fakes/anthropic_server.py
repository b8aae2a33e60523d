"""A local server that speaks the messages API by a script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.model_server import ModelServer


class FakeAnthropic(ModelServer):
    """The messages API at the root."""

    chat = "/v1/messages"
    base = ""


def event(document: Mapping[str, Any]) -> bytes:
    """One event of the stream: its type stands before the data too."""
    return b"event: %b\ndata: %b\n\n" % (
        str(document.get("type")).encode(),
        json.dumps(document).encode(),
    )


def usage(read: int = 7, written: int = 3, **more: int) -> dict[str, int]:
    return {"input_tokens": read, "output_tokens": written, **more}


def begin(**more: int) -> bytes:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "fake-1",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage(written=1, **more),
    }
    return event({"type": "message_start", "message": message})


def end(reason: str = "end_turn", written: int = 3) -> list[bytes]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    last = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": written}}
    return [event(last), event({"type": "message_stop"})]


def block(index: int, begun: Mapping[str, Any], *deltas: Mapping[str, Any]) -> list[bytes]:
    """A content block with its pieces."""
    return [
        event({"type": "content_block_start", "index": index, "content_block": begun}),
        *(event({"type": "content_block_delta", "index": index, "delta": one}) for one in deltas),
        event({"type": "content_block_stop", "index": index}),
    ]


def text(index: int, *pieces: str) -> list[bytes]:
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas)


def thinking(index: int, *pieces: str, signature: str = "c2lnbmVk") -> list[bytes]:
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    signed = {"type": "signature_delta", "signature": signature}
    begun = {"type": "thinking", "thinking": "", "signature": ""}
    return block(index, begun, *deltas, *([signed] if signature else []))


def tool(index: int, id: str, name: str, *pieces: str) -> list[bytes]:
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block(index, {"type": "tool_use", "id": id, "name": name, "input": {}}, *deltas)


def stream_of(*blocks: Sequence[bytes], reason: str = "end_turn", **counts: int) -> list[bytes]:
    """A good stream: these blocks between the beginning and the end."""
    return [begin(**counts), *(one for block in blocks for one in block), *end(reason)]


def text_stream(*pieces: str) -> list[bytes]:
    return stream_of(text(0, *pieces))


def whole(*content: Mapping[str, Any], reason: str = "end_turn") -> bytes:
    """A whole message, as a server that does not stream gives it."""
    return json.dumps(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "fake-1",
            "content": list(content),
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": usage(),
        }
    ).encode()


def error(message: str, type: str = "api_error") -> bytes:
    body = {"type": "error", "error": {"type": type, "message": message}, "request_id": "req_1"}
    return json.dumps(body).encode()
