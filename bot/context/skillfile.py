"""A SKILL.md: YAML front matter that says what the skill is, then the text a model follows.

Pure. The author may be anybody, so every field has a type, a length and a plain alphabet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot import jsonio
from bot.config.document import parse
from bot.config.problems import Problem
from bot.errors import ConfigError

FILE = "SKILL.md"
PRODUCT = "trunkline"
MAX_BYTES = 256 << 10
MAX_HEAD = 16 << 10
MAX_DESCRIPTION = 1024
MAX_LIST = 50
MAX_WORD = 200

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_HEAD = re.compile(r"\s*---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.S | re.M)
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
                     r"\U000e0000-\U000e007f]")  # fmt: skip
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class BadSkill(Exception):
    """A SKILL.md that is not used; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be there for a skill to be offered; empty lists ask for nothing."""

    os: tuple[str, ...] = ()
    bins: tuple[str, ...] = ()
    any_bins: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    always: bool = False

    @property
    def programs(self) -> bool:
        """Does it depend on programs, which come and go unseen?"""
        return bool(self.bins or self.any_bins)


@dataclass(frozen=True, slots=True)
class SkillFile:
    """What a SKILL.md says. `key` names its settings under `skills.entries`."""

    name: str
    description: str
    text: str
    key: str
    for_people: bool
    for_model: bool
    tool: str | None
    homepage: str | None
    emoji: str | None
    needs: Needs


def read_skill(text: str) -> SkillFile:
    """Take a SKILL.md apart. Raises BadSkill."""
    head = _HEAD.match(text)
    if head is None:
        raise BadSkill("it does not begin with front matter; write --- lines around name: and "
                       "description:")  # fmt: skip
    if len(head[1]) > MAX_HEAD:
        raise BadSkill(f"its front matter is longer than {MAX_HEAD:,} characters; shorten it")
    fields = _fields(head[1])
    name = _required(fields, "name", 64)
    if not _NAME.fullmatch(name):
        raise BadSkill(f"name {name!r} is not plain; use letters, digits, dashes and spaces")
    own = _own(fields.get("metadata"))
    return SkillFile(
        name=name,
        description=" ".join(_required(fields, "description", MAX_DESCRIPTION).split()),
        text=text,
        key=_word(own, "skillKey") or name,
        for_people=_flag(fields, "user-invocable", True),
        for_model=not _flag(fields, "disable-model-invocation", False),
        tool=_tool(fields),
        homepage=_word(fields, "homepage") or _word(own, "homepage"),
        emoji=_word(own, "emoji"),
        needs=_needs(own),
    )


def _fields(head: str) -> Mapping[str, Any]:
    problems: list[Problem] = []
    try:
        data = parse(head, FILE, problems).data
    except ConfigError as error:
        raise BadSkill(f"its front matter is not YAML: {_first(error)}") from None
    except Exception as error:
        # The YAML library may fail in any way on what a stranger wrote.
        raise BadSkill(f"its front matter cannot be read ({type(error).__name__})") from None
    if problems:
        raise BadSkill(f"its front matter is not sound: {problems[0].what}; {problems[0].fix}")
    if not isinstance(data, dict):
        raise BadSkill("its front matter is no list of `key: value` lines")
    return data


def _first(error: ConfigError) -> str:
    return str(error).splitlines()[0][:300]


def _text(value: Any, name: str, most: int) -> str:
    if not isinstance(value, str | bool | int | float):
        raise BadSkill(f"{name} must be text; write {name}: and words")
    text = str(value).strip()
    if len(text) > most:
        raise BadSkill(f"{name} is longer than {most} characters; shorten it")
    if _HIDDEN.search(text):
        raise BadSkill(f"{name} has invisible characters; type it again")
    return jsonio.clean_text(text)


def _required(fields: Mapping[str, Any], name: str, most: int) -> str:
    value = fields.get(name)
    text = "" if value is None else _text(value, name, most)
    if not text:
        raise BadSkill(f"{name} is missing; add {name}: to its front matter")
    return text


def _word(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return None if value is None else _text(value, name, MAX_WORD) or None


def _flag(fields: Mapping[str, Any], name: str, default: bool) -> bool:
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise BadSkill(f"{name} must be true or false")
    return value


def _tool(fields: Mapping[str, Any]) -> str | None:
    """The tool that the skill's command calls without asking a model."""
    dispatch = _word(fields, "command-dispatch")
    if dispatch is None:
        return None
    if dispatch != "tool":
        raise BadSkill("command-dispatch can only be tool; leave it out to ask the model")
    if (_word(fields, "command-arg-mode") or "raw") != "raw":
        raise BadSkill("command-arg-mode can only be raw")
    return _required(fields, "command-tool", MAX_WORD)


def _own(metadata: Any) -> Mapping[str, Any]:
    """The product's part of `metadata`, or the only part there is."""
    if isinstance(metadata, str):
        try:
            metadata = jsonio.loads(metadata, max_bytes=MAX_HEAD)
        except ValueError as error:
            raise BadSkill(f"metadata is {error}; write one JSON object") from None
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise BadSkill("metadata must be one object")
    parts = [part for part in metadata.values() if isinstance(part, dict)]
    own = metadata.get(PRODUCT, parts[0] if len(parts) == 1 else {})
    if not isinstance(own, dict):
        raise BadSkill(f"metadata.{PRODUCT} must be an object")
    return own


def _needs(own: Mapping[str, Any]) -> Needs:
    requires = own.get("requires")
    if requires is not None and not isinstance(requires, dict):
        raise BadSkill("requires must be an object of lists: bins, anyBins, env, config")
    asked: Mapping[str, Any] = requires or {}
    env = _list(asked, "env")
    if wrong := next((name for name in env if not _ENV.fullmatch(name)), None):
        raise BadSkill(f"requires.env: {wrong!r} is not the name of a variable")
    bins, any_bins = _list(asked, "bins"), _list(asked, "anyBins")
    if wrong := next((name for name in (*bins, *any_bins) if "/" in name), None):
        raise BadSkill(f"requires.bins: {wrong!r} is a path; write the program's name")
    return Needs(
        os=_list(own, "os"),
        bins=bins,
        any_bins=any_bins,
        env=env,
        config=_list(asked, "config"),
        always=_flag(own, "always", False),
    )


def _list(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or len(value) > MAX_LIST:
        raise BadSkill(f"{name} must be a list of at most {MAX_LIST} words")
    return tuple(_text(one, name, MAX_WORD) for one in value)
