"""Finds the tool calls that weak models write into their text instead of making them. Pure.

`{"name": "weather", "arguments": {...}}`, lists of such, and the tags some models were trained on,
at the beginning of a line. What could still become a call is held back; ordinary JSON is let go at
its first foreign key, and nothing is looked for inside a code fence. A call of a tool that exists
is made; any other is replaced by a remark, so that nobody is shown raw markup.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from typing import Any

from bot import jsonio
from bot.providers.brackets import Brackets

MAX_HELD = 1 << 20
MAX_LITERAL = 1 << 16
_TAIL = 32  # longer than any closing tag

# A name and its arguments, None when they are no object; without a name it cannot be read at all.
Found = tuple[str, dict[str, Any] | None]

_NAMES = ("name", "tool", "tool_name", "function", "action")
_ARGUMENTS = ("arguments", "parameters", "args")
_LOOSE_ARGUMENTS = (*_ARGUMENTS, "input", "action_input")
_WRAPPERS = ("tool_calls", "tool_call", "function_call", "function")
_KEYS = frozenset({*_NAMES, *_LOOSE_ARGUMENTS, *_WRAPPERS, "id", "call_id", "type", "index"})
# With nothing else it may be a call whose arguments were forgotten.
_LONELY = frozenset({"name", "tool", "tool_name", "type", "id"})
# An opening tag and what ends its body; None: the body's own last bracket.
_TAGS: dict[str, str | None] = {
    "<tool_call>": "</tool_call>",
    "<function_call>": "</function_call>",
    "<|tool_call|>": "<|/tool_call|>",
    "<function=": "</function>",
    "<|python_tag|>": None,
    "[TOOL_CALLS]": None,
}
_BLANKS = re.compile(r"\s*")
_SEPARATORS = re.compile(r"[\s,;]*")
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
_BROKEN: Found = ("", None)
_UNREADABLE = "[The model wrote a tool call that cannot be read.]"


class RawCalls:
    """Feed it the visible answer, cut anywhere; `calls` are those found, as (name, arguments)."""

    def __init__(self, tools: Collection[str]) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._tools = tools
        self._held = ""
        self._fresh = True  # only blanks since the line began
        self._fence = ""
        self._candidate: _Candidate | None = None
        self._passing: Brackets | None = None
        self._behind = False  # a call ended, and no text has followed it

    def feed(self, piece: str) -> str:
        """The text that is certain now."""
        if self._plain and "\n" not in piece:
            return piece
        text, self._held = self._held + piece, ""
        shown: list[str] = []
        while text:
            if self._candidate is not None:
                text = self._judge(self._candidate, text, shown)
            elif self._passing is not None:
                text = self._pass(self._passing, text, shown)
            elif self._fresh:
                text = self._begin(text, shown)
            else:
                text = self._line(text, shown)
        return "".join(shown)

    @property
    def _plain(self) -> bool:
        """In the middle of a line of text nothing can begin."""
        return not (self._fresh or self._held or self._candidate or self._passing)

    def end(self) -> str:
        """What was held back: nothing follows any more."""
        held, self._held = self._held, ""
        if self._candidate is None:
            return "" if self.calls and not held.strip() else held
        candidate, self._candidate = self._candidate, None
        found = candidate.at_end()
        if found is None:
            return candidate.lead + candidate.text
        return self._take(found)

    def _line(self, text: str, shown: list[str]) -> str:
        """The rest of a line is shown as it is."""
        end = text.find("\n")
        self._fresh = end >= 0
        shown.append(text if end < 0 else text[:end])
        return "" if end < 0 else text[end:]

    def _begin(self, text: str, shown: list[str]) -> str:
        """At the beginning of a line: a call, a fence, or a line like any other."""
        match = (_SEPARATORS if self._behind else _BLANKS).match(text)
        begin = match.end() if match else 0
        head = text[begin : begin + 3]
        if not head or (len(head) < 3 and ("```".startswith(head) or "~~~".startswith(head))):
            self._held = text
            return ""
        if head[0] in "{[<" and not self._fence:
            self._candidate = _Candidate(text[:begin], head[0])
            return text[begin:]
        if head in ("```", "~~~") and self._fence in ("", head):
            self._fence = "" if self._fence else head
        self._fresh = self._behind = False
        shown.append(text[: begin + 1])
        return text[begin + 1 :]

    def _judge(self, candidate: _Candidate, text: str, shown: list[str]) -> str:
        """What may be a call is kept until it is one, or cannot be one any more."""
        rest = candidate.feed(text)
        if rest is None:
            return ""
        self._candidate = None
        found = candidate.found
        if found is not None and all(map(self._is_call, found)):
            self._fresh = self._behind = True
            shown.append(self._take(found))
            return rest
        self._fresh = self._behind = False
        shown.append(candidate.lead + candidate.text)
        self._passing = None if candidate.closed else candidate.brackets
        return rest

    def _pass(self, brackets: Brackets, text: str, shown: list[str]) -> str:
        """Ordinary JSON is shown as it comes: what looks like a call inside it is none.

        It ends with its last bracket, or with a blank line if it was no JSON after all.
        """
        blank = text.find("\n\n")
        part = text[:blank] if blank >= 0 else text.removesuffix("\n")
        end = brackets.feed(part)
        if end >= 0 or blank >= 0:
            self._passing = None
            end = len(part) if end < 0 else end
            shown.append(text[:end])
            return text[end:]
        shown.append(part)
        self._held = text[len(part) :]
        return ""

    def _is_call(self, found: Found) -> bool:
        """Something of this shape whose arguments are no object is a call if there is the tool."""
        name, args = found
        return args is not None or not name or name in self._tools

    def _take(self, found: list[Found]) -> str:
        """Keep the calls of tools that exist; the remark on the others."""
        remarks = []
        for name, args in found:
            if args is None:
                remarks.append(_UNREADABLE)
            elif name in self._tools:
                self.calls.append((name, args))
            else:
                known = "The model tried to call a tool that does not exist"
                remarks.append(f"[{known}: {name[:64]}.]")
        return "\n".join(dict.fromkeys(remarks))


class _Candidate:
    """Text that may be a call. `lead` are the blanks before it.

    `found` is set when it was one, or something that must not be shown: then the name is empty.
    """

    def __init__(self, lead: str, first: str) -> None:
        self.lead = lead
        self.found: list[Found] | None = None
        self.closed = False
        self.brackets: Brackets | None = None if first == "<" else Brackets(_KEYS)
        self._pieces: list[str] = []
        self._size = 0
        self._tag: str | None = None
        self._maybe_tag = first in "<["

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def feed(self, text: str) -> str | None:
        """Take text; what is behind the candidate once it is judged, None while it is open."""
        if self._maybe_tag:
            rest = self._look_for_tag(self.text + text)
            if rest is None:
                return None
            if self._tag is None and self.brackets is None:
                self._pieces = [rest[:1]]
                return rest[1:]
            text = rest
        return self._follow(text)

    def at_end(self) -> list[Found] | None:
        """The judgement when nothing follows: None is ordinary text."""
        if self._tag is not None:
            return _calls_of_tag(self._tag, self.text) or [_BROKEN]
        return [_BROKEN] if self._begun else None

    def _look_for_tag(self, text: str) -> str | None:
        """Is it one of the tags? What is behind the tag or the text itself, None while open."""
        self._pieces = [text]
        if any(tag != text and tag.startswith(text) for tag in _TAGS):
            return None
        self._maybe_tag = False
        self._tag = next((tag for tag in _TAGS if text.startswith(tag)), None)
        self._pieces = []
        if self._tag is None:
            return text
        self.brackets = Brackets(None) if _TAGS[self._tag] is None else None
        return text[len(self._tag) :]

    def _follow(self, text: str) -> str | None:
        if self._tag is not None and (close := _TAGS[self._tag]) is not None:
            return self._until(self._tag, close, text)
        assert self.brackets is not None
        end = self.brackets.feed(text)
        self._keep(text if end < 0 else text[:end])
        self.closed = self.brackets.closed
        if end < 0 and self._size > MAX_HELD and not self._begun:
            self.brackets.foreign = True
            return ""
        if self.brackets.foreign:
            return text[end:]
        if end < 0:
            return None
        if self._tag is not None:
            self.found = _calls_of_tag(self._tag, self.text) or [_BROKEN]
        else:
            broken = self._size > MAX_HELD or (self._begun and _parsed(self.text) is None)
            self.found = [_BROKEN] if broken else read_calls(self.text)
        return text[end:]

    @property
    def _begun(self) -> bool:
        """Is it so much like a call that nobody should see it, even broken?"""
        if self._tag is not None or self.brackets is None:
            return self._tag is not None
        keys = self.brackets.keys
        named = not keys.isdisjoint(_NAMES) and not keys.isdisjoint(_ARGUMENTS)
        return named or not keys.isdisjoint(_WRAPPERS)

    def _until(self, tag: str, close: str, text: str) -> str | None:
        """Everything up to a closing tag, which may arrive in pieces."""
        tail = "".join(self._pieces[-len(close) :])[1 - len(close) :]
        if close not in tail + text:
            self._keep(text)
            return None
        body = self.text + text
        end = body.find(close)
        self.found = _calls_of_tag(tag, body[:end]) or [_BROKEN]
        return body[end + len(close) :]

    def _keep(self, text: str) -> None:
        """Hold text, but of a call that grows beyond the limit only the end."""
        self._size += len(text)
        self._pieces.append(text)
        if self._size > MAX_HELD and self._begun:
            self._pieces = ["".join(self._pieces[-_TAIL:])[-_TAIL:]]


def read_calls(text: str) -> list[Found] | None:
    """The calls in a JSON text, None when it is something else."""
    value = _parsed(text)
    found = list(_calls(value)) if value is not None else []
    return None if not found or None in found else [one for one in found if one is not None]


def _calls_of_tag(tag: str, body: str) -> list[Found] | None:
    if tag != "<function=":
        return read_calls(body.strip())
    name, _, arguments = body.partition(">")
    args = _parsed(arguments.strip() or "{}")
    return [(name.strip(), args)] if isinstance(args, dict) else None


def _parsed(text: str) -> Any:
    """A JSON value, also with the commas and quotes that models get wrong; None when it is none."""
    for attempt in (text, _TRAILING_COMMA.sub("", text)):
        try:
            return jsonio.loads(attempt, max_bytes=MAX_HELD)
        except ValueError:
            continue
    if "'" not in text or len(text) > MAX_LITERAL:
        return None
    try:
        return jsonio.loads(jsonio.dumps(ast.literal_eval(text)), max_bytes=MAX_HELD)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _calls(value: Any) -> Iterator[Found | None]:
    """Each call in a value; None for what is none."""
    if isinstance(value, list):
        for item in value:
            yield from _calls(item)
        return
    if not isinstance(value, dict):
        yield None
        return
    for wrapper in _WRAPPERS:
        if isinstance(inner := value.get(wrapper), dict | list) and inner:
            yield from _calls(inner)
            return
    yield _call(value)


def _call(value: dict[str, Any]) -> Found | None:
    name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), None)
    key = next((key for key in _LOOSE_ARGUMENTS if key in value), None)
    if not name:
        return None
    if key is None:
        return (name, None) if _LONELY.issuperset(value) else None
    args = value[key]
    if isinstance(args, str):
        args = _parsed(args.strip() or "{}")
    if args is None and value[key] is None:
        args = {}
    return name, args if isinstance(args, dict) else None
