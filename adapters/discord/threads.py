"""Threads below messages: an answer to a mention may begin one, and has to when it is the first.

A thread that hangs below a message has that message's id (discord.com/developers/docs/resources
/channel#start-thread-from-message).
"""

from __future__ import annotations

import re
from dataclasses import replace

from discord.http import Route

from adapters.discord.failures import Answered
from adapters.discord.rest import Rest
from bot.contract import Address

_LONGEST_NAME = 100
# discord.com/developers/docs/topics/opcodes-and-status-codes#json-json-error-codes
_ALREADY = 160004
_MENTIONS = re.compile(r"<[@#:a][^<>\s]{1,64}>")


async def begin(rest: Rest, to: Address) -> Address | None:
    """Begin the thread that an address names, below the message with its id.

    Where it goes on: the thread, or the room itself where the bot may begin none. None when there
    is no such message, so that no thread was meant. Raises SendError.
    """
    if to.thread is None:
        return None
    ids = {"channel_id": to.conversation, "message_id": to.thread}
    path = "/channels/{channel_id}/messages/{message_id}"
    message: object = None
    try:
        message = await rest.request(Route("GET", path, **ids))
    except Answered as error:
        # It may be hidden from the bot, which may write below it all the same.
        if error.status == 404:
            return None
    try:
        await rest.request(Route("POST", path + "/threads", **ids), json={"name": _name(message)})
    except Answered as error:
        return to if error.code == _ALREADY else replace(to, thread=None)
    return to


def _name(message: object) -> str:
    """What a thread is called: the first words of the message that it hangs on."""
    text = message.get("content") if isinstance(message, dict) else None
    words = _MENTIONS.sub("", text if isinstance(text, str) else "").strip()
    first = words.partition("\n")[0].strip()
    return first[:_LONGEST_NAME].strip() or "Answer"
