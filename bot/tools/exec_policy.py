"""May a command start? The decision table of `exec`, over programs by their resolved paths. Pure.

| security | ask | on the list | not on the list |
|---|---|---|---|
| deny | any | refused | refused |
| allowlist | off | runs | refused |
| allowlist | on-miss | runs | a person is asked |
| full | off, on-miss | runs | runs |
| allowlist, full | always | a person is asked | a person is asked |
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.tools.exec_programs import (
    SHELLS,
    asks,
    interprets,
    is_filter,
    launches,
    name_of,
    trusted,
    unnameable,
    unwrapped,
)
from bot.tools.exec_words import NeedsShell, Segment, segments

Security = Literal["deny", "allowlist", "full"]
Ask = Literal["off", "on-miss", "always"]
Outcome = Literal["run", "ask", "refuse"]

_STRICTEST_FIRST: tuple[Outcome, ...] = ("refuse", "ask", "run")
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Policy:
    """What may run, and when a person is asked."""

    security: Security
    ask: Ask


@dataclass(frozen=True, slots=True)
class Rule:
    """A program that may run. `script` and its `sha256`: only together with that file.

    `id` is the grant that it comes from, None for one of the configuration.
    """

    program: str
    script: str | None = None
    sha256: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """One program of a command as it would start. `file` is its first file, with its hash.

    `inner` is what a wrapper would start in the end, itself when it is none. `why` says why no
    rule can cover it; `rule` is the one that does.
    """

    words: tuple[str, ...]
    path: str
    after: str = ""
    file: str | None = None
    sha256: str | None = None
    inner: Program | None = None
    why: str | None = None

    @property
    def last(self) -> Program:
        return self.inner.last if self.inner else self


@dataclass(frozen=True, slots=True)
class Files:
    """What the policy asks of the file system: all paths absolute, with symlinks followed.

    `program` finds what a word would start, `script` the file that a word names, with its hash.
    """

    program: Callable[[str], str | None]
    script: Callable[[str], tuple[str, str] | None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a command would start. `programs` is empty when only a shell can read it."""

    programs: tuple[Program, ...] = ()
    why: str = ""

    @property
    def scripts(self) -> tuple[tuple[str, str], ...]:
        """The files whose content counts, with their hashes."""
        return tuple(
            (one.file, one.sha256)
            for program in self.programs
            for one in _chain(program)
            if one.file and one.sha256
        )

    def remembered(self) -> tuple[Rule, ...]:
        """What allow-always would store; nothing when one of the programs cannot be named."""
        rules = [_rule_for(program.last) for program in self.programs]
        return tuple(rule for rule in rules if rule) if all(rules) else ()


def decide(policy: Policy, hit: bool) -> Outcome:
    """The decision table."""
    if policy.security == "deny":
        return "refuse"
    if policy.ask == "always":
        return "ask"
    if policy.security == "full" or hit:
        return "run"
    return "ask" if policy.ask == "on-miss" else "refuse"


def strictest(policies: Sequence[Policy], hit: bool) -> Outcome:
    """What holds where several policies count: none may loosen what another says."""
    return min((decide(one, hit) for one in policies), key=_STRICTEST_FIRST.index)


def plan(command: str, files: Files) -> Plan:
    """Take a command apart and find its programs; nothing starts."""
    try:
        return Plan(tuple(_program(one, files, 0) for one in segments(command)))
    except NeedsShell as error:
        return Plan(why=f"it needs a shell: {error}")


def _program(segment: Segment, files: Files, depth: int) -> Program:
    words = segment.words
    path = files.program(words[0])
    if path is None:
        raise NeedsShell(f"there is no program {words[0]!r} here")
    found = Program(words, path, segment.after)
    if depth > _DEEPEST:
        return replace(found, why="too many wrappers around it")
    if SHELLS.fullmatch(name_of(path)) and trusted(path) and words[1:2] == ("-c",):
        return _shell(found, files, depth)
    at = unwrapped(path, words)
    if at is None:
        return replace(found, why=f"what {name_of(path)} would start cannot be told")
    if at:
        inner = _program(Segment(words[at:]), files, depth + 1)
        return replace(found, words=(*words[:at], inner.path, *inner.words[1:]), inner=inner)
    return _with_file(found, files)


def _shell(found: Program, files: Files, depth: int) -> Program:
    """`sh -c` with one plain program in it."""
    try:
        parts = segments(found.words[2]) if len(found.words) == 3 else ()
        if len(parts) != 1:
            raise NeedsShell("more than one program")
        inner = _program(parts[0], files, depth + 1)
    except NeedsShell as error:
        return replace(found, why=f"{name_of(found.path)} -c: {error}")
    text = shlex.join((inner.path, *inner.words[1:]))
    return replace(found, words=(found.words[0], "-c", text), inner=inner)


def _with_file(found: Program, files: Files) -> Program:
    """A program with the script that it is, or that its first operand names."""
    own: tuple[str, str] | None = None
    if interprets(found.path):
        operand = found.words[1] if len(found.words) > 1 else ""
        own = files.script(operand) if operand and not operand.startswith("-") else None
        if own is None:
            why = f"{name_of(found.path)} runs code from its arguments or input"
            return replace(found, why=why)
    elif not trusted(found.path):
        own = files.script(found.path)
    if own is not None:
        found = replace(found, file=own[0], sha256=own[1])
    return replace(found, why=asks(found.path, found.words))


def covered(
    planned: Plan, patterns: Sequence[str], rules: Sequence[Rule]
) -> tuple[bool, str, list[int]]:
    """Is every program allowed? Else why not; and which grants were used.

    Of an interpreter the script must be on the list as well: it is what runs.
    """
    if not planned.programs:
        return False, planned.why, []
    used: list[int] = []
    for program in planned.programs:
        found = program.last
        why = next((one.why for one in _chain(program) if one.why), None)
        if why is not None:
            return False, why, []
        if is_filter(found.path, found.words):
            continue
        rule = next((one for one in rules if _allows(one, found)), None)
        if rule is not None:
            used += [rule.id] if rule.id is not None else []
            continue
        for path in dict.fromkeys((found.path, found.file or found.path)):
            if not any(matches(pattern, path) for pattern in patterns):
                return False, f"{path} is not on the list of this agent", []
    return True, "", used


def matches(pattern: str, path: str) -> bool:
    """Does a pattern cover a program? Whole paths, in any case; `*` stays within a folder.

    `**` reaches through folders. A program that runs others is only covered by its full name.
    """
    if not pattern.startswith("/"):
        return False
    if not re.search(r"[*?]", pattern):
        return pattern.lower() == path.lower()
    return not launches(path) and bool(re.fullmatch(_regex(pattern), path, re.IGNORECASE))


def _regex(pattern: str) -> str:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(known.get(part, re.escape(part)) for part in parts)


def _allows(rule: Rule, found: Program) -> bool:
    if rule.program != found.path:
        return False
    return rule.script is None or (rule.script, rule.sha256) == (found.file, found.sha256)


def _rule_for(found: Program) -> Rule | None:
    """What to remember of a program; None when the next call could be anything."""
    if found.why is not None:
        return None
    if found.file is not None:
        return Rule(found.path, found.file, found.sha256)
    return None if interprets(found.path) or unnameable(found.path) else Rule(found.path)


def _chain(program: Program) -> list[Program]:
    """A program and what it wraps, outermost first."""
    return [program, *(_chain(program.inner) if program.inner else ())]
