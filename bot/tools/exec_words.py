"""A command line as words and operators, without a shell: pure, and stricter than any shell.

Only what means the same in every shell is plain: words, quotes, `&&`, `||`, `;` and `|`. Anything
else (redirections, `$`, backticks, globs, braces, `~`, comments, sub-shells, background, line
breaks, assignments in front) makes the command one that needs a shell, and says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_COMMAND = 20_000

_OPERATORS = ("&&", "||", ";", "|")
_SPECIAL = {
    "<": "a redirection",
    ">": "a redirection",
    "$": "a substitution ($)",
    "`": "a substitution (`)",
    "*": "a file pattern",
    "?": "a file pattern",
    "[": "a file pattern",
    "{": "braces",
    "}": "braces",
    "(": "a sub-shell",
    ")": "a sub-shell",
    "&": "a command in the background (&)",
    "\n": "a line break",
    "\r": "a line break",
}
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^]]*\])?\+?=")


class NeedsShell(ValueError):
    """The command is not plain; the text names the first thing that is not."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One program with its arguments. `after` is the operator in front of it, "" for the first."""

    words: tuple[str, ...]
    after: str = ""


@dataclass(slots=True)
class _Word:
    """A word being read. `bare` is what of it stood outside quotes."""

    text: str = ""
    bare: str = ""
    begun: bool = False


def segments(command: str) -> tuple[Segment, ...]:
    """The programs of a plain command, in order. Raises NeedsShell for any other."""
    if len(command) > MAX_COMMAND:
        raise NeedsShell(f"more than {MAX_COMMAND} characters")
    return _Reader(command).read()


class _Reader:
    def __init__(self, command: str) -> None:
        self._left = command
        self._at = 0
        self._word = _Word()
        self._words: list[str] = []
        self._after = ""
        self._found: list[Segment] = []

    def read(self) -> tuple[Segment, ...]:
        while self._at < len(self._left):
            self._one(self._left[self._at])
        self._end_word()
        if not self._words:
            raise NeedsShell("an operator without a command" if self._after else "no command")
        self._found.append(Segment(tuple(self._words), self._after))
        return tuple(self._found)

    def _one(self, letter: str) -> None:
        operator = next((one for one in _OPERATORS if self._left.startswith(one, self._at)), None)
        if letter in " \t":
            self._end_word()
            self._at += 1
        elif letter == "'":
            self._single()
        elif letter == '"':
            self._double()
        elif letter == "\\":
            self._escaped()
        elif operator is not None:
            self._operator(operator)
        elif letter in _SPECIAL:
            raise NeedsShell(_SPECIAL[letter])
        elif letter in "#~!" and not self._word.begun:
            raise NeedsShell(f"a word that begins with {letter}")
        elif not letter.isprintable():
            raise NeedsShell(f"an invisible character (U+{ord(letter):04X})")
        else:
            self._add(letter, bare=True)
            self._at += 1

    def _add(self, text: str, bare: bool = False) -> None:
        self._word.begun = True
        self._word.text += text
        self._word.bare += text if bare else ""

    def _single(self) -> None:
        end = self._left.find("'", self._at + 1)
        if end < 0:
            raise NeedsShell("a quote without an end")
        self._add(self._literal(self._left[self._at + 1 : end]))
        self._at = end + 1

    def _double(self) -> None:
        self._add("")
        self._at += 1
        while self._at < len(self._left) and self._left[self._at] != '"':
            letter = self._left[self._at]
            if letter in "$`":
                raise NeedsShell(_SPECIAL[letter])
            if letter == "!":
                raise NeedsShell("! between double quotes")
            if letter == "\\" and self._left[self._at + 1 : self._at + 2] in tuple('"\\$`'):
                self._at += 1
                letter = self._left[self._at]
            elif letter == "\\" and self._left[self._at + 1 : self._at + 2] == "\n":
                raise NeedsShell("a line break")
            self._add(self._literal(letter))
            self._at += 1
        if self._at >= len(self._left):
            raise NeedsShell("a quote without an end")
        self._at += 1

    def _escaped(self) -> None:
        letter = self._left[self._at + 1 : self._at + 2]
        if letter in ("", "\n", "\r"):
            raise NeedsShell("a backslash at the end of a line")
        self._add(self._literal(letter))
        self._at += 2

    def _operator(self, operator: str) -> None:
        behind = self._left[self._at + len(operator) : self._at + len(operator) + 1]
        if (behind and behind in "|&;") or (operator == "|" and behind == "&"):
            raise NeedsShell(f"the operator {operator}{behind}")
        self._end_word()
        if not self._words:
            raise NeedsShell("an operator without a command")
        self._found.append(Segment(tuple(self._words), self._after))
        self._words, self._after = [], operator
        self._at += len(operator)

    def _end_word(self) -> None:
        if self._word.begun:
            if not self._words and _ASSIGNMENT.match(self._word.bare):
                raise NeedsShell("a variable set in front of the command")
            self._words.append(self._word.text)
        self._word = _Word()

    def _literal(self, text: str) -> str:
        bad = next(
            (one for one in text if one != "\n" and one != "\t" and not one.isprintable()), None
        )
        if bad is not None:
            raise NeedsShell(f"an invisible character (U+{ord(bad):04X})")
        return text
