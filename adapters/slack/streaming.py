"""An answer that grows by Slack's own streams, which there are in threads.

A stream can only be added to (docs.slack.dev/reference/methods/chat.appendStream), so a word is
sent when it is whole; what was sent and then changed is put right at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from slack_sdk.errors import SlackApiError

from adapters.slack.client import Client
from adapters.slack.failures import said
from adapters.slack.mrkdwn import defused
from adapters.slack.render import render
from adapters.slack.sending import Payload, actions, in_place, metadata, or_plain, with_buttons
from bot.contract import Address, Ref, Reply
from bot.errors import Refused, Unsupported

# docs.slack.dev/reference/methods/chat.appendStream: characters of one call.
_MOST = 12_000
# Answers that grow at one time; of more, the oldest go on by edits.
_MOST_LIVE = 1000
_NOT_STREAMING = {"message_not_in_streaming_state", "stopped_by_user"}
_STREAMING = "streaming_state_conflict"
# Where a stream cannot be: the place, the plan, the scopes or the server do not have it.
_NO_STREAMS = {
    "unknown_method",
    "method_deprecated",
    "channel_type_not_supported",
    "missing_scope",
    "missing_recipient_team_id",
    "missing_recipient_user_id",
    "not_allowed_token_type",
    "feature_not_enabled",
    "invalid_arguments",
    "invalid_thread_ts",
    "access_denied",
    "team_access_not_granted",
}


@dataclass(frozen=True, slots=True)
class Live:
    """A stream that was begun: its key, and the text that stands there."""

    key: str
    sent: str


class Streams:
    """The streams of one account. Every method raises the library's errors."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._live: dict[str, Live] = {}

    async def show(
        self, to: Address, key: str, text: str, ref: Ref | None, reader: Mapping[str, str]
    ) -> Ref:
        """Begin, or show more where something was begun."""
        if ref is None:
            return await self.begin(to, key, text, reader)
        await self.grow(ref, text)
        return ref

    async def begin(self, to: Address, key: str, text: str, reader: Mapping[str, str]) -> Ref:
        """Show the first words; `reader` are the user and team that a stream in a room names.

        Raises Unsupported where there are no streams, and nothing was shown.
        """
        if to.thread is None or not (reader or to.conversation.startswith("D")):
            raise Unsupported("streaming in this place")
        whole = _whole_words(text)
        first: dict[str, Any] = {**reader, **({"markdown_text": whole} if whole else {})}
        try:
            answer = await self._client.chat_startStream(**in_place(to), **first)
        except SlackApiError as error:
            if said(error) not in _NO_STREAMS:
                raise
            raise Unsupported("streaming in this place") from None
        ts = str(answer.get("ts"))
        self._keep(ts, Live(key, whole))
        return Ref(to, ts)

    async def grow(self, ref: Ref, text: str) -> None:
        """Show more of it."""
        live = self._live.get(ref.id)
        if live is None:
            await self._update(ref, _one(text))
            return
        whole = _whole_words(text)
        if len(whole) > len(live.sent) and whole.startswith(live.sent):
            await self._append(ref, whole[len(live.sent) :])

    async def _append(self, ref: Ref, more: str) -> None:
        for at in range(0, len(more), _MOST):
            piece, live = more[at : at + _MOST], self._live[ref.id]
            await self._client.chat_appendStream(
                channel=ref.address.conversation, ts=ref.id, markdown_text=piece
            )
            self._live[ref.id] = replace(live, sent=live.sent + piece)

    async def finish(self, ref: Ref, reply: Reply) -> None:
        """Put the final text in the place of what stands there."""
        payload = _one(reply.text)
        if reply.buttons:
            (payload,) = with_buttons([payload], reply.buttons)
        if live := self._live.get(ref.id):
            whole = defused(reply.text)
            if whole.startswith(live.sent) and await self._stop(ref, whole, reply):
                return
        await self._update(ref, payload)

    async def _stop(self, ref: Ref, whole: str, reply: Reply) -> bool:
        """End a stream with the rest of its text; False when it was not streaming any more."""
        live = self._live[ref.id]
        try:
            rest = whole[len(live.sent) :]
            await self._append(ref, rest[: max(0, len(rest) - _MOST)])
            last: dict[str, Any] = {"metadata": metadata(live.key)}
            if rest := whole[len(self._live[ref.id].sent) :]:
                last["markdown_text"] = rest
            if reply.buttons:
                last["blocks"] = [actions(reply.buttons)]
            await self._client.chat_stopStream(channel=ref.address.conversation, ts=ref.id, **last)
        except SlackApiError as error:
            if said(error) not in _NOT_STREAMING:
                raise
            del self._live[ref.id]
            return False
        del self._live[ref.id]
        return True

    async def _update(self, ref: Ref, payload: Payload) -> None:
        """Edit a message; one that still streams, perhaps from before a restart, is ended first."""
        message = {"channel": ref.address.conversation, "ts": ref.id, **_editable(payload)}
        if ref.id in self._live:
            await self.end(ref)
        try:
            await or_plain(self._client.chat_update, message)
        except SlackApiError as error:
            if said(error) != _STREAMING:
                raise
            await self.end(ref)
            await or_plain(self._client.chat_update, message)

    async def end(self, ref: Ref) -> None:
        """End a stream as it stands; one that has ended is fine."""
        self._live.pop(ref.id, None)
        try:
            await self._client.chat_stopStream(channel=ref.address.conversation, ts=ref.id)
        except SlackApiError as error:
            if said(error) not in _NOT_STREAMING:
                raise

    def is_live(self, ref: Ref) -> bool:
        return ref.id in self._live

    def _keep(self, ts: str, live: Live) -> None:
        self._live[ts] = live
        while len(self._live) > _MOST_LIVE:
            del self._live[next(iter(self._live))]


def _whole_words(text: str) -> str:
    """The text up to its last space: what stands behind may still change."""
    at = max(text.rfind(" "), text.rfind("\n")) + 1
    return defused(text[:at])


def _one(text: str) -> Payload:
    """The one message that a text becomes. Raises Refused when it needs none or several."""
    payloads = render(text)
    if len(payloads) != 1:
        raise Refused("the text does not fit into the one message that is edited")
    return payloads[0]


def _editable(payload: Payload) -> Payload:
    """What an edit may say: previews follow from how the message was posted."""
    return {k: v for k, v in payload.items() if k in ("text", "blocks", "link_names")}
