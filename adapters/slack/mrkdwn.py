"""Markdown blocks as Slack's own markup: what notifications and plain clients show.

See docs.slack.dev/messaging/formatting-message-text for the marks and what must be escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapters.text import Block, Code, Heading, ListBlock, Paragraph, QuoteBlock, Span, Spans, Table
from adapters.text_table import lines

LINKS = ("http://", "https://")
# Shown like nothing, but what it stands in is no name any more.
_JOINER = "\u2060"
_TARGETS = re.compile(r"<(?=[!@#])")
_CALLS = re.compile(r"(?<!\w)@(?=(?:channel|here|everyone)\b)", re.I)
_MARKS = {"bold": "*", "italic": "_", "strike": "~"}


def mrkdwn(blocks: Sequence[Block]) -> str:
    """Blocks in Slack's markup, nothing in them a mention."""
    return "\n\n".join(_block(block) for block in blocks)


def defused(text: str) -> str:
    """The text with nothing that calls people, in whatever way it is read later."""
    return _CALLS.sub("@" + _JOINER, _TARGETS.sub("<" + _JOINER, text))


def escaped(text: str) -> str:
    """Text as itself: the three characters that have a meaning are escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _spans(block.spans)
    if isinstance(block, Heading):
        return "\n".join(_marked(line, "*") for line in _words(block.spans).split("\n"))
    if isinstance(block, Code):
        return _fence(block.text)
    if isinstance(block, Table):
        return _fence(defused(lines(block)))
    if isinstance(block, QuoteBlock):
        return "> " + mrkdwn(block.blocks).replace("\n", "\n> ")
    if isinstance(block, ListBlock):
        return "\n".join(_item(block, at) for at in range(len(block.items)))
    return "———"


def _item(block: ListBlock, at: int) -> str:
    bullet = "•" if block.start is None else f"{block.start + at}."
    return f"{bullet} " + "\n".join(map(_block, block.items[at])).replace("\n", "\n    ")


def _fence(text: str) -> str:
    return f"```\n{escaped(text).replace('```', f'``{_JOINER}`')}\n```"


def _words(spans: Spans) -> str:
    """The words and links of spans, for a line that is bold as a whole."""
    return "".join(_linked(span) for span in spans)


def _spans(spans: Spans) -> str:
    return "".join(_span(span) for span in spans)


def _span(span: Span) -> str:
    if "code" in span.styles and span.text.strip() and "`" not in span.text:
        return f"`{escaped(span.text)}`"
    text = _linked(span)
    for style, mark in _MARKS.items():
        if style in span.styles:
            text = "\n".join(_marked(line, mark) for line in text.split("\n"))
    return text


def _marked(text: str, mark: str) -> str:
    """Marks must touch the words that they stand around."""
    words = text.strip()
    if not words:
        return text
    start = text.index(words)
    return f"{text[:start]}{mark}{words}{mark}{text[start + len(words) :]}"


def _linked(span: Span) -> str:
    text = escaped(span.text if "code" in span.styles else defused(span.text))
    if not span.link or span.link == span.text:
        return text
    if not span.link.startswith(LINKS):
        address = span.link.removeprefix("mailto:")
        return text if address in span.text else f"{text} ({escaped(defused(address))})"
    # A bar would end the address early, and a line break the whole link.
    target = escaped(span.link).replace("|", "%7C")
    return f"<{target}|{text.replace(chr(10), ' ')}>"
