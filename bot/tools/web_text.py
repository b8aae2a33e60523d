"""A page as text that a model can read, pure: HTML to Markdown, bytes to characters.

The standard library's parser is used, because it keeps no tree: a page of a hundred thousand nested
elements costs no more than a flat one.
"""

from __future__ import annotations

import codecs
import re
from html.parser import HTMLParser
from urllib.parse import urljoin

_SKIPPED = frozenset(
    {"script", "style", "template", "noscript", "svg", "iframe", "object", "select", "canvas"}
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "dd", "details", "div", "dl", "dt"),
        *("fieldset", "figure", "figcaption", "footer", "form", "header", "main", "nav", "ol"),
        *("p", "section", "summary", "table", "ul", "pre", "h1", "h2", "h3", "h4", "h5", "h6"),
    }
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_STYLED = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "del": "~~", "s": "~~"}
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)
_XML_CHARSET = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})")
_REMARK = re.compile(r"<!--|<[!?]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(body: bytes, charset: str | None) -> str:
    """Bytes as text: by a byte order mark, what the server says, what the page says, or UTF-8."""
    marked = next((name for bom, name in _BOMS if body.startswith(bom)), None)
    head = body[:2048]
    found = _META_CHARSET.search(head) or _XML_CHARSET.search(head)
    said = found[1].decode("ascii", "replace") if found else None
    for name in (marked, charset, said):
        if name and (text := _decode(body, name)) is not None:
            return text
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        # A cut may fall inside a character; anything else is an old page without a declaration.
        whole = error.reason == "unexpected end of data"
        return body.decode("utf-8" if whole else "cp1252", "replace")


def _decode(body: bytes, name: str) -> str | None:
    try:
        return body.decode(name, "replace")
    except (LookupError, ValueError):
        # Unknown, or one of the codecs that are no character set.
        return None


def markdown(page: str, base: str) -> tuple[str, str]:
    """A page's title and its visible text as Markdown; links are made absolute with `base`."""
    reader = _Reader(base)
    # Never closed: its second look at what is incomplete is quadratic. The line end lets text out.
    reader.feed(_without_remarks(page) + "\n")
    return reader.title(), reader.text()


def _without_remarks(page: str) -> str:
    """The page without comments and declarations; the parser's time for open ones is quadratic."""
    kept, start = [], 0
    while (found := _REMARK.search(page, start)) is not None:
        kept.append(page[start : found.start()])
        mark = "-->" if found[0] == "<!--" else ">"
        end = page.find(mark, found.end())
        if end < 0:
            return "".join(kept)
        start = end + len(mark)
    kept.append(page[start:])
    return "".join(kept)


class _Reader(HTMLParser):
    """Writes Markdown as the tags go by.

    `_dark` is the element that hides what is inside it, and how many of its kind are open there.
    Nothing looks back over what was written, so that hostile pages cost no more than others.
    """

    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = base
        self._out: list[str] = []
        self._title: list[str] = []
        self._in_title = False
        self._dark = ("", 0)
        self._pre = 0
        self._lists: list[int | None] = []
        self._link: tuple[str, int] | None = None
        self._cells = 0

    def title(self) -> str:
        return " ".join("".join(self._title).split())[:300]

    def text(self) -> str:
        """Everything written, with at most one empty line between blocks."""
        lines = [line.rstrip() for line in "".join(self._out).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        hider, depth = self._dark
        if depth:
            self._dark = (hider, depth + (tag == hider))
            return
        if tag not in _VOID and _invisible(tag, given, attrs):
            self._dark = (tag, 1)
            return
        if tag == "title":
            self._in_title = True
        elif tag in _BLOCKS:
            self._open_block(tag, given)
        elif tag == "a":
            self._link = (self._address(given.get("href", "")), len(self._out))
        elif tag in _STYLED and not self._pre:
            self._out.append(_STYLED[tag])
        else:
            self._open_other(tag, given)

    def _open_block(self, tag: str, given: dict[str, str]) -> None:
        self._break()
        if tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "pre":
            self._pre += 1
            self._out.append("```\n")
        elif tag == "blockquote":
            self._out.append("> ")
        self._out.append(_HEADINGS.get(tag, ""))

    def _open_other(self, tag: str, given: dict[str, str]) -> None:
        if tag == "br":
            self._out.append("\n")
        elif tag == "hr":
            self._out.append("\n\n---\n\n")
        elif tag == "li":
            self._out.append("\n" + self._bullet())
        elif tag == "tr":
            self._out.append("\n")
            self._cells = 0
        elif tag in ("td", "th"):
            self._out.append(" | " if self._cells else "| ")
            self._cells += 1
        elif tag == "img" and (said := " ".join(given.get("alt", "").split())):
            # Only its words: an address of a picture would be asked for when it is shown.
            self._out.append(f"[image: {said[:300]}]")

    def _bullet(self) -> str:
        indent = "  " * min(max(len(self._lists) - 1, 0), 8)
        if not self._lists or self._lists[-1] is None:
            return f"{indent}- "
        self._lists[-1] += 1
        return f"{indent}{self._lists[-1]}. "

    def handle_endtag(self, tag: str) -> None:
        hider, depth = self._dark
        if depth:
            self._dark = (hider, depth - (tag == hider))
            return
        if tag == "title":
            self._in_title = False
        elif tag == "a" and self._link:
            self._close_link(*self._link)
            self._link = None
        elif tag in _STYLED and not self._pre:
            self._out.append(_STYLED[tag])
        elif tag in _BLOCKS:
            self._close_block(tag)

    def _close_block(self, tag: str) -> None:
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag == "pre" and self._pre:
            self._pre -= 1
            self._out.append("\n```")
        self._break()

    def _close_link(self, address: str, start: int) -> None:
        words = "".join(self._out[start:]).strip()
        if address and words and "\n" not in words:
            del self._out[start:]
            self._out.append(words if words == address else f"[{words}]({address})")

    def _address(self, href: str) -> str:
        """A link's whole address; empty for what leads nowhere a reader could go."""
        try:
            whole = urljoin(self._base, href.strip()) if href else ""
        except ValueError:
            return ""
        return whole if whole.startswith(("http://", "https://")) and len(whole) <= 2000 else ""

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title.append(data)
        elif self._dark[1]:
            return
        elif self._pre:
            self._out.append(data)
        elif words := re.sub(r"\s+", " ", data):
            at_start = not self._out or self._out[-1].endswith((" ", "\n"))
            self._out.append(words.lstrip() if at_start else words)

    def _break(self) -> None:
        self._out.append("\n\n")


def _invisible(tag: str, given: dict[str, str], attrs: list[tuple[str, str | None]]) -> bool:
    if tag in _SKIPPED or given.get("aria-hidden") == "true":
        return True
    hidden = any(name == "hidden" for name, _ in attrs) and given.get("hidden") != "until-found"
    return hidden or bool(_HIDDEN_STYLE.search(given.get("style", "")))
