"""What people may see of a model's text, and in which pieces.

Models leak: reasoning tags, calls written as text, the word for silence. One filter takes all of it
out, letter by letter, so that what is streamed and what is sent at the end are the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SILENT = "NO_REPLY"
SKIP = "ANNOUNCE_SKIP"  # the same word for what is reported between sessions

_REASONING = ("think", "thinking", "thought", "reasoning")
_CALLS = ("tool_call", "tool_calls", "tool_use", "tool_result", "tool_response", "function_calls")
# Blocks that only the model is shown: other people's words, and what was summed up.
_CONTEXT = ("quoted", "conversation_summary")
_NAMES = (*_REASONING, *_CALLS, *_CONTEXT, "final")
_REPLY_TAGS = ("reply_to_current", "reply_to", "audio_as_voice")

# Every pattern below is bounded, so that a piece of text costs the same wherever it stands.


def _starts(words: Iterable[str]) -> str:
    """A pattern of every beginning of these words, longest first."""
    return "|".join(sorted({w[:n] for w in words for n in range(1, len(w) + 1)}, reverse=True))


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words, reverse=True))


_TAG = re.compile(
    rf"<(/?)({_any(_NAMES)})(?:\s[^<>\n]{{0,99}})?/?>|<[|\uff5c]\w{{1,32}}[|\uff5c]>", re.I
)
_HALF_TAG = re.compile(
    rf"<(?:/?(?:{_starts(_NAMES)})?|/?(?:{_any(_NAMES)})\s[^<>\n]{{0,99}}"
    rf"|[|\uff5c]\w{{0,32}}[|\uff5c]?)\Z",
    re.I,
)
_REQUEST = re.compile(
    r"\[\[\s{0,4}(?:(reply_to_current)|reply_to\s{0,4}:([^\[\]\n]{1,128})|audio_as_voice)\s{0,4}\]\]",
    re.I,
)
_HALF_REQUEST = re.compile(
    rf"\[(?:\[\s{{0,4}}(?:(?:{_starts(_REPLY_TAGS)})?|reply_to\s{{0,4}}(?::[^\[\]\n]{{0,128}}\]?)?"
    rf"|(?:reply_to_current|audio_as_voice)\s{{0,4}}\]?))?\Z",
    re.I,
)
_FENCE = re.compile(r"\n {0,3}(?:(`{1,64}|~{1,64})[ \t]{0,16})?")
_MARK = re.compile(r"[<\[]|\n(?= {0,3}[`~]| {0,3}\Z)")
_LINE = re.compile(r"\n(?= {0,3}[`~]| {0,3}\Z)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NOTABLE = re.compile(r"[<\[\x00-\x08\x0a-\x1f\x7f]")
_CLOSE = {
    name: re.compile(rf"</(?:{_any(group)})\s{{0,8}}>", re.I)
    for group in (_REASONING, _CALLS, _CONTEXT)
    for name in group
}
_LONGEST_CLOSE = max(map(len, _CLOSE)) + len("</>") + 8

_PUNCT = (
    r"!-/:-@\[-`{-~\u00ab\u00bb\u2013\u2014\u2018-\u201f\u2026\u3001\u3002\u300c-\u300f\uff01\uff0e"
    r"\u200b-\u200d\ufeff"
)
# Another word may begin with it (NO_REPLY_NEEDED); underscores around it may be markup.
_WORD = rf"(?:{SILENT}|{SKIP})(?!_*[^\W_])"
_GROWING = rf"(?:{_WORD}|{_starts([SILENT[:-1], SKIP[:-1]])})"
_DRESS = rf"(?:[\s{_PUNCT}]|(?<=[</])[a-z]{{1,8}}(?=>|\Z))"
_ALONE = re.compile(rf"{_DRESS}*(?:{_WORD}{_DRESS}*)+\Z", re.I)
_MAY_BE_ALONE = re.compile(
    rf"{_DRESS}{{0,64}}(?:{_WORD}{_DRESS}{{1,64}}){{0,4}}{_GROWING}?\Z", re.I
)
_FIRST = re.compile(
    rf"[{_PUNCT}]{{0,12}}{_WORD}[{_PUNCT}]{{0,12}}[^\S\n]{{0,8}}\n\s*|{_WORD}[.,:;!]{{0,3}}\s+",
    re.I,
)
_MAY_BE_LAST = re.compile(
    rf"\s{{1,64}}(?:[{_PUNCT}]{{0,12}}{_WORD}[{_PUNCT}]{{0,12}}\s{{1,64}}){{0,3}}"
    rf"(?:[{_PUNCT}]{{0,12}}(?:{_WORD}[{_PUNCT}]{{0,12}}|{_GROWING})?)?\Z",
    re.I,
)
_LAST = re.compile(rf"(\s+)([{_PUNCT}]*){_WORD}([{_PUNCT}]*)\s*\Z", re.I)
_LONGEST_LAST = 512
_WORD_LETTERS = frozenset((SILENT + SKIP + SILENT.lower() + SKIP.lower()).replace("_", ""))
_SENTENCE_ENDS = ".!?:\u2026\u3002\uff01\uff1f"


class Release:
    """Lets a growing text through as far as nothing can change it any more.

    What `feed` and `finish` return, joined, is `visible` of the whole text however it was cut.
    `reply_to` is the message the text asked to answer: an id, `current`, or None.
    """

    __slots__ = ("_before", "_fence", "_held", "_hidden", "_last", "_leading", "_open", "reply_to")

    def __init__(self) -> None:
        self.reply_to: str | None = None
        self._hidden: re.Pattern[str] | None = None
        self._fence = ""
        # A text begins as a line does; leading space is not shown.
        self._open = self._before = "\n"
        self._held = self._last = ""
        self._leading = True

    def feed(self, delta: str) -> str:
        """Take the next piece; returns what may be shown now, often nothing."""
        if self._open or self._hidden or _NOTABLE.search(delta):
            delta = self._without_tags(self._open + _CONTROL.sub("", delta))
        if not delta:
            return ""
        self._before = delta[-1]
        return self._without_silence(self._held + delta)

    def finish(self) -> str:
        """The text is whole; returns the rest of what may be shown."""
        rest, self._open = ("" if self._hidden else self._open), ""
        shown = self._without_silence(self._held + rest)
        tail, self._held = self._held, ""
        if self._leading:
            return "" if _ALONE.match(tail) else _without_first(tail).rstrip()
        while found := _LAST.search(tail):
            before = (tail[: found.start()] or shown or self._last)[-1:]
            dressed = found[2] or found[3]
            if dressed and "\n" not in found[1] and before not in _SENTENCE_ENDS:
                break
            tail = tail[: found.start()]
        return (shown + tail).rstrip()

    def _without_tags(self, text: str) -> str:
        out: list[str] = []
        at, self._open = 0, ""
        while at < len(text):
            shown, at = self._past_hidden(text, at) if self._hidden else self._step(text, at)
            if shown:
                out.append(shown)
                self._before = shown[-1]
        return "".join(out)

    def _step(self, text: str, at: int) -> tuple[str, int]:
        """What stands at a place: its visible part and where the next thing begins."""
        found = (_LINE if self._fence else _MARK).search(text, at)
        if found is None:
            return text[at:], len(text)
        if found.start() > at:
            return text[at : found.start()], found.start()
        if text[at] == "\n":
            return self._past_line_start(text, at)
        return self._past_request(text, at) if text[at] == "[" else self._past_tag(text, at)

    def _hold(self, text: str, at: int) -> tuple[str, int]:
        self._open = text[at:]
        return "", len(text)

    def _past_line_start(self, text: str, at: int) -> tuple[str, int]:
        found = _FENCE.match(text, at)
        assert found is not None
        end, run = found.end(), found[1] or ""
        if end == len(text):
            return self._hold(text, at)
        if not self._fence and len(run) >= 3:
            self._fence = run
        elif self._fence and run.startswith(self._fence) and text[end] == "\n":
            self._fence = ""
        return text[at:end], end

    def _past_request(self, text: str, at: int) -> tuple[str, int]:
        if found := _REQUEST.match(text, at):
            asked = "current" if found[1] else found[2]
            self.reply_to = self.reply_to or (asked and asked.strip())
            return "", found.end()
        return self._hold(text, at) if _HALF_REQUEST.match(text, at) else ("[", at + 1)

    def _past_tag(self, text: str, at: int) -> tuple[str, int]:
        """A tag right behind a backtick is being talked about, not used."""
        if self._before == "`":
            return "<", at + 1
        if found := _TAG.match(text, at):
            opens = found[2] and not found[1] and not found[0].endswith("/>")
            self._hidden = _CLOSE.get(found[2].lower()) if opens else None
            return "", found.end()
        return self._hold(text, at) if _HALF_TAG.match(text, at) else ("<", at + 1)

    def _past_hidden(self, text: str, at: int) -> tuple[str, int]:
        assert self._hidden is not None
        if found := self._hidden.search(text, at):
            self._hidden = None
            return "", found.end()
        half = text.find("<", max(at, len(text) - _LONGEST_CLOSE))
        return self._hold(text, half) if half >= 0 else ("", len(text))

    def _without_silence(self, text: str) -> str:
        if self._leading:
            text = text.lstrip()
            if not _MAY_BE_ALONE.match(text):
                text = _without_first(text)
            if _MAY_BE_ALONE.match(text):
                self._held = text
                return ""
            self._leading = False
        cut = len(text)
        if cut and (text[-1] in _WORD_LETTERS or not text[-1].isalnum()):
            found = _MAY_BE_LAST.search(text, max(0, cut - _LONGEST_LAST))
            cut = found.start() if found else cut
        self._held = text[cut:]
        self._last = text[cut - 1] if cut else self._last
        return text[:cut]


def _without_first(text: str) -> str:
    """Without words for silence that stand before the text."""
    while found := _FIRST.match(text):
        text = text[found.end() :]
    return text


def visible(text: str) -> str:
    """The whole of what people may see of a model's text; "" when it asked for silence."""
    release = Release()
    return release.feed(text) + release.finish()


def releasable(text: str) -> str:
    """What may be shown of a text that still grows: a beginning of what is shown at the end."""
    return Release().feed(text)


def reply_tag(text: str) -> str | None:
    """The message a text asks to answer: an id, `current`, or None."""
    release = Release()
    release.feed(text)
    return release.reply_to
