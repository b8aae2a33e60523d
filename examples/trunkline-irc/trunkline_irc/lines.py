"""Lines of IRC (RFC 2812, section 2.3): taken apart, read, and words cut to fit them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bot.contract import Address, Author, Message, Ref
from bot.errors import BadEvent

# Of the 512 bytes of a line: what is left beside the names and verbs that the server adds.
BYTES = 400

_LINE = re.compile(r"(?::([^!\s]+)\S* )?(\S+)((?: [^:\s]\S*)*)(?: :(.*))?", re.S)
# Colours, bold and the like (modern.ircdocs.horse/formatting), and what could end a line early.
_CONTROL = re.compile(r"\x03\d{0,2}(?:,\d\d?)?|[\0-\x1f\x7f]")


class Line(NamedTuple):
    """`:nick!user@host VERB argument... :said`; what a line does not have is empty."""

    nick: str = ""
    verb: str = ""
    args: tuple[str, ...] = ()
    said: str = ""


def split(text: str) -> Line:
    """A line taken apart; one that is none is empty."""
    found = _LINE.fullmatch(text)
    if not found:
        return Line()
    nick, verb, args, said = found.groups()
    return Line(nick or "", verb.upper(), tuple(args.split()), said or "")


def is_target(name: str) -> bool:
    """Could this be a nick or a channel; anything else would end the line early."""
    return re.fullmatch(r"[^\s,:\0-\x1f][^\s,\0-\x1f]*", name) is not None


def parse(event: Any, account: str, me: str) -> list[Message]:
    """A line and what IRC leaves out: `{"line": text, "at": seconds, "id": letters}`.

    Raises BadEvent.
    """
    try:
        nick, verb, args, said = split(event["line"].encode("utf-8", "replace").decode())
        at = datetime.fromtimestamp(event["at"], UTC)
        (its_id,) = re.findall(r"\A[a-z0-9]{1,64}\Z", event["id"])
    except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError):
        raise BadEvent("it is no line of IRC") from None
    if verb != "PRIVMSG" or not nick or not args or nick.lower() == me.lower():
        return []
    # What somebody does (`/me`) begins with a star.
    text = _CONTROL.sub("", said.replace("\x01ACTION ", "* "))
    named = re.search(rf"(?<!\w){re.escape(me)}(?!\w)[:,]?\s*", text, re.I) if me else None
    text = text[named.end() :] if named and not named.start() else text
    room = args[0].lower() if args[0][0] in "#&+!" else ""
    return [
        Message(
            ref=Ref(Address("irc", account, room or nick.lower()), its_id),
            author=Author(nick.lower(), nick, nick),
            text=text,
            at=at,
            kind="group" if room else "direct",
            mentioned=named is not None,
            raw=event,
        )
    ]


def cut(text: str) -> Iterator[str]:
    """The lines of a text in pieces that fit, at spaces where there are some."""
    for line in text.encode("utf-8", "replace").decode().expandtabs(4).splitlines():
        rest = _CONTROL.sub("", line).rstrip()
        while rest:
            end = len(rest.encode()[:BYTES].decode("utf-8", "ignore"))
            if end < len(rest) and (space := rest.rfind(" ", end // 2, end + 1)) > 0:
                end = space
            yield rest[:end]
            rest = rest[end:].lstrip() if end < len(rest) else ""
