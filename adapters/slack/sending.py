"""A reply as the calls that show it: its text in one message or several, then its files.

Each message carries the reply's key as metadata, by which it is found again
(docs.slack.dev/messaging/message-metadata).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from slack_sdk.errors import SlackApiError

from adapters.fields import Event
from adapters.slack.failures import said
from adapters.slack.render import LIMIT, render
from bot.contract import Address, Button, File, Reply
from bot.errors import Refused

Payload: TypeAlias = dict[str, Any]

EVENT = "trunkline_reply"
# docs.slack.dev/reference/methods/chat.postMessage#errors: the text is fine, the blocks are not.
_BLOCKS_REFUSED = {
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_attachments",
    "msg_blocks_too_long",
    "block_mismatch",
}
# docs.slack.dev/reference/block-kit/composition-objects/text-object
_SECTION = 3000
_LABEL = 75
# docs.slack.dev/reference/block-kit/blocks/actions-block
_MOST_BUTTONS = 25


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a reply becomes: messages, each the arguments of a call, and files behind them."""

    messages: Sequence[Payload]
    files: Sequence[File]


def outgoing(to: Address, reply: Reply, key: str) -> Outgoing:
    """The messages of a reply, in order; buttons stand below the last.

    `reply_to` is no quote here: Slack's only way to answer a message is a thread, which would be a
    place of its own. Raises Refused when there is nothing to show.
    """
    rendered = render(reply.text)
    payloads = [payload for payload in rendered if "text" in payload]
    files = [*(_file(payload) for payload in rendered[len(payloads) :]), *reply.attachments]
    if reply.buttons:
        payloads = with_buttons(payloads, reply.buttons)
    if not payloads and not files:
        raise Refused("the reply is empty")
    place = in_place(to)
    return Outgoing(
        [
            {**place, **payload, "metadata": metadata(key, at, len(payloads), len(files))}
            for at, payload in enumerate(payloads)
        ],
        files,
    )


def _file(payload: Payload) -> File:
    return File(payload["document"], payload["mime"], payload["content"].encode())


def in_place(to: Address) -> Payload:
    """The arguments that say where."""
    return {"channel": to.conversation, **({"thread_ts": to.thread} if to.thread else {})}


def metadata(key: str, part: int = 0, parts: int = 1, files: int = 0) -> Payload:
    payload = {"key": key, "part": part, "parts": parts, "files": files}
    return {"event_type": EVENT, "event_payload": payload}


def with_buttons(payloads: Sequence[Payload], buttons: Sequence[Button]) -> list[Payload]:
    """The payloads with buttons below the last."""
    *before, last = payloads or [{"text": " ".join(button.label for button in buttons)}]
    blocks = last.get("blocks") or _sections(last["text"])
    return [*before, {**last, "blocks": [*blocks, actions(buttons)]}]


def actions(buttons: Sequence[Button]) -> Payload:
    """See docs.slack.dev/reference/block-kit/block-elements/button-element."""
    keys = [_button(at, button) for at, button in enumerate(buttons[:_MOST_BUTTONS])]
    return {"type": "actions", "elements": keys}


def _button(at: int, button: Button) -> Payload:
    label = {"type": "plain_text", "text": button.label[:_LABEL], "emoji": True}
    key = {"type": "button", "action_id": f"button-{at}", "text": label, "value": button.value}
    return key if button.style == "plain" else {**key, "style": button.style}


def _sections(text: str) -> list[Payload]:
    pieces = [text[at : at + _SECTION] for at in range(0, len(text), _SECTION)]
    return [{"type": "section", "text": {"type": "mrkdwn", "text": piece}} for piece in pieces]


async def or_plain(call: Callable[..., Awaitable[Any]], message: Payload) -> Any:
    """Make a call; where the blocks are refused, once more with the words alone."""
    try:
        return await call(**message)
    except SlackApiError as error:
        if said(error) not in _BLOCKS_REFUSED or "blocks" not in message:
            raise
    text = message["text"][: LIMIT + _SECTION]
    keys = [block for block in message["blocks"] if block["type"] == "actions"]
    return await call(**{**message, "blocks": [*_sections(text), *keys] if keys else []})


@dataclass(frozen=True, slots=True)
class Progress:
    """What a reply already shows, in order, and whether that is all of it."""

    texts: Sequence[str]
    files: Sequence[str]
    whole: bool


def progress(messages: Iterable[Event], key: str, is_mine: Callable[[Event], bool]) -> Progress:
    """How far a reply with this key came, as a conversation's messages tell."""
    parts: dict[int, str] = {}
    wanted = (0, 0)
    files: list[str] = []
    for message in sorted(messages, key=lambda found: str(found.get("ts"))):
        payload = _payload(message, key)
        if payload is not None:
            parts[_count(payload, "part")] = str(message.get("ts"))
            wanted = (_count(payload, "parts"), _count(payload, "files"))
        elif parts and message.get("files") and is_mine(message):
            files.append(str(message.get("ts")))
    texts = [parts[at] for at in range(wanted[0]) if at in parts]
    files = files[: wanted[1]] if len(texts) == wanted[0] else []
    return Progress(texts, files, bool(texts) and (len(texts), len(files)) == wanted)


def _payload(message: Event, key: str) -> Event | None:
    found = message.get("metadata")
    payload = found.get("event_payload") if isinstance(found, dict) else None
    return payload if isinstance(payload, dict) and payload.get("key") == key else None


def _count(payload: Event, name: str) -> int:
    value = payload.get(name)
    return value if isinstance(value, int) else 0
